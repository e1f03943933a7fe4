import pg from 'pg';
import { describe, expect, test, type TestContext } from 'vitest';
import {
  createTown,
  deliver,
  openDatabaseProxy,
  type ServiceProcess,
  text,
  type Town,
  until,
  webhook,
} from './harness/index.ts';

/** Promise 2 and honest readiness while PostgreSQL answers nothing, refuses writes or holds the workers up. */

async function openTown({ onTestFinished }: TestContext): Promise<Town> {
  const town = await createTown();
  onTestFinished(() => town.close());
  return town;
}

async function readiness(service: ServiceProcess): Promise<string> {
  const response = await fetch(`${service.url}/health/ready`);
  if (response.ok) return 'ready';
  return ((await response.json()) as { error: { code: string } }).error.code;
}

const start = Date.now() - 3_600_000;

function messageOf(town: Town, index: number): object {
  const person = { phone: `9197${String(10_000_000 + index)}`, name: `Person ${String(index)}` };
  return webhook(town.parties.whatsapp, [
    text(person, `wamid.silent.${String(index)}`, start + index * 1000, 'Hello'),
  ]);
}

function recordsMade(town: Town, count: number, withinMs?: number): Promise<boolean> {
  return until(
    `${String(count)} records`,
    async () => {
      const { results } = await town.control<{ results: unknown[] }>('GET', '/hubspot/records/contacts');
      return results.length === count;
    },
    withinMs,
  );
}

/** As the server's owner, past every limit set on the database. */
async function asOwner(town: Town, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: town.databaseUrl });
  await client.connect();
  for (const statement of statements) await client.query(statement);
  await client.end();
}

const endSessions = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid()`;

describe.concurrent('a database that is up, and does not do its work', () => {
  test('connections that never answer again are given up, and everything goes on over new ones', async (context) => {
    const town = await openTown(context);
    const proxy = await openDatabaseProxy(town.databaseUrl);
    context.onTestFinished(() => proxy.close());
    const service = await town.startService(proxy.url);
    await deliver(() => [service], messageOf(town, 1));
    await recordsMade(town, 1);
    proxy.silence();
    expect(await readiness(service)).toBe('database_unreachable');
    proxy.answer();
    await deliver(() => [service], messageOf(town, 2));
    await recordsMade(town, 2, 150_000);
    await until('ready again', async () => (await readiness(service)) === 'ready');
  });

  test('workers that end nothing for a minute are told, though the database answers', async (context) => {
    const town = await openTown(context);
    const service = await town.startService();
    expect(await readiness(service)).toBe('ready');
    const holder = new pg.Client({ connectionString: town.databaseUrl });
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
    const town = await openTown(context);
    const service = await town.startService();
    const name = new URL(town.databaseUrl).pathname.slice(1);
    for (const trouble of ['default_transaction_read_only = on', "temp_file_limit = '64kB'"]) {
      const setting = trouble.split(' ')[0] ?? '';
      await asOwner(town, `alter database ${name} set ${trouble}`, endSessions);
      await until(trouble, async () => (await readiness(service)) === 'database_unreachable');
      await asOwner(
        town,
        'set default_transaction_read_only = off',
        `alter database ${name} reset ${setting}`,
        endSessions,
      );
      await until('ready again', async () => (await readiness(service)) === 'ready');
    }
  });
});
