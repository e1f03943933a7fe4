import { type Kysely, sql } from 'kysely';
import { coordinatorTables, directoryTables, workspaceTables } from './schema.ts';

/** Where the tables of a distributed database stand. */
export interface Distribution {
  /** By `workspace_id`, so that whatever is a workspace's stands on one node. `workspaces` first, which others point at. */
  readonly byWorkspace: readonly string[];
  /** The directory: whole on every node. */
  readonly onEveryNode: readonly string[];
  readonly onCoordinator: readonly string[];
}

interface Table {
  readonly name: string;
  /** The first column of each of its unique indexes. */
  readonly keysBegin: readonly string[];
  /** Tables its foreign keys point at. */
  readonly pointsAt: readonly string[];
}

type Place = keyof Distribution;

/** Of `c`: a table in the schema we use that no extension brought along. */
const isTableHere = sql`
  c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
  and not exists (select 1 from pg_depend d
                  where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`;

/** Tables of earlier versions, which a migration drops. */
const formerTables = ['dirty_contacts'];

/**
 * Throws an `Error` that says what to do where tables stand beside ours that are not Sangam's: what becomes of them once it is
 * distributed nobody here can decide.
 */
export async function mustBeAlone(db: Kysely<unknown>): Promise<void> {
  const ours = [...workspaceTables, ...directoryTables, ...coordinatorTables, ...formerTables];
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_class c
    where ${isTableHere} and not c.relispartition and c.relname <> all(${ours}::text[])
    order by 1`.execute(db);
  if (rows.length === 0) return;
  throw new Error(
    `The database holds tables that are not Sangam's: ${rows.map(({ name }) => name).join(', ')}. Move them to another schema ` +
      '(alter table NAME set schema OTHER), or give Sangam a database of its own (createdb NAME) and take it there by npm run ' +
      'backup and npm run restore. Nothing was changed.',
  );
}

/** Read from the schema, so that no table is forgotten. Throws an `Error` that names the one that fits nowhere. */
export async function planDistribution(db: Kysely<unknown>): Promise<Distribution> {
  const { rows: tables } = await sql<Table>`
    select c.relname as name,
           array(select a.attname::text from pg_index x
                 join pg_attribute a on a.attrelid = c.oid and a.attnum = x.indkey[0]
                 where x.indrelid = c.oid and x.indisunique) as "keysBegin",
           array(select distinct t.relname::text from pg_constraint k join pg_class t on t.oid = k.confrelid
                 where k.conrelid = c.oid and k.contype = 'f') as "pointsAt"
    from pg_class c
    where ${isTableHere}
    order by c.relname <> 'workspaces', c.relname`.execute(db);
  const places = new Map(tables.map((table) => [table.name, placeOf(table)]));
  for (const { name, pointsAt } of tables) {
    const beyond = pointsAt.find((other) => !mayPointAt(places.get(name), places.get(other)));
    if (beyond !== undefined) {
      throw new Error(
        `The table ${name} has a foreign key to ${beyond}, which may stand on another node: write a migration that drops it.`,
      );
    }
  }
  const standing = (place: Place): string[] =>
    tables.filter(({ name }) => places.get(name) === place).map(({ name }) => name);
  return {
    byWorkspace: standing('byWorkspace'),
    onEveryNode: standing('onEveryNode'),
    onCoordinator: standing('onCoordinator'),
  };
}

function placeOf({ name, keysBegin }: Table): Place {
  if (coordinatorTables.some((table) => table === name)) return 'onCoordinator';
  if (name.startsWith('directory_')) return 'onEveryNode';
  if (keysBegin.length > 0 && keysBegin.every((column) => column === 'workspace_id')) return 'byWorkspace';
  throw new Error(
    `The table ${name} fits nowhere in a distributed database: begin each of its keys and unique indexes with workspace_id, ` +
      'or, where it is read before a workspace is known, let its name begin with directory_.',
  );
}

function mayPointAt(from: Place | undefined, to: Place | undefined): boolean {
  return from === to || (from === 'byWorkspace' && to === 'onEveryNode');
}

/** The tables that a Citus has spread; undefined: the database is not distributed. */
export async function distributedTables(db: Kysely<unknown>): Promise<ReadonlySet<string> | undefined> {
  const { rows: catalogue } = await sql<{ there: boolean }>`
    select to_regclass('pg_dist_partition') is not null as there`.execute(db);
  if (catalogue[0]?.there !== true) return undefined;
  const { rows } = await sql<{ name: string }>`
    select c.relname as name from pg_dist_partition d join pg_class c on c.oid = d.logicalrelid
    join pg_namespace n on n.oid = c.relnamespace where n.nspname = current_schema()`.execute(db);
  return rows.length === 0 ? undefined : new Set(rows.map(({ name }) => name));
}

/** Any number, the same in every process. */
const distributionLock = 730_151_044;

/** Spreads what is not spread yet, with its rows, all of it or nothing; returns the names. */
export async function spreadTables(db: Kysely<unknown>): Promise<string[]> {
  const plan = await planDistribution(db);
  return db.transaction().execute(async (trx) => {
    await sql`select pg_advisory_xact_lock(${distributionLock})`.execute(trx);
    const spread = await distributedTables(trx);
    const isNew = (table: string): boolean => spread?.has(table) !== true;
    const [first = '', ...others] = plan.byWorkspace;
    const byWorkspace = others.filter(isNew);
    const onEveryNode = plan.onEveryNode.filter(isNew);
    if (isNew(first)) {
      await sql`select create_distributed_table(${first}, 'workspace_id', colocate_with => 'none')`.execute(
        trx,
      );
    }
    await sql`
      select create_distributed_table(name::regclass, 'workspace_id', colocate_with => ${first})
      from unnest(${byWorkspace}::text[]) name`.execute(trx);
    await sql`
      select create_reference_table(name::regclass) from unnest(${onEveryNode}::text[]) name`.execute(trx);
    const now = [...(isNew(first) ? [first] : []), ...byWorkspace, ...onEveryNode];
    // Their rows were copied; what is left on the coordinator is seen by nobody.
    await sql`
      select truncate_local_data_after_distributing_table(name::regclass)
      from unnest(${now}::text[]) name`.execute(trx);
    return now;
  });
}
