import { randomUUID } from 'node:crypto';
import { expect, test, type TestContext } from 'vitest';
import type { CrmWorkspace } from '../harness/crm-workspace.ts';
import { everyRow } from '../harness/every-row.ts';
import type { CrmFixture } from '../harness/crm-fixture.ts';
import { numberChange, type Person } from '../harness/whatsapp.ts';
import { minute, nationalNumber, needs, type SetUp, somebody } from './set-up.ts';

/** A field that holds several phones: people's own beside ours. */
export function phoneLists(setUp: SetUp): void {
  const listOf = (context: TestContext, crm: CrmWorkspace) => {
    needs(context, crm, 'lists of phones');
    const { spelling } = crm.connector.traits;
    const { phoneList } = spelling;
    if (phoneList === undefined) throw new Error('The connector says nothing of lists of phones.');
    const { name } = crm.fieldOf('phone');
    return {
      type: (phones: readonly string[]) => ({ [name]: phoneList.write(phones) }),
      phonesOn: async (recordId: string) =>
        phoneList.in((await crm.account.user.get(recordId))?.values[name] ?? ''),
    };
  };
  const isHeld = async (fixture: CrmFixture, crm: CrmWorkspace, { phone = '' }: Person): Promise<boolean> =>
    (await everyRow(fixture.store, crm.workspaceId)).includes(phone);
  const phoneOf = (index: number): string => `+91${nationalNumber(index)}`;

  test('whoever writes from one of them has that record, and the list stays as it was typed', async (context) => {
    const { fixture, crm } = await setUp();
    const list = listOf(context, crm);
    const typed = [`0${nationalNumber(1)}`, `+91 ${nationalNumber(2)}`];
    const recordId = await crm.account.user.create({
      ...crm.valuesOf({ 'first name': 'Asha' }),
      ...list.type(typed),
    });
    await crm.check();
    for (const index of [1, 2]) {
      await crm.writes(somebody(index));
      await fixture.settle();
    }
    expect((await crm.records()).map((record) => record.recordId)).toEqual([recordId]);
    expect(await list.phonesOn(recordId)).toEqual(typed);
    expect(await crm.letters()).toEqual([]);
  });

  test('whoever writes from one that was typed beside ours has that record too', async (context) => {
    const { fixture, crm } = await setUp();
    const list = listOf(context, crm);
    await crm.writes(somebody(1, 'Asha'));
    await fixture.settle();
    const { recordId } = await crm.record();
    const both = [phoneOf(1), `+91 ${nationalNumber(2)}`];
    await crm.account.user.update(recordId, list.type(both));
    await crm.check();
    await fixture.settle();
    await crm.writes(somebody(2));
    await fixture.settle();
    expect((await crm.records()).map((record) => record.recordId)).toEqual([recordId]);
    expect(await list.phonesOn(recordId)).toEqual(both);
  });

  test.for(['their own record', 'a record of somebody else’s'])(
    'the number of somebody erased goes from a list on %s that tells of others too, and what people typed stays',
    async (whose, context) => {
      const { fixture, crm } = await setUp();
      const list = listOf(context, crm);
      const [asha, bela] = [somebody(1, 'Asha'), somebody(2, 'Bela')];
      const people = whose === 'their own record' ? [asha, bela] : [bela, asha];
      for (const person of people) {
        await crm.writes(person);
        await fixture.settle();
      }
      const ofAsha = (await crm.records()).find((one) => crm.read(one, 'first name') === 'Asha');
      const recordId = ofAsha?.recordId ?? '';
      const office = '011 2345 6789';
      await crm.account.user.update(recordId, list.type([phoneOf(1), office, phoneOf(2)]));
      await crm.check();
      await fixture.settle();
      if (whose !== 'their own record') {
        const { contactId } = await crm.contactOf(bela);
        const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
        await fixture.process.corrections.relink(actor, {
          connectionId: crm.connectionId,
          contactId,
          recordId,
        });
        await fixture.settle();
      }
      await crm.erase(asha);
      await fixture.settle();
      await crm.check();
      await fixture.settle();
      expect(await list.phonesOn(recordId)).toEqual([office, phoneOf(2)]);
      expect(await everyRow(fixture.store, crm.workspaceId)).not.toContain(nationalNumber(1));
    },
  );

  test('a number people typed themselves stays, whoever of the list is erased', async (context) => {
    const { fixture, crm } = await setUp();
    const list = listOf(context, crm);
    const [asha, bela] = [somebody(1, 'Asha'), somebody(2, 'Bela')];
    const typed = [phoneOf(1), phoneOf(2)];
    const recordId = await crm.account.user.create({
      ...crm.valuesOf({ 'first name': 'Family' }),
      ...list.type(typed),
    });
    await crm.check();
    for (const person of [asha, bela]) {
      await crm.writes(person);
      await fixture.settle();
    }
    await crm.erase(asha);
    await fixture.settle();
    expect(await list.phonesOn(recordId)).toEqual(typed);
  });

  test('the number of somebody who is back after they were erased stays theirs', async (context) => {
    const { fixture, crm } = await setUp();
    const list = listOf(context, crm);
    const asha = somebody(1, 'Asha');
    await crm.writes(asha);
    await fixture.settle();
    const { recordId } = await crm.record();
    await crm.account.user.update(recordId, list.type([phoneOf(1), '011 2345 6789']));
    await crm.check();
    await fixture.settle();
    await crm.erase(asha);
    fixture.clock.advance(minute);
    await crm.writes(asha, 'Back again');
    await fixture.settle();
    expect(await list.phonesOn(recordId)).toEqual([phoneOf(1), '011 2345 6789']);
    const moved = { ...asha, phone: `91${nationalNumber(2)}` };
    await crm.receive(numberChange(asha, moved, 'wamid.moved', fixture.clock.now()));
    await fixture.settle();
    expect(await list.phonesOn(recordId)).toEqual(['011 2345 6789', phoneOf(2)]);
  });

  test('of somebody erased while a record that tells of others too is written nothing is kept', async (context) => {
    const { fixture, crm } = await setUp();
    const list = listOf(context, crm);
    const [asha, bela] = [somebody(1, 'Asha'), somebody(2, 'Bela')];
    for (const person of [bela, asha]) {
      await crm.writes(person);
      await fixture.settle();
    }
    const ofAsha = (await crm.records()).find((one) => crm.read(one, 'first name') === 'Asha');
    const recordId = ofAsha?.recordId ?? '';
    const all = [phoneOf(1), '011 2345 6789', phoneOf(2)];
    await crm.account.user.update(recordId, list.type(all));
    await crm.check();
    await fixture.settle();
    let erased = false;
    crm.beforeCall = async (priority) => {
      if (priority === 'timeline' || erased) return;
      erased = true;
      await crm.erase(asha);
    };
    fixture.clock.advance(minute);
    await crm.writes(asha, 'STOP');
    await fixture.settle();
    expect(await list.phonesOn(recordId)).toEqual(all.slice(1));
    expect(await isHeld(fixture, crm, asha)).toBe(false);
  });

  test('our number gives way to the next one, and what people typed beside it stays', async (context) => {
    const { fixture, crm } = await setUp();
    const list = listOf(context, crm);
    const asha = somebody(1, 'Asha');
    await crm.writes(asha);
    await fixture.settle();
    const { recordId } = await crm.record();
    expect(await list.phonesOn(recordId)).toEqual([phoneOf(1)]);
    const office = '011 2345 6789';
    await crm.account.user.update(recordId, list.type([phoneOf(1), office]));
    await crm.check();
    fixture.clock.advance(minute);
    // Somebody adds one more between our look and our write.
    const mobile = '+91 98999 00000';
    let calls = 0;
    crm.beforeCall = async (priority) => {
      if (priority === 'timeline' || priority === 'import') return;
      calls += 1;
      if (calls === 2)
        await crm.account.user.update(recordId, list.type([...(await list.phonesOn(recordId)), mobile]));
    };
    const moved = { ...asha, phone: `91${nationalNumber(2)}` };
    await crm.receive(numberChange(asha, moved, 'wamid.moved', fixture.clock.now()));
    await fixture.settle();
    expect(calls).toBeGreaterThanOrEqual(2);
    expect(await list.phonesOn(recordId)).toEqual([office, mobile, phoneOf(2)]);
    expect(await crm.records()).toHaveLength(1);
    expect(await crm.letters()).toEqual([]);
  });
}
