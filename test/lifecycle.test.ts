import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test, type TestContext } from 'vitest';
import { type SandboxRecord, type ServiceProcess, startProcess, until } from './harness/index.ts';

/** `npm start` on one data folder: twice at once, ended by Ctrl-C, killed. With the embedded database. */

interface DataFolder {
  readonly env: (more?: Record<string, string>) => Record<string, string>;
  /** Whether the database of the folder runs, by its own pid file. */
  readonly databaseRuns: () => Promise<boolean>;
}

async function openFolder({ onTestFinished }: TestContext): Promise<DataFolder> {
  // As `mktemp -d` makes it: a folder only its owner may enter, which as root PostgreSQL's user is not.
  const folder = await mkdtemp(path.join(tmpdir(), 'sangam-life-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return {
    env: (more = {}) => ({ DATA_DIR: path.join(folder, 'data'), PORT: '0', LOG_LEVEL: 'warn', ...more }),
    databaseRuns: async () => {
      const pidFile = path.join(folder, 'data/postgres/cluster/postmaster.pid');
      const pid = await readFile(pidFile, 'utf8').catch(() => '');
      try {
        process.kill(Number(pid.split('\n')[0]), 0);
        return pid !== '';
      } catch {
        return false;
      }
    },
  };
}

async function say(service: ServiceProcess, from: string, words: string): Promise<void> {
  const response = await service.sandbox('/whatsapp/customer/messages', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ from, type: 'text', text: words, name: `Person ${from}` }),
  });
  expect(response.status).toBe(200);
}

async function phonesInHubspot(service: ServiceProcess): Promise<(string | undefined)[]> {
  const response = await service.sandbox('/hubspot/records/contacts');
  const { results } = (await response.json()) as { results: SandboxRecord[] };
  return results.map(({ properties }) => properties['wa_phone_e164']);
}

describe.concurrent('one data folder', () => {
  test('is kept over a Ctrl-C, which ends the service and then its database', async (context) => {
    const { env, databaseRuns } = await openFolder(context);
    const first = await startProcess(undefined, env());
    await say(first, '919811111111', 'hello');
    await until('the contact', async () => (await phonesInHubspot(first)).includes('+919811111111'));
    await first.stop('SIGINT');
    expect(first.child.exitCode).toBe(0);
    expect(first.output()).toContain('Stopped.');
    expect(await databaseRuns()).toBe(false);

    const second = await startProcess(undefined, env());
    expect(await phonesInHubspot(second)).toEqual(['+919811111111']);
    await second.stop('SIGINT');
  });

  test('is adopted with its running database after kill -9, with nothing lost', async (context) => {
    const { env, databaseRuns } = await openFolder(context);
    const first = await startProcess(undefined, env());
    for (let index = 0; index < 20; index += 1) await say(first, `9198111111${String(10 + index)}`, 'hello');
    await first.stop('SIGKILL');
    expect(await databaseRuns()).toBe(true);

    const second = await startProcess(undefined, env());
    expect(second.output()).toContain('already running');
    const phones = await until('all twenty contacts', async () => {
      const found = await phonesInHubspot(second);
      return found.length >= 20 ? found : undefined;
    });
    expect(new Set(phones).size).toBe(20);
    expect(phones).toHaveLength(20);
    await second.stop('SIGINT');
    expect(await databaseRuns()).toBe(false);
  });

  test('is shared by a second start, which takes the sandbox over when the first ends', async (context) => {
    const { env, databaseRuns } = await openFolder(context);
    const first = await startProcess(undefined, env());
    const second = await startProcess(undefined, env());
    expect(second.output()).toContain('Joined the database');
    await say(first, '919811111111', 'hello');
    await until('the contact', async () => (await phonesInHubspot(first)).includes('+919811111111'));
    await first.stop('SIGINT');
    expect(first.output()).toContain('another Sangam uses it');
    expect(await databaseRuns()).toBe(true);

    await until('the sandbox in the second', async () => (await second.sandbox('')).status === 200);
    await say(second, '919822222222', 'hello');
    await until('both contacts', async () => (await phonesInHubspot(second)).length === 2);
    await second.stop('SIGINT');
    expect(await databaseRuns()).toBe(false);
  });

  test('says who has the port', async (context) => {
    const { env, databaseRuns } = await openFolder(context);
    const first = await startProcess(undefined, env());
    const { port } = new URL(first.url);
    await expect(startProcess(undefined, env({ PORT: port }))).rejects.toThrow(
      `Port ${port} is taken: Sangam is already running there`,
    );
    await first.stop('SIGINT');

    const other = createServer();
    await new Promise<void>((resolve) => {
      other.listen(0, '127.0.0.1', resolve);
    });
    const address = other.address();
    const taken = String(typeof address === 'object' && address !== null ? address.port : 0);
    await expect(startProcess(undefined, env({ PORT: taken }))).rejects.toThrow('another program has it');
    other.close();
    expect(await databaseRuns()).toBe(false);
  });
});
