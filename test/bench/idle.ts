import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import type { BenchService, BenchFixture } from './bench-fixture.ts';

const hour = 60 * 60 * 1000;
const secondsWatched = 30;

/**
 * Brings the world to so many workspaces with a connection each and nothing due: a tenth of them in shadow, with a mark that
 * waits for another mode; polls and sweeps later today.
 */
export async function fillIdle(fixture: BenchFixture, workspaces: number): Promise<void> {
  const client = new pg.Client({ connectionString: fixture.databaseUrl });
  await client.connect();
  const now = Date.now();
  const later = now + 6 * hour;
  for (const statement of [
    `create temp table made as
     select gen_random_uuid() as workspace_id, gen_random_uuid() as connection_id, gen_random_uuid() as channel_id, n,
            case when n % 10 = 0 then 'shadow' else 'live' end as mode
     from generate_series(1, ${String(workspaces)} - (select count(*) from workspaces)) n`,
    `insert into workspaces (workspace_id, name, sandbox, created_at) select workspace_id, 'Idle', true, 0 from made`,
    `insert into directory_channels (phone_number_id, waba_id, channel_id, workspace_id, app, portfolio, region)
     select channel_id, channel_id, channel_id, workspace_id, 'own', 'idle', 'IN' from made`,
    `insert into crm_connections (workspace_id, connection_id, crm, account, mode, created_at)
     select workspace_id, connection_id, 'hubspot', connection_id, mode, 0 from made`,
    'insert into crm_credentials (workspace_id, connection_id) select workspace_id, connection_id from made',
    'insert into crm_call_states (workspace_id, connection_id) select workspace_id, connection_id from made',
    `insert into crm_scan_states (workspace_id, connection_id, indexed_at, indexed_region, polled_until, next_poll_at)
     select workspace_id, connection_id, ${String(now)}, 'IN', ${String(now)}, ${String(later)} from made`,
    `insert into directory_accounts (crm, account, workspace_id, connection_id)
     select 'hubspot', connection_id, workspace_id, connection_id from made`,
    `insert into dirty_records (workspace_id, connection_id, subject, record_id, priority, marked_at)
     select workspace_id, connection_id, 'record:1', '1', 2, 0 from made where mode = 'shadow'`,
    `insert into window_sweeps (workspace_id, swept_until, entries_at) select workspace_id, ${String(now)}, ${String(later)} from made`,
    `insert into directory_due (workspace_id, queue, target_id, due_at)
     select workspace_id, 'polls', connection_id, ${String(later)} from made
     union all select workspace_id, q, workspace_id, ${String(later)} from made, unnest(array['sweep', 'retention']) q`,
    `drop table made`,
    `analyze`,
  ]) {
    await client.query(statement);
  }
  await client.end();
}

/** Transactions and CPU a second of a service with nothing to do. */
export async function idleCost(
  fixture: BenchFixture,
  service: BenchService,
): Promise<{ readonly transactions: number; readonly cpuPercent: number }> {
  const client = new pg.Client({ connectionString: fixture.databaseUrl });
  await client.connect();
  const committed = async (): Promise<number> => {
    const { rows } = await client.query<{ n: string }>(
      'select xact_commit + xact_rollback as n from pg_stat_database where datname = current_database()',
    );
    return Number(rows[0]?.n ?? 0);
  };
  const least = async (): Promise<void> => {
    for (let before = await committed(); ;) {
      await wait(5_000);
      const after = await committed();
      if (after - before < 200) return;
      before = after;
    }
  };
  // What is done once after a start is over.
  await least();
  const [commits, before] = [await committed(), await service.usage()];
  await wait(secondsWatched * 1000);
  const after = await service.usage();
  const transactions = ((await committed()) - commits - 1) / secondsWatched;
  await client.end();
  return { transactions, cpuPercent: (after.cpuMs - before.cpuMs) / secondsWatched / 10 };
}
