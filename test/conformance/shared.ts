import { randomUUID } from 'node:crypto';
import { sweepWindows } from '@sangam/core/store';
import { expect, test, type TestContext } from 'vitest';
import type { CrmWorkspace } from '../harness/crm-workspace.ts';
import type { CrmFixture } from '../harness/crm-fixture.ts';
import { text } from '../harness/whatsapp.ts';
import { day, hour, minute, searchCatchesUp, type SetUp, somebody, twoPhoneFields } from './set-up.ts';

/** One record of several people, and one person on several records. */
export function shared(setUp: SetUp): void {
  const [asha, ravi] = [somebody(1, 'Asha'), somebody(2, 'Ravi')];

  /** Both have written, and the one record is primary for both. */
  const family = async (context: TestContext) => {
    const set = await setUp();
    const { fixture, crm } = set;
    const [one, other] = twoPhoneFields(context, crm);
    await crm.account.user.create({
      ...crm.valuesOf({ 'first name': 'Family' }),
      [one]: `+${asha.phone ?? ''}`,
      [other]: `+${ravi.phone ?? ''}`,
    });
    searchCatchesUp(fixture, crm);
    await says(fixture, crm, asha, 'Hello from Asha');
    await says(fixture, crm, ravi, 'Hello from Ravi');
    return set;
  };

  const says = async (
    fixture: CrmFixture,
    crm: CrmWorkspace,
    person: typeof asha,
    words: string,
  ): Promise<void> => {
    fixture.clock.advance(minute);
    await crm.writes(person, words);
    await fixture.settle();
  };

  test('of two people on one record the one who waits longer says since when', async (context) => {
    const { fixture, crm } = await family(context);
    const since = async (): Promise<number> => crm.timeOf(await crm.record(), 'waiting since');
    const both = await since();
    await says(fixture, crm, asha, 'Anybody there?');
    expect(await since()).toBe(both);
    await crm.answers(asha);
    await fixture.settle();
    expect(await since()).toBeGreaterThan(both);
    await crm.answers(ravi);
    await fixture.settle();
    expect(crm.read(await crm.record(), 'waiting since')).toBe('');
  });

  test('what befalls two people on one record in one batch is written once, and their windows end together', async (context) => {
    const { fixture, crm } = await family(context);
    const sweep = (): Promise<void> => crm.transact((trx) => sweepWindows(trx, fixture.clock.now()));
    await sweep();
    fixture.clock.advance(minute);
    await crm.receive(
      text(asha, 'wamid.both.1', fixture.clock.now(), 'Stop all'),
      text(ravi, 'wamid.both.2', fixture.clock.now(), 'Both of us'),
    );
    await fixture.settle();
    expect(await crm.letters()).toEqual([]);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    expect(crm.read(await crm.record(), 'window state')).toBe('open');
    fixture.clock.advance(day + hour);
    await sweep();
    await fixture.settle();
    expect(crm.read(await crm.record(), 'window state')).toBe('closed');
    // An admin says that fields are there again: everybody is looked at.
    await crm.unpark();
    await fixture.settle();
    expect(await crm.letters()).toEqual([]);
  });

  test.each(['STOP', 'Stop all'])(
    '%s and START reach the records that only carry the phone',
    async (stop) => {
      const { fixture, crm } = await setUp();
      const made = ['Primary', 'A list', 'Another list'].map((name) =>
        crm.account.user.create(crm.valuesOf({ 'first name': name, phone: `+${asha.phone ?? ''}` })),
      );
      await Promise.all(made);
      await crm.check();
      await says(fixture, crm, asha, 'Hello');
      const optedOut = async (): Promise<boolean[]> =>
        (await crm.records()).map((record) => crm.isOptedOut(record));
      await says(fixture, crm, asha, stop);
      expect(await optedOut()).toEqual([true, true, true]);
      await says(fixture, crm, asha, 'START');
      expect(await optedOut()).toEqual([false, false, false]);
    },
  );

  test.for(['STOP', 'Stop all'])(
    '%s reaches a record that is primary for somebody else, who does not lift it',
    async (stop, context) => {
      const { fixture, crm } = await setUp();
      const [one, other] = twoPhoneFields(context, crm);
      await crm.account.user.create({
        ...crm.valuesOf({ 'first name': 'Ravi' }),
        [one]: `+${ravi.phone ?? ''}`,
      });
      await crm.account.user.create({
        ...crm.valuesOf({ 'first name': 'Asha' }),
        [one]: `+${asha.phone ?? ''}`,
      });
      await crm.check();
      await says(fixture, crm, asha, 'Hello');
      await says(fixture, crm, ravi, 'Hello');
      const [ravis] = await crm.records();
      // Somebody notes her number on his record too.
      await crm.account.user.update(ravis?.recordId ?? '', { [other]: `+${asha.phone ?? ''}` });
      await crm.check();
      await says(fixture, crm, asha, stop);
      const optedOut = async (): Promise<boolean[]> =>
        (await crm.records()).map((record) => crm.isOptedOut(record));
      expect(await optedOut()).toEqual([true, true]);
      await says(fixture, crm, ravi, 'START');
      expect(await optedOut()).toEqual([true, true]);
      await says(fixture, crm, asha, 'START');
      expect(await optedOut()).toEqual([false, false]);
    },
  );

  test.each(['the one that stays', 'the other'])(
    'the STOP of %s of two contacts that turn out to be one person reaches both records',
    async (whose) => {
      const { fixture, crm } = await setUp();
      const byPhone = { phone: asha.phone ?? '', name: 'Asha' };
      const byName = { bsuid: 'IN.ASHA', username: 'asha.r', name: 'Asha' };
      await says(fixture, crm, byPhone, 'Hello');
      await says(fixture, crm, byName, 'Hello');
      await says(fixture, crm, whose === 'the other' ? byName : byPhone, 'STOP');
      expect((await crm.records()).filter((record) => crm.isOptedOut(record))).toHaveLength(1);
      await says(fixture, crm, { ...byPhone, bsuid: byName.bsuid }, 'Both ids together');
      expect((await crm.records()).map((record) => crm.isOptedOut(record))).toEqual([true, true]);
    },
  );

  test('an opt-out leaves a record of somebody else together with the phone it came with', async (context) => {
    const { fixture, crm } = await setUp({ webhooks: true });
    const [, other] = twoPhoneFields(context, crm);
    await says(fixture, crm, ravi, 'Hello');
    const { recordId } = await crm.record();
    await says(fixture, crm, asha, 'Hello');
    const optedOut = async (): Promise<boolean[]> =>
      (await crm.records()).map((record) => crm.isOptedOut(record));
    await crm.account.user.update(recordId, { [other]: `+${asha.phone ?? ''}` });
    await crm.check();
    await says(fixture, crm, asha, 'STOP');
    expect(await optedOut()).toEqual([true, true]);
    await crm.account.user.update(recordId, { [other]: '' });
    await fixture.settle();
    expect(await optedOut()).toEqual([false, true]);
  });

  test('our id goes along when a person leaves a record to somebody else, and has another', async () => {
    const { fixture, crm } = await setUp();
    const { contactIdField } = crm.connector.traits;
    const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
    const { corrections } = fixture.process;
    await says(fixture, crm, asha, 'Hello');
    const { recordId } = await crm.record();
    const twin = await crm.account.user.create(
      crm.valuesOf({ 'first name': 'Asha', phone: `+${asha.phone ?? ''}` }),
    );
    await crm.check();
    await says(fixture, crm, ravi, 'Hello');
    const [ashas, ravis] = [await crm.contactOf(asha), await crm.contactOf(ravi)];
    const { connectionId } = crm;
    await corrections.relink(actor, { connectionId, contactId: ravis.contactId, recordId });
    await fixture.settle();
    await corrections.unlink(actor, { connectionId, contactId: ashas.contactId, recordId });
    await fixture.settle();
    await says(fixture, crm, asha, 'And more');
    const keyOf = async (id: string) => (await crm.account.user.get(id))?.values[contactIdField];
    expect(await keyOf(recordId)).toBe(ravis.contactId);
    expect(await keyOf(twin)).toBe(ashas.contactId);
  });

  test('only a message written after it brings a deleted record back, however late others arrive', async () => {
    const { fixture, crm } = await setUp({ webhooks: true });
    await says(fixture, crm, asha, 'Hello');
    const { recordId } = await crm.record();
    fixture.clock.advance(minute);
    const before = fixture.clock.now();
    fixture.clock.advance(minute);
    await crm.account.user.remove(recordId);
    await fixture.settle();
    fixture.clock.advance(minute);
    await crm.receive(text(asha, 'wamid.late', before, 'Written before it was deleted'));
    await fixture.settle();
    await crm.receive(text(asha, 'wamid.late.stop', before, 'STOP'));
    await fixture.settle();
    await crm.answers(asha, 'The business writes');
    await fixture.settle();
    expect(await crm.records()).toEqual([]);
    expect(await crm.letters()).toEqual([]);

    await says(fixture, crm, asha, 'Written after it');
    const record = await crm.record();
    expect(crm.read(record, 'first name')).toBe('Asha');
    expect(crm.isOptedOut(record)).toBe(true);
  });
}
