import { fork } from 'node:child_process';
import path from 'node:path';
import { systemClock } from '@sangam/core/clock';
import { createSecretBox, ensureSandboxWorkspace, type SandboxParties } from '@sangam/service';
import type { BenchChannel, BenchFixture } from './bench-fixture.ts';
import { vendors } from './vendors.ts';

/** A sandbox in a process of its own, so that its work is not measured as ours. */
export interface BenchSandbox {
  readonly url: string;
  readonly channel: BenchChannel;
  /** How often each was called since they were forgotten. */
  byOperation(): Promise<Readonly<Record<string, number>>>;
  /** Reads and writes of records and timelines. */
  calls(): Promise<number>;
  /** Searches: people asked for before their record is made. */
  searches(): Promise<number>;
  /** Since the sandbox began; undefined: this CRM counts calls alone. */
  creditsSpent(): Promise<number | undefined>;
  forgetCalls(): Promise<void>;
  close(): void;
}

export async function openSandboxProcess(fixture: BenchFixture, crm = 'hubspot'): Promise<BenchSandbox> {
  const vendor = vendors[crm];
  if (vendor === undefined) throw new Error(`There is no bench of ${crm}.`);
  const box = createSecretBox([Buffer.from(fixture.secretsKey, 'base64')]);
  const parties: SandboxParties = await ensureSandboxWorkspace(fixture.store, box, systemClock, [crm]);
  const child = fork(path.join(import.meta.dirname, 'sandbox-process.ts'), [JSON.stringify(parties)]);
  const url = await new Promise<string>((resolve, reject) => {
    child.once('message', (message) => resolve(message as string));
    child.once('exit', () => reject(new Error('The sandbox ended.')));
  });
  const byOperation = async (): Promise<Record<string, number>> => {
    const response = await fetch(`${url}/${crm}/calls`);
    return ((await response.json()) as { byOperation: Record<string, number> }).byOperation;
  };
  const counted = async (wanted: (operation: string) => boolean): Promise<number> =>
    Object.entries(await byOperation())
      .filter(([operation]) => wanted(operation))
      .reduce((sum, [, count]) => sum + count, 0);
  return {
    url,
    channel: { ...parties.whatsapp, workspaceId: parties.workspaceId },
    byOperation,
    calls: () => counted(vendor.isCall),
    searches: () => counted(vendor.isSearch),
    async creditsSpent() {
      if (vendor.credits === undefined) return undefined;
      const response = await fetch(`${url}${vendor.credits.path}`);
      return ((await response.json()) as { spent: number }).spent;
    },
    async forgetCalls() {
      await fetch(`${url}/${crm}/calls`, { method: 'DELETE' });
    },
    close: () => void child.kill(),
  };
}
