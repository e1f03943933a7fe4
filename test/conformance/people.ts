import { expect, test } from 'vitest';
import type { CrmWorkspace } from '../harness/crm-workspace.ts';
import { minute, nationalNumber, searchCatchesUp, type SetUp, somebody, twoPhoneFields } from './set-up.ts';

/** Whose record it is, however the phone is spelled and however many share it. */
export function people(setUp: SetUp): void {
  const spellings = (national: string): string[] => [
    `0${national.slice(0, 5)} ${national.slice(5)}`,
    `+91 ${national.slice(0, 5)}-${national.slice(5)}`,
    `91 ${national}`,
  ];

  const typedIn = async (crm: CrmWorkspace, fields: readonly string[]) => {
    const typed = fields.flatMap((field) => [0, 1, 2].map((way) => ({ field, way })));
    return Promise.all(
      typed.map(async ({ field, way }, index) => {
        const phone = spellings(nationalNumber(index))[way] ?? '';
        const values = { ...crm.valuesOf({ 'first name': 'Typed' }), [field]: phone };
        return { field, phone, recordId: await crm.account.user.create(values), index };
      }),
    );
  };

  const expectAdopted = async (
    crm: CrmWorkspace,
    typed: Awaited<ReturnType<typeof typedIn>>,
  ): Promise<void> => {
    const records = await crm.records();
    expect(records).toHaveLength(typed.length);
    for (const { field, phone, recordId } of typed) {
      const record = records.find((one) => one.recordId === recordId);
      expect(crm.read(record, 'last activity')).not.toBe('');
      expect(crm.read(record, 'first name')).toBe('Typed');
      // Our own field of the phone is ours to spell.
      const ours = crm.connector.traits.defaultMapping.some(
        (one) => one.field.name === field && one.policy === 'ours',
      );
      if (!ours) expect(record?.values[field]).toBe(phone);
    }
  };

  test('a phone is found however it is typed, before anybody looked through the account', async () => {
    const { fixture, crm } = await setUp();
    const typed = await typedIn(crm, crm.connector.traits.phoneFields.slice(0, 1));
    searchCatchesUp(fixture, crm);
    for (const { index } of typed) await crm.writes(somebody(index));
    await fixture.settle();
    await expectAdopted(crm, typed);
  });

  test('a phone is the same in whichever field, however it is typed, and what was typed stays', async () => {
    const { fixture, crm } = await setUp();
    const typed = await typedIn(crm, crm.connector.traits.phoneFields);
    await crm.check();
    for (const { index } of typed) await crm.writes(somebody(index));
    await fixture.settle();
    await expectAdopted(crm, typed);
  });

  test('a phone without a country code is read in the country an admin names, and again when that is corrected', async () => {
    const { fixture, crm } = await setUp({ settings: { phoneRegion: 'AU' } });
    const [phoneField = ''] = crm.connector.traits.phoneFields;
    const typed = (phone: string): Promise<string> =>
      crm.account.user.create({ ...crm.valuesOf({ 'first name': 'Typed' }), [phoneField]: phone });
    const australian = await typed('0412 345 678');
    const indian = await typed(`0${nationalNumber(1)}`);
    await crm.check();
    const reached = async (recordId: string): Promise<boolean> => {
      const records = await crm.records();
      return (
        crm.read(
          records.find((one) => one.recordId === recordId),
          'last activity',
        ) !== ''
      );
    };
    await crm.writes({ phone: '61412345678', bsuid: 'AU.MATILDA', name: 'Matilda' });
    await fixture.settle();
    expect(await reached(australian)).toBe(true);

    await crm.configure({ phoneRegion: 'IN' });
    searchCatchesUp(fixture, crm);
    await crm.writes(somebody(1));
    await fixture.settle();
    expect(await reached(indian)).toBe(true);
    expect(await crm.records()).toHaveLength(2);
  });

  test('a person without a phone has one record', async () => {
    const { fixture, crm } = await setUp();
    const asha = { bsuid: 'IN.NOPHONE', username: 'asha.r' };
    await crm.writes(asha);
    await fixture.settle();
    await crm.writes(asha, 'Me again');
    await fixture.settle();
    const record = await crm.record();
    expect(crm.read(record, 'username')).toContain('asha.r');
    expect(crm.read(record, 'phone')).toBe('');
    expect(crm.read(record, 'first message')).toBe('Hello');
  });

  test('of two people on one record the STOP of one is not undone by the other', async (context) => {
    const { fixture, crm } = await setUp();
    const [phoneField, otherField] = twoPhoneFields(context, crm);
    const [asha, ravi] = [somebody(1, 'Asha'), somebody(2, 'Ravi')];
    await crm.account.user.create({
      ...crm.valuesOf({ 'first name': 'Family' }),
      [phoneField]: `+${asha.phone ?? ''}`,
      [otherField]: `+${ravi.phone ?? ''}`,
    });
    searchCatchesUp(fixture, crm);
    await crm.writes(asha);
    await fixture.settle();
    await crm.writes(ravi);
    await fixture.settle();
    expect(crm.isOptedOut(await crm.record())).toBe(false);

    const said = async (person: typeof asha, words: string): Promise<void> => {
      fixture.clock.advance(minute);
      await crm.writes(person, words);
      await fixture.settle();
    };
    await said(asha, 'STOP');
    await said(ravi, 'Any news?');
    await said(ravi, 'START');
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    expect((await crm.contactOf(ravi)).optOut).toBe(false);
    await said(asha, 'START');
    expect(crm.isOptedOut(await crm.record())).toBe(false);
  });

  test('one person on four records: their STOP reaches all four, fields and timeline only the primary one', async () => {
    const { fixture, crm } = await setUp();
    const asha = somebody(1, 'Asha');
    const made: string[] = [];
    for (const spelled of [...spellings(nationalNumber(1)), `+${asha.phone ?? ''}`]) {
      made.push(await crm.account.user.create(crm.valuesOf({ 'first name': 'Aasha', phone: spelled })));
    }
    await crm.check();
    await crm.writes(asha);
    await fixture.settle();
    await crm.writes(asha, 'STOP');
    await fixture.settle();
    const records = await crm.records();
    expect(records).toHaveLength(4);
    expect(records.map((record) => crm.isOptedOut(record))).toEqual([true, true, true, true]);
    const kept = records.filter((record) => crm.read(record, 'last activity') !== '');
    expect(kept.map(({ recordId }) => recordId)).toEqual(made.slice(0, 1));
    const shown = await Promise.all(made.map(async (recordId) => crm.account.user.timeline(recordId)));
    expect(shown.map((entries) => entries.length)).toEqual([1, 0, 0, 0]);
  });
}
