import { expect, test } from 'vitest';
import { hour, minute, needs, searchCatchesUp, type SetUp, somebody } from './set-up.ts';

/** Promise 7, for one account: what fails is written in the end, and once. */
export function trouble(setUp: SetUp): void {
  test('a token that ends between two calls of a batch is renewed, and nothing is written twice', async (context) => {
    const { fixture, crm } = await setUp();
    needs(context, crm, 'tokens that end');
    const asha = somebody(1);
    const recordId = await crm.account.user.create(
      crm.valuesOf({ 'first name': 'Asha', phone: `+${asha.phone ?? ''}` }),
    );
    searchCatchesUp(fixture, crm);
    for (let ends = 1; ends <= 4; ends += 1) {
      let calls = 0;
      crm.beforeCall = async () => {
        calls += 1;
        if (calls === ends) await crm.account.expireToken();
      };
      await crm.writes(asha, `message ${String(ends)}`);
      await crm.writes(somebody(1 + ends));
      await fixture.settle();
    }
    const records = await crm.records();
    expect(records).toHaveLength(5);
    const adopted = records.find((record) => record.recordId === recordId);
    expect(crm.read(adopted, 'first message')).toBe('message 1');
    expect(await crm.letters()).toEqual([]);
    expect(await crm.alerts()).toEqual([]);
  });

  test('a limit slows down and loses nothing', async () => {
    const { fixture, crm } = await setUp();
    const { limits, sizes } = crm.connector.traits;
    const most = 250;
    const { findByContactId, findByPhone, create, read, entries } = sizes;
    const all = [findByContactId, findByPhone, create, read, entries].reduce(
      (sum, size) => sum + most / size,
      0,
    );
    const [name = ''] = Object.keys(limits);
    fixture.addProcess();
    // Met at once, however slow the machine; then half of what they cost.
    await crm.account.limit(name, { kind: 'rolling', calls: 1, perMs: hour });
    await Promise.all(Array.from({ length: most }, (_, index) => crm.writes(somebody(index))));
    await fixture.settle();
    await crm.account.limit(name, { kind: 'rolling', calls: Math.ceil(all / 2), perMs: 10_000 });
    await fixture.ride(2 * hour);
    await Promise.all(Array.from({ length: most }, (_, index) => crm.writes(somebody(index), 'Again')));
    await fixture.ride(hour);
    expect(fixture.failures).not.toEqual([]);
    const phones = (await crm.records()).map((record) => crm.read(record, 'phone'));
    expect(phones).toHaveLength(most);
    expect(new Set(phones).size).toBe(most);
    expect(await crm.letters()).toEqual([]);
  });

  test('who keeps to its limits is never told to slow down', async () => {
    const { fixture, crm } = await setUp({ limiter: true });
    fixture.addProcess();
    for (const [name, limit] of Object.entries(crm.connector.traits.limits))
      await crm.account.limit(name, limit);
    for (let round = 0; round < 6; round += 1) {
      await Promise.all(Array.from({ length: 150 }, (_, index) => crm.writes(somebody(index))));
      await fixture.ride(hour);
    }
    expect(fixture.failures.filter(({ code }) => code !== 'limit_wait')).toEqual([]);
    expect(await crm.records()).toHaveLength(150);
  });

  test('while nothing answers it is asked ever more rarely, and then everything arrives', async () => {
    const { fixture, crm } = await setUp();
    await crm.account.fault({ status: 503 });
    await Promise.all(Array.from({ length: 20 }, (_, index) => crm.writes(somebody(index))));
    await fixture.settle();
    const before = await crm.account.calls();
    expect(await fixture.pass(30 * minute)).toBe(false);
    expect((await crm.account.calls()) - before).toBeLessThan(20);
    await crm.account.fault({});
    await fixture.ride(hour);
    expect(await crm.records()).toHaveLength(20);
    expect(await crm.letters()).toEqual([]);
  });

  test('a field that vanished is parked with an alert, the rest is written, and it too once it is back', async () => {
    const { fixture, crm } = await setUp();
    await crm.writes(somebody(1));
    await fixture.settle();
    const name = await crm.account.removeField('window state');
    await crm.writes(somebody(2));
    await fixture.ride(hour);
    const [, second] = await crm.records();
    expect(crm.read(second, 'last activity')).not.toBe('');
    expect(crm.read(second, 'window state')).toBe('');
    expect(await crm.alerts()).toMatchObject([{ kind: 'fields missing' }]);
    expect((await crm.alerts())[0]?.message).toContain(name);
    expect(await crm.letters()).toEqual([]);

    await crm.connector.provision();
    await crm.unpark();
    await fixture.ride(hour);
    const after = await crm.records();
    expect(after).toHaveLength(2);
    expect(after.map((record) => crm.read(record, 'window state'))).toEqual(['open', 'open']);
  });
}
