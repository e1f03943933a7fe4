import { type Kysely, sql } from 'kysely';
import { type Distribution, mustBeAlone, planDistribution, spreadTables } from './distribution.ts';
import { migrate } from './migrate.ts';
import { withDatabase } from './with-database.ts';

export interface Distributed extends Distribution {
  /** Tables that were not spread before. */
  readonly spread: readonly string[];
  readonly nodes: number;
}

/**
 * Makes the database of a Citus's coordinator a distributed one, after bringing it up to date; what is spread already stays
 * as it is. Throws an `Error` that says what to do, before anything is changed.
 */
export async function distribute(url: string): Promise<Distributed> {
  await withDatabase(url, async (db) => {
    await mustBeAlone(db);
    await mustBeCoordinator(db);
  });
  await migrate(url);
  return withDatabase(url, async (db) => {
    const spread = await spreadTables(db);
    const { rows } = await sql<{ nodes: number }>`
      select count(*)::int as nodes from pg_dist_node where shouldhaveshards`.execute(db);
    return { ...(await planDistribution(db)), spread, nodes: rows[0]?.nodes ?? 0 };
  });
}

async function mustBeCoordinator(db: Kysely<unknown>): Promise<void> {
  const { rows } = await sql<{ installed: boolean; created: boolean }>`
    select exists (select 1 from pg_available_extensions where name = 'citus') as installed,
           exists (select 1 from pg_extension where extname = 'citus') as created`.execute(db);
  const [{ installed, created } = { installed: false, created: false }] = rows;
  if (!installed) {
    throw new Error(
      'This PostgreSQL has no Citus, and neither has the embedded one: install Citus 13.2 for it on the coordinator and on ' +
        'every worker, write shared_preload_libraries = citus, and restart them (docs/scaling.md). Nothing was changed.',
    );
  }
  if (!created) {
    throw new Error(
      'Citus is installed, and this database does not use it yet: run create extension citus in it as a superuser, on the ' +
        'coordinator and on every worker (docs/scaling.md). Nothing was changed.',
    );
  }
  const { rows: here } = await sql<{ coordinator: boolean }>`
    select groupid = 0 as coordinator from pg_dist_local_group`.execute(db);
  if (here[0]?.coordinator !== true) {
    throw new Error('DATABASE_URL names a worker of this Citus: name its coordinator. Nothing was changed.');
  }
  // Where none is named, Citus takes the coordinator for its own worker.
  const { rows: holders } = await sql<{ named: boolean; holding: boolean | null }>`
    select count(*) > 0 as named, bool_or(shouldhaveshards) as holding from pg_dist_node`.execute(db);
  if (holders[0]?.named === true && holders[0].holding !== true) {
    throw new Error(
      'No node of this Citus is to hold data: name its workers on the coordinator (select citus_add_node(HOST, PORT)), or, where ' +
        "it is its own worker, select citus_set_node_property(HOST, PORT, 'shouldhaveshards', true) with its own " +
        '(docs/scaling.md). Nothing was changed.',
    );
  }
}
