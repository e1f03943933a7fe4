import { readFile, readlink, rm } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';

/** A server that was killed may have gigabytes of log to replay before it answers. */
const recoveryMs = 600_000;
/** What a server takes at most from writing its pid file to listening. */
const listenMs = 5_000;

const cannotConnectNow = '57P03';
const invalidPassword = '28P01';

/**
 * The URL of the server that runs on a cluster, by its `postmaster.pid` and its own answer; waits for one that is
 * starting or recovering. Undefined when none runs. Rejects when it runs but refuses us.
 */
export async function findRunning(cluster: string, password: string): Promise<string | undefined> {
  const since = performance.now();
  for (;;) {
    const { pid, port } = await readPidFile(cluster);
    if (pid === undefined) return undefined;
    const life = await lifeOf(pid, cluster);
    if (life === 'another program') await rm(path.join(cluster, 'postmaster.pid'), { force: true });
    if (life === 'dead' || life === 'another program') return undefined;

    const url = `postgres://postgres:${password}@127.0.0.1:${port ?? '1'}/postgres`;
    const answer = port === undefined ? 'nothing listens' : await ask(url, cluster);
    if (answer === 'ready') return url;
    if (answer === 'another database') return undefined;
    const patience = answer === 'starting' ? recoveryMs : listenMs;
    if (performance.now() - since > patience) return undefined;
    await wait(50);
  }
}

/** Lines of the file: pid, data directory, start time, port, … Source: PostgreSQL, miscadmin.h. */
async function readPidFile(cluster: string): Promise<{ pid?: number; port?: string }> {
  const lines = (await readFile(path.join(cluster, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return {};
  const port = lines[3];
  return port !== undefined && /^\d+$/.test(port) ? { pid, port } : { pid };
}

/**
 * A pid is given anew after a crash or in another container, and then PostgreSQL would refuse to start for a stranger's
 * sake. Where the system shows it, a server is known by the folder it works in: its cluster.
 */
async function lifeOf(
  pid: number,
  cluster: string,
): Promise<'ours' | 'dead' | 'another program' | 'unknown'> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return 'dead';
  }
  const folder = await readlink(`/proc/${String(pid)}/cwd`).catch(() => undefined);
  if (folder === undefined) return 'unknown';
  return folder === cluster ? 'ours' : 'another program';
}

async function ask(
  url: string,
  cluster: string,
): Promise<'ready' | 'starting' | 'nothing listens' | 'another database'> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ data_directory: string }>('show data_directory');
    return rows[0]?.data_directory === cluster ? 'ready' : 'another database';
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code === cannotConnectNow) return 'starting';
    if (code === invalidPassword)
      throw new Error(`The database in ${cluster} does not take the password kept beside it.`, {
        cause: error,
      });
    // Five characters: the server's own word, such as too many connections. Anything else: nobody answered.
    if (typeof code === 'string' && code.length === 5 && /^\d/.test(code)) throw error;
    return 'nothing listens';
  } finally {
    await client.end().catch(() => undefined);
  }
}
