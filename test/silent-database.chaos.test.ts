import pg from 'pg';
import { describe, expect, test, type TestContext } from 'vitest';
import {
  createServiceFixture,
  deliver,
  everythingThrough,
  inParallel,
  wholeAccountScanned,
  openDatabaseProxy,
  peopleIn,
  problemsOf,
  type ServiceProcess,
  type ServiceFixture,
  trafficOf,
  until,
  webhook,
} from './harness/index.ts';

/** Promise 2 and honest readiness while PostgreSQL answers nothing, refuses writes or holds the workers up. */

async function openServiceFixture({ onTestFinished }: TestContext): Promise<ServiceFixture> {
  const fixture = await createServiceFixture();
  onTestFinished(() => fixture.close());
  return fixture;
}

async function readiness(service: ServiceProcess): Promise<string> {
  const response = await fetch(`${service.url}/health/ready`);
  if (response.ok) return 'ready';
  return ((await response.json()) as { error: { code: string } }).error.code;
}

const start = Date.now() - 3_600_000;

async function messagesOf({ store, parties: { workspaceId } }: ServiceFixture): Promise<number> {
  const rows = await store.transact(workspaceId, (trx) =>
    trx.selectFrom('event_keys').select('event_key').where('workspace_id', '=', workspaceId).execute(),
  );
  return rows.length;
}

/** As the server's owner, past every limit set on the database. */
async function asOwner(fixture: ServiceFixture, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: fixture.databaseUrl });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

const endSessions = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()`;

describe.concurrent('a database that is up, and does not do its work', () => {
  test('connections that never answer again are given up, and everything goes on over new ones, nothing lost or doubled', async (context) => {
    const fixture = await openServiceFixture(context);
    await wholeAccountScanned(fixture);
    const proxy = await openDatabaseProxy(fixture.databaseUrl);
    context.onTestFinished(() => proxy.close());
    const service = await fixture.startService(proxy.url);
    const { everybody, rounds } = trafficOf(10, 2, start);
    const bodies = rounds.flat().map((change) => webhook(fixture.parties.whatsapp, [change]));
    const post = (some: readonly object[]): Promise<void> =>
      inParallel(some, 6, (body) => deliver(() => [service], body));
    await post(bodies.slice(0, 20));
    // Whatever is under way then never hears how it ended.
    const meanwhile = post(bodies.slice(20, 40));
    await until('something acknowledged', async () => (await messagesOf(fixture)) > 0);
    proxy.silence();
    expect(await readiness(service)).toBe('database_unreachable');
    proxy.answer();
    await meanwhile;
    await post(bodies.slice(40));
    await everythingThrough(fixture, 150_000);
    await until('ready again', async () => (await readiness(service)) === 'ready');
    const results = await peopleIn(fixture, 'hubspot').seen();
    const place = { store: fixture.store, workspaceId: fixture.parties.workspaceId };
    expect(await problemsOf(place, everybody, results, [start, Date.now()])).toEqual([]);
  });

  test('workers that end nothing for a minute are told, though the database answers', async (context) => {
    const fixture = await openServiceFixture(context);
    const service = await fixture.startService();
    expect(await readiness(service)).toBe('ready');
    const holder = new pg.Client({ connectionString: fixture.databaseUrl });
    holder.on('error', () => undefined);
    await holder.connect();
    await holder.query(
      'begin; lock table inbox, dirty_records, timeline_entries, checks in access exclusive mode',
    );
    await until('told', async () => (await readiness(service)) === 'worker_stuck');
    await holder.end();
    await until('ready again', async () => (await readiness(service)) === 'ready');
  });

  test('a database that only reads is told, and so is one without room on its disk', async (context) => {
    const fixture = await openServiceFixture(context);
    const service = await fixture.startService();
    const name = new URL(fixture.databaseUrl).pathname.slice(1);
    for (const trouble of ['default_transaction_read_only = on', "temp_file_limit = '64kB'"]) {
      const setting = trouble.split(' ')[0] ?? '';
      await asOwner(fixture, `alter database ${name} set ${trouble}`, endSessions);
      await until(trouble, async () => (await readiness(service)) === 'database_unreachable');
      await asOwner(
        fixture,
        'set default_transaction_read_only = off',
        `alter database ${name} reset ${setting}`,
        endSessions,
      );
      await until('ready again', async () => (await readiness(service)) === 'ready');
    }
  });
});
