import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { crms } from '@sangam/connectors/registry';
import { systemClock } from '@sangam/core/clock';
import { migrate, reachDatabase } from '@sangam/core/store';
import { SandboxClock } from '@sangam/sandbox';
import { makeAdminLink } from './members/admin-link.ts';
import { readCommandLine } from './command-line.ts';
import { type Config, readConfig } from './config.ts';
import { mustBeWritable } from './data-dir.ts';
import { openEmbeddedDatabase } from './database/index.ts';
import { describeDatabase } from './database/database-url.ts';
import { envFiles } from './env-file.ts';
import { addressOf } from './http/listen.ts';
import { createOwnNumberReader } from './channels/own-number.ts';
import { createLogger } from './monitoring/logger.ts';
import { resealStored } from './secrets/reseal.ts';
import { createSandboxHost } from './sandbox-host.ts';
import { sandboxToken } from './sandbox-token.ts';
import { secretsKeysOf } from './secrets/secrets-keys.ts';
import { createSecretBox } from './secrets/secrets.ts';
import { createService, type Service } from './service.ts';
import { ensureLiveWorkspace, ensureSandboxWorkspace, type SandboxParties } from './workspaces.ts';

/** A database that is only away, as while both start, is waited for so long. */
const databasePatienceMs = 60_000;
/**
 * Whatever holds a tick or a connection open then is left: within 10 s of a signal the process is gone. What was under way
 * is as after a kill: leases run out, outcomes are looked for.
 */
const closeMs = 7_000;

async function main(): Promise<void> {
  readCommandLine(
    'npm start [-- --production]; everything else is set in the environment (.env.example)',
    {},
  );
  const files = envFiles();
  for (const { file } of files)
    say(`Settings are read from ${file}, where the environment does not say otherwise.`);
  const config = readConfig(process.env, files);
  if (config.unread.length > 0) {
    say(
      `Nothing here reads these variables, which begin as those of .env.example: ${config.unread.join(', ')}.`,
    );
  }
  await mustBeWritable(config.dataDir);
  const logger = createLogger(config.logLevel);
  const tracing =
    config.tracedShare === undefined
      ? undefined
      : (await import('./monitoring/tracing.ts')).startTracing({ share: config.tracedShare, logger });
  const embedded = config.databaseUrl === undefined ? await openEmbeddedDatabase(config.dataDir) : undefined;
  const databaseUrl = config.databaseUrl ?? embedded?.url ?? '';
  let service: Service | undefined;
  let parties: SandboxParties | undefined;
  let host: ReturnType<typeof createSandboxHost> | undefined;
  try {
    await reachDatabase(databaseUrl, { patienceMs: databasePatienceMs, onAway: say });
    await migrate(databaseUrl);
    const box = createSecretBox(await secretsKeysOf(config, databaseUrl));
    const clock = config.live === undefined ? new SandboxClock() : systemClock;
    const { sandboxUrl, dataDir } = config;
    const token =
      config.live === undefined && sandboxUrl === undefined ? await sandboxToken(dataDir) : undefined;
    host =
      clock instanceof SandboxClock && token !== undefined
        ? createSandboxHost({ databaseUrl, dataDir, clock, logger, token: token.token })
        : undefined;
    const currentSandboxUrl = async (): Promise<string | undefined> => sandboxUrl ?? (await host?.url());
    const readOwnNumber = createOwnNumberReader({
      version: config.whatsappApiVersion,
      sandboxUrl: currentSandboxUrl,
    });
    const running = createService({
      databaseUrl,
      host: config.host,
      port: config.port,
      publicUrl: config.publicUrl,
      metrics: config.metrics,
      retention: config.retention,
      box,
      clock,
      logger,
      sandboxUrl: currentSandboxUrl,
      readOwnNumber,
      graphVersion: config.whatsappApiVersion,
      media: { dataDir, bucket: config.mediaBucket },
      crms,
      sandboxApp: (crm) => parties?.crms[crm],
      ...(config.live?.number === undefined
        ? {}
        : {
            serviceApp: {
              secrets: config.live.number.appSecrets,
              verifyToken: config.live.number.verifyToken,
            },
          }),
      ...(config.live === undefined ? {} : { crmSettings: config.live.crms }),
    });
    service = running;
    await resealStored(running.store, box);
    if (config.secretsKeys.length > 1) {
      say(
        'Everything stored is sealed with SECRETS_KEY: SECRETS_KEY_PREVIOUS may go once no process uses it.',
      );
    }
    await running.listen();

    if (config.live === undefined) {
      parties = await ensureSandboxWorkspace(running.store, box, clock, config.sandboxCrms);
      await host?.start(running, parties);
    } else {
      const taken = await ensureLiveWorkspace(running.store, box, clock, config.live, readOwnNumber);
      if (taken !== undefined) say(taken);
    }
    const adminLink =
      parties === undefined
        ? undefined
        : await makeAdminLink(
            { ...running, publicUrl: running.publicUrl() },
            parties.workspaceId,
            config.adminEmail,
          );
    await running.store.freeOrphanedLeases();
    await running.store.findDue();
    running.startWork();

    endOnSignal(async () => {
      await host?.stop();
      const closing = running.close().then(() => tracing?.stop());
      await Promise.race([closing, wait(closeMs, undefined, { ref: false })]);
      if ((await embedded?.stopIfLast()) === false) say('The database goes on: another Sangam uses it.');
    });
    if (embedded?.adopted === true) say('Joined the database that was already running on this data folder.');
    say(
      embedded === undefined
        ? `The database is ${describeDatabase(databaseUrl)}, as DATABASE_URL says.`
        : `The database is the embedded one in ${path.resolve(config.dataDir, 'postgres')}: DATABASE_URL is not set.`,
    );
    const metricsUrl = running.metricsUrl();
    if (metricsUrl !== undefined) say(`Metrics are at ${metricsUrl}`);
    const listens = config.publicUrl === undefined ? '' : `, listening on ${running.url()}`;
    say(`Sangam is ready at ${running.publicUrl()}${listens}`);
    say(
      adminLink === undefined
        ? 'Admin link: `npm run admin-link` makes one. It is not printed here, for others read logs.'
        : `Admin link, good once: ${adminLink}`,
    );
    if (token?.isTold === false) {
      say(`Sandbox token, kept in ${token.file}: ${token.token}`);
      await token.markTold();
    }
  } catch (error) {
    await host?.stop();
    await service?.close();
    await embedded?.stopIfLast();
    throw (await notListening(error, config)) ?? error;
  }
}

/**
 * The first signal ends everything in order: service, then database. A later one ends at once, unless it is the first
 * told again: what the whole process group gets comes through npm and the wrapper as well.
 */
function endOnSignal(end: () => Promise<void>): void {
  let since: number | undefined;
  const onSignal = (): void => {
    if (since !== undefined) {
      if (performance.now() - since > 1_000) process.exit(1);
      return;
    }
    since = performance.now();
    say('Stopping: finishing what is under way.');
    end().then(
      () => {
        say('Stopped.');
        process.exit(0);
      },
      (error: unknown) => fail(error),
    );
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
}

const whereToListen =
  'Leave it out to listen for this machine alone, or write 0.0.0.0 for all its addresses; what the world calls is PUBLIC_URL.';

/** What HOST, PORT or METRICS_PORT made impossible; undefined: it was something else. */
async function notListening(error: unknown, config: Config): Promise<Error | undefined> {
  const { code, syscall, port } = error instanceof Error ? Object(error) : {};
  if (syscall !== 'listen' && syscall !== 'getaddrinfo') return undefined;
  const tried = typeof port === 'number' ? port : config.port;
  switch (code) {
    case 'EADDRINUSE':
      return new Error(await portMessage(config, tried), { cause: error });
    case 'EACCES':
      return new Error(`PORT: this user may not listen on ${String(tried)}: choose one from 1024 on.`);
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
    case 'EINVAL':
      return new Error(
        `HOST: this machine does not have the address of ${config.host}, or cannot listen there. ${whereToListen}`,
        { cause: error },
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return new Error(`HOST: no address is known for the name ${config.host}. ${whereToListen}`, {
        cause: error,
      });
    default:
      return undefined;
  }
}

/** Says who has the port, where they can be asked. */
async function portMessage({ host, port, metrics }: Config, taken: number): Promise<string> {
  if (taken === metrics.port)
    return `METRICS_PORT ${String(taken)} is taken by another program: choose another.`;
  const address = addressOf(host, port);
  const answers = await fetch(`${address}/health/live`, { signal: AbortSignal.timeout(2_000) })
    .then((response) => response.ok)
    .catch(() => false);
  const holder = answers ? 'Sangam is already running there' : 'another program has it';
  return `Port ${String(port)} is taken: ${holder}. Open ${address}, or choose another: PORT=8081 npm start`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
}

main().catch(fail);
