import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';

/** `returning` of upserts, `security_invoker`, `nulls not distinct`: what we use came with this version. */
const oldestVersion = 15;

const lookAgainMs = 500;

/** PostgreSQL's codes for what waiting does not mend, each with what to do. */
const refusals: Readonly<Record<string, string>> = {
  '28P01': 'PostgreSQL refuses the password of DATABASE_URL: correct it.',
  '28000':
    'PostgreSQL refuses the user of DATABASE_URL: correct it, let that user in (pg_hba.conf), or add sslmode=verify-full ' +
    'where it takes encrypted connections alone.',
  '3D000':
    'The database that DATABASE_URL names does not exist: correct its name, or create it (createdb NAME).',
  '42501': 'The user of DATABASE_URL may not connect to that database: grant it CONNECT.',
};

/** Node's codes for a certificate that its authority does not mend, each with what does. */
const certificates: Readonly<Record<string, string>> = {
  ERR_TLS_CERT_ALTNAME_INVALID:
    'is made out to another name than that in DATABASE_URL: write that name as the host, or sslmode=no-verify to go without ' +
    'the check.',
  CERT_HAS_EXPIRED: 'has run out: renew it, or write sslmode=no-verify to go without the check meanwhile.',
  CERT_NOT_YET_VALID: 'is not valid yet: set the clock of this machine, or renew it.',
};

/**
 * Resolves when the database can be used: it answers, is PostgreSQL 15 or newer, and lets us make tables. One that is
 * only away is waited for, `patienceMs` long; `onAway` hears of it once. Throws an `Error` that says what to do, and never
 * holds the password.
 */
export async function reachDatabase(
  url: string,
  { patienceMs, onAway }: { readonly patienceMs: number; readonly onAway: (line: string) => void },
): Promise<void> {
  const end = performance.now() + patienceMs;
  for (let tries = 0; ; tries += 1) {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
    client.on('error', () => undefined);
    try {
      await client.connect();
    } catch (error) {
      await client.end().catch(() => undefined);
      const why = codeOf(error);
      const refusal = refusalOf(why);
      if (refusal !== undefined) throw new Error(refusal, { cause: error });
      if (performance.now() > end) {
        throw new Error(
          `The database at ${placeOf(url)} was not reached within ${String(Math.round(patienceMs / 1000))} s (${why}): ` +
            'start it, or correct DATABASE_URL.',
          { cause: error },
        );
      }
      if (tries === 0) {
        onAway(`The database at ${placeOf(url)} does not answer (${why}). Waiting for it.`);
      }
      await wait(lookAgainMs);
      continue;
    }
    try {
      await mustBeUsable(client);
      return;
    } finally {
      await client.end();
    }
  }
}

async function mustBeUsable(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{
    version: string;
    searchPath: string;
    schema: string | null;
    mayCreate: boolean | null;
    readOnly: string;
  }>(
    `select current_setting('server_version') as version, current_setting('search_path') as "searchPath",
            current_schema() as schema, has_schema_privilege(current_schema(), 'create') as "mayCreate",
            current_setting('transaction_read_only') as "readOnly"`,
  );
  const [answer] = rows;
  if (answer === undefined) throw new Error('PostgreSQL answered a select without a row.');
  const { version, searchPath, schema, mayCreate, readOnly } = answer;
  if (Number.parseInt(version, 10) < oldestVersion) {
    throw new Error(
      `DATABASE_URL names a PostgreSQL ${version}: Sangam needs ${String(oldestVersion)} or newer. Nothing was changed in it.`,
    );
  }
  if (readOnly === 'on') {
    throw new Error(
      'The database of DATABASE_URL is read-only: name the primary, not a standby, or take default_transaction_read_only ' +
        'from the database or its user.',
    );
  }
  if (schema === null) {
    throw new Error(
      `The search_path of DATABASE_URL's user (${searchPath}) names no schema that exists and that this user may use: ` +
        'create the schema, or correct search_path where it is set (ALTER ROLE, options in DATABASE_URL, PGOPTIONS).',
    );
  }
  if (mayCreate !== true) {
    throw new Error(
      `The user of DATABASE_URL may not make tables there: as the database's owner run GRANT CREATE ON SCHEMA ` +
        `${schema} TO that user.`,
    );
  }
}

/** What to do about what waiting does not mend, by PostgreSQL's code, Node's or, where pg has none, its words. */
function refusalOf(why: string): string | undefined {
  const certificate = certificates[why];
  if (certificate !== undefined) return `The certificate of PostgreSQL ${certificate}`;
  if (/^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|CERT_|ERR_TLS_)/.test(why)) {
    return (
      `The certificate of PostgreSQL is not trusted here (${why}): add sslrootcert=FILE with that of its authority to ` +
      'DATABASE_URL, or sslmode=no-verify to go without the check.'
    );
  }
  if (why.includes('does not support SSL')) {
    return 'PostgreSQL takes no encrypted connections there: let it (ssl = on), or write sslmode=disable in DATABASE_URL.';
  }
  if (why.includes('client password must be')) {
    return 'PostgreSQL wants a password: write it into DATABASE_URL (postgres://user:password@host:5432/database).';
  }
  return refusals[why];
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  // Both loopbacks refused: Node tells them as one error of several.
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const code: unknown = first instanceof Error && 'code' in first ? first.code : undefined;
  return typeof code === 'string' ? code : error.message;
}

/** Host and port, without user and password. */
function placeOf(url: string): string {
  return URL.parse(url)?.host || 'its socket';
}
