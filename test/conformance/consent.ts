import type { CrmValues } from '@sangam/core/crm';
import { expect, test } from 'vitest';
import type { CrmWorkspace } from '../harness/crm-workspace.ts';
import { flowAnswer, minute, searchCatchesUp, type SetUp, somebody } from './set-up.ts';

/** Promise 3 as far as records go: every record shows a STOP, and only the person lifts it. */
export function consent(setUp: SetUp): void {
  const optOut = (crm: CrmWorkspace, set: boolean): CrmValues =>
    crm.valuesOf({ 'opt-out': { kind: 'flag', set } });

  test('an opt-out the person asked for comes back when it is cleared in the CRM, and a conflict says so', async () => {
    const { fixture, crm } = await setUp({ webhooks: true });
    const asha = somebody(1);
    await crm.writes(asha);
    await crm.writes(asha, 'STOP');
    await fixture.settle();
    const { recordId } = await crm.record();
    expect(crm.isOptedOut(await crm.record())).toBe(true);

    fixture.clock.advance(minute);
    await crm.account.user.update(recordId, optOut(crm, false));
    await fixture.settle();
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    expect((await crm.contactOf(asha)).optOut).toBe(true);
    expect(await crm.conflicts()).toMatchObject([{ kind: 'opt-out cleared', recordIds: [recordId] }]);

    fixture.clock.advance(minute);
    await crm.writes(asha, 'START');
    await fixture.settle();
    expect(crm.isOptedOut(await crm.record())).toBe(false);
    expect((await crm.contactOf(asha)).optOut).toBe(false);
  });

  test('an opt-out somebody sets in the CRM withdraws marketing here, and they can take it back', async () => {
    const { fixture, crm } = await setUp({ webhooks: true });
    const asha = somebody(1);
    await crm.writes(asha);
    await fixture.settle();
    const { recordId } = await crm.record();
    fixture.clock.advance(minute);
    await crm.account.user.update(recordId, optOut(crm, true));
    await fixture.settle();
    expect((await crm.contactOf(asha)).optOut).toBe(true);
    expect(crm.isOptedOut(await crm.record())).toBe(true);

    fixture.clock.advance(minute);
    await crm.writes(asha, 'A message is no consent');
    await fixture.settle();
    expect(crm.isOptedOut(await crm.record())).toBe(true);

    fixture.clock.advance(minute);
    await crm.account.user.update(recordId, optOut(crm, false));
    await fixture.settle();
    expect((await crm.contactOf(asha)).optOut).toBe(false);
    expect(crm.isOptedOut(await crm.record())).toBe(false);
    expect(await crm.conflicts()).toEqual([]);
  });

  test('an opt-out that stood on the record before the person wrote is theirs', async () => {
    const { fixture, crm } = await setUp();
    const asha = somebody(1);
    await crm.account.user.create({
      ...crm.valuesOf({ 'first name': 'Asha', phone: `+${asha.phone ?? ''}` }),
      ...optOut(crm, true),
    });
    searchCatchesUp(fixture, crm);
    await crm.writes(asha);
    await fixture.settle();
    expect((await crm.contactOf(asha)).optOut).toBe(true);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
  });

  test('STOP is written before everything else that waits', async () => {
    const { fixture, crm } = await setUp();
    const asha = somebody(1000);
    await crm.writes(asha);
    await fixture.settle();
    await Promise.all(Array.from({ length: 250 }, (_, index) => crm.writes(somebody(index))));
    await crm.writes(asha, 'STOP');
    await fixture.process.apply();
    const asked: string[] = [];
    crm.beforeCall = async (priority) => void asked.push(priority);
    await fixture.settle();
    expect(asked.find((priority) => priority !== 'timeline')).toBe('consent');
    expect((await crm.records()).filter((record) => crm.isOptedOut(record))).toHaveLength(1);
  });

  test('a value the CRM refuses holds no STOP back, and is neither told nor sent with every message', async () => {
    const { fixture, crm } = await setUp();
    const picky = await crm.account.pickyField();
    await crm.remap([picky.mapping]);
    const asha = somebody(1);
    await crm.writes(asha);
    await fixture.settle();
    fixture.clock.advance(minute);
    await crm.receive(flowAnswer(asha, 'wamid.flow', fixture.clock.now(), { size: picky.refused }));
    await crm.writes(asha, 'STOP');
    await fixture.settle();
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    const [letter, ...more] = await crm.letters();
    expect(letter?.explanation).toContain(picky.mapping.field.name);
    expect(more).toEqual([]);

    const before = await crm.account.calls();
    for (const words of ['One', 'Two', 'Three']) {
      fixture.clock.advance(minute);
      await crm.writes(asha, words);
      await fixture.settle();
    }
    // The record, and its entry.
    expect((await crm.account.calls()) - before).toBeLessThanOrEqual(6);
    expect(await crm.letters()).toHaveLength(1);
    await picky.mend();
    await crm.replay();
    await fixture.settle();
    expect((await crm.record()).values[picky.mapping.field.name]).toBe(picky.refused);
    expect(await crm.letters()).toEqual([]);
  });
}
