import { reachDatabase } from '@sangam/core/store';
import pg from 'pg';

/**
 * Throws an `Error` that says what is wrong with a database somebody gave, by the name they gave it under: `TEST_DATABASE_URL` or
 * `--database`.
 */
export async function mustBeReached(
  url: string,
  name: string,
  { superuser = false }: { readonly superuser?: boolean } = {},
): Promise<void> {
  const protocol = URL.parse(url)?.protocol ?? '';
  if (!['postgres:', 'postgresql:'].includes(protocol))
    throw new Error(`${name} must look like postgres://user:password@host:5432/database.`);
  try {
    await reachDatabase(url, { patienceMs: 0, onAway: () => undefined });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw new Error(error.message.replaceAll('DATABASE_URL', name), { cause: error });
  }
  if (!superuser) return;
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ may: boolean }>(
      'select rolsuper as may from pg_roles where rolname = current_user',
    );
    if (rows[0]?.may !== true)
      throw new Error(
        `The user of ${name} is no superuser, and databases are made and dropped there: name one who is.`,
      );
  } finally {
    await client.end();
  }
}
