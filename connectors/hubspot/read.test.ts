/** Finding records in the sandbox's HubSpot, over HTTP. */
import type { CrmRecord } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { answers, openProvisioned, userCreates } from './test-sandbox.ts';

const idsOf = (records: readonly CrmRecord[]): string[] =>
  records.map(({ recordId }) => recordId).toSorted((x, y) => Number(x) - Number(y));

describe.each(answers)('in a HubSpot where %s', (_answer, rules) => {
  test('a record is read with every field asked for, its key and its times', async () => {
    const portal = await openProvisioned(rules);
    await portal.connector.create([{ contactId: 'a', values: { firstname: 'Asha' } }], 'new lead');
    const [found] = await portal.connector.findByContactId(['a', 'b'], ['firstname', 'lastname'], 'fields');
    const recordId = found?.recordId ?? '';
    const times = { createdAt: expect.any(Number) as unknown, changedAt: expect.any(Number) as unknown };
    const record = { recordId, contactId: 'a', values: { firstname: 'Asha', lastname: '' }, ...times };
    expect(found).toEqual({ askedAs: recordId, ...record });
    const read = await portal.connector.read([recordId, '999999'], ['firstname', 'lastname'], 'fields');
    expect(read).toEqual([{ askedAs: recordId, ...record }]);
  });

  test('merged records are told under each id that was asked for', async () => {
    const portal = await openProvisioned(rules);
    const ids: string[] = [];
    for (const firstname of ['A', 'B', 'C', 'D']) ids.push(await userCreates(portal, { firstname }));
    const [a = '', b = '', c = '', d = ''] = ids;
    const merge = async (primaryId: string, mergedId: string): Promise<string> =>
      ((await portal.control('POST', '/records/contacts/merge', { primaryId, mergedId })) as { id: string })
        .id;
    const survivor = await merge(await merge(a, b), c);
    const told = async (...asked: string[]): Promise<Map<string, string>> => {
      const records = await portal.connector.read([...asked, '999999'], [], 'fields');
      return new Map(records.map(({ askedAs, recordId }) => [askedAs, recordId]));
    };
    const all = new Map([b, c, survivor].map((id) => [id, survivor])).set(d, d);
    const [read] = await portal.connector.read([survivor], [], 'fields');
    expect([...(read?.mergedFrom ?? []), survivor]).toEqual(expect.arrayContaining([a, b, c]));
    expect(await told(b, survivor, c, d)).toEqual(all);
    all.delete(survivor);
    expect(await told(b, c, d)).toEqual(rules.mergedIdAnswers === 'missing' ? new Map([[d, d]]) : all);
  });

  test('a deleted record is not there', async () => {
    const portal = await openProvisioned(rules);
    const id = await userCreates(portal, { firstname: 'A' });
    await portal.control('DELETE', `/records/contacts/${id}`);
    expect(await portal.connector.read([id], ['firstname'], 'fields')).toEqual([]);
  });

  test('a property the portal lacks does not keep the others from being read', async () => {
    const portal = await openProvisioned(rules);
    const id = await userCreates(portal, { firstname: 'A' });
    expect(await portal.connector.read([id], ['firstname', 'no_such_property'], 'fields')).toMatchObject([
      { values: { firstname: 'A', no_such_property: '' } },
    ]);
  });
});

describe('a search by phone', () => {
  test.each([
    ['as we write it', { phone: '+919812345678' }],
    ['with blanks', { phone: '+91 98123 45678' }],
    ['with 00', { phone: '0091-98123-45678' }],
    ['without the plus', { phone: '91 98123 45678' }],
    ['without its country', { phone: '98123 45678' }],
    ['with the trunk’s zero', { phone: '098123 45678' }],
    ['as a mobile', { mobilephone: '(98123) 45678' }],
    ['as HubSpot’s WhatsApp number', { hs_whatsapp_phone_number: '+919812345678' }],
  ])('finds a number typed %s', async (_, properties) => {
    const portal = await openProvisioned();
    const id = await userCreates(portal, { firstname: 'Asha', ...properties });
    await userCreates(portal, { firstname: 'Other', phone: '+919812345679' });
    const fields = ['firstname', 'lastname'];
    const found = await portal.connector.findByPhone(['+14155550123', '+919812345678'], fields, 'new lead');
    expect(found).toMatchObject([{ recordId: id, values: { firstname: 'Asha', lastname: '' } }]);
  });

  test('finds the spellings a country has', async () => {
    const portal = await openProvisioned();
    const id = await userCreates(portal, { firstname: 'Ana', hs_whatsapp_phone_number: '+551187654321' });
    expect(idsOf(await portal.connector.findByPhone(['+5511987654321'], [], 'new lead'))).toEqual([id]);
  });

  test('takes as many phones as it says, and gives all who hold them', async () => {
    const portal = await openProvisioned();
    const { findByPhone } = portal.connector.traits.sizes;
    const phones = Array.from({ length: findByPhone }, (_, n) => `+5511987654${320 + n}`);
    const records = Array.from({ length: 205 }, (_, n) => ({
      properties: { firstname: `${n}`, phone: phones[n % phones.length] },
    }));
    const { ids } = (await portal.control('POST', '/records/contacts/batch', { records })) as {
      ids: string[];
    };
    expect(idsOf(await portal.connector.findByPhone(phones, ['phone'], 'import'))).toEqual(ids);
    await expect(portal.connector.findByPhone([...phones, '+14155550123'], [], 'import')).rejects.toThrow(
      RangeError,
    );
  });

  test('tells what is so now, whatever the index still says', async () => {
    const portal = await openProvisioned();
    const [gone, kept] = [
      await userCreates(portal, { firstname: 'Gone', phone: '+919812345678' }),
      await userCreates(portal, { firstname: 'Kept', phone: '+919812345678' }),
    ];
    await portal.control('PUT', '/rules', { searchLagMs: 60_000 });
    portal.clock.advance(60_000);
    await portal.control('DELETE', `/records/contacts/${gone}`);
    await portal.control('PATCH', `/records/contacts/${kept}`, { properties: { firstname: 'Asha' } });
    expect(await portal.connector.findByPhone(['+919812345678'], ['firstname'], 'new lead')).toMatchObject([
      { recordId: kept, values: { firstname: 'Asha' } },
    ]);
  });

  test('for what is no number finds nothing', async () => {
    const { connector } = await openProvisioned();
    expect(await connector.findByPhone(['', 'x'], [], 'new lead')).toEqual([]);
  });
});
