import { randomUUID } from 'node:crypto';
import {
  createApplier,
  createDirectory,
  createReceiver,
  type Directory,
  type Receiver,
  type Signer,
} from '@sangam/core/pipeline';
import { openStore, type Store, workspaceTables } from '@sangam/core/store';
import { Dispatcher } from '@sangam/core/work';
import pg from 'pg';
import { addConnection } from './add-connection.ts';
import { createTestDatabase } from './database.ts';

/** Stays whatever is forgotten. */
const kept: ReadonlySet<string> = new Set([
  'workspaces',
  'crm_connections',
  'crm_credentials',
  'crm_call_states',
  'crm_scan_states',
]);

/** Receive and apply on a database of their own, without HTTP around them. */
export interface EngineFixture {
  readonly store: Store;
  readonly databaseUrl: string;
  readonly workspaceId: string;
  readonly channelId: string;
  readonly phoneNumberId: string;
  readonly wabaId: string;
  receive(body: unknown): Promise<void>;
  readonly receiver: Receiver;
  readonly directory: Directory;
  /** Back to the first day: the workspace and its channel stay, whatever happened to them goes. */
  forgetEverything(): Promise<void>;
  /** A statement no part of the product would make. */
  asDatabaseOwner(statement: string): Promise<void>;
  /** Applies everything that waits. */
  applyAll(): Promise<void>;
  close(): Promise<void>;
}

/** The engine's clock stands still, so that what is received twice is received at one time. */
export const engineNow = Date.UTC(2026, 10, 23, 12);

export async function createEngineFixture(): Promise<EngineFixture> {
  const database = await createTestDatabase();
  const store = openStore(database.url);
  const fixture = await addWorkspace(store);
  const clock = { now: () => engineNow };
  const directory = createDirectory(store);
  const problems: unknown[] = [];
  const receiver = createReceiver({
    store,
    directory,
    clock,
    counts: { received: () => undefined, committed: () => undefined, parked: () => undefined },
  });
  const signer: Signer = { kind: 'channel', workspaceId: fixture.workspaceId, channelId: fixture.channelId };
  return {
    store,
    databaseUrl: database.url,
    ...fixture,
    receiver,
    directory,
    receive: (body) => receiver.receive(Buffer.from(JSON.stringify(body)), signer),
    async forgetEverything() {
      await store.transact(fixture.workspaceId, async (trx) => {
        for (const table of workspaceTables) {
          if (kept.has(table)) continue;
          await trx.deleteFrom(table).where('workspace_id', '=', fixture.workspaceId).execute();
        }
      });
    },
    async asDatabaseOwner(statement) {
      const client = new pg.Client({ connectionString: database.url });
      await client.connect();
      await client.query(statement);
      await client.end();
    },
    async applyAll() {
      const applier = createApplier({
        store,
        directory,
        traitsOf: () => undefined,
        erasureKeyOf: () => Promise.resolve(Buffer.alloc(32, 7)),
        clock,
        dispatcher: new Dispatcher(store, clock),
        counts: { applied: () => undefined, failed: (error) => problems.push(error) },
      });
      await applier.drain();
      if (problems.length > 0) throw problems[0];
    },
    async close() {
      await store.close();
      await database.drop();
    },
  };
}

/** A workspace with one channel under an app of its own and one CRM connection. */
export async function addWorkspace(
  store: Store,
): Promise<{ workspaceId: string; channelId: string; phoneNumberId: string; wabaId: string }> {
  const workspaceId = randomUUID();
  const channelId = randomUUID();
  const phoneNumberId = String(Math.floor(Math.random() * 1e15));
  const wabaId = String(Math.floor(Math.random() * 1e15));
  await store.transact(workspaceId, async (trx) => {
    await trx
      .insertInto('workspaces')
      .values({ workspace_id: workspaceId, name: 'Test', sandbox: true, created_at: 0 })
      .execute();
    await trx
      .insertInto('directory_channels')
      .values({
        phone_number_id: phoneNumberId,
        waba_id: wabaId,
        channel_id: channelId,
        workspace_id: workspaceId,
        app: 'own',
        portfolio: 'portfolio',
        region: 'IN',
      })
      .execute();
    await addConnection(trx, { connection_id: randomUUID(), crm: 'hubspot', created_at: 0 });
  });
  return { workspaceId, channelId, phoneNumberId, wabaId };
}
