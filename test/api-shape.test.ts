import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { systemClock } from '@sangam/core/clock';
import {
  openConflicts,
  raiseAlert,
  saveDecision,
  type WorkspaceTransaction,
  writeAudit,
} from '@sangam/core/store';
import type { Service } from '@sangam/service';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createServiceFixture, type ServiceFixture } from './harness/index.ts';

/** What all routes of the API have in common, asked by HTTP. */

let fixture: ServiceFixture;
let service: Service;
let session: string;
let workspaceId: string;
let connectionId: string;

beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.openService();
  ({ workspaceId } = fixture.parties);
  ({ connectionId } = fixture.parties.hubspot);
  await inside(someOfEverything);
  const link = await service.sessions.makeLink(workspaceId, memberIds[0] ?? '');
  session = (await service.sessions.enter(link)) ?? '';
});
afterAll(() => fixture.close());

const memberIds = [1, 2, 3].map(() => randomUUID());
const personOfMedia = randomUUID();

function inside<Result>(work: (trx: WorkspaceTransaction) => Promise<Result>): Promise<Result> {
  return fixture.store.transact(workspaceId, work);
}

/** Three rows in each list that is kept in the database, several of one instant. */
async function someOfEverything(trx: WorkspaceTransaction): Promise<void> {
  const now = systemClock.now();
  const ids = [1, 2, 3].map(() => randomUUID());
  await sql`insert into members (workspace_id, member_id, email, role, created_at)
            select ${workspaceId}::uuid, id, id || '@sangam.example', 'admin', ${now}
            from unnest(${memberIds}::uuid[]) as t (id)`.execute(trx);
  await sql`insert into dead_letters (workspace_id, dead_letter_id, reason, explanation, source, payload, received_at,
                                      parked_at)
            select ${workspaceId}::uuid, id, 'unparsed', 'No JSON.', 'whatsapp', '{', ${now}, ${now}
            from unnest(${ids}::uuid[]) as t (id)`.execute(trx);
  await sql`insert into kept_events (workspace_id, event_key, content_hash, what, at, received_at, payload)
            select ${workspaceId}::uuid, substr(sha256(id::text::bytea), 1, 16), substr(sha256(id::text::bytea), 1, 8),
                   'calls', ${now}, ${now}, '{}'
            from unnest(${ids}::uuid[]) as t (id)`.execute(trx);
  await sql`insert into occurrences (workspace_id, connection_id, record_id, field, value, changed_at, changed_by,
                                     seen_at)
            select ${workspaceId}::uuid, ${connectionId}::uuid, id, 'city', 'Pune', ${now}, 'somebody', ${now}
            from unnest(${ids}::text[]) as t (id)`.execute(trx);
  await sql`insert into crm_phones (workspace_id, connection_id, record_id, field, typed, unreadable)
            select ${workspaceId}::uuid, ${connectionId}::uuid, id, 'phone', 'none', 'It holds no number.'
            from unnest(${ids}::text[]) as t (id)`.execute(trx);
  await sql`insert into checks (workspace_id, connection_id, check_id, state, region, started_at, finished_at)
            values (${workspaceId}, ${connectionId}, ${randomUUID()}, 'done', 'IN', ${now}, ${now})`.execute(
    trx,
  );
  await sql`insert into erasures (workspace_id, erasure_id, asked_by, erased_at, remains)
            select ${workspaceId}::uuid, id, 'member', ${now}, '[]' from unnest(${ids}::uuid[]) as t (id)`.execute(
    trx,
  );
  await sql`insert into sends (workspace_id, send_id, client_id, request_hash, channel_id, sender_kind, sender, category,
                               content, state, priority, asked_at, expires_at, changed_at)
            select ${workspaceId}::uuid, id, id::text, '', id, 'member', '', 'service', '{}', 'delivered', 0, ${now}, ${now},
                   ${now}
            from unnest(${ids}::uuid[]) as t (id)`.execute(trx);
  await sql`insert into pauses (workspace_id, scope, subject, paused_at, paused_by)
            select ${workspaceId}::uuid, 'rule', id, ${now}, id from unnest(${ids}::text[]) as t (id)`.execute(
    trx,
  );
  await sql`insert into templates (workspace_id, waba_id, name, language, template_id, category, status, quality,
                                   definition, synced_at)
            select ${workspaceId}::uuid, '1', id, 'en', '1', 'utility', 'approved', 'green', 'null', ${now}
            from unnest(${ids}::text[]) as t (id)`.execute(trx);
  // People nobody writes about yet: held, so that the workers leave them alone.
  await sql`insert into contacts (workspace_id, contact_id, profile_name, created_at)
            select ${workspaceId}::uuid, id, 'Asha', ${now} from unnest(${ids}::uuid[]) as t (id)`.execute(
    trx,
  );
  await sql`insert into dirty_records (workspace_id, connection_id, subject, contact_id, priority, marked_at, held)
            select ${workspaceId}::uuid, ${connectionId}::uuid, 'contact:' || id, id, 2, ${now}, 'rush'
            from unnest(${ids}::uuid[]) as t (id)`.execute(trx);
  const before = [{ recordId: 'r0', primary: true, reason: 'created', partedAt: now, createdAt: now }];
  const { channelId } = fixture.parties.whatsapp;
  await sql`insert into contacts (workspace_id, contact_id, created_at)
            values (${workspaceId}, ${personOfMedia}, ${now})`.execute(trx);
  await sql`insert into messages (workspace_id, channel_id, wamid, contact_id, origin, direction, at, event_key, content_hash)
            select ${workspaceId}::uuid, ${channelId}::uuid, id, ${personOfMedia}::uuid, 'customer', 'in', ${now}, '', ''
            from unnest(${ids}::text[]) as t (id)`.execute(trx);
  await sql`insert into media (workspace_id, media_id, direction, channel_id, wamid, kind, state, created_at)
            select ${workspaceId}::uuid, id, 'in', ${channelId}::uuid, id::text, 'image', 'gone', ${now}
            from unnest(${ids}::uuid[]) as t (id)`.execute(trx);
  for (const id of ids) {
    await writeAudit(trx, { memberId: id, action: 'close alert', subject: id, at: now });
    await raiseAlert(trx, { kind: 'rush of new records', subject: id, message: 'Many new records.' }, now);
    const conflict = { connectionId, contactId: id, recordIds: ['r1', 'r2'], explanation: 'Two.' };
    await openConflicts(trx, [{ kind: 'two records', ...conflict }], now);
    const links = { connectionId, contactId: id, recordId: 'r1', before };
    const evidence = [{ kind: 'hand_over', a: '+919812345678', b: '+919812345678', at: now }];
    await saveDecision(trx, { kind: 'relink', subject: { ...links, evidence }, memberId: id, at: now });
  }
}

interface Answer {
  readonly status: number;
  readonly allow: string | null;
  readonly body: {
    readonly results?: readonly object[];
    readonly next?: string | null;
    readonly error?: {
      readonly code: string;
      readonly message: string;
      readonly fields?: readonly { path: string; message: string }[];
    };
  };
}

async function api(
  method: string,
  route: string,
  body?: string | Buffer<ArrayBuffer>,
  type = 'application/json',
): Promise<Answer> {
  const response = await fetch(`${service.url()}/api/v1${route}`, {
    method,
    headers: { authorization: `Bearer ${session}`, 'content-type': type },
    ...(body === undefined ? {} : { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    allow: response.headers.get('allow'),
    body: (/json/.test(response.headers.get('content-type') ?? '') ? JSON.parse(text) : {}) as Answer['body'],
  };
}

/** The path with ids: of the connection there is, else of nobody. */
const filled = (route: string): string =>
  route.replaceAll(/:(\w+)/g, (_, name) =>
    name === 'connectionId' ? connectionId : name === 'keptEventId' ? '0'.repeat(48) : randomUUID(),
  );

test('docs/api.md lists the routes there are, with who may, and no other', async () => {
  const page = await readFile(path.join(import.meta.dirname, '../docs/api.md'), 'utf8');
  const documented = [...page.matchAll(/^\| `([A-Z]+ \/\S*)` \| (\S+) \|/gm)].map(
    ([, route, may]) => `${String(route)} ${String(may)}`,
  );
  const there = service.apiRoutes.map((route) => `${route.method} ${route.path} ${route.may}`);
  expect(documented.toSorted()).toEqual(there.toSorted());
});

describe('an address', () => {
  test('that is not there is a 404, and nothing is kept outside /api/v1', async () => {
    expect(await api('GET', '/nothing')).toMatchObject({
      status: 404,
      body: { error: { code: 'not_found' } },
    });
    const outside = await fetch(`${service.url()}/api/dead-letters`, {
      headers: { authorization: `Bearer ${session}` },
    });
    expect(outside.status).toBe(404);
  });

  test('takes its own methods, and answers 405 with Allow to every other', async () => {
    for (const [route, there] of Map.groupBy(service.apiRoutes, (one) => one.path)) {
      const methods: string[] = there.map(({ method }) => method);
      const takes = methods.includes('GET') ? [...methods, 'HEAD'] : methods;
      const others = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].filter(
        (one) => !methods.includes(one),
      );
      for (const method of others) {
        expect(await api(method, filled(route)), `${method} ${route}`).toMatchObject({
          status: 405,
          allow: takes.toSorted().join(', '),
          body: { error: { code: 'method_not_allowed' } },
        });
      }
    }
  });

  test.each([
    ['/health/live', 'GET, HEAD'],
    ['/metrics', 'GET, HEAD'],
    ['/', 'GET, HEAD'],
    ['/oauth/hubspot/callback', 'GET, HEAD'],
    ['/webhooks/whatsapp', 'GET, HEAD, POST'],
    ['/webhooks/hubspot', 'HEAD, POST'],
    ['/apps/hubspot/session', 'GET, HEAD, POST'],
    ['/admin/enter/token', 'GET, HEAD, POST'],
  ])('beside the API likewise: %s', async (route, allow) => {
    const response = await fetch(`${service.url()}${route}`, { method: 'PATCH' });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe(allow);
  });

  test('with an id that is none is a 404 that says of what', async () => {
    for (const { method, path: route } of service.apiRoutes.filter((one) => /Id\b/.test(one.path))) {
      const odd = route.replaceAll(/:\w+Id/g, 'no-id');
      const { status, body } = await api(method, odd, method === 'GET' ? undefined : '{}');
      expect(status, `${method} ${odd}`).toBe(404);
      expect(body.error?.code, `${method} ${odd}`).toMatch(/^no_such_[a-z_]+$/);
    }
  });
});

describe('a request that cannot be read', () => {
  const setAside = (): string => `/dead-letters/${randomUUID()}/set-aside`;

  test('names each field that is wrong, and each that is not known', async () => {
    const { status, body } = await api('POST', '/channels', '{"phoneNumberId": "x", "phoneNumber": 1}');
    expect(status).toBe(400);
    expect(body.error?.code).toBe('bad_request');
    const paths = (body.error?.fields ?? []).map((field) => field.path);
    expect(paths).toEqual(expect.arrayContaining(['phoneNumberId', 'wabaId', 'appSecret', 'phoneNumber']));
    for (const field of body.error?.fields ?? []) expect(field.message).not.toBe('');
  });

  test('for NUL, half a character or no UTF-8 is a 400, wherever it stands', async () => {
    for (const query of ['reason=%00', 'reason=a%00b', 'reason=%ff', 'reason=%zz', 'rea%00son=x']) {
      expect((await api('GET', `/dead-letters?${query}`)).status, query).toBe(400);
    }
    expect((await api('GET', '/dead-letters/%00')).status).toBe(400);
    expect((await api('GET', '/dead-letters/%ff')).status).toBe(400);
    for (const body of [String.raw`{"reason": "\u0000"}`, String.raw`{"reason": "\ud800"}`]) {
      const answer = await api('POST', setAside(), body);
      expect(answer, body).toMatchObject({ status: 400, body: { error: { fields: [{ path: 'reason' }] } } });
    }
    const deep = `${'['.repeat(200_000)}"\\u0000"${']'.repeat(200_000)}`;
    expect((await api('PUT', `/connections/${connectionId}/settings`, `{"creation": ${deep}}`)).status).toBe(
      400,
    );
  });

  test('for another encoding than UTF-8 is told so, whether it says which or not', async () => {
    const body = '{"reason": "é"}';
    for (const charset of ['utf-16', 'utf-16le', 'utf-32', 'iso-8859-1', 'nonsense']) {
      const sent = Buffer.from(body, charset.startsWith('utf') ? 'utf16le' : 'latin1');
      const answer = await api('POST', setAside(), sent, `application/json; charset=${charset}`);
      expect(answer, charset).toMatchObject({ status: 415, body: { error: { code: 'bad_request' } } });
      expect(answer.body.error?.message, charset).toContain('must be in UTF-8');
    }
    const unsaid = await api('POST', setAside(), Buffer.from(body, 'latin1'));
    expect(unsaid).toMatchObject({ status: 400, body: { error: { code: 'bad_request' } } });
    expect(unsaid.body.error?.message).toContain('not in UTF-8');
    for (const charset of ['utf-8', 'UTF-8', '"utf-8"']) {
      const answer = await api('POST', setAside(), body, `application/json; charset=${charset}`);
      expect(answer, charset).toMatchObject({ status: 404 });
    }
  });

  test('without a body, or with one too large, is told what to send', async () => {
    const untyped = await api('POST', '/channels', '{}', 'text/plain');
    expect(untyped).toMatchObject({ status: 400, body: { error: { code: 'bad_request' } } });
    expect(untyped.body.error?.message).toContain('content-type: application/json');
    expect((await api('POST', '/channels', '{')).body.error?.message).toContain('valid JSON');
    const large = await api('POST', '/channels', JSON.stringify({ appSecret: 'x'.repeat(2 ** 20) }));
    expect(large).toMatchObject({ status: 413, body: { error: { code: 'too_large' } } });
    expect(large.body.error?.message).toContain(String(2 ** 20));
  });
});

/** Reads that answer one thing, or a list that has no second page. */
const singles = [
  '/contacts',
  '/connections/:crm/authorize',
  '/connections/:connectionId',
  '/connections/:connectionId/settings',
  '/connections/:connectionId/mapping',
  '/connections/:connectionId/check',
  '/connections/:connectionId/check/report.csv',
  '/dead-letters/counts',
  '/dead-letters/:deadLetterId',
  '/kept-events/counts',
  '/kept-events/:keptEventId',
  '/sends/:sendId',
  '/sending/settings',
  '/channels/:channelId/sending',
  '/media/:mediaId',
  '/statement',
  '/statement.csv',
];

/** All other reads, each once or once a section. */
function lists(): string[] {
  const reads = service.apiRoutes.flatMap((one) => (one.method === 'GET' ? [one.path] : []));
  return reads
    .filter((route) => !singles.includes(route))
    .flatMap((route) =>
      route.endsWith('/report')
        ? [`${route}?section=fields`, `${route}?section=unreadable numbers`]
        : [route === '/media' ? `${route}?contactId=${personOfMedia}` : route],
    )
    .map(filled);
}
const asking = (list: string, query: string): string => `${list}${list.includes('?') ? '&' : '?'}${query}`;

describe('a list', () => {
  test.each(['limit=0', 'limit=501', 'limit=ten', 'cursor=nonsense', 'cursor=e30', 'cursor=', 'lmit=5'])(
    'refuses %s, naming it',
    async (wrong) => {
      for (const list of lists()) {
        const { status, body } = await api('GET', asking(list, wrong));
        expect(status, list).toBe(400);
        expect(body.error?.fields, list).toMatchObject([{ path: wrong.split('=')[0] }]);
      }
    },
  );

  test('is told page by page as it is told whole, and says where it ends', async () => {
    for (const list of lists()) {
      const whole = await api('GET', list);
      expect(Object.keys(whole.body).toSorted(), list).toEqual(['next', 'results']);
      expect(whole.body.next, list).toBeNull();
      const single: object[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page = await api('GET', asking(list, `limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`));
        expect(page.body.results?.length, list).toBeLessThanOrEqual(2);
        single.push(...(page.body.results ?? []));
        cursor = page.body.next ?? null;
      }
      expect(single, list).toEqual(whole.body.results);
      // The sandbox has one connection and one number, and nothing to be provisioned that is there.
      const few = /\/(connections|channels|provisioning|owners)$/.test(list);
      if (!few) expect(single.length, list).toBeGreaterThan(2);
    }
  });

  test('never tells what arrived, which may be large', async () => {
    for (const list of ['/dead-letters', '/kept-events']) {
      const { results = [] } = (await api('GET', list)).body;
      for (const row of results) expect(Object.keys(row)).not.toContain('payload');
    }
  });
});

test('every time is told in ISO 8601', async () => {
  await fixture.control('POST', '/whatsapp/customer/messages', {
    from: '919812345678',
    type: 'text',
    text: 'STOP',
  });
  const contact = '/contacts?phone=%2B919812345678';
  await expect
    .poll(async () => (await api('GET', contact)).body.results, { timeout: 30_000 })
    .toHaveLength(1);
  const [letter] = (await api('GET', '/dead-letters')).body.results ?? [];
  const reads = [
    contact,
    `/connections/${connectionId}`,
    `/connections/${connectionId}/check`,
    `/dead-letters/${String(Object(letter).deadLetterId)}`,
    '/statement?day=2026-11-23&timeZone=UTC',
    ...lists(),
  ];
  const seen = new Set<string>();
  for (const read of reads) {
    const { status, body } = await api('GET', read);
    expect(status, read).toBe(200);
    JSON.stringify(body, (name, value: unknown) => {
      if (typeof value === 'number') expect(value, `${read}: ${name}`).toBeLessThan(1e11);
      if (/(At|Since)$|^at$/.test(name) && value !== null) {
        expect(value, `${read}: ${name}`).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        seen.add(name);
      }
      return value;
    });
  }
  expect([...seen]).toEqual(
    expect.arrayContaining(['at', 'optOutAt', 'raisedAt', 'partedAt', 'changedAt', 'parkedAt']),
  );
});
