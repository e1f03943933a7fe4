import { execFile } from 'node:child_process';
import { lstat, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { runCommand } from './harness/index.ts';

/** What the commands refuse before they open a database: words nobody reads, files that cannot be opened. */

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'sangam-commands-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe('a file that cannot be opened is told in one line, before any database is', () => {
  const cases: [command: string, name: string, args: (folder: string) => string[], message: string][] = [
    ['restore.ts', 'missing', (at) => [`${at}/none`], 'cannot be read: there is no such file'],
    ['restore.ts', 'a folder', (at) => [at], 'cannot be read: it is a folder'],
    [
      'restore.ts',
      'below a file',
      (at) => [`${at}/a-file/x`],
      'cannot be read: a part of the path is a file',
    ],
    ['restore.ts', 'not named', () => [], 'A name is missing. Usage: npm run restore -- FILE'],
    ['restore.ts', 'two', (at) => [`${at}/a-file`, 'b'], "Unexpected argument 'b'. Usage: npm run restore"],
    ['restore.ts', 'an option', () => ['--from=x'], "Unknown option '--from'. Usage: npm run restore"],
    [
      'backup.ts',
      'in no folder',
      (at) => [`${at}/none/x`],
      'cannot be written: there is no such file or folder',
    ],
    ['backup.ts', 'a folder', (at) => [at], 'cannot be written: it is a folder'],
    ['backup.ts', 'a device', () => ['/dev/null'], 'cannot be written: it is a device, pipe or socket'],
    [
      'backup.ts',
      'below a file',
      (at) => [`${at}/a-file/x`],
      'cannot be written: a part of the path is a file',
    ],
    ['backup.ts', 'not named', () => [], 'A name is missing. Usage: npm run backup -- FILE'],
    ['backup.ts', 'an option', () => ['--to', 'x'], "Unknown option '--to'. Usage: npm run backup"],
    [
      'print-admin-link.ts',
      'an option',
      () => ['--opertor'],
      "Unknown option '--opertor'. Usage: npm run admin",
    ],
    ['distribute.ts', 'a word', () => ['all'], "Unexpected argument 'all'. Usage: npm run distribute"],
  ];
  test.each(cases)('%s: %s', async (command, _name, args, message) => {
    await writeFile(path.join(folder, 'a-file'), '');
    const dataDir = path.join(folder, 'data');
    const failed = await runCommand(command, { DATA_DIR: dataDir }, ...args(folder)).then(
      () => undefined,
      (error: unknown) => error as { code: number; stderr: string },
    );
    expect(failed).toMatchObject({ code: 1, stderr: expect.stringContaining(message) });
    expect(failed?.stderr.trim()).not.toContain('\n');
    await expect(lstat(dataDir)).rejects.toThrow('ENOENT');
  });

  test.each([
    ['restore.ts', 'below a file', 'ENOTDIR'],
    ['restore.ts', 'in /proc', 'ENOENT'],
    ['main.ts', 'in /proc', 'ENOENT'],
  ])('and a folder of data that cannot be is told as that: %s, %s', async (command, where, code) => {
    const file = path.join(folder, 'a-file');
    await writeFile(file, '');
    const dataDir = where === 'in /proc' ? '/proc/sangam/data' : path.join(file, 'data');
    const failed = runCommand(command, { DATA_DIR: dataDir }, ...(command === 'main.ts' ? [] : [file]));
    await expect(failed).rejects.toMatchObject({
      code: 1,
      stderr: `DATA_DIR (${dataDir}) cannot be written to (${code}): name a folder this user may write in, or mend its rights.\n`,
    });
  });

  test('and a fault in the folder of data is not taken for one of the backup', async () => {
    await mkdir(path.join(folder, 'postgres/password'), { recursive: true });
    const file = path.join(folder, 'new.backup');
    const failed = runCommand('backup.ts', { DATA_DIR: folder }, file);
    await expect(failed).rejects.toMatchObject({ code: 1, stderr: expect.stringContaining('EISDIR') });
    await expect(failed).rejects.not.toMatchObject({ stderr: expect.stringContaining(file) });
    await expect(lstat(`${file}.unfinished`)).rejects.toThrow('ENOENT');
  });

  test('and one of another kind leaves no database running', async () => {
    const dataDir = path.join(folder, 'data');
    const other = path.join(folder, 'other');
    await writeFile(other, 'no backup');
    const failed = runCommand('restore.ts', { DATA_DIR: dataDir }, other);
    await expect(failed).rejects.toThrow(/\nThis is no backup of Sangam/);
    await expect(lstat(path.join(dataDir, 'postgres/cluster/postmaster.pid'))).rejects.toThrow('ENOENT');
  });
});

describe('a start is refused', () => {
  test('by a word behind the command that nobody reads', async () => {
    const env = { DATA_DIR: folder };
    const refused = runCommand('main.ts', env, '--prodction');
    await expect(refused).rejects.toThrow(/\nUnknown option '--prodction'\. Usage: npm start \[/);
    const script = path.join(import.meta.dirname, '../scripts/sangam.mjs');
    const wrapped = promisify(execFile)(process.execPath, [script, 'start', '--prodction']);
    await expect(wrapped).rejects.toThrow(/\nnpm start knows no --prodction: it takes -- --production/);
    // As npm tells what stood before a -- of its own.
    const kept = promisify(execFile)(process.execPath, [script, 'start'], {
      env: { ...process.env, npm_config_data_dir: folder },
    });
    await expect(kept).rejects.toThrow(/\nnpm start takes no --data-dir: set DATA_DIR in the environment/);
  });

  test.each([
    ['DATABASE_ULR=postgres://x', 'DATABASE_ULR: there is no such variable; did you mean DATABASE_URL?'],
    ['# mine\nPORT: 8081', 'line 2: is no setting: write NAME=value'],
    ['MY_OWN=1', 'MY_OWN: there is no such variable'],
  ])('by a file of settings that says %j', async (text, message) => {
    const file = path.join(folder, 'settings.env');
    await writeFile(file, text);
    const main = path.join(import.meta.dirname, '../service/main.ts');
    const refused = promisify(execFile)(process.execPath, [`--env-file=${file}`, main], {
      env: { PATH: process.env['PATH'], DATA_DIR: folder },
    });
    await expect(refused).rejects.toThrow(message);
  });
});
