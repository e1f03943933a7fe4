import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHmac, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { crms } from '@sangam/connectors/registry';
import { openStore, type Store } from '@sangam/core/store';
import { createSandbox, type Sandbox, SandboxClock } from '@sangam/sandbox';
import {
  createOwnNumberReader,
  createSecretBox,
  createService,
  ensureSandboxWorkspace,
  type SandboxCrm,
  type SandboxParties,
  type SecretBox,
  type Service,
  type ServiceOptions,
} from '@sangam/service';
import express from 'express';
import { pino } from 'pino';
import { createTestDatabase, type TestDatabase } from './database.ts';
import { until } from './until.ts';

/**
 * The product as it runs: service processes on one PostgreSQL, and a sandbox that none of them hosts, so that it
 * lives on when they are killed.
 */
export interface ServiceFixture {
  readonly store: Store;
  readonly parties: Parties;
  /** Opens what its services seal. */
  readonly box: SecretBox;
  readonly sandboxUrl: string;
  readonly databaseUrl: string;
  readonly clock: SandboxClock;
  /** A service of this very process, whose routes can be seen; it works unless told not to. */
  openService(
    options?: { readonly work: boolean } & Partial<
      Pick<ServiceOptions, 'crms' | 'crmSettings' | 'media' | 'publicUrl'>
    >,
  ): Promise<Service>;
  /** Starts a service process; `databaseUrl` where it is to reach the database by another way, `env` beside the rest. */
  startService(databaseUrl?: string, env?: Readonly<Record<string, string>>): Promise<ServiceProcess>;
  /** The answer of the sandbox's control API. */
  control<Answer>(method: string, path: string, body?: unknown): Promise<Answer>;
  close(): Promise<void>;
}

/** `hubspot`: the one of its CRMs most tests play with. */
type Parties = SandboxParties & { readonly hubspot: SandboxCrm };

export interface ServiceProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** What it printed. */
  output(): string;
  /** Calls the sandbox this process hosts, below `/sandbox`, with its token. */
  sandbox(path: string, init?: RequestInit): Promise<Response>;
  /** Posts a webhook as the sandbox's WhatsApp signs it; 0 when the connection broke. */
  post(body: unknown): Promise<number>;
  stop(signal: NodeJS.Signals): Promise<void>;
}

export interface SandboxRecord {
  readonly id: string;
  readonly properties: Readonly<Record<string, string>>;
  /** What a user sees of conversations, oldest first. */
  readonly timeline?: readonly { readonly id: string; readonly text: string }[];
}

/**
 * `given`: in place of a database on the run's PostgreSQL; dropped with the fixture. `sandboxCrms`: those its sandbox workspace is
 * connected to.
 */
export async function createServiceFixture(
  given?: TestDatabase,
  sandboxCrms: readonly string[] = ['hubspot'],
): Promise<ServiceFixture> {
  const database = given ?? (await createTestDatabase());
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-fixture-'));
  const secretsKey = randomBytes(32).toString('base64');
  const store = openStore(database.url);
  const clock = new SandboxClock();
  const box = createSecretBox([Buffer.from(secretsKey, 'base64')]);
  const made = await ensureSandboxWorkspace(store, box, clock, sandboxCrms);
  const parties: Parties = {
    ...made,
    get hubspot() {
      const { hubspot } = made.crms;
      if (hubspot === undefined) throw new Error('The sandbox workspace has no HubSpot.');
      return hubspot;
    },
  };
  const services: ServiceProcess[] = [];
  const opened: Service[] = [];
  const { server, sandbox, url } = await openSandbox(
    parties,
    clock,
    () => services.find(isAlive)?.url ?? opened[0]?.url() ?? 'http://127.0.0.1:9',
  );

  return {
    store,
    parties,
    clock,
    box,
    sandboxUrl: url,
    databaseUrl: database.url,
    async startService(databaseUrl = database.url, env = {}) {
      const service = await startProcess(parties, {
        DATABASE_URL: databaseUrl,
        DATA_DIR: dataDir,
        SECRETS_KEY: secretsKey,
        SANDBOX_URL: url,
        SANDBOX_CRMS: sandboxCrms.join(','),
        PORT: '0',
        LOG_LEVEL: 'warn',
        ...env,
      });
      services.push(service);
      return service;
    },
    async openService({ work, ...known } = { work: true }) {
      const service = createService({
        databaseUrl: database.url,
        host: '127.0.0.1',
        port: 0,
        publicUrl: undefined,
        metrics: {},
        retention: { deadLetterContents: 180, keptEvents: 400, occurrences: 400, audit: 2_555 },
        graphVersion: 'v26.0',
        readOwnNumber: createOwnNumberReader({ version: 'v26.0', sandboxUrl: () => Promise.resolve(url) }),
        box,
        clock,
        logger: pino({ level: 'fatal' }, pino.destination(2)),
        crms,
        sandboxApp: (crm) => parties.crms[crm],
        media: { dataDir, bucket: undefined },
        ...known,
        sandboxUrl: () => Promise.resolve(url),
      });
      opened.push(service);
      await service.listen();
      await service.store.findDue();
      if (work) service.startWork();
      return service;
    },
    async control(method, route, body) {
      const response = await fetch(`${url}${route}`, {
        method,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      if (!response.ok)
        throw new Error(`${method} ${route}: ${String(response.status)} ${await response.text()}`);
      return (await response.json()) as never;
    },
    async close() {
      await Promise.all(services.map((service) => service.stop('SIGKILL')));
      await Promise.all(opened.map((service) => service.close()));
      await sandbox.close();
      server.closeAllConnections();
      server.close();
      await store.close();
      await database.drop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

const isAlive = ({ child }: ServiceProcess): boolean => child.exitCode === null && child.signalCode === null;

/** A session by one of the links, as its button makes one. */
export async function enter(url: string, link: string): Promise<string> {
  const response = await fetch(`${url}${new URL(link).pathname}`, {
    method: 'POST',
    headers: { accept: 'application/json' },
  });
  return ((await response.json()) as { session: string }).session;
}

/** What `npm run admin-link` prints. */
export const printAdminLink = (
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<string> => runCommand('print-admin-link.ts', env, ...args);

/** What a command of the service prints, by its file. */
export async function runCommand(
  file: string,
  env: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<string> {
  const command = path.join(import.meta.dirname, '../../service', file);
  const { stdout } = await promisify(execFile)(process.execPath, [command, ...args], {
    env: { ...plainEnv(), ...env },
  });
  return stdout.trim();
}

async function openSandbox(
  parties: SandboxParties,
  clock: SandboxClock,
  serviceUrl: () => string,
): Promise<{ server: Server; sandbox: Sandbox; url: string }> {
  const app = express();
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const sandbox = await createSandbox({
    clock,
    // In an installation both are one process: the sandbox asks its service, and nobody else.
    ownHosts: () => [`127.0.0.1:${String(port)}`, new URL(serviceUrl()).host],
    access: { admits: async () => true },
    whatsapp: {
      ...parties.whatsapp,
      webhookUrl: () => `${serviceUrl()}/webhooks/whatsapp/${parties.whatsapp.channelId}`,
    },
    crms: parties.crms,
    rules: { hubspot: { rateLimitMax: 100_000 } },
  });
  app.use('/sandbox', sandbox.router);
  return { server, sandbox, url: `http://127.0.0.1:${String(port)}/sandbox` };
}

/** Of this process's variables what concerns no setting. */
function plainEnv(): Record<string, string> {
  const { PATH = '', NODE_COMPILE_CACHE = '' } = process.env;
  return { PATH, NODE_COMPILE_CACHE };
}

/** Runs `service/main.ts` until it says it is ready. */
export async function startProcess(
  parties: SandboxParties | undefined,
  env: Readonly<Record<string, string>>,
): Promise<ServiceProcess> {
  const main = path.join(import.meta.dirname, '../../service/main.ts');
  const child = spawn(process.execPath, [main], {
    env: { ...plainEnv(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  const url = await until('the service to be ready', () => {
    if (child.exitCode !== null) throw new Error(`The service ended: ${printed}`);
    const said = /ready at (\S+?)(?:, listening on (\S+))?\n/.exec(printed);
    return printed.includes('Admin link') ? (said?.[2] ?? said?.[1]) : undefined;
  }).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    url,
    child,
    output: () => printed,
    async sandbox(route, init = {}) {
      const token = await readFile(path.join(env['DATA_DIR'] ?? '', 'sandbox', 'token'), 'utf8');
      const headers = new Headers(init.headers);
      headers.set('authorization', `Bearer ${token}`);
      return fetch(`${url}/sandbox${route}`, { ...init, headers });
    },
    async post(body) {
      if (parties === undefined) throw new Error('This process has no sandbox channel.');
      const bytes = Buffer.from(JSON.stringify(body));
      const signature = createHmac('sha256', parties.whatsapp.appSecret).update(bytes).digest('hex');
      return fetch(`${url}/webhooks/whatsapp/${parties.whatsapp.channelId}`, {
        method: 'POST',
        body: bytes,
        headers: { 'x-hub-signature-256': `sha256=${signature}` },
        signal: AbortSignal.timeout(120_000),
      }).then(
        (response) => response.status,
        () => 0,
      );
    },
    async stop(signal) {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = once(child, 'exit');
      child.kill('SIGCONT');
      child.kill(signal);
      await ended;
    },
  };
}
