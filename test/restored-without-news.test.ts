import { expect, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { day, hour, minute, somebody, setUpFor } from './conformance/set-up.ts';
import { preference } from './harness/whatsapp.ts';

/** A record comes back, and nothing tells of it: no webhook, and its last change is old. */

const asha = somebody(1, 'Asha Rao');

const polls = 6 * minute;

test('a STOP said while the record was gone stands on it once it is restored', async () => {
  const { fixture, crm } = await setUpFor((clock) => openHubspotAccount(clock))({ polled: true });
  await crm.writes(asha);
  await fixture.ride(hour);
  const { recordId } = await crm.record();
  await crm.account.user.remove(recordId);
  fixture.clock.advance(minute);
  await fixture.ride(hour);
  // By WhatsApp's own control, which is no message: nothing makes them a new record.
  await crm.receive(preference(asha, fixture.clock.now() - minute / 2, 'stop'));
  await fixture.ride(hour);
  expect(await crm.records()).toEqual([]);
  fixture.clock.advance(30 * day);
  await fixture.ride(hour);
  await crm.account.user.restore(recordId);
  for (let poll = 0; poll < 2; poll += 1) {
    fixture.clock.advance(polls);
    await fixture.settle();
  }
  const record = await crm.record();
  expect(record.recordId).toBe(recordId);
  expect(crm.isOptedOut(record)).toBe(true);
});

test.each([
  ['HubSpot', openHubspotAccount],
  ['memory', memoryAccounts().open],
] as const)(
  'what was said while it was gone stands on it once a look finds it again: %s',
  async (_, open) => {
    const { fixture, crm } = await setUpFor((clock) => open(clock))({ polled: true });
    await crm.check();
    await crm.writes(asha, 'hello');
    await fixture.ride(hour);
    const { recordId } = await crm.record();
    await crm.account.user.remove(recordId);
    fixture.clock.advance(minute);
    await crm.check();
    await fixture.ride(hour);
    await crm.answers(asha, 'an answer nobody sees yet');
    await fixture.ride(hour);
    await crm.account.user.restore(recordId);
    fixture.clock.advance(minute);
    await crm.check();
    await fixture.ride(hour);
    const [entry] = await crm.account.user.timeline(recordId);
    expect(entry?.text).toContain('an answer nobody sees yet');
  },
);

test('records that are gone are looked at in one call a poll, and for 90 days', async () => {
  const accounts = memoryAccounts();
  const { fixture, crm } = await setUpFor(accounts.open)({ polled: true });
  const people = [1, 2, 3].map((index) => somebody(index));
  for (const person of people) await crm.writes(person);
  await fixture.settle();
  const { calls, user } = accounts.opened().crm;
  for (const { recordId } of await crm.records()) user.remove(recordId);
  fixture.clock.advance(minute);
  await fixture.settle();
  await crm.writes(somebody(1), 'STOP');
  await crm.writes(somebody(2), 'STOP');
  fixture.clock.advance(polls);
  await fixture.settle();
  const reads = async (): Promise<number[]> => {
    calls.length = 0;
    fixture.clock.advance(polls);
    await fixture.settle();
    return calls.filter(({ operation }) => operation === 'read').map(({ items }) => items);
  };
  expect(await reads()).toEqual([2]);
  fixture.clock.advance(91 * day);
  await fixture.settle();
  expect(await reads()).toEqual([]);
});
