import { expect, onTestFinished, test, vi } from 'vitest';
import { LimitWait } from '../crm/index.ts';
import { SangamError } from '../errors.ts';
import { Calls } from './calls.ts';

const items = [1, 2, 3, 4, 5];
const timeout = new SangamError({ code: 'timeout', origin: 'crm', retry: 'later', message: 'No answer.' });
const limit = new LimitWait({ priority: 'fields', afterMs: 60_000 });
const longLease = () => new Calls(performance.now() + 60_000);

/** Calls that answer ten times what they are asked, but for the one that is asked this. */
const failingAt = (item: number, error: Error) => {
  const asked: number[][] = [];
  return {
    asked,
    call: async (part: readonly number[]): Promise<number[]> => {
      asked.push([...part]);
      if (part.includes(item)) throw error;
      return part.map((one) => one * 10);
    },
  };
};

test('are as many as the CRM takes items a call', async () => {
  const { asked, call } = failingAt(0, timeout);
  const { answers } = await longLease().inParts(items, 2, call);
  expect(asked).toEqual([[1, 2], [3, 4], [5]]);
  expect(answers).toEqual([10, 20, 30, 40, 50]);
});

test('that fail before anything was answered fail as a whole', async () => {
  await expect(longLease().inParts(items, 2, failingAt(2, timeout).call)).rejects.toBe(timeout);
});

test.each([
  [timeout, [3, 4], [5]],
  [limit, [], [3, 4, 5]],
])('that fail later leave what was answered, and end (%s)', async (error, unheard, left) => {
  const calls = longLease();
  const { asked, call } = failingAt(4, error);
  expect(await calls.inParts(items, 2, call)).toEqual({ answers: [10, 20], unheard, left });
  expect(calls.failure).toBe(error);
  expect(await calls.inParts(items, 2, call)).toEqual({ answers: [], unheard: [], left: items });
  expect(asked).toHaveLength(2);
});

test('that fail first after others of the batch were answered are no failure of the whole', async () => {
  const calls = longLease();
  const { unheard } = await calls.inParts(items, 2, failingAt(1, timeout).call, true);
  expect(unheard).toEqual([1, 2]);
  expect(calls.failure).toBe(timeout);
});

test('a bug is never taken for an answer', async () => {
  await expect(longLease().inParts(items, 2, failingAt(4, new TypeError('bug')).call)).rejects.toThrow('bug');
});

/** A lease that has time for calls until the monotonic clock, which the test sets, has gone so far. */
const leaseOf = (ms: number) => {
  let now = performance.now();
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(() => clock.mockRestore());
  return { calls: new Calls(now + ms), pass: (passed: number) => (now += passed) };
};

test('none begins that could outlast the lease', async () => {
  const { calls, pass } = leaseOf(60_000);
  const asked: number[][] = [];
  const slow = async (part: readonly number[]): Promise<number[]> => {
    asked.push([...part]);
    pass(19_000);
    return [...part];
  };
  // The third begins after 38 s and ends before the lease does; the fourth could not.
  expect(await calls.inParts(items, 1, slow)).toEqual({ answers: [1, 2, 3], unheard: [], left: [4, 5] });
  expect(calls.failure).toBeUndefined();
  expect(await calls.inParts(items, 1, slow, true)).toEqual({ answers: [], unheard: [], left: items });
  expect(asked).toHaveLength(3);
});

test('of which none can begin any more fail as a whole, so that the next batch is smaller', async () => {
  const { calls, pass } = leaseOf(60_000);
  pass(40_001);
  const { asked, call } = failingAt(0, timeout);
  await expect(calls.inParts(items, 2, call)).rejects.toMatchObject({ code: 'too_slow', retry: 'later' });
  expect(asked).toEqual([]);
});
