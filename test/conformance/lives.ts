import { expect, test, type TestContext } from 'vitest';
import type { CrmFixture } from '../harness/crm-fixture.ts';
import type { CrmWorkspace, WorkspaceOptions } from '../harness/crm-workspace.ts';
import { everyRow } from '../harness/every-row.ts';
import { minute, needs, type News, searchCatchesUp, type SetUp, somebody, twoPhoneFields } from './set-up.ts';

/** Records end: links heal, and gone is remembered. */
export function lives(setUp: SetUp, news: News | 'nothing'): void {
  const listening: WorkspaceOptions = { webhooks: news === 'webhooks', polled: news === 'polls' };

  const later = async (fixture: CrmFixture): Promise<void> => {
    await fixture.settle();
    fixture.clock.advance(minute);
  };

  const two = async (context: TestContext) => {
    const set = await setUp(listening);
    needs(context, set.crm, 'merging');
    await set.crm.writes(somebody(1, 'Asha'), 'from Asha');
    await later(set.fixture);
    await set.crm.writes(somebody(2, 'Ravi'), 'from Ravi');
    await later(set.fixture);
    const [asha, ravi] = await set.crm.records();
    if (asha === undefined || ravi === undefined) throw new Error('Two records were expected.');
    return { ...set, asha: asha.recordId, ravi: ravi.recordId };
  };

  const words = async (crm: CrmWorkspace, recordId: string): Promise<string> =>
    (await crm.account.user.timeline(recordId)).map(({ text }) => text).join('\n');

  test('what is merged in the CRM goes on as one record, its timeline too', async (context) => {
    const { fixture, crm, asha, ravi } = await two(context);
    const survivor = await crm.account.user.merge(asha, ravi);
    await later(fixture);
    const lastWords = fixture.clock.now();
    await crm.writes(somebody(2, 'Ravi'), 'Ravi after the merge');
    await later(fixture);
    const record = await crm.record();
    expect(record.recordId).toBe(survivor);
    expect(crm.timeOf(record, 'last activity')).toBeGreaterThanOrEqual(lastWords);
    const shown = await words(crm, survivor);
    for (const said of ['from Asha', 'from Ravi', 'Ravi after the merge']) expect(shown).toContain(said);

    await crm.writes(somebody(1, 'Asha'), 'STOP');
    await later(fixture);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    expect(await crm.letters()).toEqual([]);
  });

  test('a lead that becomes a contact goes on there, conversation and opt-out too', async (context) => {
    const { fixture, crm } = await setUp(listening);
    needs(context, crm, 'converting');
    const asha = somebody(1, 'Asha');
    await crm.writes(asha, 'from Asha');
    await later(fixture);
    const contact = await crm.account.user.convert((await crm.record()).recordId);
    await later(fixture);
    await crm.writes(asha, 'STOP');
    await later(fixture);
    const record = await crm.account.user.get(contact);
    expect(crm.isOptedOut(record)).toBe(true);
    expect(await words(crm, contact)).toContain('from Asha');
    expect(await crm.letters()).toEqual([]);
  });

  test('contact deleted, then three late statuses: no record', async () => {
    const { fixture, crm } = await setUp(listening);
    const asha = somebody(1, 'Asha');
    await crm.writes(asha);
    await crm.answers(asha);
    const wamid = await crm.answers(asha, 'And one more');
    await later(fixture);
    await crm.account.user.remove((await crm.record()).recordId);
    await later(fixture);
    for (const name of ['sent', 'delivered', 'read']) {
      await crm.reached(asha, wamid, name);
      await later(fixture);
    }
    await crm.tag(asha, ['VIP']);
    await later(fixture);
    await crm.answers(asha, 'The business writes, not the person');
    await later(fixture);
    expect(await crm.records()).toEqual([]);

    await crm.writes(asha, 'It is me again');
    await later(fixture);
    await crm.writes(asha, 'And again');
    await later(fixture);
    expect(crm.read(await crm.record(), 'first name')).toBe('Asha');
    expect(await crm.letters()).toEqual([]);
    expect(await words(crm, (await crm.record()).recordId)).toContain('It is me again');
  });

  test('who has two records and loses the one of ours has the other, conversation and all', async () => {
    const { fixture, crm } = await setUp(listening);
    const asha = somebody(1, 'Asha');
    await crm.writes(asha, 'first words');
    await later(fixture);
    const ours = (await crm.record()).recordId;
    const typed = await crm.account.user.create(
      crm.valuesOf({ 'first name': 'Asha', phone: `+${asha.phone ?? ''}` }),
    );
    await crm.check();
    await later(fixture);
    await crm.account.user.remove(ours);
    await crm.check();
    await later(fixture);
    expect(await words(crm, typed)).toContain('first words');
    expect(crm.read(await crm.record(), 'last activity')).not.toBe('');
    await crm.writes(asha, 'more words');
    await later(fixture);
    expect((await crm.record()).recordId).toBe(typed);
    expect(await words(crm, typed)).toContain('more words');
    expect(await crm.letters()).toEqual([]);
  });

  test('a deleted record that is restored after the one made since was deleted too is theirs again', async (context) => {
    const { fixture, crm } = await setUp(listening);
    needs(context, crm, 'restoring');
    const asha = somebody(1, 'Asha');
    await crm.writes(asha, 'first words');
    await later(fixture);
    const { recordId } = await crm.record();
    await crm.account.user.remove(recordId);
    await crm.check();
    await crm.writes(asha, 'more words');
    await later(fixture);
    await crm.account.user.remove((await crm.record()).recordId);
    await crm.check();
    await crm.account.user.restore(recordId);
    await crm.check();
    await later(fixture);
    expect(await words(crm, recordId)).toContain('more words');
    expect(crm.timeOf(await crm.record(), 'last activity')).toBeGreaterThan(0);
    expect(await crm.letters()).toEqual([]);
  });

  if (news === 'nothing') return;

  test('of a person erased here nothing comes back with a look, and who writes again is on the record that stands', async () => {
    const { fixture, crm } = await setUp(listening);
    const asha = somebody(1, 'Asha Rao');
    await crm.writes(asha, 'A secret of mine');
    await later(fixture);
    const { recordId } = await crm.record();
    await crm.check();
    await crm.erase(asha);
    const [, qualified] = crm.account.stage.values;
    await crm.account.user.update(recordId, { [crm.account.stage.field]: qualified });
    await later(fixture);
    await crm.check();
    const held = await everyRow(fixture.store, crm.workspaceId);
    for (const trace of [asha.phone ?? '', asha.bsuid ?? '', 'Asha', 'secret of mine']) {
      expect(held.includes(trace), trace).toBe(false);
    }
    fixture.clock.advance(minute);
    await crm.writes(asha, 'It is me again');
    await later(fixture);
    expect((await crm.record()).recordId).toBe(recordId);
    expect(await words(crm, recordId)).toContain('It is me again');
    await crm.writes(asha, 'STOP');
    await later(fixture);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
  });

  test('who was erased and is back by their user id alone opts out for it, and for their phone once that is shown', async () => {
    const { fixture, crm } = await setUp(listening);
    const asha = somebody(1, 'Asha Rao');
    await crm.writes(asha);
    await later(fixture);
    const before = await crm.record();
    await crm.check();
    await crm.erase(asha);
    fixture.clock.advance(minute);
    await crm.writes({ bsuid: asha.bsuid ?? '', name: 'Asha Rao' }, 'STOP');
    await later(fixture);
    const optedOut = async (): Promise<boolean[]> => {
      const records = await crm.records();
      const isBefore = ({ recordId }: { readonly recordId: string }): boolean => recordId === before.recordId;
      return [...records.filter(isBefore), ...records.filter((one) => !isBefore(one))].map((one) =>
        crm.isOptedOut(one),
      );
    };
    expect(await optedOut()).toEqual([false, true]);
    await crm.writes(asha, 'My number, too');
    await later(fixture);
    expect(await optedOut()).toEqual([true, true]);
  });

  test('what a record goes on saying of somebody erased is theirs once they are back by its phone', async () => {
    const { fixture, crm } = await setUp(listening);
    const asha = somebody(1, 'Asha Rao');
    await crm.writes(asha, 'STOP');
    await later(fixture);
    await crm.check();
    await crm.erase(asha);
    fixture.clock.advance(minute);
    const shown = { phone: asha.phone ?? '', name: 'Asha Rao' };
    for (const [words, stopped] of [
      ['It is me again', true],
      ['START', false],
    ] as const) {
      await crm.writes(shown, words);
      await later(fixture);
      expect((await crm.contactOf(shown)).optOut).toBe(stopped);
      expect(crm.isOptedOut(await crm.record())).toBe(stopped);
    }
  });

  test('who was erased and writes again is looked for, whatever told of one of their records first', async (context) => {
    const { fixture, crm } = await setUp(listening);
    const [, further] = twoPhoneFields(context, crm);
    const asha = somebody(1, 'Asha Rao');
    await crm.writes(asha);
    await later(fixture);
    const ours = await crm.record();
    const phone = crm.read(ours, 'phone');
    const typed = await crm.account.user.create(crm.valuesOf({ 'first name': 'Asha', phone }));
    // It is somebody's too who was erased and stays away.
    const ravi = somebody(2, 'Ravi');
    await crm.account.user.update(typed, { [further]: `+${ravi.phone ?? ''}` });
    searchCatchesUp(fixture, crm);
    await crm.writes(ravi);
    await later(fixture);
    await crm.check();
    await crm.erase(asha);
    await crm.erase(ravi);
    fixture.clock.advance(minute);
    await crm.writes(asha, 'It is me again');
    await fixture.process.apply();
    await crm.account.user.update(typed, crm.valuesOf({ 'first name': 'Aasha' }));
    await crm.poll();
    await later(fixture);
    for (const [words, stopped] of [
      ['STOP', true],
      ['START', false],
    ] as const) {
      await crm.writes(asha, words);
      await later(fixture);
      const records = await crm.records();
      expect(records.map((record) => [record.recordId, crm.isOptedOut(record)]).toSorted()).toEqual(
        [ours.recordId, typed].toSorted().map((recordId) => [recordId, stopped]),
      );
    }
  });

  test('a deleted record that is restored is theirs again', async (context) => {
    const { fixture, crm } = await setUp(listening);
    needs(context, crm, 'restoring');
    const asha = somebody(1, 'Asha');
    await crm.writes(asha);
    await later(fixture);
    const { recordId } = await crm.record();
    await crm.account.user.remove(recordId);
    await later(fixture);
    await crm.account.user.restore(recordId);
    await later(fixture);
    const lastWords = fixture.clock.now();
    await crm.writes(asha, 'Still here');
    await later(fixture);
    const record = await crm.record();
    expect(record.recordId).toBe(recordId);
    expect(crm.timeOf(record, 'last activity')).toBeGreaterThanOrEqual(lastWords);
  });

  test('when two contacts turn out to be one person it is said, and no third record is made', async () => {
    const { fixture, crm } = await setUp(listening);
    const phone = somebody(1).phone ?? '';
    await crm.writes({ phone, name: 'Asha' });
    await later(fixture);
    await crm.writes({ bsuid: 'IN.SAME', username: 'asha.r', name: 'Asha' });
    await later(fixture);
    expect(await crm.records()).toHaveLength(2);
    await crm.writes({ phone, bsuid: 'IN.SAME', name: 'Asha' }, 'Both ids together');
    await later(fixture);
    await crm.writes({ bsuid: 'IN.SAME', username: 'asha.r', name: 'Asha' }, 'And once more');
    await later(fixture);
    const records = await crm.records();
    expect(records).toHaveLength(2);
    expect(await crm.conflicts()).toMatchObject([
      { kind: 'two records', recordIds: records.map(({ recordId }) => recordId) },
    ]);
  });
}
