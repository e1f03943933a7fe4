import { randomBytes, randomUUID } from 'node:crypto';
import { mkdir, realpath } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { findBinaries } from './binaries.ts';
import { type Cluster, initialise, start, stop } from './cluster.ts';
import { holding } from './lock.ts';
import { secretIn } from '../secrets/secret-file.ts';
import { createRunner } from './run-as.ts';
import { findRunning } from './running.ts';

/** A PostgreSQL of our own, kept in a folder and shared by every process that opens the folder. */
export interface EmbeddedDatabase {
  /** For `DATABASE_URL`. Holds the password: never log it. */
  readonly url: string;
  /** It was running already: another process uses it, or one was killed and left it. */
  readonly adopted: boolean;
  /** Stops it, whoever is connected. */
  stop(): Promise<void>;
  /** Stops it unless somebody else uses it; whether it did. Call it after your own connections are closed. */
  stopIfLast(): Promise<boolean>;
}

/**
 * Whoever has the database open keeps one connection under a name that begins so, so that the database is not stopped
 * between the opening and the first query.
 */
const presence = 'sangam open ';

/** What a closed pool's connections take at most to be gone from the server's list. */
const closingMs = 3_000;

/**
 * Starts the database of a data folder (in `<dataDir>/postgres`), or joins it where it runs. It outlives this process
 * until `stop` or `stopIfLast`. `extraSettings`: PostgreSQL's own, used when this call starts it. Rejects with an
 * `Error` that says what to do when it cannot run here; what it had started is stopped then. From here on this process has
 * no PG… variables.
 */
export async function openEmbeddedDatabase(
  dataDir: string,
  extraSettings: Readonly<Record<string, string>> = {},
): Promise<EmbeddedDatabase> {
  forgetClientVariables();
  await mkdir(path.join(dataDir, 'postgres'), { recursive: true, mode: 0o700 });
  // One folder may be reached by several paths; the server knows itself by one.
  const home = await realpath(path.join(dataDir, 'postgres'));
  const cluster: Cluster = {
    home,
    data: path.join(home, 'cluster'),
    passwordFile: path.join(home, 'password'),
    log: path.join(home, 'postgres.log'),
  };
  const lock = path.join(home, 'lock');
  const binaries = await findBinaries();

  return holding(lock, async () => {
    const runner = await createRunner(home, binaries.postgres);
    const password = await secretIn(cluster.passwordFile, () => randomBytes(24).toString('base64url'));
    await runner.give(home, cluster.passwordFile);
    await initialise(cluster, runner, binaries);

    const running = await findRunning(cluster.data, password);
    const name = `${presence}${randomUUID()}`;
    const open = async (): Promise<{ url: string; opened: pg.Client }> => {
      const url = running ?? (await start(cluster, runner, binaries, password, extraSettings));
      return { url, opened: await connect(url, name) };
    };
    const { url, opened } = await open().catch(async (error: unknown) => {
      // Nobody else would: it is known to no one else yet. That there is nothing to stop is no news.
      if (running === undefined) await stop(cluster, runner, binaries).catch(() => undefined);
      throw error;
    });
    return {
      url,
      adopted: running !== undefined,
      async stop() {
        await opened.end();
        await stop(cluster, runner, binaries);
      },
      stopIfLast: () =>
        holding(lock, async () => {
          const runs = (await findRunning(cluster.data, password)) !== undefined;
          const used = runs && (await isUsedBesides(name, url));
          await opened.end();
          if (used) return false;
          if (runs) await stop(cluster, runner, binaries);
          return true;
        }),
    };
  });
}

/**
 * PGSSLMODE, PGOPTIONS and their kin are meant for another database: pg and PostgreSQL's programs would use them for this one.
 * Not by parameters of the address: what an address leaves empty pg takes from the variable.
 */
function forgetClientVariables(): void {
  for (const name of Object.keys(process.env)) if (name.startsWith('PG')) delete process.env[name];
}

async function connect(url: string, name: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, application_name: name });
  // That the server went is for those to notice who want something of it.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Whether another has the database open, or a connection stays that is not one being closed. */
async function isUsedBesides(name: string, url: string): Promise<boolean> {
  const client = await connect(url, 'sangam stopping');
  try {
    const until = performance.now() + closingMs;
    for (;;) {
      const { rows } = await client.query<{ open: number; connected: number }>(
        `select count(*) filter (where starts_with(application_name, $2))::int as open, count(*)::int as connected
         from pg_stat_activity
         where backend_type = 'client backend' and pid <> pg_backend_pid() and application_name <> $1`,
        [name, presence],
      );
      const { open = 0, connected = 0 } = rows[0] ?? {};
      if (connected === 0) return false;
      if (open > 0 || performance.now() > until) return true;
      await wait(25);
    }
  } finally {
    await client.end();
  }
}
