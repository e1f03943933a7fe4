import { releaseHeld } from '@sangam/core/store';
import { expect, test } from 'vitest';
import { text } from '../harness/whatsapp.ts';
import { flowAnswer, hour, minute, needs, searchCatchesUp, type SetUp, somebody } from './set-up.ts';

/** Who becomes a record, and whose it is: an admin's choices. */
export function policies(setUp: SetUp): void {
  test('never: nobody becomes a record, and those who have one are kept in step', async () => {
    const { fixture, crm } = await setUp({ settings: { creation: { policy: 'never' } } });
    const recordId = await crm.account.user.create(
      crm.valuesOf({ 'first name': 'Asha', phone: `+${somebody(1).phone ?? ''}` }),
    );
    searchCatchesUp(fixture, crm);
    await crm.writes(somebody(1));
    await crm.writes(somebody(2));
    await fixture.settle();
    const record = await crm.record();
    expect(record.recordId).toBe(recordId);
    expect(crm.read(record, 'last activity')).not.toBe('');
    expect(await crm.letters()).toEqual([]);
  });

  test('from ad, Flow or keyword: who came otherwise waits outside', async () => {
    const { fixture, crm } = await setUp({
      settings: { creation: { policy: 'from ad, Flow or keyword', keywords: ['Price'] } },
    });
    const now = fixture.clock.now();
    const ad = { source_type: 'ad', source_id: '12020', source_url: 'https://fb.me/x', headline: 'Sale' };
    const came = text(somebody(1, 'Ad'), 'wamid.ad', now, 'Hi');
    const { messages } = came.value as { messages: object[] };
    await crm.receive(
      { ...came, value: { ...came.value, messages: messages.map((one) => ({ ...one, referral: ad })) } },
      flowAnswer(somebody(2, 'Flow'), 'wamid.flow', now, { size: 'L' }),
      text(somebody(3, 'Keyword'), 'wamid.keyword', now, '  PRICE '),
      text(somebody(4, 'Stranger'), 'wamid.stranger', now, 'What is the price?'),
    );
    await fixture.settle();
    const names = (await crm.records()).map((record) => crm.read(record, 'first name'));
    expect(names.toSorted()).toEqual(['Ad', 'Flow', 'Keyword']);
  });

  test('who is on the block list is no lead', async () => {
    const blocked = somebody(1);
    const { fixture, crm } = await setUp({
      settings: { creation: { blockedPhones: [`+${blocked.phone ?? ''}`] } },
    });
    await crm.writes(blocked);
    await crm.writes(somebody(2, 'Welcome'));
    await fixture.settle();
    expect(crm.read(await crm.record(), 'first name')).toBe('Welcome');
  });

  test('an unusual rush raises an alert and makes records', async () => {
    const { fixture, crm } = await setUp({ settings: { creation: { rush: { factor: 1, least: 5 } } } });
    await crm.receive(
      ...Array.from({ length: 10 }, (_, index) =>
        text(somebody(index), `wamid.${String(index)}`, fixture.clock.now(), 'Hi'),
      ),
    );
    await fixture.settle();
    expect(await crm.records()).toHaveLength(10);
    expect(await crm.alerts()).toMatchObject([{ kind: 'rush of new records' }]);
  });

  test('a rush is held only where that was chosen, until an admin lets them in', async () => {
    const { fixture, crm } = await setUp({
      settings: { creation: { rush: { factor: 1, least: 5, hold: true } } },
    });
    await crm.writes(somebody(100), 'Before the rush');
    await fixture.settle();
    await crm.receive(
      ...Array.from({ length: 10 }, (_, index) =>
        text(somebody(index), `wamid.${String(index)}`, fixture.clock.now(), 'Hi'),
      ),
    );
    await fixture.settle();
    fixture.clock.advance(minute);
    await crm.writes(somebody(100), 'A known person is written during it');
    await crm.writes(somebody(3), 'Anybody there?');
    await fixture.settle();
    const known = await crm.record();
    expect(crm.read(known, 'first message')).toBe('Before the rush');
    expect(await crm.alerts()).toMatchObject([{ kind: 'rush of new records' }]);

    await crm.transact((trx) => releaseHeld(trx, crm.connectionId, fixture.clock.now() + hour));
    await fixture.settle();
    expect(await crm.records()).toHaveLength(11);
  });

  test('a new record gets an owner by the rule, one that stands keeps its own', async (context) => {
    const { fixture, crm } = await setUp();
    needs(context, crm, 'owners');
    const { ownerField } = crm.connector.traits;
    if (ownerField === undefined) throw new Error('The connector names no field of the owner.');
    const [first, second, third] = (await crm.connector.owners()).map(({ ownerId }) => ownerId);
    if (first === undefined || second === undefined) throw new Error('The account needs two owners.');
    await crm.configure({ owner: { kind: 'round robin', ownerIds: [first, second] } });
    const kept = third ?? second;
    await crm.account.user.create({
      ...crm.valuesOf({ 'first name': 'Standing', phone: `+${somebody(0).phone ?? ''}` }),
      [ownerField]: kept,
    });
    searchCatchesUp(fixture, crm);
    for (let index = 0; index < 5; index += 1) {
      await crm.writes(somebody(index));
      await fixture.settle();
    }
    const records = await crm.records();
    expect(records).toHaveLength(5);
    const [standing, ...fresh] = records.map(({ values }) => values[ownerField]);
    expect(standing).toBe(kept);
    expect(fresh).toEqual([first, second, first, second]);
  });
}
