import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { DueListener } from '../store/work/due-notices.ts';
import { Dispatcher } from './dispatcher.ts';
import { type TickFailure, type TickOutcome, QueueWorker, type QueueWork } from './worker.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const minute = 60_000;

const targetOf = (workspaceId: string) => ({ queue: 'inbox' as const, workspaceId, targetId: workspaceId });

/** A worker that finds these workspaces due, and rests where `rests` says so. */
const workerOf = (
  due: () => Promise<readonly string[]>,
  work: Pick<QueueWork, 'tick' | 'failed' | 'placeMs'>,
  rests: (workspaceId: string) => boolean = () => false,
): QueueWorker => {
  const store = {
    scanDue: async () => (await due()).map(targetOf),
    restDue: ({ workspaceId }: { workspaceId: string }) => Promise.resolve(rests(workspaceId) ? Infinity : 0),
    onDue: (_queue: string, _listener: DueListener) => () => undefined,
  };
  return new QueueWorker(new Dispatcher(store, { now: () => 0 }), { queue: 'inbox', ...work });
};

test('a worker of which nothing ends is stuck; one with nothing to do is not', async () => {
  let waiting: string[] = [];
  let end = (_outcome: TickOutcome): void => undefined;
  const worker = workerOf(
    () => Promise.resolve(waiting),
    {
      tick: () => new Promise((resolve) => (end = resolve)),
      failed: () => undefined,
    },
    () => waiting.length === 0,
  );
  worker.start();
  await vi.advanceTimersByTimeAsync(2 * minute);
  expect(worker.stuckMs()).toBe(0);
  waiting = ['a'];
  await vi.advanceTimersByTimeAsync(2 * minute);
  expect(worker.stuckMs()).toBeGreaterThan(1.9 * minute);
  waiting = [];
  end('done');
  await vi.advanceTimersByTimeAsync(1000);
  expect(worker.stuckMs()).toBe(0);
});

test('what a worker that was stopped had left does not make it stuck once it works again', async () => {
  let waiting = ['a'];
  let end = (_outcome: TickOutcome): void => undefined;
  const worker = workerOf(() => Promise.resolve(waiting), {
    tick: () => new Promise((resolve) => (end = resolve)),
    failed: () => undefined,
  });
  worker.start();
  await vi.advanceTimersByTimeAsync(1000);
  const stopped = worker.stop();
  end('more');
  await stopped;
  waiting = [];
  worker.start();
  // Between two looks around.
  await vi.advanceTimersByTimeAsync(2 * minute + 100);
  expect(worker.stuckMs()).toBe(0);
});

test('a look around that never ends, or always fails, makes it stuck', async () => {
  for (const waiting of [
    () => new Promise<never>(() => undefined),
    () => Promise.reject(new Error('Away.')),
  ]) {
    const worker = workerOf(waiting, { tick: () => Promise.resolve('done'), failed: () => undefined });
    worker.start();
    await vi.advanceTimersByTimeAsync(2 * minute);
    expect(worker.stuckMs()).toBeGreaterThan(1.9 * minute);
  }
});

test('ticks that hang for ever keep nobody else waiting for ever', async () => {
  const served: string[] = [];
  const failures: unknown[] = [];
  const worker = workerOf(() => Promise.resolve(['hangs', 'hangs too', 'works']), {
    tick({ workspaceId }) {
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
  expect(failures).toContainEqual(new Error('A tick did not end within 300 s.'));
});

test('a target that waits for a moment is tried four times a second, however often it is told of', async () => {
  let ticks = 0;
  const worker = workerOf(() => Promise.resolve(['a']), {
    tick: () => {
      ticks += 1;
      return Promise.resolve('later');
    },
    failed: () => undefined,
  });
  worker.start();
  await vi.advanceTimersByTimeAsync(minute);
  expect(ticks).toBeGreaterThan(200);
  expect(ticks).toBeLessThan(400);
  await worker.stop();
});

test('whoever waits for an answer from outside keeps no place from others', async () => {
  const served: string[] = [];
  const worker = workerOf(() => Promise.resolve(['hangs', 'hangs too', 'works']), {
    placeMs: 500,
    tick({ workspaceId }) {
      served.push(workspaceId);
      return workspaceId === 'works' ? Promise.resolve('done') : new Promise(() => undefined);
    },
    failed: () => undefined,
  });
  worker.start();
  await vi.advanceTimersByTimeAsync(1000);
  expect(served).toContain('works');
});

describe('ticks that fail', () => {
  test('are taken less and less often, and others are not', async () => {
    const served = { fails: 0, works: 0 };
    const failures: TickFailure[] = [];
    let broken = true;
    let went = 0;
    const worker = workerOf(() => Promise.resolve(['fails', 'works']), {
      tick({ workspaceId }) {
        if (workspaceId === 'works') {
          served.works += 1;
          return Promise.resolve('done');
        }
        served.fails += 1;
        if (broken) return Promise.reject(new Error('A table is missing.'));
        went += 1;
        return Promise.resolve(went === 1 ? 'more' : 'done');
      },
      failed: (_error, failure) => void failures.push(failure),
    });
    worker.start();
    await vi.advanceTimersByTimeAsync(10 * minute);
    // Eight tries in the first half minute, and two a minute from then on.
    expect(served.fails).toBeGreaterThan(20);
    expect(served.fails).toBeLessThan(30);
    expect(served.works).toBeGreaterThan(2000);
    expect(failures.at(-1)).toEqual({ workspaceId: 'fails', failures: served.fails });
    expect(worker.stuckMs()).toBeLessThan(1000);

    broken = false;
    await vi.advanceTimersByTimeAsync(minute);
    const tried = served.fails;
    broken = true;
    await vi.advanceTimersByTimeAsync(1000);
    expect(served.fails).toBeGreaterThan(tried);
    // It went in between: they are counted anew.
    expect(failures.at(-1)?.failures).toBeLessThan(5);
    await worker.stop();
  });

  test('wait no longer once a database that was away is back', async () => {
    let away = true;
    const served: number[] = [];
    const worker = workerOf(() => (away ? Promise.reject(new Error('Away.')) : Promise.resolve(['a'])), {
      tick() {
        served.push(performance.now());
        return away ? Promise.reject(new Error('Away.')) : Promise.resolve('done');
      },
      failed: () => undefined,
    });
    worker.start();
    // The last of its tries was at 93 s, and the next would be at 123 s.
    for (let second = 0; second < 100; second += 1) {
      worker.wake(targetOf('a'));
      await vi.advanceTimersByTimeAsync(1000);
    }
    away = false;
    const back = performance.now();
    await vi.advanceTimersByTimeAsync(6000);
    expect(served.find((at) => at > back)).toBeLessThan(back + 5_500);
    await worker.stop();
  });

  test('of one that has nothing left, for another process did it, are over', async () => {
    let waiting = ['a'];
    const served: number[] = [];
    const worker = workerOf(() => Promise.resolve(waiting), {
      tick() {
        served.push(performance.now());
        return Promise.reject(new Error('A bug of this process.'));
      },
      failed: () => undefined,
    });
    worker.start();
    // Tried at 33 s, and left alone until 63 s.
    await vi.advanceTimersByTimeAsync(40_000);
    waiting = [];
    await vi.advanceTimersByTimeAsync(1000);
    waiting = ['a'];
    const tried = served.length;
    await vi.advanceTimersByTimeAsync(1000);
    expect(served.length).toBeGreaterThan(tried);
    await worker.stop();
  });

  test('to look around are fewer too', async () => {
    const failures: TickFailure[] = [];
    const worker = workerOf(() => Promise.reject(new Error('Away.')), {
      tick: () => Promise.resolve('done'),
      failed: (_error, failure) => void failures.push(failure),
    });
    worker.start();
    await vi.advanceTimersByTimeAsync(minute);
    expect(failures.length).toBeLessThan(20);
    expect(failures.at(-1)).toEqual({ failures: failures.length });
    await worker.stop();
  });
});
