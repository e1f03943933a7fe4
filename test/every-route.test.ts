import { randomInt, randomUUID } from 'node:crypto';
import { systemClock } from '@sangam/core/clock';
import {
  type AuditAction,
  directoryTables,
  connectChannel,
  listAudit,
  type MemberRole,
  openConflicts,
  operatorId,
  parkFields,
  raiseAlert,
  saveDecision,
  saveLinks,
  type WorkspaceTransaction,
} from '@sangam/core/store';
import type { Service } from '@sangam/service';
import { sql } from 'kysely';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addConnection, createServiceFixture, everyStoredRow, type ServiceFixture } from './harness/index.ts';

/** Every route of the API: who may ask it, that it stays in its workspace, and that what it changes is in the audit. */

let fixture: ServiceFixture;
let service: Service;
/** The sandbox's workspace, and what is in it. */
let workspaceId: string;
let connectionId: string;
let channelId: string;
const [elsewhere, live] = [randomUUID(), randomUUID()];
const liveConnection = randomUUID();
const hubspot = { crm: 'hubspot', created_at: 0 } as const;

beforeAll(async () => {
  fixture = await createServiceFixture();
  // Nothing is applied or written to the CRM behind the back of what is asked.
  service = await fixture.openService({ work: false });
  ({ workspaceId } = fixture.parties);
  ({ connectionId } = fixture.parties.hubspot);
  ({ channelId } = fixture.parties.whatsapp);
  for (const [id, sandbox] of [
    [elsewhere, true],
    [live, false],
  ] as const) {
    await inside(async (trx) => {
      const values = { workspace_id: id, name: 'Another', sandbox, created_at: 0 };
      await trx.insertInto('workspaces').values(values).execute();
    }, id);
  }
  await inside((trx) => addConnection(trx, { ...hubspot, connection_id: liveConnection }), live);
});
afterAll(() => fixture.close());

function inside<Result>(
  work: (trx: WorkspaceTransaction) => Promise<Result>,
  workspace = workspaceId,
): Promise<Result> {
  return fixture.store.transact(workspace, work);
}

/** How a route is asked so that it does what it is for, once. */
interface Example {
  /** Of the path. */
  readonly ids?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly body?: object;
  /** In place of it: bytes, and what they are called. */
  readonly file?: { readonly type: string; readonly bytes: string };
  /** What must not be found in the audit. */
  readonly secret?: string;
  /** Where it can be done, when not in the sandbox's workspace. */
  readonly workspaceId?: string;
}
interface Reads {
  readonly example: () => Promise<Example>;
  readonly audit?: undefined;
}
interface Writes {
  readonly example: () => Promise<Example>;
  readonly audit: AuditAction;
}

const reads = (make: () => Example | Promise<Example> = () => ({})): Reads => ({
  example: async () => make(),
});
const writes = (audit: AuditAction, make: () => Example | Promise<Example>): Writes => ({
  example: async () => make(),
  audit,
});
const now = (): number => systemClock.now();
const somePhone = (): string => `+9198${String(randomInt(10_000_000, 99_999_999))}`;
const ofConnection = (more: Omit<Example, 'ids'> = {}): Example => ({ ids: { connectionId }, ...more });

async function contact(workspace = workspaceId): Promise<string> {
  const contactId = randomUUID();
  await inside(async (trx) => {
    await sql`insert into contacts (workspace_id, contact_id, created_at)
              values (${workspace}, ${contactId}, ${now()})`.execute(trx);
    await sql`insert into identities (workspace_id, value, since, contact_id)
              values (${workspace}, ${somePhone()}, 0, ${contactId})`.execute(trx);
  }, workspace);
  return contactId;
}

function channel(): Promise<string> {
  const number = {
    phoneNumberId: String(randomInt(1e9, 1e12)),
    displayPhoneNumber: somePhone(),
    region: 'IN',
  };
  const account = { wabaId: '1', portfolio: '1', app: 'own' } as const;
  const secrets = { appSecret: null, verifyToken: null, accessToken: null };
  return inside((trx) => connectChannel(trx, { ...number, ...account, ...secrets }, now()));
}

/** Somebody who never wrote, and a template of the sandbox's account. */
async function message(): Promise<{ clientId: string; [key: string]: unknown }> {
  const template = { name: 'welcome', language: 'en' };
  return Promise.resolve({
    clientId: randomUUID(),
    to: { phone: somePhone() },
    channelId,
    content: { type: 'template', template },
  });
}

/** Of somebody who wrote, as the sandbox's phone has it. */
async function inboundMessage(): Promise<string> {
  const written = { from: somePhone(), type: 'text', text: 'Hello' };
  return (await fixture.control<{ wamid: string }>('POST', '/whatsapp/customer/messages', written)).wamid;
}

async function send(state: string): Promise<string> {
  const sendId = randomUUID();
  await inside((trx) =>
    sql`insert into sends (workspace_id, send_id, client_id, request_hash, channel_id, phone, sender_kind, sender, category,
                           content, state, priority, asked_at, expires_at, changed_at)
        values (${workspaceId}, ${sendId}, ${sendId}, '', ${channelId}, ${somePhone()}, 'member', '', 'service',
                '{"type":"text","text":"Hello"}', ${state}, 0, ${now()}, ${now() + 1e9}, ${now()})`.execute(
      trx,
    ),
  );
  return sendId;
}

async function deadLetter(): Promise<Example> {
  const deadLetterId = randomUUID();
  await inside((trx) =>
    sql`insert into dead_letters (workspace_id, dead_letter_id, reason, explanation, source, payload, received_at,
                                  parked_at)
        values (${workspaceId}, ${deadLetterId}, 'malformed', 'It lacks a time.', 'whatsapp', '{}', ${now()}, ${now()})`.execute(
      trx,
    ),
  );
  return { ids: { deadLetterId } };
}

async function keptEvent(): Promise<Example> {
  const id = Buffer.from(`${randomUUID()}${randomUUID()}`.replaceAll('-', ''), 'hex').subarray(0, 24);
  await inside((trx) =>
    sql`insert into kept_events (workspace_id, event_key, content_hash, what, at, received_at, payload)
        values (${workspaceId}, ${id.subarray(0, 16)}, ${id.subarray(16)}, 'calls', ${now()}, ${now()}, '{}')`.execute(
      trx,
    ),
  );
  return { ids: { keptEventId: id.toString('hex') } };
}

async function conflict(body?: object): Promise<Example> {
  const contactId = await contact();
  const two = { connectionId, contactId, recordIds: ['r1', 'r2'], explanation: 'Two.' };
  const { rows } = await inside(async (trx) => {
    await openConflicts(trx, [{ kind: 'two records', ...two }], now());
    return sql<{ id: string }>`select conflict_id as id from conflicts
                               where workspace_id = ${workspaceId} and contact_id = ${contactId}`.execute(
      trx,
    );
  });
  return { ids: { conflictId: rows[0]?.id ?? '' }, ...(body === undefined ? {} : { body }) };
}

async function alert(): Promise<Example> {
  const subject = randomUUID();
  const { rows } = await inside(async (trx) => {
    await raiseAlert(trx, { kind: 'WhatsApp template', subject, message: 'It is paused.' }, now());
    return sql<{ id: string }>`select alert_id as id from alerts
                               where workspace_id = ${workspaceId} and subject = ${subject}`.execute(trx);
  });
  return { ids: { alertId: rows[0]?.id ?? '' } };
}

/** The connection with a check under way. */
async function checked(query = ''): Promise<Example> {
  await inside((trx) =>
    sql`insert into checks (workspace_id, connection_id, check_id, state, region, started_at)
        values (${workspaceId}, ${connectionId}, ${randomUUID()}, 'running', 'IN', ${now()})
        on conflict do nothing`.execute(trx),
  );
  return ofConnection({ query });
}

async function medium(): Promise<Example> {
  const { session } = await signIn('rep');
  const file = { type: 'text/plain', bytes: 'Words' };
  const { text } = await ask('POST /media', { file }, session);
  return { ids: { mediaId: (JSON.parse(text) as { mediaId: string }).mediaId } };
}

async function link(): Promise<Example> {
  const contactId = await contact();
  await inside((trx) =>
    saveLinks(trx, connectionId, [{ contactId, recordId: 'r7', primary: true, reason: 'our id' }], now()),
  );
  return { ids: { contactId }, body: { connectionId, recordId: 'r7' } };
}

const routes: Readonly<Record<string, Reads | Writes>> = {
  'GET /contacts': reads(() => ({ query: `phone=${encodeURIComponent(somePhone())}` })),
  'POST /contacts/:contactId/tags': writes('change tags', async () => ({
    ids: { contactId: await contact() },
    body: { add: ['Asha is ill'] },
    secret: 'Asha is ill',
  })),
  'POST /contacts/:contactId/erase': writes('erase person', async () => ({
    ids: { contactId: await contact() },
  })),
  'GET /erasures': reads(),
  'POST /sends': writes('send message', async () => ({ body: await message() })),
  'POST /sends/preview': reads(async () => {
    const { clientId: _, ...asked } = await message();
    return { body: asked };
  }),
  'POST /messages/read': reads(async () => ({ body: { channelId, wamid: await inboundMessage() } })),
  'GET /sends': reads(),
  'GET /sends/:sendId': reads(async () => ({ ids: { sendId: await send('queued') } })),
  'POST /sends/:sendId/retry': writes('retry send', async () => ({ ids: { sendId: await send('failed') } })),
  'POST /sends/:sendId/cancel': writes('cancel send', async () => ({
    ids: { sendId: await send('queued') },
  })),
  'GET /templates': reads(),
  'POST /templates/sync': writes('sync templates', () => ({ body: { channelId } })),
  'GET /templates/starters': reads(),
  'POST /templates/starters': writes('submit template', () => ({
    body: { channelId, name: 'sangam_welcome', language: 'en' },
  })),
  'GET /sending/settings': reads(),
  'PUT /sending/settings': writes('change sending settings', () => ({
    body: { quietHours: { from: '21:00', until: '09:00' } },
  })),
  'GET /pauses': reads(),
  'POST /pauses': writes('pause', () => ({ body: { scope: 'workspace' } })),
  'POST /pauses/resume': writes('resume', () => ({ body: { scope: 'workspace' } })),
  'GET /channels/:channelId/sending': reads(() => ({ ids: { channelId } })),
  'PUT /channels/:channelId/sending': writes('set mode', () => ({
    ids: { channelId },
    body: { mode: 'live' },
  })),
  'POST /channels/:channelId/continue': writes('continue channel', () => ({ ids: { channelId } })),
  'POST /contacts/:contactId/relink': writes('relink', link),
  'POST /contacts/:contactId/unlink': writes('unlink', link),
  'POST /contacts/:contactId/join': writes('join', async () => ({
    ids: { contactId: await contact() },
    body: { contactId: await contact() },
    secret: '+91',
  })),
  'POST /phones/hand-over': writes('hand over', () => ({
    body: { phone: '+919811111111', from: '2026-11-01T00:00:00Z' },
    secret: '9811111111',
  })),
  'GET /conflicts': reads(),
  'POST /conflicts/:conflictId/accept': writes('accept conflict', () => conflict({ recordId: 'r2' })),
  'POST /conflicts/:conflictId/dismiss': writes('dismiss conflict', () => conflict()),
  'GET /decisions': reads(),
  'POST /decisions/:decisionId/undo': writes('undo decision', async () => {
    const decision = { kind: 'join' as const, subject: {}, memberId: randomUUID(), at: now() };
    return { ids: { decisionId: await inside((trx) => saveDecision(trx, decision)) } };
  }),

  'POST /media': writes('add medium', () => ({
    query: 'filename=Asha.txt',
    file: { type: 'text/plain', bytes: 'Words of Asha' },
    secret: 'Asha',
  })),
  'GET /media': reads(() => ({ query: `contactId=${randomUUID()}` })),
  'GET /media/:mediaId': reads(medium),

  'GET /connections': reads(),
  'POST /connections': writes('reconnect account', () => {
    const { accessToken } = fixture.parties.hubspot;
    return { body: { crm: 'hubspot', accessToken }, secret: accessToken };
  }),
  'GET /connections/:crm/authorize': reads(() => ({ ids: { crm: 'hubspot' } })),
  'GET /connections/:connectionId': reads(ofConnection),
  'DELETE /connections/:connectionId': writes('disconnect account', async () => {
    const id = randomUUID();
    await inside((trx) => addConnection(trx, { ...hubspot, connection_id: id }));
    return { ids: { connectionId: id } };
  }),
  'PUT /connections/:connectionId/mode': writes('set mode', () =>
    ofConnection({ body: { mode: 'live', testPhones: ['+919811111111'] }, secret: '9811111111' }),
  ),
  'POST /connections/:connectionId/retry': writes('retry connection', ofConnection),
  'PUT /connections/:connectionId/webhook-secret': writes('set webhook secret', () => ({
    ids: { connectionId: liveConnection },
    body: { secret: 'a secret of theirs' },
    secret: 'a secret of theirs',
    workspaceId: live,
  })),
  'GET /connections/:connectionId/settings': reads(ofConnection),
  'PUT /connections/:connectionId/settings': writes('change settings', () =>
    ofConnection({ body: { creation: { blockedPhones: ['+919811111111'] } }, secret: '9811111111' }),
  ),
  'GET /connections/:connectionId/mapping': reads(ofConnection),
  'PUT /connections/:connectionId/mapping': writes('reset mapping', () =>
    ofConnection({ body: { mapping: null } }),
  ),
  'GET /connections/:connectionId/fields': reads(ofConnection),
  'POST /connections/:connectionId/fields/:name/unpark': writes('unpark field', async () => {
    await inside((trx) => parkFields(trx, connectionId, ['wa_tags'], { at: 0, why: 'It vanished.' }));
    return { ids: { connectionId, name: 'wa_tags' } };
  }),
  'GET /connections/:connectionId/owners': reads(ofConnection),
  'GET /connections/:connectionId/provisioning': reads(ofConnection),
  'POST /connections/:connectionId/provisioning': writes('provision', ofConnection),
  'GET /connections/:connectionId/preview': reads(ofConnection),
  'GET /connections/:connectionId/occurrences': reads(ofConnection),
  'POST /connections/:connectionId/check': writes('start check', ofConnection),
  'GET /connections/:connectionId/check': reads(checked),
  'DELETE /connections/:connectionId/check': writes('stop check', () => checked()),
  'GET /connections/:connectionId/check/report': reads(() => checked('section=fields')),
  'GET /connections/:connectionId/check/report.csv': reads(() => checked('section=fields')),
  'POST /connections/:connectionId/release': writes('release held people', ofConnection),

  'GET /channels': reads(),
  'POST /channels': writes('add channel', () => ({
    body: {
      phoneNumberId: String(randomInt(1e9, 1e12)),
      wabaId: '1',
      displayPhoneNumber: '+91 98111 11111',
      appSecret: 'a secret of our app',
      verifyToken: 'a secret of our app',
    },
    secret: 'a secret of our app',
  })),
  'DELETE /channels/:channelId': writes('release channel', async () => ({
    ids: { channelId: await channel() },
  })),
  'PUT /channels/:channelId/access-token': writes('set access token', () => ({
    ids: { channelId },
    body: { accessToken: fixture.parties.whatsapp.accessToken },
    secret: fixture.parties.whatsapp.accessToken,
  })),
  'POST /channels/:channelId/app-secret': writes('rotate app secret', () => ({
    ids: { channelId },
    body: { appSecret: 'a secret of our app' },
    secret: 'a secret of our app',
  })),
  'PUT /channels/:channelId/settings': writes('set opt-out word languages', () => ({
    ids: { channelId },
    body: { optWordLanguages: ['en'] },
  })),

  'GET /dead-letters': reads(),
  'GET /dead-letters/counts': reads(),
  'GET /dead-letters/:deadLetterId': reads(deadLetter),
  'POST /dead-letters/:deadLetterId/replay': writes('replay dead letters', deadLetter),
  'POST /dead-letters/replay': writes('replay dead letters', () => ({})),
  'POST /dead-letters/:deadLetterId/set-aside': writes('set dead letter aside', async () => ({
    ...(await deadLetter()),
    body: { reason: 'Asha said so' },
    secret: 'Asha',
  })),
  'GET /kept-events': reads(),
  'GET /kept-events/counts': reads(),
  'GET /kept-events/:keptEventId': reads(keptEvent),
  'GET /alerts': reads(),
  'POST /alerts/:alertId/close': writes('close alert', alert),
  'GET /statement': reads(() => ({ query: 'day=2026-11-23&timeZone=UTC' })),
  'GET /statement.csv': reads(() => ({ query: 'day=2026-11-23&timeZone=UTC' })),
  'GET /audit': reads(),

  'GET /members': reads(),
  'PUT /members/:memberId/phone': writes('set member phone', async () => ({
    ids: { memberId: (await signIn('rep')).memberId },
    body: { phone: '+919811111111' },
    secret: '9811111111',
  })),
  'DELETE /session': writes('end session', () => ({})),
  'DELETE /session/all': writes('end all sessions', () => ({})),
};

interface SignedIn {
  readonly memberId: string;
  readonly session: string;
}

async function signIn(role: MemberRole, workspace = workspaceId): Promise<SignedIn> {
  const memberId = randomUUID();
  await inside(
    (trx) =>
      trx
        .insertInto('members')
        .values({
          workspace_id: workspace,
          member_id: memberId,
          email: `${memberId}@sangam.example`,
          role,
          created_at: 0,
        })
        .execute(),
    workspace,
  );
  const session = await service.sessions.enter(await service.sessions.makeLink(workspace, memberId));
  return { memberId, session: session ?? '' };
}

interface Asked {
  readonly status: number;
  readonly code: string | undefined;
  readonly text: string;
}

async function ask(name: string, example: Example, session: string | undefined): Promise<Asked> {
  const [method = '', route = ''] = name.split(' ');
  const path = route.replaceAll(/:(\w+)/g, (_, id) => example.ids?.[String(id)] ?? '');
  const response = await fetch(`${service.url()}/api/v1${path}?${example.query ?? ''}`, {
    method,
    headers: {
      'content-type': example.file?.type ?? 'application/json',
      ...(session === undefined ? {} : { authorization: `Bearer ${session}` }),
    },
    ...(example.body === undefined ? {} : { body: JSON.stringify(example.body) }),
    ...(example.file === undefined ? {} : { body: example.file.bytes }),
  });
  const text = await response.text();
  const code = /^\{"error":\{"code":"(\w+)"/.exec(text)?.[1];
  return { status: response.status, code, text };
}

/** All a workspace has, besides how far its limits of calls are used. */
async function everything(workspace: string): Promise<string> {
  const rows = (await everyStoredRow(fixture.store, workspace)).filter(({ table }) => table !== 'crm_limits');
  const directory = await inside(async (trx) => {
    const all: string[] = [];
    for (const table of directoryTables) {
      const found = await sql`select * from ${sql.table(table)} where workspace_id = ${workspace}`.execute(
        trx,
      );
      all.push(...found.rows.map((row) => JSON.stringify(row)).toSorted());
    }
    return all;
  }, workspace);
  return [...rows.map(({ text }) => text), ...directory].join('\n');
}

const roles: readonly MemberRole[] = ['read-only', 'rep', 'admin'];
/** With the route's own word of who may. */
const all = (): { name: string; may: MemberRole; writing: boolean }[] =>
  service.apiRoutes.map(({ method, path, may }) => ({
    name: `${method} ${path}`,
    may,
    // These have a body, and change nothing that is ours.
    writing: method !== 'GET' && path !== '/sends/preview' && path !== '/messages/read',
  }));
const exampleOf = async (name: string): Promise<Example> => (await routes[name]?.example()) ?? {};

test('there is an example of each route, and each writes or reads as its method says', () => {
  expect(Object.keys(routes).toSorted()).toEqual(
    all()
      .map(({ name }) => name)
      .toSorted(),
  );
  for (const { name, writing } of all()) expect(routes[name]?.audit !== undefined, name).toBe(writing);
});

describe('whoever may', () => {
  test.each(roles)(
    '%s is answered, and each write leaves one line in the audit that tells no secret',
    async (role) => {
      for (const { name, may } of all()) {
        if (roles.indexOf(role) < roles.indexOf(may)) continue;
        const example = await exampleOf(name);
        const where = example.workspaceId ?? workspaceId;
        const { memberId, session } = await signIn(role, where);
        const asked = await ask(name, example, session);
        expect(asked.status, `${name}: ${asked.text}`).toBeLessThan(300);
        const lines = (await inside((trx) => listAudit(trx, { limit: 10_000 }), where)).filter(
          (line) => line.memberId === memberId,
        );
        const action = routes[name]?.audit;
        expect(
          lines.map((line) => line.action),
          name,
        ).toEqual([...(action === undefined ? [] : [action]), 'sign in']);
        if (example.secret !== undefined) expect(JSON.stringify(lines), name).not.toContain(example.secret);
      }
    },
  );
});

describe('whoever may not', () => {
  test('is refused, and nothing changes', async () => {
    const sessions = { 'read-only': await signIn('read-only'), rep: await signIn('rep') };
    for (const { name, may } of all()) {
      const example = await exampleOf(name);
      const before = await everything(workspaceId);
      expect(await ask(name, example, undefined), name).toMatchObject({ status: 401, code: 'not_signed_in' });
      expect(await ask(name, example, 'made up'), name).toMatchObject({ status: 401, code: 'not_signed_in' });
      for (const role of ['read-only', 'rep'] as const) {
        if (roles.indexOf(role) >= roles.indexOf(may)) continue;
        const code = may === 'admin' ? 'not_admin' : 'read_only';
        expect(await ask(name, example, sessions[role].session), `${name} ${role}`).toMatchObject({
          status: 403,
          code,
        });
      }
      expect((await everything(workspaceId)) === before, name).toBe(true);
    }
  });

  test('as an admin of another workspace finds nothing of this one, and changes nothing there', async () => {
    const ours = [connectionId, channelId, workspaceId, ...(await known())];
    for (const { name } of all()) {
      const example = await exampleOf(name);
      const { session } = await signIn('admin', elsewhere);
      const before = await everything(workspaceId);
      const asked = await ask(name, example, session);
      const namesChannel = JSON.stringify(example.body ?? {}).includes(channelId);
      if (/Id\b/.test(name) || namesChannel)
        expect(asked, name).toMatchObject({ status: 404, code: expect.stringMatching(/^no_/) });
      else if (name === 'POST /connections')
        expect(asked).toMatchObject({ status: 409, code: 'account_taken' });
      else expect(asked.status, `${name}: ${asked.text}`).toBeLessThan(300);
      for (const id of ours) expect(asked.text.includes(id), `${name} tells ${id}`).toBe(false);
      expect((await everything(workspaceId)) === before, name).toBe(true);
    }
  });
});

test('what a body names is looked for in the own workspace alone', async () => {
  const { session } = await signIn('admin', elsewhere);
  const [own, ours] = [await contact(elsewhere), await contact()];
  const link = { ids: { contactId: own }, body: { connectionId, recordId: 'r7' } };
  expect(await ask('POST /contacts/:contactId/relink', link, session)).toMatchObject({
    status: 404,
    code: 'no_such_connection',
  });
  const join = { ids: { contactId: own }, body: { contactId: ours } };
  expect(await ask('POST /contacts/:contactId/join', join, session)).toMatchObject({
    status: 404,
    code: 'no_such_contact',
  });
});

describe('more than anybody means', () => {
  const long = '9'.repeat(400_000);
  /** What the examples above leave out. */
  const further: readonly (readonly [name: string, example: () => Example])[] = [
    [
      'POST /channels',
      () => ({ body: { portfolioId: '1', accessToken: 'a token', displayPhoneNumber: '1' } }),
    ],
    ...[
      { creation: { keywords: ['join'] } },
      { owner: { kind: 'fixed', ownerId: '1' } },
      { owner: { kind: 'round robin', ownerIds: ['1'] } },
      { owner: { kind: 'by ad', owners: { ad: '1' }, otherwise: '1' } },
      { phoneRegion: 'IN', timeZone: 'Asia/Kolkata' },
    ].map((body) => ['PUT /connections/:connectionId/settings', () => ofConnection({ body })] as const),
    ...['phone', { flowAnswer: 'city' }].map((source) => {
      const line = { source, field: 'city', owner: 'shared', transform: 'as is', standIns: ["'none'"] };
      const example = (): Example => ofConnection({ body: { mapping: [line] } });
      return ['PUT /connections/:connectionId/mapping', example] as const;
    }),
    ['GET /dead-letters', () => ({ query: 'reason=x&setAside=true&limit=1&cursor=x' })],
    ['GET /kept-events', () => ({ query: 'kind=x' })],
    ['GET /audit', () => ({ query: 'action=join&from=2026-11-01T00:00:00Z&until=2026-11-01T00:00:00Z' })],
    ['GET /connections/:connectionId/check/report', () => ofConnection({ query: 'section=fields&cursor=x' })],
  ];

  /** Bodies with one text, name or list in them grown. */
  function grown(value: unknown): readonly unknown[] {
    if (typeof value === 'string') return [long];
    if (typeof value !== 'object' || value === null) return [];
    if (Array.isArray(value)) {
      const [first]: unknown[] = value;
      // Within what a body may have at all.
      const length = Math.floor(500_000 / (JSON.stringify(first).length + 1));
      return [Array.from({ length }, () => first), ...grown(first).map((one) => [one])];
    }
    return [
      { ...value, [long]: 'x' },
      ...Object.entries(value).flatMap(([name, inner]) =>
        grown(inner).map((one) => ({ ...value, [name]: one })),
      ),
    ];
  }

  const tooMuch = (example: Example): readonly Example[] => {
    const query = [...new URLSearchParams(example.query)].map(([name]) => {
      const all = new URLSearchParams(example.query);
      // What a request's line may hold.
      all.set(name, '9'.repeat(10_000));
      return { ...example, query: all.toString() };
    });
    return [...grown(example.body).map((body) => ({ ...example, body: body as object })), ...query];
  };

  test('is refused in few words, wherever it stands', async () => {
    const { session } = await signIn('admin');
    const { session: there } = await signIn('admin', live);
    const examples = [
      ...(await Promise.all(all().map(async ({ name }) => [name, await exampleOf(name)] as const))),
      ...further.map(([name, example]) => [name, example()] as const),
    ];
    for (const [name, example] of examples) {
      for (const asking of tooMuch(example)) {
        const asked = await ask(name, asking, example.workspaceId === live ? there : session);
        const what = `${name} ${JSON.stringify(asking).replaceAll(/9{9,}/g, '9…').slice(0, 300)}`;
        expect(asked.status, `${what}: ${asked.text.slice(0, 300)}`).toBe(400);
        expect(asked.text.length, what).toBeLessThan(5_000);
      }
      for (const id of Object.keys(example.ids ?? {})) {
        const asked = await ask(
          name,
          { ...example, ids: { ...example.ids, [id]: '9'.repeat(10_000) } },
          session,
        );
        expect(asked.status, name).toBe(404);
        expect(asked.text.length, name).toBeLessThan(500);
      }
    }
  });
});

/** Ids of what the workspace holds by now. */
async function known(): Promise<string[]> {
  const rows = await everyStoredRow(fixture.store, workspaceId);
  const ids = [
    'contact_id',
    'member_id',
    'dead_letter_id',
    'conflict_id',
    'alert_id',
    'decision_id',
    'audit_id',
  ];
  const found = rows.flatMap(({ values }) =>
    ids.flatMap((id) => (typeof values[id] === 'string' ? [values[id]] : [])),
  );
  // The operator is the same everywhere.
  return found.filter((id) => id !== operatorId);
}

test('what cannot be written in the audit does not happen', async () => {
  const owner = new pg.Client({ connectionString: fixture.databaseUrl });
  await owner.connect();
  const writing = all().filter((route) => route.writing);
  const prepared = new Map<string, Example>();
  for (const { name } of writing) prepared.set(name, await exampleOf(name));
  const [here, there] = [await signIn('admin'), await signIn('admin', live)];
  await owner.query('alter table audit add constraint shut check (false) not valid');
  try {
    for (const [name, example] of prepared) {
      const where = example.workspaceId ?? workspaceId;
      const before = await everything(where);
      const asked = await ask(name, example, (where === live ? there : here).session);
      expect(asked, name).toMatchObject({ status: 500, code: 'internal' });
      expect((await everything(where)) === before, name).toBe(true);
    }
  } finally {
    await owner.query('alter table audit drop constraint shut');
    await owner.end();
  }
});

describe('the audit', () => {
  test('tells who did what, newest first, narrowed by action and time', async () => {
    const { memberId, session } = await signIn('admin');
    interface Line {
      readonly auditId: string;
      readonly memberId: string;
      readonly action: string;
      readonly subject: string;
      readonly at: string;
    }
    const lines = async (query: string): Promise<readonly Line[]> => {
      const { text } = await ask('GET /audit', { query }, session);
      return (JSON.parse(text) as { results: Line[] }).results;
    };
    const phone = (id: string): Promise<Asked> =>
      ask('PUT /members/:memberId/phone', { ids: { memberId: id }, body: { phone: null } }, session);
    const of = (await signIn('rep')).memberId;
    await phone(of);
    const example = await alert();
    await ask('POST /alerts/:alertId/close', example, session);

    const mine = (await lines('limit=500')).filter((line) => line.memberId === memberId);
    expect(mine.map(({ action, subject }) => ({ action, subject }))).toEqual([
      { action: 'close alert', subject: example.ids?.['alertId'] },
      { action: 'set member phone', subject: of },
      { action: 'sign in', subject: memberId },
    ]);
    const made = (await lines('action=make link&limit=500')).find(({ subject }) => subject === memberId);
    expect(made?.memberId).toBe(operatorId);
    const [close, set] = mine;
    const narrowed = await lines('action=set member phone');
    expect(narrowed).toContainEqual(set);
    expect(narrowed).not.toContainEqual(close);
    const [from, until] = [set?.at ?? '', close?.at ?? ''];
    expect(await lines(`from=${from}`)).toContainEqual(set);
    expect(await lines(`until=${until}`)).not.toContainEqual(close);
    const unknown = await ask('GET /audit', { query: 'action=nothing' }, session);
    expect(unknown).toMatchObject({ status: 400, code: 'bad_request' });
    expect(unknown.text).toContain('close alert');
  });
});
