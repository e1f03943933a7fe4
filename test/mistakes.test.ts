import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { systemClock } from '@sangam/core/clock';
import type { Service } from '@sangam/service';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addConnection, createServiceFixture, type ServiceFixture } from './harness/index.ts';

/** What an admin does wrong: each answer says what it was, and what to do. */

let fixture: ServiceFixture;
let service: Service;
let session: string;
/** By the name that stands for it in a path. */
const ids = { unknown: randomUUID(), here: '', gone: randomUUID(), own: '', letter: randomUUID() };

beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.openService({ work: false });
  const { workspaceId } = fixture.parties;
  ids.here = fixture.parties.hubspot.connectionId;
  ids.own = fixture.parties.whatsapp.channelId;
  const member = randomUUID();
  await fixture.store.transact(workspaceId, async (trx) => {
    const now = systemClock.now();
    await sql`insert into members (workspace_id, member_id, email, role, created_at)
              values (${workspaceId}, ${member}, 'admin@sangam.example', 'admin', ${now})`.execute(trx);
    await addConnection(trx, {
      connection_id: ids.gone,
      crm: 'hubspot',
      account: '1',
      created_at: now,
      disconnected_at: now,
    });
    await sql`insert into dead_letters (workspace_id, dead_letter_id, reason, explanation, source, payload, received_at,
                                        parked_at)
              values (${workspaceId}, ${ids.letter}, 'foreign channel', 'Nobody.', 'whatsapp', '{', ${now}, ${now})`.execute(
      trx,
    );
    // A number under the app of the installation.
    await sql`update channels set app_secret = null, verify_token = null where workspace_id = ${workspaceId}`.execute(
      trx,
    );
  });
  session = (await service.sessions.enter(await service.sessions.makeLink(workspaceId, member))) ?? '';
});
afterAll(() => fixture.close());

interface Mistake {
  readonly body?: unknown;
  /** As it travels, where it is no JSON. */
  readonly raw?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
  readonly says: readonly string[];
  readonly status?: number;
}

async function ask(
  request: string,
  { body, raw, headers }: Mistake,
): Promise<{ status: number; said: string }> {
  const [method, target = ''] = request.split(' ', 2);
  const sent = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const route = target.replaceAll(/:(\w+)/g, (_, name: keyof typeof ids) => ids[name]);
  const response = await fetch(`${service.url()}${route.startsWith('/api') ? '' : '/api/v1'}${route}`, {
    method: method ?? 'GET',
    headers: {
      authorization: `Bearer ${session}`,
      ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(sent === undefined ? {} : { body: sent }),
  });
  return { status: response.status, said: await response.text() };
}

const mistakes: readonly (readonly [string, string, Mistake])[] = [
  // What cannot be read.
  [
    'no content type',
    'POST /channels',
    { raw: '{}', headers: { 'content-type': 'text/plain' }, says: ['content-type: application/json'] },
  ],
  [
    'a form',
    'POST /channels',
    {
      raw: 'a=1',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      says: ['content-type: application/json'],
    },
  ],
  ['no body', 'PUT /connections/:here/mode', { says: ['JSON object', 'content-type: application/json'] }],
  [
    'no JSON',
    'PUT /connections/:here/mode',
    { raw: "{'mode': 'live'}", says: ['valid JSON', 'double quotes'] },
  ],
  [
    'a hand-over to come',
    'POST /phones/hand-over',
    { body: { phone: '+919820020001', from: '2999-01-01T00:00:00Z' }, says: ['from', 'must not lie ahead'] },
  ],
  [
    'a number without its country',
    'POST /channels',
    {
      body: {
        phoneNumberId: '555000777',
        wabaId: '1',
        displayPhoneNumber: '98123 45678',
        appSecret: 'a secret of our app',
        verifyToken: 'verify-this',
      },
      says: ['displayPhoneNumber', 'country code'],
    },
  ],
  ['a text', 'PUT /connections/:here/mode', { raw: '"live"', says: ['JSON object'] }],
  ['a list', 'PUT /connections/:here/mode', { body: ['live'], says: ['must be an object'] }],
  [
    'another alphabet',
    'PUT /connections/:here/mode',
    {
      raw: '{}',
      headers: { 'content-type': 'application/json; charset=latin1' },
      status: 415,
      says: ['UTF-8'],
    },
  ],
  [
    'an unknown packing',
    'PUT /connections/:here/mode',
    { raw: '{}', headers: { 'content-encoding': 'zstd9' }, status: 415, says: ['content-encoding'] },
  ],
  [
    'a wrong packing',
    'PUT /connections/:here/mode',
    { raw: '{}', headers: { 'content-encoding': 'gzip' }, says: ['content-encoding'] },
  ],
  [
    'a packed body that was cut',
    'PUT /connections/:here/mode',
    {
      raw: gzipSync('{"mode":"live"}').subarray(0, 20),
      headers: { 'content-encoding': 'gzip' },
      says: ['body', 'content-encoding'],
    },
  ],
  [
    'too much',
    'POST /channels',
    { body: { appSecret: 'x'.repeat(2 ** 20) }, status: 413, says: ['larger than 1 MB'] },
  ],
  ['a wrong address', 'GET /connection', { status: 404, says: ['docs/api.md'] }],
  ['an address of before', 'GET /api/dead-letters', { status: 404, says: ['/api/v1'] }],
  ['half a percent sign', 'GET /dead-letters?reason=%zz', { says: ['percent-encoding'] }],
  [
    'NUL',
    'POST /dead-letters/:letter/set-aside',
    { body: { reason: '\0' }, says: ['reason', 'take it out'] },
  ],
  [
    'NUL in a name',
    'PUT /connections/:here/settings',
    {
      body: { owner: { kind: 'by ad', owners: { 'a\0d': '1' } } },
      says: ['owner.owners: holds NUL', 'take it out'],
    },
  ],
  [
    'half a character in a name',
    'PUT /connections/:here/mode',
    { raw: String.raw`{"\ud800": 1}`, says: ['half a character', 'take it out'] },
  ],
  [
    'NUL in a cursor',
    `GET /members?cursor=${Buffer.from(String.raw`"a\u0000"`).toString('base64url')}`,
    { says: ['cursor: is no cursor of this list', '`next`'] },
  ],
  // Names and values.
  ['nothing of a connection', 'POST /connections', { body: {}, says: ['crm: must be one of \\"hubspot\\"'] }],
  ['a CRM and no more', 'POST /connections', { body: { crm: 'hubspot' }, says: ['accessToken: is missing'] }],
  [
    'what is not of this CRM',
    'POST /connections',
    {
      body: { crm: 'hubspot', accessToken: 'x'.repeat(20), host: 'elsewhere' },
      says: ['host: is not known here', 'crm, accessToken'],
    },
  ],
  [
    'a CRM there is not, by OAuth',
    'GET /connections/nosuch/authorize',
    { status: 404, says: ['no_such_crm', 'hubspot'] },
  ],
  [
    'a CRM there is not',
    'POST /connections',
    { body: { crm: 'salesforce', accessToken: 'x'.repeat(20) }, says: ['must be one of \\"hubspot\\"'] },
  ],
  [
    'a first wrong token',
    'POST /connections',
    {
      body: { crm: 'hubspot', accessToken: 'pat-na1-of-nobody' },
      says: ['accessToken', 'does not accept', 'copy'],
    },
  ],
  [
    'a mode there is not',
    'PUT /connections/:here/mode',
    { body: { mode: 'production' }, says: ['shadow', 'test', 'live'] },
  ],
  [
    'a mistyped name',
    'PUT /connections/:here/mode',
    { body: { mode: 'live', phones: [] }, says: ['phones: is not known here', 'mode, testPhones'] },
  ],
  [
    'one for a list',
    'PUT /connections/:here/mode',
    { body: { mode: 'test', testPhones: '+919812345678' }, says: ['testPhones: must be a list'] },
  ],
  [
    'a test of nobody',
    'PUT /connections/:here/mode',
    { body: { mode: 'test' }, says: ['testPhones', 'at least one'] },
  ],
  [
    'a number without country',
    'PUT /connections/:here/mode',
    { body: { mode: 'test', testPhones: ['98123 45678'] }, says: ['testPhones[0]', 'country code'] },
  ],
  [
    'a setting there is not',
    'PUT /connections/:here/settings',
    { body: { creation: { polcy: 'never' } }, says: ['creation.polcy', 'policy, keywords'] },
  ],
  [
    'a setting for a section',
    'PUT /connections/:here/settings',
    { body: { creation: 'never' }, says: ['creation: must be an object'] },
  ],
  [
    'text for a number',
    'PUT /connections/:here/settings',
    { body: { creation: { rush: { least: '5' } } }, says: ['creation.rush.least: must be a number'] },
  ],
  [
    'too little',
    'PUT /connections/:here/settings',
    { body: { creation: { rush: { factor: 0 } } }, says: ['must be at least 1'] },
  ],
  [
    'a rule there is not',
    'PUT /connections/:here/settings',
    { body: { owner: { kind: 'roundrobin' } }, says: ['owner.kind', 'round robin'] },
  ],
  [
    'a rule of nobody',
    'PUT /connections/:here/settings',
    {
      body: { owner: { kind: 'round robin', ownerIds: [] } },
      says: ['owner.ownerIds: must hold at least 1'],
    },
  ],
  [
    'an owner there is not',
    'PUT /connections/:here/settings',
    { body: { owner: { kind: 'fixed', ownerId: '404' } }, says: ['404', '/owners'] },
  ],
  ['no settings', 'PUT /connections/:here/settings', { body: [], says: ['must be an object'] }],
  [
    'an empty mapping',
    'PUT /connections/:here/mapping',
    { body: { mapping: [] }, says: ['mapping: must hold at least 1'] },
  ],
  [
    'a stand-in without quotes',
    'PUT /connections/:here/mapping',
    {
      body: { mapping: [{ source: 'first name', field: 'firstname', policy: 'once', standIns: ['Friend'] }] },
      says: ['mapping[0].standIns[0]', 'single quotes'],
    },
  ],
  [
    'an owner of a field there is not',
    'PUT /connections/:here/mapping',
    {
      body: { mapping: [{ source: 'first name', field: 'firstname', owner: 'us' }] },
      says: ['mapping[0].owner', 'ours'],
    },
  ],
  [
    'a short secret',
    'PUT /connections/:here/webhook-secret',
    { body: { secret: 'x' }, says: ['at least 16 characters'] },
  ],
  [
    'a secret where none is',
    'PUT /connections/:here/webhook-secret',
    { body: { secret: 'x'.repeat(20) }, status: 409, says: ['nothing to enter'] },
  ],
  [
    'a phone for an id',
    'POST /channels',
    {
      body: {
        phoneNumberId: '+91 98123',
        wabaId: 'x',
        portfolioId: 'y',
        displayPhoneNumber: '+91 98123 45678',
        appSecret: 'x'.repeat(20),
        verifyToken: 'x'.repeat(20),
      },
      says: ['phoneNumberId', 'digits', 'wabaId', 'portfolioId'],
    },
  ],
  [
    'a secret of an app that is not its own',
    'POST /channels/:own/app-secret',
    { body: { appSecret: 'x'.repeat(20) }, status: 409, says: ['META_APP_SECRET'] },
  ],
  [
    'a language there is not',
    'PUT /channels/:own/settings',
    { body: { optWordLanguages: ['klingon'] }, says: ['optWordLanguages[0]', 'en'] },
  ],
  ['no tag', 'POST /contacts/:unknown/tags', { body: {}, says: ['at least one tag'] }],
  [
    'an empty tag',
    'POST /contacts/:unknown/tags',
    { body: { add: [' '] }, says: ['add[0]: must have at least 1 character'] },
  ],
  ['a bare plus', 'GET /contacts?phone=+919812345678', { says: ['phone', '%2B'] }],
  ['no phone', 'GET /contacts', { says: ['phone: is missing'] }],
  ['a day of another form', 'GET /statement?day=23-11-2026&timeZone=UTC', { says: ['day', '2026-11-23'] }],
  [
    'a zone of another form',
    'GET /statement?day=2026-11-23&timeZone=IST5',
    { says: ['timeZone', 'Asia/Kolkata'] },
  ],
  ['a time of another form', 'GET /audit?from=yesterday', { says: ['from', '2026-11-23T09:30:00Z'] }],
  ['a limit that is none', 'GET /alerts?limit=ten', { says: ['limit: must be a number'] }],
  ['too many', 'GET /alerts?limit=1000', { says: ['limit: must be at most 500'] }],
  ['twice', 'GET /alerts?limit=1&limit=2', { says: ['limit: must be a number'] }],
  ['neither yes nor no', 'GET /dead-letters?setAside=maybe', { says: ['setAside: must be true or false'] }],
  [
    'no section',
    'GET /connections/:here/check/report',
    { says: ['section', 'several records', 'unreadable numbers'] },
  ],
  [
    'a section there is not',
    'GET /connections/:here/check/report?section=all',
    { says: ['section', 'several records', 'unreadable numbers'] },
  ],
  [
    'an id that is none',
    'POST /contacts/:unknown/join',
    { body: { contactId: '5' }, says: ['contactId', 'id'] },
  ],
  // What is not there.
  [
    'a connection there is not',
    'GET /connections/:unknown/occurrences',
    { status: 404, says: ['no such connection', 'GET /api/v1/connections'] },
  ],
  [
    'a check of a connection there is not',
    'GET /connections/:unknown/check',
    { status: 404, says: ['no such connection', 'GET /api/v1/connections'] },
  ],
  [
    'an end to a check of a connection there is not',
    'DELETE /connections/:unknown/check',
    { status: 404, says: ['no such connection'] },
  ],
  ['an end to no check', 'DELETE /connections/:here/check', { status: 404, says: ['nothing to stop'] }],
  ['a look at no check', 'GET /connections/:here/check', { status: 404, says: ['start a check'] }],
  [
    'a field that is not parked',
    'POST /connections/:here/fields/firstname/unpark',
    { status: 404, says: ['parkedFields'] },
  ],
  [
    'a field called as what every object has',
    'POST /connections/:here/fields/constructor/unpark',
    { status: 404, says: ['parkedFields'] },
  ],
  [
    'a contact there is not',
    'POST /contacts/:unknown/erase',
    { status: 404, says: ['no such contact', 'contacts?phone='] },
  ],
  [
    'a conflict there is not',
    'POST /conflicts/:unknown/dismiss',
    { status: 404, says: ['GET /api/v1/conflicts?state=open'] },
  ],
  [
    'an alert there is not',
    'POST /alerts/:unknown/close',
    { status: 404, says: ['GET /api/v1/alerts?state=open'] },
  ],
  [
    'a letter there is not',
    'POST /dead-letters/:unknown/replay',
    { status: 404, says: ['GET /api/v1/dead-letters'] },
  ],
  // Not as things stand.
  [
    'a retry of what is disconnected',
    'POST /connections/:gone/retry',
    { status: 409, says: ['disconnected', 'POST /api/v1/connections'] },
  ],
  [
    'a check of what is disconnected',
    'POST /connections/:gone/check',
    { status: 409, says: ['disconnected', 'connect it again'] },
  ],
  [
    'a mode of what is disconnected',
    'PUT /connections/:gone/mode',
    { body: { mode: 'live' }, status: 409, says: ['disconnected', 'connect it again'] },
  ],
  [
    'a mapping of what is disconnected',
    'PUT /connections/:gone/mapping',
    { body: { mapping: null }, status: 409, says: ['disconnected', 'connect it again'] },
  ],
  [
    'a rest for what can go on',
    'POST /dead-letters/:letter/set-aside',
    { body: { reason: 'tired' }, status: 409, says: ['replay'] },
  ],
  ['creating in shadow', 'POST /connections/:gone/provisioning', { status: 409, says: ['shadow'] }],
];

test.each(mistakes)('%s is told what it was and what to do: %s', async (_name, request, mistake) => {
  const { status, said } = await ask(request, mistake);
  expect({ status, said }).toEqual({ status: mistake.status ?? 400, said: expect.any(String) });
  for (const words of mistake.says) expect(said).toContain(words);
  // The words of the tool that read it are for programmers.
  expect(said).not.toMatch(
    /Invalid (input|option|string|discriminator)|expected|received|Too (small|big)|pattern/,
  );
});
