import { SangamError } from '@sangam/core/errors';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { OpenAccount } from './conformance/account.ts';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { hour, minute, somebody } from './conformance/set-up.ts';
import { openZohoAccount } from './conformance/zoho-account.ts';
import { createCrmFixture } from './harness/crm-fixture.ts';

/** Promise 7: an outage rides through, inside the vendor's limits, with nothing lost or doubled. */

/** `perStep` of so many people write every five minutes, one group after the other. */
const vendors: readonly {
  readonly label: string;
  readonly open: OpenAccount;
  readonly people: number;
  readonly perStep: number;
}[] = [
  { label: 'HubSpot', open: openHubspotAccount, people: 300, perStep: 25 },
  { label: 'Zoho CRM', open: openZohoAccount, people: 72, perStep: 6 },
];

describe.each(vendors)('$label answers 503 for three hours', ({ open, people, perStep }) => {
  test('gets everything afterwards, once, and another business notices nothing', async () => {
    const fixture = await createCrmFixture();
    onTestFinished(() => fixture.close());
    const options = { limiter: true };
    const down = await fixture.addWorkspace(open, options);
    const other = await fixture.addWorkspace(open, options);
    fixture.addProcess();

    const known = somebody(0, 'Known before');
    await down.writes(known);
    await fixture.ride(hour);
    expect(await down.records()).toHaveLength(1);

    await down.account.fault({ status: 503 });
    const before = await down.account.calls();
    const steps = 36;
    const lastWord = new Map<number, string>();
    for (let step = 0; step < steps; step += 1) {
      // Most of them more than once.
      const from = step * Math.ceil(people / steps);
      const writing = Array.from({ length: perStep }, (_, index) => 1 + ((from + index) % people));
      await Promise.all(
        writing.map(async (index) => {
          const words = `message of step ${String(step)}`;
          lastWord.set(index, words);
          await down.writes(somebody(index), words);
        }),
      );
      await down.writes(known, 'Is anybody there?');
      await other.writes(somebody(step));
      await fixture.settle();
      expect(await other.records()).toHaveLength(step + 1);
      fixture.clock.advance(5 * minute);
    }
    const asked = (await down.account.calls()) - before;
    expect(await down.records()).toHaveLength(1);
    // One try every five minutes, not one a message.
    expect(asked).toBeLessThan(3 * steps);

    await down.account.fault({});
    for (const [name, limit] of Object.entries(down.connector.traits.limits))
      await down.account.limit(name, limit);
    const failed = fixture.failures.length;
    await fixture.ride(3 * hour);
    const records = await down.records();
    const phones = records.map((record) => down.read(record, 'phone'));
    expect(phones).toHaveLength(lastWord.size + 1);
    expect(new Set(phones).size).toBe(phones.length);
    const waits = fixture.failures.slice(failed).filter(({ code }) => code !== 'limit_wait');
    expect(waits).toEqual([]);
    for (const [index, words] of lastWord) {
      const { phone = '', name = '' } = somebody(index);
      const record = records.find((one) => down.read(one, 'phone') === `+${phone}`);
      expect(down.read(record, 'first name')).toBe(name.split(' ')[0]);
      const contact = await down.contactOf(somebody(index));
      expect(down.timeOf(record, 'last activity')).toBe(contact.lastActivityAt);
      const entries = await down.account.user.timeline(record?.recordId ?? '');
      expect(entries).toHaveLength(1);
      expect(entries[0]?.text).toContain(words);
    }
    expect(await down.letters()).toEqual([]);
    expect(await other.letters()).toEqual([]);
    expect(await other.alerts()).toEqual([]);
    expect(await other.records()).toHaveLength(steps);
  });

  test('nobody waits any longer once it ends, whoever made the call that went through', async () => {
    const fixture = await createCrmFixture();
    onTestFinished(() => fixture.close());
    const crm = await fixture.addWorkspace(open);
    const known = somebody(0, 'Known before');
    await crm.writes(known);
    await fixture.ride(hour);
    let away = true;
    let ended = false;
    // Of the first calls after the outage only the timeline's goes through.
    crm.beforeCall = async (priority) => {
      if (!away && priority === 'timeline') ended = true;
      if (!ended)
        throw new SangamError({ code: 'unavailable', origin: 'crm', retry: 'later', message: 'Away.' });
      return Promise.resolve();
    };
    await crm.writes(known, 'Is anybody there?');
    for (const index of [1, 2, 3]) await crm.writes(somebody(index), 'Is it too late?');
    expect(await fixture.pass(3 * hour)).toBe(false);
    away = false;
    await fixture.pass(30 * minute);
    const records = await crm.records();
    expect(records).toHaveLength(4);
    for (const { recordId } of records) {
      expect(await crm.account.user.timeline(recordId)).toMatchObject([
        { text: expect.stringContaining('Is') },
      ]);
    }
    // Half an hour after an entry was repeated one more look is taken for it: nobody waits for that.
    await fixture.ride(30 * minute);
  });

  test('what only a person can mend is said, also where the timeline meets it first', async () => {
    const fixture = await createCrmFixture();
    onTestFinished(() => fixture.close());
    const crm = await fixture.addWorkspace(open);
    await crm.writes(somebody(1));
    const answer = await crm.answers(somebody(1));
    await fixture.ride(hour);
    crm.beforeCall = () =>
      Promise.reject(
        new SangamError({ code: 'reconnect', origin: 'crm', retry: 'never', message: 'Connect again.' }),
      );
    await crm.reached(somebody(1), answer, 'read');
    await fixture.ride(hour);
    expect(await crm.alerts()).toMatchObject([{ kind: 'connection blocked', message: 'Connect again.' }]);
  });

  test('one person alone is not left waiting when it ends', async () => {
    const fixture = await createCrmFixture();
    onTestFinished(() => fixture.close());
    const crm = await fixture.addWorkspace(open);
    await crm.account.fault({ status: 503 });
    await crm.writes(somebody(1));
    expect(await fixture.pass(3 * hour)).toBe(false);
    await crm.account.fault({});
    const ended = fixture.clock.now();
    await fixture.ride(15 * minute);
    expect(await crm.records()).toHaveLength(1);
    expect(fixture.clock.now() - ended).toBeLessThan(15 * minute);
  });
});
