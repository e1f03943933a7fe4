import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

/** One connection. */
export function openDatabase(url: string): Kysely<unknown> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  // A dropped connection fails its query; unheard, as once it is being closed, its event would end us.
  const lost = (): void => undefined;
  pool.on('error', lost).on('connect', (client) => client.on('error', lost));
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}

/** One connection for as long as the work takes. */
export async function withDatabase<Result>(
  url: string,
  work: (db: Kysely<unknown>) => Promise<Result>,
): Promise<Result> {
  const db = openDatabase(url);
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}
