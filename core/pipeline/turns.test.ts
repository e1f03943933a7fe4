import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type TurnOutcome, TurnTaker } from './turns.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const minute = 60_000;

test('a worker of which nothing ends is stuck; one with nothing to do is not', async () => {
  let waiting: string[] = [];
  let end = (_outcome: TurnOutcome): void => undefined;
  const worker = new TurnTaker({
    waiting: () => Promise.resolve(waiting),
    turn: () => new Promise((resolve) => (end = resolve)),
    failed: () => undefined,
  });
  worker.start();
  await vi.advanceTimersByTimeAsync(2 * minute);
  expect(worker.stuckMs()).toBe(0);
  waiting = ['a'];
  await vi.advanceTimersByTimeAsync(2 * minute);
  expect(worker.stuckMs()).toBeGreaterThan(1.9 * minute);
  waiting = [];
  end('done');
  // Woken meanwhile, it takes one turn more.
  await vi.advanceTimersByTimeAsync(1000);
  end('done');
  await vi.advanceTimersByTimeAsync(1000);
  expect(worker.stuckMs()).toBe(0);
});

test('a look around that never ends, or always fails, makes it stuck', async () => {
  for (const waiting of [
    () => new Promise<never>(() => undefined),
    () => Promise.reject(new Error('Away.')),
  ]) {
    const worker = new TurnTaker({ waiting, turn: () => Promise.resolve('done'), failed: () => undefined });
    worker.start();
    await vi.advanceTimersByTimeAsync(2 * minute);
    expect(worker.stuckMs()).toBeGreaterThan(1.9 * minute);
  }
});

test('turns that hang for ever keep nobody else waiting for ever', async () => {
  const served: string[] = [];
  const failures: unknown[] = [];
  const worker = new TurnTaker({
    waiting: () => Promise.resolve(['hangs', 'hangs too', 'works']),
    turn(workspaceId) {
      served.push(workspaceId);
      return workspaceId === 'works' ? Promise.resolve('done') : new Promise(() => undefined);
    },
    failed: (error) => void failures.push(error),
  });
  worker.start();
  await vi.advanceTimersByTimeAsync(minute);
  expect(served).not.toContain('works');
  await vi.advanceTimersByTimeAsync(10 * minute);
  expect(served).toContain('works');
  expect(failures).toContainEqual(new Error('A turn did not end within 300 s.'));
});
