import { isIP } from 'node:net';
import { z } from 'zod';
import { type CrmSettings, crms, token } from '@sangam/connectors/registry';
import { simulators } from '@sangam/sandbox';
import type { RetentionDays } from '@sangam/core/store';
import { databaseUrl } from './database/database-url.ts';
import type { EnvFile } from './env-file.ts';
import type { MetricsSettings } from './http/metrics-page.ts';
import { metaId } from './channels/meta-id.ts';
import type { BucketSettings } from './media/bucket.ts';
import { pastedAlong } from './secrets/pasted.ts';
import { isOfKubernetes, unknownVariables } from './unknown-variables.ts';
import { inWords } from './wrong-input.ts';

const wholeNumber = (wanted: string) => z.string().regex(/^\d+$/, wanted).transform(Number);
const port = wholeNumber('must be a number from 0 to 65535, in digits').pipe(z.number().max(65_535));
/** WhatsApp repeats a webhook for 7 days: what is kept for less is gone before its repeat. */
const wantedDays = 'must be a whole number of days from 7 to 36500';
const days = wholeNumber(wantedDays).pipe(z.number().min(7, wantedDays).max(36_500, wantedDays));
const webUrl = z.url({
  protocol: /^https?$/,
  error: 'must be an address that begins with http:// or https://',
});
/** An address as IP has it, or the name of one: no scheme, port, brackets or `*`, and no number that is nearly an address. */
const listenable = z
  .string()
  .toLowerCase()
  .refine(
    (value) => isIP(value) !== 0 || /^(?=.*[a-z])[a-z0-9_]([a-z0-9._-]*[a-z0-9_])?$/.test(value),
    'must be where this machine listens: localhost (it alone), 0.0.0.0 (all its addresses) or one address of its own, such as ' +
      '192.168.1.5 or ::1, without http://, brackets or port. The port is PORT, and what the world calls is PUBLIC_URL',
  );
/** Others are built by adding a path: what stands behind or before the host would stand in them. */
const url = webUrl
  .refine((value) => !/^[^/]*\/\/[^/]*@|[?#]/.test(value), 'must have no user, password, query or fragment')
  .transform((value) => value.replace(/\/+$/, ''));
const secretKey = z
  .string()
  .refine(
    (value) => Buffer.from(value, 'base64').length === 32,
    'must be 32 bytes in base64 (openssl rand -base64 32)',
  );

const environment = z.object({
  PORT: port.default(8080),
  /** `localhost`: both loopbacks. */
  HOST: listenable.default('localhost'),
  PUBLIC_URL: url
    .refine(
      (value) => !/\/(webhooks|oauth|admin|api|sandbox)(\/|$)/.test(value),
      'must end before /webhooks/… and what else is built from it, such as https://sangam.example.com',
    )
    .optional(),
  DATABASE_URL: databaseUrl.optional(),
  DATA_DIR: z
    .string()
    .regex(/^[^~$][^"'`]*$/, 'must be a path as it is: no shell reads ~, $ or quotes here; write it out')
    .default('./data'),
  METRICS_PORT: port.optional(),
  METRICS_TOKEN: token(16).optional(),
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  SECRETS_KEY: secretKey.optional(),
  SECRETS_KEY_PREVIOUS: secretKey.optional(),
  ADMIN_EMAIL: z.email().default('admin@sangam.example'),
  META_APP_SECRET: token(16).optional(),
  META_APP_SECRET_PREVIOUS: token(16).optional(),
  META_VERIFY_TOKEN: z.string().min(8).optional(),
  WHATSAPP_PHONE_NUMBER_ID: metaId('phone number id, which is not the phone number').optional(),
  WHATSAPP_WABA_ID: metaId('WhatsApp Business account id').optional(),
  WHATSAPP_PORTFOLIO_ID: metaId('business portfolio id').optional(),
  WHATSAPP_DISPLAY_PHONE_NUMBER: z.string().min(5).optional(),
  WHATSAPP_ACCESS_TOKEN: token(16).optional(),
  WHATSAPP_API_VERSION: z
    .string()
    .regex(/^v\d+\.\d+$/, 'must look like v26.0')
    .default('v26.0'),
  MEDIA_S3_ENDPOINT: url.optional(),
  MEDIA_S3_BUCKET: z
    .string()
    .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket alone, such as sangam-media')
    .optional(),
  MEDIA_S3_REGION: z
    .string()
    .regex(/^[a-z0-9-]+$/, 'must look like ap-south-1; auto where the storage has no regions')
    .optional(),
  MEDIA_S3_ACCESS_KEY_ID: token(3).optional(),
  MEDIA_S3_SECRET_ACCESS_KEY: token(8).optional(),
  SANDBOX_URL: url.optional(),
  SANDBOX_CRMS: z
    .string()
    .transform((names) => names.split(/[\s,]+/).filter((name) => name !== ''))
    .refine(
      (names) => names.length > 0 && names.every((name) => Object.hasOwn(simulators, name)),
      `must be one or more of ${Object.keys(simulators).join(', ')}, with commas between them`,
    )
    .default(Object.keys(simulators)),
  RETENTION_DEAD_LETTERS_DAYS: days.default(180),
  RETENTION_KEPT_EVENTS_DAYS: days.default(400),
  RETENTION_OCCURRENCES_DAYS: days.default(400),
  RETENTION_AUDIT_DAYS: days.default(2_555),
  /** The exporter reads this variable itself, and its kin. */
  OTEL_EXPORTER_OTLP_ENDPOINT: webUrl.optional(),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number('must be a share from 0 to 1')
    .min(0, 'must be a share from 0 to 1')
    .max(1, 'must be a share from 0 to 1')
    .default(1),
});

type Environment = z.infer<typeof environment>;

const crmVariables: Readonly<Record<string, z.ZodType>> = Object.assign(
  {},
  ...crms.map(({ configuration }) => configuration.variables),
);
const crmEnvironment = z.object(crmVariables);

/** Every variable the service reads. `.env.example` explains each; a test holds the two together. */
export const variableNames: readonly string[] = [
  ...Object.keys(environment.shape),
  ...Object.keys(crmVariables),
];

/** A live number, as the environment names it. */
export interface LiveNumber {
  readonly appSecrets: readonly string[];
  readonly verifyToken: string;
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly portfolio: string;
  /** Undefined only beside an access token: Meta tells it. */
  readonly displayPhoneNumber: string | undefined;
  /** Shows that the number is theirs; undefined: it only receives. */
  readonly accessToken: string | undefined;
}

/** What the environment names that is real. */
export interface LiveConfig {
  /** Undefined: a CRM alone, to be looked through. */
  readonly number: LiveNumber | undefined;
  /** Those that are named, by their names. */
  readonly crms: Readonly<Record<string, CrmSettings>>;
}

export interface Config {
  readonly port: number;
  readonly host: string;
  /** Where the world reaches us; undefined: where we listen. */
  readonly publicUrl: string | undefined;
  readonly metrics: MetricsSettings;
  readonly databaseUrl: string | undefined;
  readonly dataDir: string;
  readonly logLevel: Environment['LOG_LEVEL'];
  /** Keys of secrets at rest, the one in use first. Empty: one is made and kept in the data folder. */
  readonly secretsKeys: readonly Buffer[];
  readonly adminEmail: string;
  /** Undefined: a sandbox. */
  readonly live: LiveConfig | undefined;
  readonly retention: RetentionDays;
  /** Of Meta's Graph API. */
  readonly whatsappApiVersion: string;
  /** Where media are kept; undefined: in the data folder. */
  readonly mediaBucket: BucketSettings | undefined;
  /** A sandbox that another process runs. */
  readonly sandboxUrl: string | undefined;
  /** The CRMs of the sandbox workspace, by their names. */
  readonly sandboxCrms: readonly string[];
  /** The share of webhooks that are traced; undefined: nothing is. */
  readonly tracedShare: number | undefined;
  /** Names that begin as ours do and that nothing here reads, to be told. */
  readonly unread: readonly string[];
}

/** The variables that name a number: all or none. An access token spares the last. */
const numberVariables = [
  'META_APP_SECRET',
  'META_VERIFY_TOKEN',
  'WHATSAPP_PHONE_NUMBER_ID',
  'WHATSAPP_WABA_ID',
  'WHATSAPP_DISPLAY_PHONE_NUMBER',
] as const;

/** Variables that say nothing without another. */
const companions = {
  SECRETS_KEY_PREVIOUS: 'SECRETS_KEY',
  META_APP_SECRET_PREVIOUS: 'META_APP_SECRET',
  WHATSAPP_PORTFOLIO_ID: 'WHATSAPP_PHONE_NUMBER_ID',
} as const;

function alone(given: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(companions)
    .filter(([name, other]) => given[name] !== undefined && given[other] === undefined)
    .map(([name, other]) => `${name}: is nothing without ${other}; set that too, or leave both out`);
}

/** With this switch Node sends calls within this machine to the proxy as well, and a sandbox lives by them. */
function proxied(env: NodeJS.ProcessEnv): string[] {
  const { NODE_USE_ENV_PROXY: isUsed, NODE_OPTIONS: options = '' } = env;
  const proxy = env['http_proxy'] ?? env['HTTP_PROXY'] ?? '';
  if ((isUsed !== '1' && !options.includes('--use-env-proxy')) || proxy === '') return [];
  const spared = (env['no_proxy'] ?? env['NO_PROXY'] ?? '').split(/[\s,]+/);
  if (spared.includes('*') || ['localhost', '127.0.0.1'].every((host) => spared.includes(host))) return [];
  return [
    'NO_PROXY: must hold localhost,127.0.0.1 where Node uses HTTP_PROXY: no proxy reaches this machine',
  ];
}

/**
 * Reads the environment once. `files`: what it was taken from, in part. Throws with the variable's name and what it should
 * be; never with its value.
 */
export function readConfig(env: NodeJS.ProcessEnv, files: readonly EnvFile[] = []): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter(
      ([name, value = '']) =>
        value !== '' &&
        !isOfKubernetes(name, value) &&
        (name !== 'OTEL_TRACES_SAMPLER_ARG' || isShareRead(env)),
    ),
  );
  const pasted = new Map(
    variableNames.flatMap((name) => {
      const problem = pastedAlong(given[name] ?? 'x');
      return problem === undefined ? [] : [[name, problem] as const];
    }),
  );
  const result = environment.safeParse(given, { error: inWords });
  const ofCrms = crmEnvironment.safeParse(given, { error: inWords });
  const { refused, unread } = unknownVariables(variableNames, { environment: Object.keys(given), files });
  const problems = [
    ...[...pasted].map(([name, problem]) => `${name}: ${problem}`),
    ...[...(result.error?.issues ?? []), ...(ofCrms.error?.issues ?? [])]
      .filter(({ path }) => !pasted.has(String(path[0])))
      .map((issue) => `${issue.path.join('.')}: ${issue.message}`),
    ...refused,
    ...alone(given),
    ...proxied(env),
  ];
  if (!result.success || !ofCrms.success || problems.length > 0) {
    throw new Error(`The environment is not right:\n  ${problems.join('\n  ')}\nSee .env.example.`);
  }
  const read = result.data;
  if (read.METRICS_PORT !== undefined && read.METRICS_PORT !== 0 && read.METRICS_PORT === read.PORT) {
    throw new Error('METRICS_PORT must be another port than PORT: leave it out to have them on one.');
  }
  return {
    port: read.PORT,
    host: read.HOST,
    publicUrl: read.PUBLIC_URL,
    metrics: { port: read.METRICS_PORT, token: read.METRICS_TOKEN },
    databaseUrl: read.DATABASE_URL,
    dataDir: read.DATA_DIR,
    logLevel: read.LOG_LEVEL,
    secretsKeys: [read.SECRETS_KEY, read.SECRETS_KEY_PREVIOUS]
      .filter((key) => key !== undefined)
      .map((key) => Buffer.from(key, 'base64')),
    adminEmail: read.ADMIN_EMAIL,
    live: readLive(read, ofCrms.data),
    retention: {
      deadLetterContents: read.RETENTION_DEAD_LETTERS_DAYS,
      keptEvents: read.RETENTION_KEPT_EVENTS_DAYS,
      occurrences: read.RETENTION_OCCURRENCES_DAYS,
      audit: read.RETENTION_AUDIT_DAYS,
    },
    whatsappApiVersion: read.WHATSAPP_API_VERSION,
    mediaBucket: readBucket(read),
    sandboxUrl: read.SANDBOX_URL,
    sandboxCrms: read.SANDBOX_CRMS,
    tracedShare: read.OTEL_EXPORTER_OTLP_ENDPOINT === undefined ? undefined : read.OTEL_TRACES_SAMPLER_ARG,
    unread,
  };
}

/** To other samplers it says something else, and without tracing it is for other programs. */
function isShareRead(env: NodeJS.ProcessEnv): boolean {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint = '', OTEL_TRACES_SAMPLER: sampler = '' } = env;
  return endpoint !== '' && (sampler === '' || sampler.endsWith('traceidratio'));
}

function readLive(read: Environment, ofCrms: Readonly<Record<string, unknown>>): LiveConfig | undefined {
  const number = readNumber(read);
  const named = crms
    .map(({ traits, configuration }) => ({ ...traits, settings: configuration.read(ofCrms) }))
    .filter(({ settings }) => settings.app !== undefined || settings.accessToken !== undefined);
  const apps = named.filter(({ settings }) => settings.app !== undefined).map(({ label }) => label);
  if (number === undefined && named.length === 0) return undefined;
  if (read.SECRETS_KEY === undefined) {
    throw new Error(
      'A live number or CRM needs SECRETS_KEY: 32 bytes in base64 (openssl rand -base64 32), or what DATA_DIR/secrets.key ' +
        'holds where this database ran without one. See .env.example.',
    );
  }
  if (read.PUBLIC_URL === undefined && (number !== undefined || apps.length > 0)) {
    const [who, whose] =
      apps.length === 0 ? ['', ''] : [` or ${apps.join(' or ')} app`, ` and ${apps.join(' and ')}`];
    throw new Error(
      `A live number${who} needs PUBLIC_URL: the https address under which WhatsApp${whose} reach this service.`,
    );
  }
  if (number !== undefined && read.PUBLIC_URL?.startsWith('https://') !== true) {
    throw new Error('PUBLIC_URL must begin with https:// for a live number: WhatsApp calls no other.');
  }
  if (apps.length > 0 && !isForApps(read.PUBLIC_URL ?? '')) {
    throw new Error(
      `PUBLIC_URL must begin with https:// for a ${apps.join(' or ')} app: it returns admins to http on localhost alone, to try it.`,
    );
  }
  if (read.SANDBOX_URL !== undefined) {
    throw new Error(
      'SANDBOX_URL cannot stand beside a live number or CRM: they never use a sandbox. Leave it out, or the live variables.',
    );
  }
  return { number, crms: Object.fromEntries(named.map(({ crm, settings }) => [crm, settings])) };
}

/** The variables that name a bucket: all or none. */
function readBucket(read: Environment): BucketSettings | undefined {
  const {
    MEDIA_S3_ENDPOINT: endpoint,
    MEDIA_S3_BUCKET: bucket,
    MEDIA_S3_REGION: region,
    MEDIA_S3_ACCESS_KEY_ID: accessKeyId,
    MEDIA_S3_SECRET_ACCESS_KEY: secretAccessKey,
  } = read;
  const missing = bucketVariables.filter((name) => read[name] === undefined);
  if (missing.length === bucketVariables.length) return undefined;
  if (
    endpoint === undefined ||
    bucket === undefined ||
    region === undefined ||
    accessKeyId === undefined ||
    secretAccessKey === undefined
  ) {
    throw new Error(
      `Keeping media in a bucket needs ${missing.join(', ')} as well. See .env.example; leave all of them out to keep media in DATA_DIR/media.`,
    );
  }
  return { endpoint, bucket, region, accessKeyId, secretAccessKey };
}

const bucketVariables = [
  'MEDIA_S3_ENDPOINT',
  'MEDIA_S3_BUCKET',
  'MEDIA_S3_REGION',
  'MEDIA_S3_ACCESS_KEY_ID',
  'MEDIA_S3_SECRET_ACCESS_KEY',
] as const;

function isForApps(publicUrl: string): boolean {
  return publicUrl.startsWith('https://') || new URL(publicUrl).hostname === 'localhost';
}

function readNumber(read: Environment): LiveNumber | undefined {
  const accessToken = read.WHATSAPP_ACCESS_TOKEN;
  const missing = numberVariables.filter(
    (name) =>
      read[name] === undefined && (accessToken === undefined || name !== 'WHATSAPP_DISPLAY_PHONE_NUMBER'),
  );
  if (accessToken === undefined && missing.length === numberVariables.length) return undefined;
  const {
    META_APP_SECRET: appSecret,
    META_VERIFY_TOKEN: verifyToken,
    WHATSAPP_PHONE_NUMBER_ID: phoneNumberId,
    WHATSAPP_WABA_ID: wabaId,
    WHATSAPP_DISPLAY_PHONE_NUMBER: displayPhoneNumber,
  } = read;
  if (
    appSecret === undefined ||
    verifyToken === undefined ||
    phoneNumberId === undefined ||
    wabaId === undefined ||
    missing.length > 0
  ) {
    throw new Error(
      `A live number needs ${missing.join(', ')} as well. See .env.example; leave all of them out for the sandbox.`,
    );
  }
  return {
    appSecrets: [
      appSecret,
      ...(read.META_APP_SECRET_PREVIOUS === undefined ? [] : [read.META_APP_SECRET_PREVIOUS]),
    ],
    verifyToken,
    phoneNumberId,
    wabaId,
    portfolio: read.WHATSAPP_PORTFOLIO_ID ?? wabaId,
    displayPhoneNumber,
    accessToken,
  };
}
