import pg from 'pg';
import { z } from 'zod';

/** What pg tells apart; of others it makes no encryption at all, without a word. */
const sslModes = ['disable', 'no-verify', 'require', 'verify-ca', 'verify-full'];

/** Characters that end the user or password of an address. */
const escapes = '@ as %40, / as %2F, # as %23, ? as %3F, % as %25';

/** An address of PostgreSQL as pg takes it. What is wrong is said without the password. */
export const databaseUrl = z
  .string()
  .superRefine((value, context) => {
    const message = wrongIn(value);
    if (message !== undefined) context.addIssue({ code: 'custom', message });
  })
  .transform(checkedByName);

/** pg reads require and verify-ca as verify-full, and warns of it at every start. */
function checkedByName(value: string): string {
  const url = URL.parse(value);
  // A socket beside a user (postgres://user:password@/database?host=/folder): pg takes it, WHATWG's rules do not.
  if (url === null) return value;
  const { searchParams: query } = url;
  const isWarnedOf = ['require', 'verify-ca'].includes(query.get('sslmode') ?? '');
  if (query.get('uselibpqcompat') === 'true' || !isWarnedOf) return value;
  query.set('sslmode', 'verify-full');
  return url.href;
}

function wrongIn(value: string): string | undefined {
  if (!/^postgres(ql)?:\/\//.test(value)) return 'must look like postgres://user:password@host:5432/database';
  const parsed = URL.parse(value) ?? URL.parse(value.replace(/^([^@?]*@)\//, '$1localhost/'));
  const whole = value.slice(value.indexOf('://') + 3);
  // An @ in a value of the query is not the one before the host.
  const isInQuery = parsed !== null && /^\?[^@]*=[^@]*@/.test(parsed.search);
  const beforeHost = isInQuery ? whole.slice(0, whole.indexOf('?')) : whole;
  const at = beforeHost.lastIndexOf('@');
  const credentials = beforeHost.slice(0, at);
  if (at !== -1 && (/[@/#?]/.test(credentials) || /%(?![0-9a-f]{2})/i.test(credentials)))
    return `must have these characters escaped in user and password: ${escapes}`;
  if (parsed === null) return 'must look like postgres://user:password@host:5432/database';
  if (parsed.hash !== '') return 'must have no #: in the password write it as %23';
  const mode = parsed.searchParams.get('sslmode');
  if (mode !== null && !sslModes.includes(mode))
    return `must have an sslmode of ${sslModes.join(', ')}: disable for none, verify-full for one that is checked`;
  return wrongForPg(value);
}

/** Files it names are read when a client is made. */
function wrongForPg(value: string): string | undefined {
  try {
    void describeDatabase(checkedByName(value));
    return undefined;
  } catch (error) {
    const { code, path, message } = error instanceof Error ? Object(error) : {};
    if (code === 'EISDIR')
      return 'must name files in sslrootcert, sslcert and sslkey: one of them is a folder';
    return typeof path === 'string'
      ? `must name files that can be read: ${path} (${String(code)})`
      : `must be as PostgreSQL's client takes it: ${String(message)}`;
  }
}

/** Which database it is, as pg reads it with its own variables (PGHOST …), without user and password. */
export function describeDatabase(url: string): string {
  const { host, port, database } = new pg.Client({ connectionString: url });
  return `${database ?? ''} at ${host.startsWith('/') ? host : `${host}:${String(port)}`}`;
}
