import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';

/** One connection for as long as the work takes. */
export async function withDatabase<Result>(
  url: string,
  work: (db: Kysely<unknown>) => Promise<Result>,
): Promise<Result> {
  const pool = new pg.Pool({ connectionString: url, max: 1 });
  // A dropped connection fails its query; unheard, as once it is being closed, its event would end us.
  const lost = (): void => undefined;
  pool.on('error', lost).on('connect', (client) => client.on('error', lost));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    return await work(db);
  } finally {
    await db.destroy();
  }
}
