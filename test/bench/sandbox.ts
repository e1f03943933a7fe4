import { fork } from 'node:child_process';
import path from 'node:path';
import { systemClock } from '@sangam/core/clock';
import { createSecretBox, ensureSandboxWorkspace, type SandboxParties } from '@sangam/service';
import type { BenchChannel, BenchFixture } from './bench-fixture.ts';

/** A sandbox in a process of its own, so that its work is not measured as ours. */
export interface BenchSandbox {
  readonly url: string;
  readonly channel: BenchChannel;
  /** Reads and writes of objects. */
  calls(): Promise<number>;
  /** Searches: people asked for before their record is made. */
  searches(): Promise<number>;
  forgetCalls(): Promise<void>;
  close(): void;
}

export async function openSandboxProcess(fixture: BenchFixture): Promise<BenchSandbox> {
  const box = createSecretBox([Buffer.from(fixture.secretsKey, 'base64')]);
  const parties: SandboxParties = await ensureSandboxWorkspace(fixture.store, box, systemClock, ['hubspot']);
  const child = fork(path.join(import.meta.dirname, 'sandbox-process.ts'), [JSON.stringify(parties)]);
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(message as string));
    child.once('exit', () => reject(new Error('The sandbox ended.')));
  });
  const counted = async (wanted: (operation: string) => boolean): Promise<number> => {
    const response = await fetch(`${url}/hubspot/calls`);
    const { byOperation } = (await response.json()) as { byOperation: Record<string, number> };
    return Object.entries(byOperation)
      .filter(([operation]) => wanted(operation))
      .reduce((sum, [, count]) => sum + count, 0);
  };
  return {
    url,
    channel: { ...parties.whatsapp, workspaceId: parties.workspaceId },
    calls: () => counted((operation) => operation.includes('/batch/') && operation.includes('objects')),
    searches: () => counted((operation) => operation.includes('/search') && operation.includes('objects')),
    async forgetCalls() {
      await fetch(`${url}/hubspot/calls`, { method: 'DELETE' });
    },
    close: () => void child.kill(),
  };
}
