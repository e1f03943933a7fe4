import { setTimeout as wait } from 'node:timers/promises';
import type { ServiceProcess } from './service-fixture.ts';

const patienceMs = 120_000;

/** Posts as WhatsApp does: until it is acknowledged, by whichever process answers, and then never again. */
export async function deliver(services: () => readonly ServiceProcess[], body: object): Promise<void> {
  const end = performance.now() + patienceMs;
  for (let attempt = 0; performance.now() < end; attempt += 1) {
    const alive = services();
    const service = alive[attempt % Math.max(alive.length, 1)];
    if (service !== undefined && (await service.post(body)) === 200) return;
    await wait(25);
  }
  throw new Error('Never acknowledged.');
}

export async function inParallel<Item>(
  items: readonly Item[],
  clients: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: clients }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}
