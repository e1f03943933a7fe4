import { expect, test } from 'vitest';
import type { WorkspaceOptions } from '../harness/crm-workspace.ts';
import { minute, needs, type News, type SetUp, somebody } from './set-up.ts';

/** Promise 6: our own writes come back and are known for ours, and a person's change never is. */
export function told(setUp: SetUp, news: News): void {
  const listening: WorkspaceOptions = news === 'webhooks' ? { webhooks: true } : { polled: true };

  test('the echo of our own write is absorbed once', async () => {
    const { fixture, crm } = await setUp(listening);
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    await crm.writes(somebody(1, 'Asha Rao'), 'STOP');
    await fixture.settle();
    expect(await crm.occurrences()).toEqual([]);
    if (news === 'polls') return;
    const calls = await crm.account.calls();
    await crm.account.redeliver();
    await fixture.settle();
    expect(await crm.occurrences()).toEqual([]);
    expect(await crm.account.calls()).toBe(calls);
  });

  test('echoes that come late and together are all absorbed', async () => {
    const { fixture, crm } = await setUp(listening);
    crm.deaf = true;
    for (const words of ['Hello', 'STOP', 'START', 'STOP', 'START']) {
      await crm.writes(somebody(1, 'Asha Rao'), words);
      await fixture.settle();
    }
    crm.deaf = false;
    await fixture.settle();
    expect(await crm.occurrences()).toEqual([]);
    expect(crm.isOptedOut(await crm.record())).toBe(false);
    expect((await crm.contactOf(somebody(1))).optOut).toBe(false);
  });

  test('a person who writes what we wrote is no echo, when the echo never came', async (context) => {
    const { fixture, crm } = await setUp(news === 'webhooks' ? {} : listening);
    if (news === 'webhooks') needs(context, crm, 'authors of changes');
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    if (news === 'webhooks') await crm.listen();
    const { recordId } = await crm.record();
    for (const name of ['Kapoor', 'Rao']) {
      // Some tell the time of a change in whole seconds.
      fixture.clock.advance(1000);
      await crm.account.user.update(recordId, crm.valuesOf({ 'last name': name }));
      await fixture.settle();
    }
    const seen = (await crm.occurrences()).toSorted((x, y) => x.changedAt - y.changedAt);
    expect(seen.map(({ value }) => value)).toEqual(['Kapoor', 'Rao']);
  });

  test('a person who puts back an old value is seen, each time', async () => {
    const { fixture, crm } = await setUp(listening);
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    const { recordId } = await crm.record();
    const { stage: followed } = crm.account;
    const [one, other] = followed.values;
    const set = async (values: Readonly<Record<string, string>>): Promise<void> => {
      fixture.clock.advance(1000);
      await crm.account.user.update(recordId, values);
      await fixture.settle();
    };
    for (const value of [one, other, one]) await set({ [followed.field]: value });
    await set(crm.valuesOf({ 'last name': 'Kapoor' }));
    await set(crm.valuesOf({ 'last name': 'Rao' }));
    const seen = (await crm.occurrences())
      .toSorted((x, y) => x.changedAt - y.changedAt)
      .map(({ field, value }) => ({ field, value }));
    const last = crm.fieldOf('last name').name;
    expect(seen).toEqual([
      ...[one, other, one].map((value) => ({ field: followed.field, value })),
      { field: last, value: 'Kapoor' },
      { field: last, value: 'Rao' },
    ]);
    if (news === 'webhooks') await crm.account.redeliver();
    await fixture.settle();
    expect(await crm.occurrences()).toHaveLength(5);
  });

  test('a person who writes just what we wrote a moment ago is no echo', async (context) => {
    const { fixture, crm } = await setUp(listening);
    // A look compares what stands there, whoever wrote it.
    if (news === 'webhooks') needs(context, crm, 'authors of changes');
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    const { recordId } = await crm.record();
    const [one] = crm.account.stage.values;
    await crm.account.user.update(recordId, {
      ...crm.valuesOf({ 'first name': 'Aasha' }),
      [crm.account.stage.field]: one,
    });
    await crm.account.user.update(recordId, crm.valuesOf({ 'first name': 'Asha' }));
    await fixture.settle();
    const names = (await crm.occurrences()).filter(({ field }) => field === crm.fieldOf('first name').name);
    // What was so between two looks no look can tell.
    expect(names.map(({ value }) => value).toSorted()).toEqual(news === 'webhooks' ? ['Aasha', 'Asha'] : []);
    fixture.clock.advance(minute);
    await crm.writes(somebody(1, 'Asha K'));
    await fixture.settle();
    expect(crm.read(await crm.record(), 'last activity')).not.toBe('');
  });

  test('a phone a person types on a record brings its STOP there', async () => {
    const { fixture, crm } = await setUp(listening);
    const asha = somebody(1, 'Asha');
    await crm.writes(asha);
    await crm.writes(asha, 'STOP');
    await fixture.settle();
    const second = await crm.account.user.create(crm.valuesOf({ 'first name': 'Another list' }));
    await fixture.settle();
    expect(crm.isOptedOut(await crm.account.user.get(second))).toBe(false);
    await crm.account.user.update(second, crm.valuesOf({ phone: `+${asha.phone ?? ''}` }));
    await fixture.settle();
    expect(crm.isOptedOut(await crm.account.user.get(second))).toBe(true);
    expect(crm.read(await crm.account.user.get(second), 'last activity')).toBe('');
  });
}
