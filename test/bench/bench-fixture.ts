import { fork } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { migrate, openStore, type Store } from '@sangam/core/store';
import { createSecretBox } from '@sangam/service';
import { openEmbeddedDatabase } from '@sangam/service/database';

/** A database with the settings of the product, and workspaces to put load on. */
export interface BenchFixture {
  readonly store: Store;
  readonly databaseUrl: string;
  readonly secretsKey: string;
  addChannel(): Promise<BenchChannel>;
  startService(mode: 'receive' | 'work', sandboxUrl?: string): Promise<BenchService>;
  close(): Promise<void>;
}

export interface BenchChannel {
  readonly workspaceId: string;
  readonly channelId: string;
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly appSecret: string;
}

interface Usage {
  readonly cpuMs: number;
  readonly rssMb: number;
  /** What lives after it was collected. */
  readonly heapMb: number;
}

export interface BenchService {
  readonly url: string;
  usage(): Promise<Usage>;
  /** Of an admin of this workspace. */
  sessionIn(workspaceId: string): Promise<string>;
  startWork(): void;
  stop(): Promise<void>;
}

/** `given`: on that database, in place of one that is made for it. */
export async function createBenchFixture(given?: string): Promise<BenchFixture> {
  const database =
    given === undefined ? await openDatabase() : { url: given, close: () => Promise.resolve() };
  await migrate(database.url);
  const store = openStore(database.url);
  const key = randomBytes(32);
  const box = createSecretBox([key]);
  return {
    store,
    databaseUrl: database.url,
    secretsKey: key.toString('base64'),
    async addChannel() {
      const channel: BenchChannel = {
        workspaceId: randomUUID(),
        channelId: randomUUID(),
        phoneNumberId: String(Math.floor(Math.random() * 1e15)),
        wabaId: String(Math.floor(Math.random() * 1e15)),
        appSecret: randomBytes(16).toString('hex'),
      };
      await insertChannel(store, channel, box.seal(channel.appSecret));
      return channel;
    },
    startService: (mode, sandboxUrl) => startService(database.url, key.toString('base64'), mode, sandboxUrl),
    async close() {
      await store.close();
      await database.close();
    },
  };
}

async function openDatabase(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sangam-bench-'));
  const database = await openEmbeddedDatabase(folder);
  return {
    url: database.url,
    async close() {
      await database.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function insertChannel(store: Store, channel: BenchChannel, appSecret: Buffer): Promise<void> {
  await store.transact(channel.workspaceId, async (trx) => {
    await trx
      .insertInto('workspaces')
      .values({ workspace_id: channel.workspaceId, name: 'Bench', sandbox: true, created_at: 0 })
      .execute();
    await trx
      .insertInto('channels')
      .values({
        workspace_id: channel.workspaceId,
        channel_id: channel.channelId,
        provider: 'cloud-api',
        phone_number_id: channel.phoneNumberId,
        waba_id: channel.wabaId,
        display_phone_number: '918047100000',
        app_secret: appSecret,
        previous_app_secret: null,
        previous_app_secret_until: null,
        verify_token: null,
        access_token: null,
        created_at: 0,
      })
      .execute();
    await trx
      .insertInto('directory_channels')
      .values({
        phone_number_id: channel.phoneNumberId,
        waba_id: channel.wabaId,
        channel_id: channel.channelId,
        workspace_id: channel.workspaceId,
        app: 'own',
        portfolio: channel.wabaId,
        region: 'IN',
      })
      .execute();
  });
}

async function startService(
  databaseUrl: string,
  key: string,
  mode: 'receive' | 'work',
  sandboxUrl: string | undefined,
): Promise<BenchService> {
  const child = fork(
    path.join(import.meta.dirname, 'service-process.ts'),
    [databaseUrl, key, mode, sandboxUrl ?? '-'],
    { execArgv: ['--max-semi-space-size=16', '--expose-gc'] },
  );
  const answer = <Answer>(): Promise<Answer> =>
    new Promise((resolve, reject) => {
      child.once('message', (message) => resolve(message as Answer));
      child.once('exit', (code) => reject(new Error(`The service ended with ${String(code)}.`)));
    });
  const { url } = await answer<{ url: string }>();
  return {
    url,
    usage() {
      const told = answer<Usage>();
      child.send('usage');
      return told;
    },
    async sessionIn(workspaceId) {
      const told = answer<{ session: string }>();
      child.send({ sessionIn: workspaceId });
      return (await told).session;
    },
    startWork: () => void child.send('work'),
    stop: () =>
      new Promise((resolve) => {
        child.removeAllListeners('exit');
        child.once('exit', () => resolve());
        child.kill('SIGKILL');
      }),
  };
}
