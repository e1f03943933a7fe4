import { expect, test } from 'vitest';
import { text } from '../harness/whatsapp.ts';
import { flowAnswer, hour, minute, needs, type SetUp, somebody } from './set-up.ts';

/** Promise 5: one person, one record, whatever races or breaks. */
export function creating(setUp: SetUp): void {
  test('two processes that bring in the same people at once make one record of each', async () => {
    const { fixture, crm } = await setUp();
    fixture.addProcess();
    fixture.addProcess();
    for (let round = 0; round < 3; round += 1) {
      await Promise.all(Array.from({ length: 150 }, (_, index) => crm.writes(somebody(index % 50))));
      await fixture.settle();
    }
    const phones = (await crm.records()).map((record) => crm.read(record, 'phone'));
    expect(phones).toHaveLength(50);
    expect(new Set(phones).size).toBe(50);
    expect(await crm.letters()).toEqual([]);
  });

  test('whichever call is cut, before the change is made, after it or long before it, one record stands', async () => {
    const { fixture, crm } = await setUp();
    // Where nothing but a look tells what was made, nobody can be later than the CRM is said to be.
    const { writeClass, settleMs } = crm.connector.traits;
    const lateMs = writeClass === 'keyed' ? minute : Math.min(minute, settleMs / 2);
    const faults = [
      { dropConnection: 'before' },
      { dropConnection: 'after' },
      { commitAfterMs: lateMs },
      { status: 503 },
    ] as const;
    let people = 0;
    for (const fault of faults) {
      for (let cut = 1; cut <= 4; cut += 1) {
        let calls = 0;
        crm.beforeCall = async (priority) => {
          if (priority === 'timeline') return;
          calls += 1;
          if (calls === cut) await crm.account.fault({ ...fault, times: 1 });
        };
        await crm.writes(somebody(people));
        people += 1;
        await fixture.ride(hour);
      }
    }
    crm.beforeCall = undefined;
    await crm.account.fault({});
    fixture.clock.advance(lateMs);
    await crm.writes(somebody(0), 'Hello again');
    await fixture.ride(hour);
    const phones = (await crm.records()).map((record) => crm.read(record, 'phone'));
    expect(phones).toHaveLength(people);
    expect(new Set(phones).size).toBe(people);
    expect(await crm.letters()).toEqual([]);
  });

  test('what a person writes while their record is made is on it too', async () => {
    const { fixture, crm } = await setUp();
    for (const nth of [1, 2, 3]) {
      const person = somebody(nth);
      let calls = 0;
      crm.beforeCall = async (priority) => {
        if (priority === 'timeline') return;
        calls += 1;
        if (calls !== nth) return;
        await crm.writes(person, 'And one more thing');
        await fixture.process.apply();
      };
      await crm.writes(person);
      await fixture.settle();
      crm.beforeCall = undefined;
      const { lastActivityAt } = await crm.contactOf(person);
      const record = (await crm.records()).at(-1);
      expect(crm.timeOf(record, 'last activity')).toBe(lastActivityAt);
    }
    expect(await crm.records()).toHaveLength(3);
  });

  test('a record that holds our id already is taken, with what its people typed', async () => {
    const { fixture, crm } = await setUp();
    const { contactIdField, writeClass } = crm.connector.traits;
    const asha = somebody(1, 'Asha Rao');
    await crm.writes(asha);
    await fixture.process.apply();
    const { contactId } = await crm.contactOf(asha);
    const typed = crm.valuesOf({ 'first name': 'Aasha' });
    if (writeClass === 'keyed') {
      await crm.account.user.create({ ...typed, [contactIdField]: contactId });
    } else {
      // Nobody but us writes our id, so it is looked for where a try of ours may have made a record.
      await crm.account.fault({ on: 'creates', dropConnection: 'after', times: 1 });
      await fixture.settle();
      await crm.account.user.update((await crm.record()).recordId, typed);
    }
    const { recordId } = await crm.record();
    await fixture.ride(hour);
    const record = await crm.record();
    expect(record.recordId).toBe(recordId);
    expect(record.values[contactIdField]).toBe(contactId);
    expect(crm.read(record, 'last activity')).not.toBe('');
    if (writeClass === 'findable') expect(crm.read(record, 'first name')).toBe('Aasha');
    expect(await crm.letters()).toEqual([]);
  });

  test('a value another record holds is left to it, and somebody is told', async (context) => {
    const { fixture, crm } = await setUp();
    needs(context, crm, 'unique fields');
    const { uniqueField } = crm.account;
    if (uniqueField === undefined) throw new Error('The account names no unique field.');
    await crm.remap([
      { source: { flowAnswer: 'email' }, field: uniqueField, policy: 'if-empty', transform: 'as is' },
    ]);
    const holder = await crm.account.user.create({
      ...crm.valuesOf({ 'first name': 'Ravi' }),
      [uniqueField.name]: 'asha@example.com',
    });
    const asha = somebody(1, 'Asha Rao');
    await crm.receive(
      flowAnswer(asha, 'wamid.flow', fixture.clock.now(), { email: 'asha@example.com' }),
      text(somebody(2), 'wamid.other', fixture.clock.now(), 'Hello'),
    );
    await fixture.ride(hour);
    const records = await crm.records();
    expect(records).toHaveLength(3);
    const made = records.find((record) => crm.read(record, 'first name') === 'Asha');
    expect(made?.values[uniqueField.name] ?? '').toBe('');
    expect(await crm.conflicts()).toMatchObject([{ kind: 'taken by another record', recordIds: [holder] }]);
    expect(await crm.letters()).toEqual([]);
  });

  test('of a hundred a value of one is refused: all are written, and the value when it is mended, once', async () => {
    const { fixture, crm } = await setUp();
    const picky = await crm.account.pickyField();
    await crm.remap([picky.mapping]);
    await crm.receive(
      ...Array.from({ length: 100 }, (_, index) =>
        flowAnswer(somebody(index), `wamid.${String(index)}`, fixture.clock.now(), {
          size: index === 37 ? picky.refused : picky.accepted,
        }),
      ),
    );
    await fixture.settle();
    expect(await crm.records()).toHaveLength(100);
    const { contactId } = await crm.contactOf(somebody(37));
    expect(await crm.letters()).toMatchObject([{ source: 'crm', contactId }]);

    await picky.mend();
    await crm.replay();
    await crm.replay();
    await fixture.settle();
    const records = await crm.records();
    expect(records).toHaveLength(100);
    expect(records.filter(({ values }) => values[picky.mapping.field.name] === picky.refused)).toHaveLength(
      1,
    );
    expect(await crm.letters()).toEqual([]);
  });

  test('of many one is locked for a moment: the others are written at once, and it soon after', async (context) => {
    const { fixture, crm } = await setUp();
    needs(context, crm, 'locked records');
    const { lockedCode } = crm.account;
    if (lockedCode === undefined) throw new Error('The account names no code for a locked record.');
    const everybody = Array.from({ length: 10 }, (_, index) => somebody(index));
    for (const person of everybody) await crm.writes(person);
    await fixture.settle();
    fixture.clock.advance(minute);
    await crm.account.fault({ item: { code: lockedCode, nth: 4 } });
    for (const person of everybody) await crm.writes(person, 'STOP');
    await fixture.settle();
    const optedOut = async (): Promise<number> =>
      (await crm.records()).filter((record) => crm.isOptedOut(record)).length;
    expect(await optedOut()).toBeGreaterThanOrEqual(9);
    await fixture.ride(minute);
    expect(await optedOut()).toBe(10);
    expect(await crm.letters()).toEqual([]);
    expect(await crm.alerts()).toEqual([]);
  });

  test('says in its own words what a person wrote, whatever that was', async () => {
    const { fixture, crm } = await setUp();
    const long = `Namaste 🙏 ${'سلام '.repeat(20_000)}`;
    const broken = 'half \ud83d of a pair, a \0 and RTL \u202eabc';
    await crm.receive(
      text({ ...somebody(1), name: 'أحمد 🌟 السيد' }, 'wamid.1', fixture.clock.now(), long),
      text({ ...somebody(2), name: 'Zoë \0\ud83d Å' }, 'wamid.2', fixture.clock.now(), broken),
      text(somebody(3, 'Plain'), 'wamid.3', fixture.clock.now(), 'Hello'),
    );
    await fixture.settle();
    const records = await crm.records();
    expect(await crm.letters()).toEqual([]);
    expect(records).toHaveLength(3);
    const of = (name: string) => records.find((record) => crm.read(record, 'first name') === name);
    const first = crm.read(of('أحمد'), 'first message');
    expect(long.startsWith(first.slice(0, 200))).toBe(true);
    expect(first.length).toBeGreaterThan(200);
    const second = crm.read(of('Zoë'), 'first message');
    expect(second).toContain('of a pair');
    expect(second.isWellFormed()).toBe(true);
    expect(second).not.toContain('\0');
    expect(crm.read(of('Plain'), 'first message')).toBe('Hello');
  });
}
