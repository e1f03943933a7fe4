import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import pg from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { z } from 'zod';
import { migrate } from './migrate.ts';
import { serviceWorkspaceId } from './schema.ts';

/**
 * A backup is a gzip of lines: a header, and for each table its name and columns, its rows as PostgreSQL's COPY writes them,
 * and `\.`; last the SHA-256 of all before. It needs no pg_dump, and goes from the embedded database to one's own and back.
 */
const header = z.object({
  sangam: z.literal('backup'),
  format: z.literal(1),
  madeAt: z.string(),
  /** Migrations and their hashes: what the rows fit. */
  schema: z.record(z.string(), z.string()),
});
const tableLine = z.object({ table: z.string(), columns: z.array(z.string()) });
const trailer = z.object({ sha256: z.string() });

const endOfRows = '\\.\n';
const newline = 10;
const chunkBytes = 64 * 1024;

export interface BackupSummary {
  readonly tables: number;
  readonly madeAt: string;
}

/** Writes everything one snapshot of the database holds. `signal`: gives it up. */
export async function writeBackup(
  url: string,
  target: Writable,
  signal?: AbortSignal,
): Promise<BackupSummary> {
  const client = await connect(url, signal);
  const gzip = createGzip();
  const written = pipeline(gzip, target);
  // Told by `written`, which is awaited in the end.
  written.catch(() => undefined);
  const hash = createHash('sha256');
  const write = async (chunk: string | Buffer): Promise<void> => {
    hash.update(chunk);
    if (!gzip.write(chunk)) await once(gzip, 'drain');
  };
  try {
    await client.query('begin isolation level repeatable read read only');
    const madeAt = new Date().toISOString();
    const tables = await tablesOf(client);
    const schema = await schemaOf(client);
    await write(line({ sangam: 'backup', format: 1, madeAt, schema }));
    for (const { table, columns } of tables) {
      await write(line({ table, columns }));
      const rows = client.query(copyTo(copyStatement(table, columns, 'to stdout')));
      for await (const chunk of rows) await write(chunk as Buffer);
      await write(endOfRows);
    }
    gzip.end(line({ sha256: hash.digest('hex') }));
    await written;
    return { tables: tables.length, madeAt };
  } finally {
    gzip.destroy();
    await client.end();
  }
}

export interface RestoreSummary extends BackupSummary {
  /** Connections that wrote before: they write nothing until somebody says so. */
  readonly paused: number;
}

/**
 * Reads a backup into a database without a row, whose tables it makes where they are not there; all of it or nothing. Whatever
 * wrote to a CRM is put in shadow, and what sent is paused: the installation it was copied from may still be running. `signal`: gives it up. Throws an
 * `Error` that says what to do.
 */
export async function restoreBackup(
  url: string,
  source: Readable,
  signal?: AbortSignal,
): Promise<RestoreSummary> {
  const client = await connect(url, signal);
  const unpacked = createGunzip();
  const fed = pipeline(source, unpacked);
  // A file that is cut off or none of ours shows where it is read.
  fed.catch(() => undefined);
  try {
    const hash = createHash('sha256');
    const lines = linesOf(unpacked);
    const next = async (): Promise<Buffer | undefined> => {
      const line = await lines.next();
      return line.done === true ? undefined : line.value;
    };
    const first = await next().catch(() => undefined);
    const head = header.safeParse(parsedLine(first));
    if (!head.success || first === undefined) {
      throw new Error('This is no backup of Sangam: name a file that `npm run backup` wrote.');
    }
    hash.update(first);
    // Before anything is made in it: it may be another one than was meant.
    await mustBeEmpty(client);
    await migrate(url);
    await mustFit(client, head.data.schema);

    await client.query('begin');
    // A start, or another restore, waits for what comes of this one.
    await client.query('lock table workspaces in share row exclusive mode');
    await mustBeEmpty(client);
    await client.query('delete from workspaces where workspace_id = $1', [serviceWorkspaceId]);
    let tables = 0;
    for (;;) {
      const bytes = await next();
      const parsed = parsedLine(bytes);
      const end = trailer.safeParse(parsed);
      if (end.success) {
        if (end.data.sha256 !== hash.digest('hex')) throw damaged();
        break;
      }
      const table = tableLine.safeParse(parsed);
      if (!table.success || bytes === undefined) throw damaged();
      hash.update(bytes);
      const rows = client.query(copyFrom(copyStatement(table.data.table, table.data.columns, 'from stdin')));
      await pipeline(Readable.from(rowsOf(next, hash)), rows).catch((error: unknown) => {
        throw isOfRows(error) ? damaged(error) : error;
      });
      tables += 1;
    }
    const { rowCount: paused } = await client.query(
      "update crm_connections set mode = 'shadow' where mode <> 'shadow'",
    );
    await client.query(
      `insert into pauses (workspace_id, scope, subject, paused_at, paused_by)
       select distinct workspace_id, 'workspace', '', $1::bigint, 'restore' from channel_states where mode <> 'shadow'
       on conflict do nothing`,
      [Date.now()],
    );
    await client.query('commit');
    return { tables, madeAt: head.data.madeAt, paused: paused ?? 0 };
  } finally {
    unpacked.destroy();
    // What was not committed is as if it had never been.
    await client.end();
  }
}

/** A connection that the signal ends, also in the middle of a statement. */
async function connect(url: string, signal: AbortSignal | undefined): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  // Whoever waits for a statement is told.
  client.on('error', () => undefined);
  await client.connect();
  signal?.addEventListener('abort', () => void client.end());
  return client;
}

/** The rows of one table, some at a time. */
async function* rowsOf(
  next: () => Promise<Buffer | undefined>,
  hash: ReturnType<typeof createHash>,
): AsyncGenerator<Buffer> {
  let some: Buffer[] = [];
  let bytes = 0;
  for (;;) {
    const row = await next();
    if (row === undefined) throw damaged();
    hash.update(row);
    if (row.equals(end)) break;
    some.push(row);
    bytes += row.length;
    if (bytes < chunkBytes) continue;
    yield Buffer.concat(some);
    some = [];
    bytes = 0;
  }
  if (some.length > 0) yield Buffer.concat(some);
}

const end = Buffer.from(endOfRows);

/** Lines with their ends. COPY escapes every line end inside a value, and nothing else is a line end to it. */
async function* linesOf(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  try {
    for await (const chunk of source) {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      let start = 0;
      for (let at = bytes.indexOf(newline); at !== -1; at = bytes.indexOf(newline, start)) {
        yield bytes.subarray(start, at + 1);
        start = at + 1;
      }
      rest = bytes.subarray(start);
    }
  } catch (error) {
    throw damaged(error);
  }
}

/** What PostgreSQL refuses of rows made for these very tables: they are not as they were written. */
function isOfRows(error: unknown): boolean {
  return error instanceof pg.DatabaseError && /^(22|23|42)/.test(error.code ?? '');
}

function damaged(cause?: unknown): Error {
  return new Error('The backup is damaged or cut off: nothing was restored. Use another copy of it.', {
    cause,
  });
}

function line(content: object): string {
  return `${JSON.stringify(content)}\n`;
}

function parsedLine(bytes: Buffer | undefined): unknown {
  try {
    return JSON.parse((bytes ?? '').toString());
  } catch {
    return undefined;
  }
}

function copyStatement(table: string, columns: readonly string[], direction: string): string {
  return `copy ${pg.escapeIdentifier(table)} (${columns.map((one) => pg.escapeIdentifier(one)).join(', ')}) ${direction}`;
}

interface Table {
  readonly table: string;
  readonly columns: readonly string[];
}

/** `workspaces` first, which others point at. */
async function tablesOf(client: pg.Client): Promise<Table[]> {
  const { rows } = await client.query<Table>(
    `select c.table_name as "table", array_agg(c.column_name::text order by c.ordinal_position) as columns
     from information_schema.columns c
     join information_schema.tables t using (table_schema, table_name)
     where c.table_schema = current_schema() and t.table_type = 'BASE TABLE'
       and c.table_name not like 'kysely%' and c.table_name <> 'migration_hashes'
     group by c.table_name order by c.table_name <> 'workspaces', c.table_name`,
  );
  return rows;
}

async function schemaOf(client: pg.Client): Promise<Record<string, string>> {
  const { rows: found } = await client.query<{ there: boolean }>(
    "select to_regclass('migration_hashes') is not null as there",
  );
  if (found[0]?.there !== true) {
    throw new Error(
      'The database holds nothing of Sangam: set DATA_DIR or DATABASE_URL as the service has them.',
    );
  }
  const { rows } = await client.query<{ name: string; hash: string }>(
    'select name, hash from migration_hashes',
  );
  return Object.fromEntries(rows.map(({ name, hash }) => [name, hash]));
}

async function mustFit(client: pg.Client, schema: Readonly<Record<string, string>>): Promise<void> {
  const ours = await schemaOf(client);
  const names = new Set([...Object.keys(ours), ...Object.keys(schema)]);
  const other = [...names].toSorted().find((name) => ours[name] !== schema[name]);
  if (other !== undefined) {
    throw new Error(
      `The backup was made by another version (the migration ${other} differs): restore it with the version that made it, ` +
        'then start this one.',
    );
  }
}

async function mustBeEmpty(client: pg.Client): Promise<void> {
  for (const { table } of await tablesOf(client)) {
    const { rows } = await client.query(
      `select 1 from ${pg.escapeIdentifier(table)}
       ${table === 'workspaces' ? `where workspace_id <> '${serviceWorkspaceId}'` : ''} limit 1`,
    );
    if (rows.length > 0) {
      throw new Error(
        `The database already holds something (${table}): restore into an empty one, such as another DATABASE_URL or DATA_DIR. ` +
          'Nothing was changed in it.',
      );
    }
  }
}
