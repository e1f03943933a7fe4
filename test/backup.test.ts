import { execFile } from 'node:child_process';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { chmod, lstat, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { gunzipSync, gzipSync } from 'node:zlib';
import { restoreBackup, writeBackup } from '@sangam/core/store';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createEmptyDatabase,
  createEngineFixture,
  createTestDatabase,
  type EngineFixture,
  engineNow,
  runCommand,
  type TestDatabase,
  text,
  until,
  webhook,
} from './harness/index.ts';

/** A copy of everything, into another database and back. */

let engine: EngineFixture;
let other: TestDatabase;
let folder: string;
let file: string;

beforeEach(async () => {
  engine = await createEngineFixture();
  other = await createTestDatabase();
  folder = await mkdtemp(path.join(tmpdir(), 'sangam-backup-'));
  file = path.join(folder, 'sangam.backup');
});
afterEach(async () => {
  await engine.close();
  await other.drop();
  await rm(folder, { recursive: true, force: true });
});

async function contentsOf(url: string): Promise<Record<string, readonly string[]>> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows: tables } = await client.query<{ name: string }>(
    "select tablename as name from pg_tables where schemaname = 'public' and tablename not like 'kysely%' order by 1",
  );
  const contents: Record<string, readonly string[]> = {};
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t order by 1`);
    contents[name] = rows.map(({ row }) => row);
  }
  await client.end();
  return contents;
}

async function fill(): Promise<void> {
  await engine.asDatabaseOwner("update crm_connections set mode = 'live'");
  const asha = { phone: '919812345678', bsuid: 'IN.ASHA', name: 'Asha "Rao" \\ \u2028' };
  const words = ['Hello\nthere', '\\.', '\\N', 'tab\there \u{1F600}', 'STOP'];
  for (const [index, said] of words.entries()) {
    await engine.receive(
      webhook(engine, [text(asha, `wamid.${String(index)}`, engineNow - 60_000 + index, said)]),
    );
  }
  await engine.applyAll();
  // Some of it still waits.
  await engine.receive(webhook(engine, [text(asha, 'wamid.waits', engineNow, 'One more')]));
}

const write = () => writeBackup(engine.databaseUrl, createWriteStream(file));
const restore = (from = file) => restoreBackup(other.url, createReadStream(from));

test('what is restored is what was there, and what wrote to a CRM writes nothing until somebody says so', async () => {
  await fill();
  const before = await contentsOf(engine.databaseUrl);
  expect(before['inbox']).toHaveLength(1);
  expect((await write()).tables).toBe(Object.keys(before).length - 1);
  expect(await contentsOf(engine.databaseUrl)).toEqual(before);
  const { paused } = await restore();
  const after = await contentsOf(other.url);
  expect({ ...after, crm_connections: [] }).toEqual({ ...before, crm_connections: [] });
  expect(after['crm_connections']).toHaveLength(before['crm_connections']?.length ?? 0);
  expect(paused).toBe(1);
  const client = new pg.Client({ connectionString: other.url });
  await client.connect();
  expect((await client.query('select distinct mode from crm_connections')).rows).toEqual([
    { mode: 'shadow' },
  ]);
  await client.end();
});

test('there is no backup of a database that is not there, and none is made', async () => {
  const nowhere = path.join(folder, 'mistyped');
  const made = runCommand('backup.ts', { DATA_DIR: nowhere }, file);
  await expect(made).rejects.toThrow(`There is no database in ${path.join(nowhere, 'postgres')}`);
  await expect(lstat(file)).rejects.toThrow('ENOENT');
  await expect(lstat(nowhere)).rejects.toThrow('ENOENT');
});

describe('Ctrl-C', () => {
  const begin = (command: string, env: Readonly<Record<string, string>>) =>
    promisify(execFile)(
      process.execPath,
      [
        path.join(import.meta.dirname, '../service', command),
        ...(command === 'print-admin-link.ts' ? [] : [file]),
      ],
      { env: { PATH: process.env['PATH'] ?? '', ...env } },
    );

  test.each([
    ['backup.ts', 'messages'],
    ['restore.ts', 'workspaces in share mode'],
    ['print-admin-link.ts', 'kysely_migration'],
  ])('in the middle of %s leaves nothing of it, whatever it waits for', async (command, locked) => {
    const restores = command === 'restore.ts';
    if (restores) await write();
    const { url } = restores ? other : { url: engine.databaseUrl };
    const before = await contentsOf(url);
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query('begin');
    await client.query(`lock table ${locked}`);
    const begun = begin(command, { DATABASE_URL: url });
    const stopped = expect(begun).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^Stopped/),
    });
    // Who is busy is read once a transaction: another connection looks.
    const looking = new pg.Client({ connectionString: url });
    await looking.connect();
    const waiting =
      "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    await until('the command to wait', async () => ((await looking.query(waiting)).rowCount ?? 0) > 0);
    await looking.end();
    begun.child.kill('SIGINT');
    await stopped;
    await client.end();
    expect(existsSync(`${file}.unfinished`)).toBe(false);
    expect(existsSync(file)).toBe(restores);
    expect(await contentsOf(url)).toEqual(before);
  });

  test('leaves no database running that was started for a command', async () => {
    await writeFile(file, 'no backup');
    const data = path.join(folder, 'data');
    const runs = (): boolean => existsSync(path.join(data, 'postgres/cluster/postmaster.pid'));
    const begun = begin('restore.ts', { DATA_DIR: data });
    const stopped = expect(begun).rejects.toMatchObject({ code: 1 });
    await until('the database', runs);
    begun.child.kill('SIGINT');
    await stopped;
    expect(runs()).toBe(false);
  });
});

test('nobody else may read a backup, nor have it written elsewhere, whatever stood under its name', async () => {
  const backup = () => runCommand('backup.ts', { DATABASE_URL: engine.databaseUrl }, file);
  const isPrivate = async (): Promise<void> => {
    expect((await lstat(file)).mode & 0o777).toBe(0o600);
    expect((await lstat(file)).isFile()).toBe(true);
  };
  await writeFile(`${file}.unfinished`, 'cut off');
  await chmod(`${file}.unfinished`, 0o666);
  await backup();
  await isPrivate();
  const another = path.join(folder, 'another');
  await writeFile(another, 'theirs');
  await symlink(another, `${file}.unfinished`);
  await backup();
  await isPrivate();
  expect(await readFile(another, 'utf8')).toBe('theirs');
  await restore();
});

describe('nothing is restored', () => {
  const untouched = async (work: () => Promise<unknown>, message: RegExp): Promise<void> => {
    const before = await contentsOf(other.url);
    await expect(work()).rejects.toThrow(message);
    expect(await contentsOf(other.url)).toEqual(before);
  };

  test('of a file that was cut off, changed, or is none of ours', async () => {
    await fill();
    await write();
    const whole = await readFile(file);
    const spoilt = path.join(folder, 'spoilt');
    await writeFile(spoilt, whole.subarray(0, whole.length - 40));
    await untouched(() => restore(spoilt), /damaged or cut off: nothing was restored/);
    const unpacked = gunzipSync(whole).toString('utf8');
    await writeFile(spoilt, gzipSync(unpacked.replace('Asha', 'Usha')));
    await untouched(() => restore(spoilt), /damaged or cut off: nothing was restored/);
    await writeFile(spoilt, gzipSync(unpacked.slice(0, unpacked.lastIndexOf('{"sha256"'))));
    await untouched(() => restore(spoilt), /damaged or cut off: nothing was restored/);
    // What PostgreSQL refuses before the end is reached.
    for (const [what, other] of [
      [/\t\d{13}\t/, '\tno time\t'],
      [/(?<="table":"contacts","columns":\["workspace_id",")/, 'x'],
      [/(?<=\n[0-9a-f-]{36})\t/, '\t\t'],
      [/\n[0-9a-f-]{36}(?=\t[^\n]*Asha)/, '\n00000000-0000-4000-8000-000000000bad'],
    ] as const) {
      expect(unpacked).toMatch(what);
      await writeFile(spoilt, gzipSync(unpacked.replace(what, other)));
      await untouched(() => restore(spoilt), /damaged or cut off: nothing was restored/);
    }
    await writeFile(spoilt, 'some other file');
    await untouched(() => restore(spoilt), /no backup of Sangam/);
  });

  test('from another version, or into a database that holds something', async () => {
    await fill();
    await write();
    const spoilt = path.join(folder, 'spoilt');
    const unpacked = gunzipSync(await readFile(file)).toString('utf8');
    await writeFile(spoilt, gzipSync(unpacked.replace(/"0001-foundation":"/, '$&x')));
    await untouched(
      () => restore(spoilt),
      /made by another version \(the migration 0001-foundation differs\)/,
    );
    await restore();
    await untouched(restore, /already holds something/);
  });

  test('into a database of others, and not a table is made there', async () => {
    await fill();
    await write();
    const stranger = await createEmptyDatabase();
    const client = new pg.Client({ connectionString: stranger.url });
    await client.connect();
    await client.query('create table shop as select 1 as id');
    await expect(restoreBackup(stranger.url, createReadStream(file))).rejects.toThrow(
      /already holds something \(shop\).*Nothing was changed in it/,
    );
    const { rows } = await client.query("select tablename from pg_tables where schemaname = 'public'");
    expect(rows).toEqual([{ tablename: 'shop' }]);
    await client.end();
    await stranger.drop();
  });

  test('by the second of two at once', async () => {
    await fill();
    await write();
    const holding = new pg.Client({ connectionString: other.url });
    await holding.connect();
    await holding.query('begin');
    await holding.query('lock table workspaces in share mode');
    const [first, second] = [restore(), restore()];
    const ends = Promise.allSettled([first, second]);
    const waiting =
      "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'";
    const looking = new pg.Client({ connectionString: other.url });
    await looking.connect();
    await until('both to wait', async () => (await looking.query(waiting)).rowCount === 2);
    await looking.end();
    await holding.end();
    const told = (await ends).map((end) => (end.status === 'fulfilled' ? 'restored' : String(end.reason)));
    expect(told.toSorted()).toEqual([expect.stringContaining('already holds something'), 'restored']);
  });
});

test('a database of another version, or of nobody, is neither saved nor opened, and stays as it is', async () => {
  const empty = await createEmptyDatabase();
  const env = { DATABASE_URL: empty.url };
  await expect(runCommand('backup.ts', env, file)).rejects.toThrow('The database holds nothing of Sangam');
  await expect(runCommand('print-admin-link.ts', env)).rejects.toThrow('start Sangam once');
  expect(existsSync(file)).toBe(false);
  const client = new pg.Client({ connectionString: empty.url });
  await client.connect();
  const { rows } = await client.query("select 1 from pg_tables where schemaname = 'public'");
  expect(rows).toEqual([]);
  await client.end();
  await empty.drop();
});
