import { setTimeout as wait } from 'node:timers/promises';

/** Waits for a condition, looking again and again; says what it waited for when it never comes. */
export async function until<Value>(
  what: string,
  look: () => Promise<Value | undefined | false> | Value | undefined | false,
  withinMs = 400_000,
): Promise<Value> {
  const end = performance.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen !== undefined && seen !== false) return seen;
    if (performance.now() > end) throw new Error(`Waited ${String(withinMs)} ms in vain for ${what}`);
    await wait(15);
  }
}
