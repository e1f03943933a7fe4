import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rm, stat, unlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { findBinaries } from './binaries.ts';
import { createRunner, type Runner } from './run-as.ts';

/** A PostgreSQL of our own, kept in a folder and shared by every process that opens the folder. */
export interface EmbeddedDatabase {
  /** For `DATABASE_URL`. Holds the password: never log it. */
  readonly url: string;
  /** It was running already: another process uses it, or one was killed and left it. */
  readonly adopted: boolean;
  stop(): Promise<void>;
  /** Stops it unless somebody else is connected. Call it after your own connections are closed. */
  stopIfLast(): Promise<boolean>;
}

/** Durability is never traded: `fsync` and `synchronous_commit` stay on. The rest suits two cores and little memory. */
const settings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  wal_compression: 'on',
  checkpoint_timeout: '15min',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  autovacuum_naptime: '10s',
};

const waitForOthersMs = 60_000;

/** Starts the database of a data folder, or joins it where it runs. */
export async function openEmbeddedDatabase(
  dataDir: string,
  extraSettings: Readonly<Record<string, string>> = {},
): Promise<EmbeddedDatabase> {
  const home = path.resolve(dataDir, 'postgres');
  await mkdir(home, { recursive: true });
  const files = {
    cluster: path.join(home, 'cluster'),
    password: path.join(home, 'password'),
    log: path.join(home, 'postgres.log'),
    lock: path.join(home, 'starting'),
  };
  return holding(files.lock, async () => {
    const runner = await createRunner(home);
    await runner.own(home);
    const { initdb, pg_ctl: control } = await findBinaries();
    const stop = async (): Promise<void> =>
      void (await runner.run(control, ['stop', '-D', files.cluster, '-m', 'fast', '-w']));

    const password = await passwordIn(files.password);
    if (!(await exists(path.join(files.cluster, 'PG_VERSION')))) {
      await initialise(runner, initdb, files.cluster, files.password, home);
    }
    const running = await runningUrl(files.cluster, password);
    if (running !== undefined) return opened(running, true, stop);

    const port = await freePort();
    const options = Object.entries({ ...settings, ...extraSettings, port: String(port) })
      .map(([name, value]) => `-c ${name}=${value === '' ? "''" : value}`)
      .join(' ');
    try {
      await runner.run(control, [
        'start',
        '-D',
        files.cluster,
        '-l',
        files.log,
        '-w',
        '-t',
        '60',
        '-o',
        options,
      ]);
    } catch (cause) {
      throw new Error(`The database in ${home} did not start. Its log, ${files.log}, says why.`, { cause });
    }
    const started = await runningUrl(files.cluster, password);
    if (started === undefined)
      throw new Error(`The database in ${home} started but does not answer; see ${files.log}.`);
    return opened(started, false, stop);
  });
}

function opened(url: string, adopted: boolean, stop: () => Promise<void>): EmbeddedDatabase {
  return {
    url,
    adopted,
    stop,
    async stopIfLast() {
      const client = new pg.Client({ connectionString: url });
      try {
        await client.connect();
      } catch {
        return true;
      }
      const { rows } = await client.query<{ others: number }>(
        `select count(*)::int as others from pg_stat_activity
         where backend_type = 'client backend' and pid <> pg_backend_pid()`,
      );
      await client.end();
      if ((rows[0]?.others ?? 0) > 0) return false;
      await stop();
      return true;
    },
  };
}

async function initialise(
  runner: Runner,
  initdb: string,
  cluster: string,
  passwordFile: string,
  home: string,
): Promise<void> {
  // A start that was killed in the middle leaves half a cluster; it holds nothing yet.
  await rm(cluster, { recursive: true, force: true });
  const readable = path.join(home, 'initial-password');
  await runner.own(home);
  await writeFile(readable, await readFile(passwordFile), { mode: 0o644 });
  try {
    await runner.run(initdb, [
      `--pgdata=${cluster}`,
      '--username=postgres',
      '--auth=scram-sha-256',
      `--pwfile=${readable}`,
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
    ]);
  } finally {
    await unlink(readable);
  }
}

async function passwordIn(file: string): Promise<string> {
  await writeFile(file, randomBytes(24).toString('base64url'), { flag: 'wx', mode: 0o600 }).catch(
    () => undefined,
  );
  return readFile(file, 'utf8');
}

/** The URL of the server that runs on a cluster, by what its postmaster.pid says and its own answer. */
async function runningUrl(cluster: string, password: string): Promise<string | undefined> {
  const lines = await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => '');
  const port = lines.split('\n')[3];
  if (port === undefined || !/^\d+$/.test(port)) return undefined;
  const url = `postgres://postgres:${password}@127.0.0.1:${port}/postgres`;
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    await client.end();
    // After a crash another program may have the port: only our own cluster counts.
    return rows[0]?.data_directory === cluster ? url : undefined;
  } catch {
    return undefined;
  }
}

/** One process at a time starts a database; a lock whose holder died is taken over. */
async function holding<Result>(lock: string, work: () => Promise<Result>): Promise<Result> {
  const until = Date.now() + waitForOthersMs;
  for (;;) {
    try {
      const file = await open(lock, 'wx');
      await file.writeFile(String(process.pid));
      await file.close();
      break;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
      const holder = Number(await readFile(lock, 'utf8').catch(() => ''));
      if (holder > 0 && !isAlive(holder)) await rm(lock, { force: true });
      else if (Date.now() > until) {
        throw new Error(`Another process has been starting the database for a minute (${lock}).`, {
          cause: error,
        });
      } else await wait(50);
    }
  }
  try {
    return await work();
  } finally {
    await rm(lock, { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
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
