import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startSandboxFixture } from './testing/sandbox-fixture.ts';

const serve = fileURLToPath(new URL('testing/serve.ts', import.meta.url));

test('kill -9 loses nothing that was answered', { timeout: 60_000 }, async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-sandbox-'));
  const answered = new Set<string>();
  for (let kills = 0; kills < 3; kills += 1) {
    const child = spawn(process.execPath, [serve, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [port] = (await once(child.stdout, 'data')) as [Buffer];
    const url = `http://127.0.0.1:${port.toString().trim()}/sandbox/hubspot/records/contacts`;
    const write = async (): Promise<void> => {
      for (;;) {
        const firstname = crypto.randomUUID();
        const response = await fetch(url, {
          method: 'POST',
          body: JSON.stringify({ properties: { firstname } }),
        });
        if (response.status !== 201) throw new Error(`answered ${String(response.status)}`);
        answered.add(firstname);
        if (answered.size >= 200 * (kills + 1)) child.kill('SIGKILL');
      }
    };
    const writers = await Promise.allSettled([write(), write(), write(), write()]);
    expect(writers.map(({ status }) => status)).toEqual(Array(4).fill('rejected'));
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  const fixture = await startSandboxFixture({ dataDir });
  const { body } = await fixture.call('GET', '/hubspot/records/contacts');
  const kept = new Set(
    (body as { results: { properties: { firstname: string } }[] }).results.map(
      ({ properties }) => properties.firstname,
    ),
  );
  expect([...answered].filter((name) => !kept.has(name))).toEqual([]);
  expect(answered.size).toBeGreaterThanOrEqual(600);
  await fixture.stop();
  await rm(dataDir, { recursive: true });
});
