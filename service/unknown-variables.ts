import leven from 'leven';
import { crms } from '@sangam/connectors/registry';

/** Variables that begin so are ours; others, such as DATABASE_POOL, may be somebody else's. */
const ownPrefixes = [
  'META_',
  'METRICS_',
  'WHATSAPP_',
  'SECRETS_',
  'SANDBOX_',
  'RETENTION_',
  ...crms.map(({ traits }) => `${traits.crm.toUpperCase()}_`),
];

/** What Node, PostgreSQL's client, OpenTelemetry and the system's libraries read may stand beside ours in a file of ours. */
const readByOthers =
  /^(NODE_|OTEL_|PG|SSL_CERT_)|^(TZ|LANG|LC_ALL|UV_THREADPOOL_SIZE)$|^(HTTPS?|ALL|NO)_PROXY$/i;

/** Kubernetes names every service of a namespace so, one called `metrics` as well. */
const ofKubernetes = /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/;

/**
 * What nobody reads: a mistyped name would otherwise be taken for one left out. The environment holds what shells,
 * containers and build machines set, so there a name is refused that begins as ours do or is all but one of ours; a file is
 * ours alone, and every name in it must be known. Answers one line each.
 */
export function unknownVariables(
  known: readonly string[],
  { environment, file }: { readonly environment: readonly string[]; readonly file: readonly string[] },
): string[] {
  const isUnknown = (name: string): boolean => !known.includes(name);
  const inFile = file.filter((name) => isUnknown(name) && !readByOthers.test(name));
  const inEnvironment = environment.filter(
    (name) =>
      isUnknown(name) &&
      !ofKubernetes.test(name) &&
      (ownPrefixes.some((prefix) => name.startsWith(prefix)) || known.some((ours) => isMistyped(name, ours))),
  );
  return [...new Set([...inFile, ...inEnvironment])].map((name) => {
    const [nearest = ''] = known.toSorted((x, y) => distance(name, x) - distance(name, y));
    const hint =
      distance(name, nearest) <= name.length / 2 || inEnvironment.includes(name)
        ? `did you mean ${nearest}?`
        : 'take it out of the file of settings, or set it in the environment.';
    return `${name}: there is no such variable; ${hint}`;
  });
}

const distance = (name: string, ours: string): number => leven(name.toUpperCase(), ours);

/** Two slips of the keyboard. In a name of four letters two make HOME of HOST: there one, or two letters changed over. */
function isMistyped(name: string, ours: string): boolean {
  const edits = distance(name, ours);
  if (ours.length > 4) return edits <= 2;
  return edits <= 1 || (edits === 2 && lettersOf(name) === lettersOf(ours));
}

function lettersOf(name: string): string {
  return name.toUpperCase().split('').toSorted().join('');
}
