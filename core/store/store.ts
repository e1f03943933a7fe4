import { randomUUID } from 'node:crypto';
import { Kysely, PostgresDialect, type Transaction } from 'kysely';
import pg from 'pg';
import { type Database, sealedColumns } from './schema.ts';
import { workspaceGuard } from './workspace-guard.ts';

/** A transaction bound to one workspace. */
export type WorkspaceTransaction = Transaction<Database> & { readonly workspaceId: string };

/** 40P01 deadlock, 40001 serialisation: the batch is repeated, nobody sees it. */
const repeatable = new Set(['40P01', '40001']);
const mostRepeats = 6;

/** Tables of work that waits, with what tells waiting rows from others. */
const queues = {
  inbox: 'true',
  dirty_records: 'held is null',
  timeline_entries: 'due_at is not null',
  checks: "state = 'running'",
} as const;
export type Queue = keyof typeof queues;

export interface Store {
  /** The only way to a transaction. Repeats the work when PostgreSQL chose it as a deadlock's victim. */
  transact<T>(workspaceId: string, work: (trx: WorkspaceTransaction) => Promise<T>): Promise<T>;
  /** What is read before a workspace is known. Workspace tables are refused. */
  readonly directory: Kysely<Database>;
  /** Workspaces with rows waiting in the inbox or for a CRM: ids only, the one look across the walls. */
  workspacesWithWork(queue: Queue): Promise<string[]>;
  /**
   * Gives back what processes held that are no more: when no other process is connected, every lease is an orphan's.
   * Spares a restart after a crash the rest of the lease.
   */
  freeOrphanedLeases(): Promise<void>;
  /** Workspaces that hold a secret sealed with another key than the one of this id. */
  workspacesSealedOtherwise(keyId: Buffer): Promise<string[]>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Sessions end by themselves when their process is frozen in the middle of a transaction, so that its locks do
 * not outlive it: 10 s idle in a transaction, 30 s for a peer that stopped reading.
 */
const sessionSettings =
  '-c idle_in_transaction_session_timeout=10000 -c statement_timeout=60000 -c tcp_user_timeout=30000 ' +
  '-c jit=off -c TimeZone=UTC';

export function openStore(
  url: string,
  options: { maxConnections?: number; onConnectionLost?: (error: Error) => void } = {},
): Store {
  const processName = `sangam ${randomUUID()}`;
  const pool = new pg.Pool({
    connectionString: url,
    max: options.maxConnections ?? 12,
    connectionTimeoutMillis: 10_000,
    application_name: processName,
    options: sessionSettings,
    keepAlive: true,
    types: { getTypeParser: (oid, format) => typeParser(oid, format) },
  });
  // A dropped connection fails its query, and the next checkout makes a new one; unheard, its event would end us.
  const lost = (error: Error): void => options.onConnectionLost?.(error);
  pool.on('error', lost);
  pool.on('connect', (client) => client.on('error', lost));
  const db = new Kysely<Database>({ dialect: new PostgresDialect({ pool }) });
  const directory = db.withPlugin(workspaceGuard(undefined));

  const transactOnce = <T>(
    workspaceId: string,
    work: (trx: WorkspaceTransaction) => Promise<T>,
  ): Promise<T> =>
    db
      .withPlugin(workspaceGuard(workspaceId))
      .transaction()
      .execute((trx) => work(Object.assign(trx, { workspaceId })));

  return {
    async transact(workspaceId, work) {
      for (let repeats = 0; ; repeats += 1) {
        try {
          return await transactOnce(workspaceId, work);
        } catch (error) {
          if (!(error instanceof pg.DatabaseError) || !repeatable.has(error.code ?? '')) throw error;
          if (repeats === mostRepeats) throw error;
        }
      }
    },
    directory,
    async workspacesWithWork(queue) {
      // A loose index scan: one probe per workspace that has work, whatever the length of its queue.
      const { rows } = await pool.query<{ workspace_id: string }>(
        `with recursive waiting as (
           (select workspace_id from ${queue} where ${queues[queue]} order by workspace_id limit 1)
           union all
           select (select q.workspace_id from ${queue} q where q.workspace_id > w.workspace_id and ${queues[queue]}
                   order by q.workspace_id limit 1)
           from waiting w where w.workspace_id is not null
         ) select workspace_id from waiting where workspace_id is not null`,
      );
      return rows.map((row) => row.workspace_id);
    },
    async freeOrphanedLeases() {
      for (const leased of ['dirty_records', 'timeline_entries', 'checks']) {
        await pool.query(
          `update ${leased} set leased_until = null
           where leased_until is not null and not exists (
             select 1 from pg_stat_activity
             where datname = current_database() and starts_with(application_name, 'sangam ')
               and application_name not like 'sangam open %' and application_name <> $1)`,
          [processName],
        );
      }
    },
    async workspacesSealedOtherwise(keyId) {
      const looks = sealedColumns.flatMap(({ table, columns }) =>
        columns.map(
          (column) =>
            `select workspace_id from ${table} where substring(${column} from 1 for length($1::bytea)) <> $1`,
        ),
      );
      const { rows } = await pool.query<{ workspace_id: string }>(looks.join(' union '), [keyId]);
      return rows.map((row) => row.workspace_id);
    },
    async ping() {
      await pool.query('select 1');
    },
    close: () => db.destroy(),
  };
}

const int8 = 20;

/** Our int8 columns are milliseconds and counts, all below 2^53. */
function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === int8 && format !== 'binary') return Number;
  return pg.types.getTypeParser(oid, 'text');
}

/** Classes of PostgreSQL errors that a row's own content causes: cardinality, data, constraint, limits. */
const dataErrorClasses = new Set(['21', '22', '23', '54']);

/** The work cannot succeed on this data, as opposed to: not now. */
export function isDataError(error: unknown): error is Error {
  if (error instanceof pg.DatabaseError) return dataErrorClasses.has(error.code?.slice(0, 2) ?? '');
  return error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError;
}
