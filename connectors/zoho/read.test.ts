import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openProvisioned, recordIdOf, userConverts, userMakes } from './test-org.ts';

describe('records', () => {
  test('of both modules, a contact before a lead; what is not there is left out', async () => {
    const org = await openProvisioned();
    const lead = await userMakes(org, 'Leads', { Last_Name: 'Lead', Phone: '1' });
    const contact = await userMakes(org, 'Contacts', { Last_Name: 'Contact' });
    const ids = [`Leads/${lead}`, `Contacts/${contact}`, 'Leads/1', 'Contacts/none', 'nothing'];
    const records = await org.connector.read(ids, ['Last_Name', 'Phone', 'Lead_Status'], 'fields');
    expect(records).toMatchObject([
      { recordId: `Leads/${lead}`, rank: 1, values: { Last_Name: 'Lead', Phone: '1', Lead_Status: '' } },
      {
        recordId: `Contacts/${contact}`,
        rank: 0,
        values: { Last_Name: 'Contact', Phone: '', Lead_Status: '' },
      },
    ]);
    for (const { createdAt, changedAt } of records) {
      expect(Math.abs((createdAt ?? 0) - org.clock.now())).toBeLessThan(60_000);
      expect(changedAt).toBe(createdAt);
    }
  });

  test('what a pick list offers for nothing is nothing', async () => {
    const org = await openProvisioned();
    const lead = await userMakes(org, 'Leads', { Last_Name: 'Rao', Lead_Status: '-None-' });
    const ask = org.connector.read([`Leads/${lead}`], ['Lead_Status'], 'fields');
    expect(await ask).toMatchObject([{ values: { Lead_Status: '' } }]);
  });

  test('a field that an admin took away shows in the next record that is read, and nothing is said to be written there', async () => {
    const org = await openProvisioned();
    const { connector } = org;
    const [made] = await connector.create([{ contactId: 'c1', values: { Last_Name: 'Rao' } }], 'new lead');
    const recordId = recordIdOf(made);
    const asked = ['Last_Name', 'WhatsApp_Window'];
    expect(await connector.read([recordId], asked, 'fields')).toMatchObject([
      { values: { WhatsApp_Window: '' } },
    ]);
    const { fields } = z
      .object({ fields: z.array(z.object({ id: z.string(), api_name: z.string() })) })
      .parse(await org.api('GET', '/settings/fields?module=Leads'));
    const { id } = fields.find((one) => one.api_name === 'WhatsApp_Window') ?? {};
    await org.api('DELETE', `/settings/fields/${id ?? ''}?module=Leads`);
    const missing = { code: 'fields_missing', fields: ['WhatsApp_Window'] };
    await expect(connector.read([recordId], asked, 'fields')).rejects.toMatchObject(missing);
    // Contacts have it still: a lead goes without, and nothing is said to stand there.
    expect(
      await connector.update([{ recordId, values: { WhatsApp_Window: 'open' } }], 'fields'),
    ).toMatchObject([{ outcome: 'written', values: {} }]);
    // Once it is known, what is there is read.
    expect(await connector.read([recordId], ['Last_Name'], 'fields')).toMatchObject([
      { values: { Last_Name: 'Rao' } },
    ]);
  });

  test.each(['everywhere', 'search'] as const)(
    'a converted lead is the contact it became, told by lists or not (%s)',
    async (convertedContactTold) => {
      const org = await openProvisioned({ convertedContactTold });
      const [made] = await org.connector.create(
        [{ contactId: 'c1', values: { Last_Name: 'Rao' } }],
        'new lead',
      );
      const askedAs = recordIdOf(made);
      const contact = await userConverts(org, askedAs.split('/')[1] ?? '');
      expect(await org.connector.read([askedAs], ['Last_Name'], 'fields')).toMatchObject([
        { askedAs, recordId: `Contacts/${contact}`, values: { Last_Name: 'Rao' } },
      ]);
      await org.control('DELETE', `/records/Contacts/${contact}`);
      expect(await org.connector.read([askedAs], [], 'fields')).toEqual([]);
    },
  );

  test('of more fields than a call takes are read all the same', async () => {
    const org = await openProvisioned();
    const names = Array.from({ length: 60 }, (_, index) => `Field_${String(index)}`);
    for (let start = 0; start < 60; start += 5) {
      const fields = names
        .slice(start, start + 5)
        .map((name) => ({ field_label: name.replace('_', ' '), data_type: 'text' }));
      await org.api('POST', '/settings/fields?module=Leads', { fields });
    }
    const values = Object.fromEntries(names.map((name) => [name, name.toLowerCase()]));
    const id = await userMakes(org, 'Leads', { Last_Name: 'Wide', Sangam_Contact_ID: 'wide', ...values });
    const connector = org.connect();
    expect((await connector.read([`Leads/${id}`], names, 'fields'))[0]?.values).toEqual(values);
    expect((await connector.findByContactId(['wide'], names, 'fields'))[0]?.values).toEqual(values);
  });
});

test('our ids are found in both modules at once, without a search’s delay, and no converted lead is', async () => {
  const org = await openProvisioned();
  await org.connector.create([{ contactId: "c'1", values: { Last_Name: 'Lead' } }], 'new lead');
  const [gone] = await org.connector.create([{ contactId: 'c2', values: { Last_Name: 'Gone' } }], 'new lead');
  await userConverts(org, recordIdOf(gone).split('/')[1] ?? '');
  await org.connector.create([{ type: 'Contacts', contactId: 'c3', values: { Last_Name: 'C' } }], 'new lead');
  const found = await org.connector.findByContactId(["c'1", 'c2', 'c3', 'c4'], ['Last_Name'], 'fields');
  expect(found.map(({ contactId, values }) => [contactId, values['Last_Name']]).toSorted()).toEqual([
    ["c'1", 'Lead'],
    ['c3', 'C'],
  ]);
});

describe('a phone', () => {
  test.each([
    ['+919812310000', '+91 98123-10000'],
    ['+919812310000', '09812310000'],
    ['+919812310000', '98123 10000'],
    ['+33612345678', '06 12 34 56 78'],
    ['+48512345678', '512 345 678'],
  ])('%s is found as %s in either field of either module', async (phone, typed) => {
    const org = await openProvisioned();
    const ids = new Set<string>();
    for (const module of ['Leads', 'Contacts']) {
      for (const field of ['Phone', 'Mobile']) {
        ids.add(`${module}/${await userMakes(org, module, { Last_Name: 'Typed', [field]: typed })}`);
      }
    }
    await userMakes(org, 'Leads', { Last_Name: 'Other', Phone: '+919812310011' });
    const others = Array.from({ length: 11 }, (_, index) => `+9198765432${String(10 + index)}`);
    const found = await org.connector.findByPhone([phone, ...others], ['Phone'], 'new lead');
    expect(new Set(found.map(({ recordId }) => recordId))).toEqual(ids);
  });
});
