import type { Undelivered } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import { listAlerts } from '@sangam/core/store';
import { expect, test } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { day, hour, minute, setUpFor } from './conformance/set-up.ts';
import { scanning } from './harness/tell.ts';

/** A CRM that keeps a list of what its own rules could not deliver to us. */
const start = async (answer: () => readonly Undelivered[] | undefined) => {
  const asked: number[] = [];
  const open = scanning(memoryAccounts().open, {
    undelivered: async (since) => {
      asked.push(since);
      return answer();
    },
  });
  const { fixture, crm } = await setUpFor(open)({ polled: true });
  return {
    fixture,
    asked,
    pollAfter: async (ms: number): Promise<void> => {
      fixture.clock.advance(ms);
      await crm.poll();
    },
    alerts: async (): Promise<string[]> => {
      const open = await fixture.store.transact(crm.workspaceId, (trx) =>
        listAlerts(trx, { limit: 10, after: undefined, state: 'open' }),
      );
      return open.map(({ kind, message }) => `${kind}: ${message}`);
    },
  };
};

test('what could not be delivered is asked for once a day, told, and over once a day brought none', async () => {
  let found: Undelivered[] | undefined = [];
  const { fixture, asked, pollAfter, alerts } = await start(() => found);
  const began = fixture.clock.now();
  await pollAfter(hour);
  await pollAfter(hour);
  expect(asked).toHaveLength(1);
  expect(await alerts()).toEqual([]);

  const failed = (by: string, at: number): Undelivered => ({ by, at, reason: 'answered 401' });
  found = [failed('Stage to Sangam', began + 5 * hour), failed('Opt-out to Sangam', began + 3 * hour)];
  await pollAfter(day);
  // From where the look before ended.
  expect(asked).toHaveLength(2);
  expect(asked[1]).toBeGreaterThanOrEqual((asked[0] ?? 0) + day);
  expect(asked[1]).toBeLessThan(began + hour);
  const at = new Date(began + 5 * hour).toISOString();
  expect(await alerts()).toEqual([
    expect.stringMatching(`webhooks undelivered: .* 2 webhooks .* “Stage to Sangam” at ${at} .answered 401.`),
  ]);

  // Whoever connected may not see it any more: that says nothing.
  found = undefined;
  await pollAfter(day);
  expect(await alerts()).toHaveLength(1);
  found = [];
  await pollAfter(100 * day);
  expect(await alerts()).toEqual([]);
  expect(fixture.clock.now() - (asked.at(-1) ?? 0)).toBeLessThan(40 * day);
});

test('a look for it that fails is repeated with the next poll, and keeps none from going on', async () => {
  let fails = true;
  const { asked, pollAfter } = await start(() => {
    if (!fails) return [];
    throw new SangamError({ code: 'unavailable', origin: 'crm', retry: 'later', message: 'Not now.' });
  });
  await pollAfter(hour);
  const failed = asked.length;
  fails = false;
  await pollAfter(5 * minute);
  await pollAfter(5 * minute);
  expect(failed).toBeGreaterThan(0);
  expect(asked).toHaveLength(failed + 1);
});
