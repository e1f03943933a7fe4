import { randomBytes } from 'node:crypto';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Binaries } from './binaries.ts';
import type { Runner } from './run-as.ts';
import { findRunning } from './running.ts';

/** One PostgreSQL data directory and what is kept beside it. */
export interface Cluster {
  /** The folder everything lies in. */
  readonly home: string;
  readonly data: string;
  readonly passwordFile: string;
  readonly log: string;
}

/** Durability is never traded: `fsync` and `synchronous_commit` stay on. The rest suits two cores and little memory. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  // pglz: the packaged programs are built without lz4.
  wal_compression: 'on',
  checkpoint_timeout: '15min',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  // Of tables that were empty a moment ago the planner knows nothing until they are looked at.
  autovacuum_naptime: '2s',
  tcp_keepalives_idle: '60',
  tcp_keepalives_interval: '10',
  tcp_keepalives_count: '6',
};

const unfinished = 'unfinished-';
const attempts = 5;

/** Makes the cluster where there is none yet. */
export async function initialise(cluster: Cluster, runner: Runner, { initdb }: Binaries): Promise<void> {
  for (const name of await readdir(cluster.home)) {
    if (name.startsWith(unfinished))
      await rm(path.join(cluster.home, name), { recursive: true, force: true, maxRetries: 5 });
  }
  if (await exists(cluster.data)) return;
  // initdb may be killed, or go on when we are: only a whole cluster gets the name.
  const data = path.join(cluster.home, `${unfinished}${randomBytes(4).toString('hex')}`);
  await runner
    .run(initdb, [
      `--pgdata=${data}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      `--pwfile=${cluster.passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ])
    .catch((error: unknown) => {
      if (!String(error).includes('could not look up effective user ID')) throw error;
      throw new Error(
        `PostgreSQL runs only as a user the system knows, and ${String(process.getuid?.())} has no entry in /etc/passwd, as where a ` +
          'container is given any uid: add the user, or set DATABASE_URL to a PostgreSQL of yours.',
        { cause: error },
      );
    });
  await rename(data, cluster.data);
}

/** Starts the server on a free port, detached from us and our process group. Its URL. */
export async function start(
  cluster: Cluster,
  runner: Runner,
  { pg_ctl: control }: Binaries,
  password: string,
  extraSettings: Readonly<Record<string, string>>,
): Promise<string> {
  let cause: unknown;
  // Again, because the port may be snatched, and the last server's orphans need a moment to end.
  for (let attempt = 1; attempt <= attempts; attempt += 1) {
    const options = Object.entries({ ...settings, ...extraSettings, port: String(await freePort()) })
      .map(([name, value]) => `-c ${name}=${value === '' ? "''" : value}`)
      .join(' ');
    try {
      await runner.run(control, [
        'start',
        `--pgdata=${cluster.data}`,
        `--log=${cluster.log}`,
        `--options=${options}`,
        '--wait',
        '--timeout=60',
      ]);
    } catch (error) {
      cause = error;
    }
    const url = await findRunning(cluster.data, password);
    if (url !== undefined) return url;
    await wait(500);
  }
  throw new Error(`The database in ${cluster.home} did not start. Its log, ${cluster.log}, says why.`, {
    cause,
  });
}

/** Ends every connection and the server. */
export async function stop(cluster: Cluster, runner: Runner, { pg_ctl: control }: Binaries): Promise<void> {
  await runner.run(control, ['stop', `--pgdata=${cluster.data}`, '--mode=fast', '--wait', '--timeout=120']);
}

async function exists(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => {
        if (typeof address === 'object' && address !== null) resolve(address.port);
        else reject(new Error('No free port.'));
      });
    });
  });
}
