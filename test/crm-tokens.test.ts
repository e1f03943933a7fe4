import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';
import { hubspot } from '@sangam/connectors/hubspot';
import type { Grant, Renewable } from '@sangam/connectors/registry';
import { SangamError } from '@sangam/core/errors';
import {
  connectionOf,
  type ConnectionRow,
  liftBlock,
  listAlerts,
  openStore,
  type Store,
} from '@sangam/core/store';
import { createCrmTokens, createSecretBox, type CrmTokens } from '@sangam/service';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { addConnection, createTestDatabase, type TestDatabase, until } from './harness/index.ts';

/** Two processes, as far as PostgreSQL can tell, in front of a vendor that gives out tokens. */
let database: TestDatabase;
let stores: readonly [Store, Store];
let vendor: Vendor;
const box = createSecretBox([randomBytes(32)]);
const minute = 60_000;

interface Vendor {
  readonly server: Server;
  readonly url: string;
  /** The refresh tokens it was shown. */
  readonly shown: string[];
  /** What it does next; a gate lets a request wait until the test says so. */
  answer: { readonly status: number; readonly body: object } | undefined;
  gate: Promise<void>;
}

async function startVendor(): Promise<Vendor> {
  const shown: string[] = [];
  const answer = async (response: ServerResponse, round: string): Promise<void> => {
    await started.gate;
    const { status, body } = started.answer ?? {
      status: 200,
      body: {
        access_token: `access-${round}`,
        refresh_token: `refresh-${round}`,
        expires_in: 1800,
        token_type: 'bearer',
        hub_id: 77,
      },
    };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      shown.push(new URLSearchParams(body).get('refresh_token') ?? '');
      void answer(response, String(shown.length));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const started: Vendor = {
    server,
    url: `http://127.0.0.1:${String(port)}`,
    shown,
    answer: undefined,
    gate: Promise.resolve(),
  };
  return started;
}

beforeAll(async () => {
  database = await createTestDatabase();
  stores = [openStore(database.url), openStore(database.url)];
  vendor = await startVendor();
});
afterAll(async () => {
  vendor.server.closeAllConnections();
  vendor.server.close();
  await Promise.all(stores.map((store) => store.close()));
  await database.drop();
});
beforeEach(() => {
  vendor.shown.length = 0;
  minted.length = 0;
  vendor.answer = undefined;
  vendor.gate = Promise.resolve();
});

/** What was shown to the vendor that mints; it never says how long a token lives. */
const minted: Renewable[] = [];
async function mint(held: Renewable): Promise<Grant> {
  minted.push(held);
  if (held.secret?.['key'] !== 'right') {
    throw new SangamError({ code: 'reconnect', origin: 'crm', retry: 'never', message: 'No such key.' });
  }
  return { accessToken: `minted-${String(minted.length)}`, apiBase: 'https://one.vendor.example' };
}

function tokensOf(store: Store): CrmTokens {
  const site = { sandboxUrl: vendor.url, app: { clientId: 'client', clientSecret: 'secret' } };
  return createCrmTokens({
    store,
    clock: { now: Date.now },
    box,
    renewalOf: async (_account, kind) =>
      kind === 'mint'
        ? mint
        : (held) => hubspot.oauth?.refresh(site, held) ?? Promise.reject(new Error('none')),
    howToReplace: () => 'enter a new one',
  });
}

/** A connection whose access token `access-0` runs out in so many milliseconds. */
async function connect(expiresInMs: number | null): Promise<{ workspaceId: string; connectionId: string }> {
  const [workspaceId, connectionId] = [randomUUID(), randomUUID()];
  await stores[0].transact(workspaceId, async (trx) => {
    await trx
      .insertInto('workspaces')
      .values({ workspace_id: workspaceId, name: 'Test', sandbox: true, created_at: 0 })
      .execute();
    await addConnection(trx, { connection_id: connectionId, crm: 'hubspot', created_at: 0 });
    await trx
      .updateTable('crm_credentials')
      .set({
        auth_kind: expiresInMs === null ? 'keys' : 'oauth',
        access_token: box.seal('access-0'),
        refresh_token: expiresInMs === null ? null : box.seal('refresh-0'),
        token_expires_at: expiresInMs === null ? null : Date.now() + expiresInMs,
      })
      .where('workspace_id', '=', workspaceId)
      .execute();
  });
  return { workspaceId, connectionId };
}

async function rowOf(ids: { workspaceId: string; connectionId: string }): Promise<ConnectionRow> {
  const row = await stores[0].transact(ids.workspaceId, (trx) => connectionOf(trx, ids.connectionId));
  if (row === undefined) throw new Error('There is no such connection.');
  return row;
}

function storedOf(ids: { workspaceId: string; connectionId: string }) {
  return stores[0].transact(ids.workspaceId, (trx) =>
    trx
      .selectFrom('crm_credentials')
      .select(['access_token', 'refresh_token'])
      .where('workspace_id', '=', ids.workspaceId)
      .where('connection_id', '=', ids.connectionId)
      .executeTakeFirstOrThrow(),
  );
}

/** A connection whose tokens are minted with this key; it has none yet. */
async function connectMinted(key: string): Promise<{ workspaceId: string; connectionId: string }> {
  const ids = await connect(null);
  await stores[0].transact(ids.workspaceId, (trx) =>
    trx
      .updateTable('crm_credentials')
      .set({ auth_kind: 'mint', access_token: null, secret: box.seal(JSON.stringify({ key })) })
      .where('workspace_id', '=', ids.workspaceId)
      .execute(),
  );
  return ids;
}

test('a token that lives for more than five minutes is used as it is', async () => {
  const row = await rowOf(await connect(6 * minute));
  expect(await tokensOf(stores[0]).credentialsOf(row).accessToken()).toBe('access-0');
  expect(vendor.shown).toEqual([]);
});

test('twenty callers in two processes make one refresh, and all get the new token', async () => {
  const ids = await connect(4 * minute);
  const row = await rowOf(ids);
  let open = (): void => undefined;
  vendor.gate = new Promise((resolve) => (open = resolve));
  const processes = [tokensOf(stores[0]), tokensOf(stores[1])];
  const tokens = Promise.all(
    Array.from({ length: 10 }, () =>
      processes.map((crmTokens) => crmTokens.credentialsOf(row).accessToken()),
    ).flat(),
  );
  await until('the refresh to arrive', () => vendor.shown.length > 0);
  open();
  expect(new Set(await tokens)).toEqual(new Set(['access-1']));
  expect(vendor.shown).toEqual(['refresh-0']);
});

test('a rotated refresh token is stored, sealed, and the next refresh shows it', async () => {
  const ids = await connect(0);
  const credentials = tokensOf(stores[0]).credentialsOf(await rowOf(ids));
  expect(await credentials.accessToken()).toBe('access-1');
  const stored = await storedOf(ids);
  expect(stored.refresh_token?.includes('refresh-1')).toBe(false);
  expect(box.open(stored.refresh_token ?? Buffer.alloc(0))).toBe('refresh-1');
  expect(box.open(stored.access_token ?? Buffer.alloc(0))).toBe('access-1');
  await credentials.expired('access-1');
  expect(await credentials.accessToken()).toBe('access-2');
  expect(vendor.shown).toEqual(['refresh-0', 'refresh-1']);
});

test('the lease of a process that died in a refresh ends', async () => {
  const row = await rowOf(await connect(0));
  await stores[0].transact(row.workspaceId, (trx) =>
    trx
      .updateTable('crm_credentials')
      .set({ refresh_lease: randomUUID(), refresh_leased_until: Date.now() - 1 })
      .where('workspace_id', '=', row.workspaceId)
      .execute(),
  );
  expect(await tokensOf(stores[1]).credentialsOf(row).accessToken()).toBe('access-1');
});

test('a token the vendor calls expired is renewed once, also when both processes were told so', async () => {
  const row = await rowOf(await connect(25 * minute));
  const here = tokensOf(stores[0]).credentialsOf(row);
  const there = tokensOf(stores[1]).credentialsOf(row);
  await Promise.all([here, there, here, there].map((credentials) => credentials.expired('access-0')));
  expect(await here.accessToken()).toBe('access-1');
  expect(await there.accessToken()).toBe('access-1');
  expect(vendor.shown).toHaveLength(1);
});

test('a dead grant blocks the connection once, and is not shown to the vendor again until an admin acts', async () => {
  const ids = await connect(0);
  const row = await rowOf(ids);
  vendor.answer = {
    status: 400,
    body: {
      error: 'invalid_grant',
      status: 'BAD_REFRESH_TOKEN',
      message: 'missing or unknown refresh token',
    },
  };
  const here = tokensOf(stores[0]).credentialsOf(row);
  const there = tokensOf(stores[1]).credentialsOf(row);
  const refusals = [here, there, here, there].map((credentials) =>
    expect(credentials.accessToken()).rejects.toMatchObject({ code: 'reconnect', retry: 'never' }),
  );
  await Promise.all(refusals);
  await expect(here.accessToken()).rejects.toMatchObject({ code: 'reconnect' });
  expect(vendor.shown).toHaveLength(1);
  const blocked = (await rowOf(ids)).blockedReason;
  expect(blocked).not.toBeNull();
  const alerts = await stores[0].transact(ids.workspaceId, (trx) => listAlerts(trx, { limit: 10 }));
  expect(alerts).toMatchObject([{ kind: 'connection blocked', message: blocked, closedAt: null }]);

  vendor.answer = undefined;
  await stores[0].transact(ids.workspaceId, (trx) =>
    trx
      .updateTable('crm_call_states')
      .set({ blocked_reason: null })
      .where('workspace_id', '=', ids.workspaceId)
      .execute(),
  );
  expect(await here.accessToken()).toBe('access-2');
});

test.each([429, 500, 503])(
  'a vendor that answers %d is asked again later, and nothing is blocked',
  async (status) => {
    const ids = await connect(0);
    const credentials = tokensOf(stores[0]).credentialsOf(await rowOf(ids));
    vendor.answer = { status, body: { status: 'error', message: 'not now' } };
    const refusal: unknown = await credentials.accessToken().catch((error: unknown) => error);
    expect(refusal).toMatchObject({ origin: 'crm' });
    expect(refusal).not.toMatchObject({ retry: 'never' });
    expect((await rowOf(ids)).blockedReason).toBeNull();
    vendor.answer = undefined;
    expect(await credentials.accessToken()).toBe('access-2');
  },
);

test('a token that still is valid goes on being used while the vendor cannot renew it', async () => {
  const credentials = tokensOf(stores[0]).credentialsOf(await rowOf(await connect(4 * minute)));
  vendor.answer = { status: 503, body: {} };
  expect(await credentials.accessToken()).toBe('access-0');
  expect(await credentials.accessToken()).toBe('access-0');
  expect(vendor.shown).toHaveLength(1);
});

test('a token that was typed in cannot be renewed: the connection is blocked until there is another', async () => {
  const ids = await connect(null);
  const crmTokens = tokensOf(stores[0]);
  const credentials = crmTokens.credentialsOf(await rowOf(ids));
  expect(await credentials.accessToken()).toBe('access-0');
  await expect(credentials.expired('access-0')).rejects.toMatchObject({
    code: 'reconnect',
    retry: 'never',
    message: expect.stringContaining('enter a new one') as unknown,
  });
  expect((await rowOf(ids)).blockedReason).toContain('enter a new one');
  expect(vendor.shown).toEqual([]);
});

test('what was refused of a typed token blocks nothing where a person let calls go again meanwhile', async () => {
  const ids = await connect(null);
  const credentials = tokensOf(stores[0]).credentialsOf(await rowOf(ids));
  await stores[1].transact(ids.workspaceId, (trx) => liftBlock(trx, ids.connectionId, Date.now()));
  await expect(credentials.expired('access-0')).rejects.toMatchObject({ code: 'reconnect' });
  expect((await rowOf(ids)).blockedReason).toBeNull();
  expect(await stores[0].transact(ids.workspaceId, (trx) => listAlerts(trx, { limit: 10 }))).toEqual([]);
});

test('tokens are minted by one process for all, as often as they are refused, without a word how long they live', async () => {
  const ids = await connectMinted('right');
  const row = await rowOf(ids);
  const here = tokensOf(stores[0]).credentialsOf(row);
  const there = tokensOf(stores[1]).credentialsOf(row);
  expect(await Promise.all([here, there, here, there].map((one) => one.accessToken()))).toEqual(
    Array.from({ length: 4 }, () => 'minted-1'),
  );
  await Promise.all([here.expired('minted-1'), there.expired('minted-1')]);
  expect(await here.accessToken()).toBe('minted-2');
  expect(minted).toEqual([{ secret: { key: 'right' } }, { secret: { key: 'right' } }]);
  expect(await rowOf(ids)).toMatchObject({ tokenExpiresAt: null, apiBase: 'https://one.vendor.example' });
});

test('what no longer mints blocks the connection once', async () => {
  const ids = await connectMinted('wrong');
  const row = await rowOf(ids);
  const credentials = [tokensOf(stores[0]), tokensOf(stores[1])].map((tokens) => tokens.credentialsOf(row));
  await Promise.all(
    credentials.map((one) => expect(one.accessToken()).rejects.toMatchObject({ code: 'reconnect' })),
  );
  expect(minted).toHaveLength(1);
  expect((await rowOf(ids)).blockedReason).toBe('No such key.');
});
