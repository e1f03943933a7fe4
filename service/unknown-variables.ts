import leven from 'leven';
import { crms } from '@sangam/connectors/registry';
import type { EnvFile } from './env-file.ts';

/** Variables that begin so are most likely meant for us. */
const ownPrefixes = [
  'META_',
  'METRICS_',
  'WHATSAPP_',
  'SECRETS_',
  'SANDBOX_',
  'RETENTION_',
  ...crms.map(({ traits }) => `${traits.crm.toUpperCase()}_`),
];

/** What other guides and programs call what we read. */
const usualNames: Readonly<Record<string, string>> = {
  WHATSAPP_TOKEN: 'WHATSAPP_ACCESS_TOKEN',
  META_ACCESS_TOKEN: 'WHATSAPP_ACCESS_TOKEN',
  WHATSAPP_BUSINESS_ACCOUNT_ID: 'WHATSAPP_WABA_ID',
  WHATSAPP_PHONE_ID: 'WHATSAPP_PHONE_NUMBER_ID',
  ...Object.assign({}, ...crms.map(({ configuration }) => configuration.usualNames)),
};

/** What Node, PostgreSQL's client, OpenTelemetry and the system's libraries read may stand beside ours in a file of ours. */
const readByOthers =
  /^(NODE_|OTEL_|PG|SSL_CERT_)|^(TZ|LANG|LC_ALL|UV_THREADPOOL_SIZE)$|^(HTTPS?|ALL|NO)_PROXY$/i;

/** Near to ours, yet of others: web frameworks, and schedulers that hand out ports. */
const namesOfOthers = /^(SECRET_KEY|DATABASE_URI|METRICS_HOST|PORT\d)$/;

/** Kubernetes sets such for each Service of the namespace, one called `metrics` or `sandbox` as well. */
const ofKubernetes = /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/;

/** `METRICS_PORT=tcp://10.0.0.1:80` is the address of a Service called `metrics`, and no port of ours. */
export function isOfKubernetes(name: string, value: string): boolean {
  return ofKubernetes.test(name) || (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(value));
}

export interface UnknownVariables {
  /** One line each. */
  readonly refused: readonly string[];
  /** Names of the environment that begin as ours do, each with a hint where there is one. */
  readonly unread: readonly string[];
}

/**
 * What nobody reads: a mistyped name would otherwise be taken for one left out. A file is ours alone: every name in it must be
 * known. The environment holds what shells, containers and other programs set: there a name is refused that is one of ours
 * but for a slip of the keyboard, and one that only begins as ours do is unread.
 */
export function unknownVariables(
  known: readonly string[],
  { environment, files }: { readonly environment: readonly string[]; readonly files: readonly EnvFile[] },
): UnknownVariables {
  const isMistyped = (name: string): boolean => known.some((ours) => isSlipOf(name, ours));
  const inFiles = files.flatMap(({ file, names }) =>
    [...names]
      .filter(([name]) => !known.includes(name) && !readByOthers.test(name))
      .map(([name, line]) => {
        const place = `${file}, line ${String(line)}`;
        // A secret broken in two ends with = as well.
        if (!isMistyped(name) && !/^[A-Z](?=.*_)[A-Z0-9_]{0,40}$/.test(name)) {
          return `${place}: is no setting: write NAME=value in one line, with a NAME of .env.example`;
        }
        const hint =
          hintFor(name, known) ?? 'take it out of the file of settings, or set it in the environment.';
        return `${place}: ${name}: there is no such variable; ${hint}`;
      }),
  );
  const unknown = environment.filter(
    (name) => !known.includes(name) && !files.some(({ names }) => names.has(name)),
  );
  const mistyped = unknown.filter((name) => isMistyped(name) && !namesOfOthers.test(name));
  return {
    refused: [
      ...inFiles,
      ...mistyped.map((name) => `${name}: there is no such variable; ${hintFor(name, known) ?? ''}`),
    ],
    unread: unknown
      .filter((name) => !mistyped.includes(name) && ownPrefixes.some((prefix) => name.startsWith(prefix)))
      .map((name) => {
        const hint = namesOfOthers.test(name) ? undefined : hintFor(name, known);
        return hint === undefined ? name : `${name} (${hint})`;
      }),
  };
}

/** The variable that was meant: of the same family, or one but for a slip. Undefined: none is near enough to be a help. */
function hintFor(name: string, known: readonly string[]): string | undefined {
  const near = known
    .filter((ours) => isSlipOf(name, ours) || (familyOf(name) === familyOf(ours) && isAkin(name, ours)))
    .toSorted((x, y) => distance(name, x) - distance(name, y));
  const meant = usualNames[name] ?? near[0];
  return meant === undefined ? undefined : `did you mean ${meant}?`;
}

const familyOf = (name: string): string => name.slice(0, name.indexOf('_') + 1);

const isAkin = (name: string, ours: string): boolean => distance(name, ours) <= 3;

const distance = (name: string, ours: string): number => leven(name.toUpperCase(), ours);

/** One slip of the keyboard, or two letters changed over; two slips in a long name: in a short one they make HOME of HOST. */
function isSlipOf(name: string, ours: string): boolean {
  const edits = distance(name, ours);
  return edits <= 1 || (edits === 2 && (ours.length >= 10 || lettersOf(name) === lettersOf(ours)));
}

function lettersOf(name: string): string {
  return name.toUpperCase().split('').toSorted().join('');
}
