import { randomUUID } from 'node:crypto';
import { Socket } from 'node:net';
import { type DatabaseConnection, Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { enterDue, type NewlyDue, restDue } from './work/due.ts';
import { findDue, scanDue } from './work/due-found.ts';
import { DueNotes, type DueTarget, type Queue, type RestUntil } from './work/due-notes.ts';
import { type DueListener, DueNotices } from './work/due-notices.ts';
import { type Gauges, readGauges } from './work/gauges.ts';
import { type AlertKind, type Database, sealedColumns } from './schema.ts';
import { storableParameter } from './text.ts';
import type { WorkspaceTransaction } from './transaction.ts';
import { workspaceGuard } from './workspace-guard.ts';

export type { WorkspaceTransaction } from './transaction.ts';

/** 40P01 deadlock, 40001 serialisation: the batch is repeated, nobody sees it. */
const repeatable = new Set(['40P01', '40001']);
const mostRepeats = 6;

interface OpenAlert {
  readonly workspaceId: string;
  readonly alertId: string;
  readonly connectionId: string | null;
  readonly subject: string;
  /** When what it says was last seen, milliseconds. */
  readonly seenAt: number;
}

export interface Store {
  /** The only way to a transaction. Repeats the work when PostgreSQL chose it as a deadlock's victim. */
  transact<T>(workspaceId: string, work: (trx: WorkspaceTransaction) => Promise<T>): Promise<T>;
  /** What is read before a workspace is known. Workspace tables are refused. */
  readonly directory: Kysely<Database>;
  /** What is due, whoever's. */
  scanDue(now: number): Promise<DueTarget[]>;
  /**
   * A target has nothing to do, or is left alone until then: sets when it is looked at again, and returns that, `Infinity`
   * for never. Undefined: somebody is making something due there just now.
   */
  restDue(target: DueTarget, now: number, until?: RestUntil): Promise<number | undefined>;
  /** Has a worker told what falls due, by this process or another, until the returned function is called. */
  onDue(queue: Queue, listener: DueListener): () => void;
  /** Enters in the due list all that waits, whatever it says: for a process that starts. */
  findDue(): Promise<void>;
  /**
   * Gives back what processes held that are no more: when no other process is connected, every lease is an orphan's.
   * Spares a restart after a crash the rest of the lease.
   */
  freeOrphanedLeases(): Promise<void>;
  /** Workspaces that hold a secret sealed with another key than the one of this id. */
  workspacesSealedOtherwise(keyId: Buffer): Promise<string[]>;
  /** How things stand in all workspaces. Rejects when that takes longer than 2 s. */
  gauges(at: { readonly now: number; readonly silentSince: number }): Promise<Gauges>;
  /** Open alerts of a kind, whoever's. */
  openAlerts(kind: AlertKind): Promise<OpenAlert[]>;
  /** This process's connections to the database. */
  pool(): { readonly most: number; readonly open: number; readonly idle: number; readonly waiting: number };
  /** Makes a small write. Rejects where nothing answers within 15 s, nothing may be written, or the disk is full. */
  tryWrite(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Sessions end by themselves when their process is frozen in the middle of a transaction, so that its locks do
 * not outlive it: 10 s idle in a transaction, 30 s for a peer that stopped reading. A hundred rows are looked up by their
 * keys: at PostgreSQL's own price for a random page it reads whole tables instead, for disks nobody has any more (of the
 * whole way's time in the database that was two fifths).
 */
const sessionSettings =
  '-c random_page_cost=1.1 -c idle_in_transaction_session_timeout=10000 -c statement_timeout=60000 -c tcp_user_timeout=30000 ' +
  '-c jit=off -c TimeZone=UTC';

/**
 * A connection on which nothing arrived for longer than any statement may take is dead, whatever TCP says of it: a
 * server, or the way to it, that is gone without a word keeps everybody waiting who asked it something.
 */
const silenceMs = 65_000;

function deadlineSocket(): Socket {
  const socket = new Socket();
  return socket.setTimeout(silenceMs, () => {
    socket.destroy(new Error(`PostgreSQL did not answer for ${String(silenceMs / 1000)} s.`));
  });
}

const tryWriteMs = 5_000;

/**
 * Takes a lock, which is a write with a commit of its own, and a megabyte of disk for a moment: on a full one, rows
 * are still changed where there is room in their page.
 */
const smallWrite = `
  set local work_mem = '64kB';
  select count(*) from generate_series(1, 50000);
  select 1 from kysely_migration limit 1 for key share;`;

export function openStore(
  url: string,
  options: { maxConnections?: number; onConnectionLost?: (error: Error) => void } = {},
): Store {
  const processName = `sangam ${randomUUID()}`;
  const session = {
    connectionString: url,
    application_name: processName,
    options: sessionSettings,
    keepAlive: true,
    connectionTimeoutMillis: 10_000,
  };
  const pool = new pg.Pool({
    ...session,
    max: options.maxConnections ?? 12,
    stream: deadlineSocket,
    types: { getTypeParser: (oid, format) => typeParser(oid, format) },
  });
  // A dropped connection fails its query, and the next checkout makes a new one; unheard, its event would end us.
  const lost = (error: Error): void => options.onConnectionLost?.(error);
  pool.on('error', lost);
  pool.on('connect', (client) => client.on('error', lost));
  const dialect = new PostgresDialect({
    pool,
    onCreateConnection: (connection) => Promise.resolve(bindStorable(connection)),
  });
  const db = new Kysely<Database>({ dialect });
  const directory = db.withPlugin(workspaceGuard(undefined));

  const notices = new DueNotices(pool, () => new pg.Client(session), lost);

  const transactOnce = async <T>(
    workspaceId: string,
    work: (trx: WorkspaceTransaction) => Promise<T>,
  ): Promise<T> => {
    let due: readonly NewlyDue[] = [];
    const result = await db
      .withPlugin(workspaceGuard(workspaceId))
      .transaction()
      .execute(async (bare) => {
        const trx = Object.assign(bare, { workspaceId, due: new DueNotes() });
        const worked = await work(trx);
        due = await enterDue(trx);
        return worked;
      });
    notices.tell(due);
    return result;
  };

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
    scanDue: (now) => scanDue(pool, now),
    restDue: (target, now, until) =>
      transactOnce(target.workspaceId, (trx) => restDue(trx, target, now, until)),
    onDue: (queue, listener) => notices.listen(queue, listener),
    findDue: () => findDue(pool),
    async freeOrphanedLeases() {
      // Asked apart: what is distributed is changed on other nodes, which do not know who is connected to this one.
      const othersWork = async (): Promise<boolean> => {
        const { rows } = await pool.query(
          `select 1 from pg_stat_activity
           where datname = current_database() and starts_with(application_name, 'sangam ')
             and application_name not like 'sangam open %' and application_name <> $1 limit 1`,
          [processName],
        );
        return rows.length > 0;
      };
      for (const leased of ['dirty_records', 'timeline_entries', 'checks']) {
        // Before each: a process that starts meanwhile keeps what it leases.
        if (await othersWork()) return;
        await pool.query(`update ${leased} set leased_until = null where leased_until is not null`);
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
    async gauges(at) {
      const client = await pool.connect();
      try {
        const gauges = await readGauges(client, at);
        client.release();
        return gauges;
      } catch (error) {
        client.release(true);
        throw error;
      }
    },
    async openAlerts(kind) {
      const { rows } = await pool.query<OpenAlert>(
        `select workspace_id as "workspaceId", alert_id as "alertId", connection_id as "connectionId", subject,
                coalesce(seen_at, raised_at) as "seenAt"
         from alerts where kind = $1 and closed_at is null limit 10000`,
        [kind],
      );
      return rows;
    },
    pool: () => ({
      most: pool.options.max,
      open: pool.totalCount,
      idle: pool.idleCount,
      waiting: pool.waitingCount,
    }),
    async tryWrite() {
      const client = await pool.connect();
      let released = false;
      const release = (dead: boolean): void => {
        if (!released) client.release(dead);
        released = true;
      };
      // A connection that is given back dead is cut, and its statement fails.
      const deadline = setTimeout(() => release(true), tryWriteMs);
      try {
        await client.query(smallWrite);
        release(false);
      } finally {
        clearTimeout(deadline);
        release(true);
      }
    },
    async close() {
      await notices.close();
      await db.destroy();
      // Kysely leaves a pool alone that it has not used itself.
      if (!pool.ended) await pool.end();
    },
  };
}

/**
 * One text PostgreSQL cannot hold fails a whole statement, and everything that travels with it: none is bound, wherever
 * it came from.
 */
function bindStorable(connection: DatabaseConnection): void {
  const execute = connection.executeQuery.bind(connection);
  connection.executeQuery = (query, options) =>
    execute({ ...query, parameters: query.parameters.map(storableParameter) }, options);
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

/**
 * Classes of PostgreSQL's errors that speak of connections, locks, resources and our own statements. Any other may quote a
 * row, such as P0001, which a trigger words as it likes. https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
const speaksOfNoData = new Set([
  '08',
  '0A',
  '25',
  '26',
  '28',
  '3D',
  '3F',
  '40',
  '42',
  '53',
  '55',
  '57',
  '58',
]);

/** PostgreSQL's words on data it refused, or anybody's in the database. */
export function mayQuoteRow(error: unknown): boolean {
  return error instanceof pg.DatabaseError && !speaksOfNoData.has(error.code?.slice(0, 2) ?? '');
}
