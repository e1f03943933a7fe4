import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startZoho, uniqueKey } from '../testing/zoho-fixture.ts';

const became = z.object({
  data: z.array(
    z.object({
      details: z.object({
        Contacts: z.object({ id: z.string() }),
        Accounts: z.object({ id: z.string() }).nullable(),
        Deals: z.object({ id: z.string() }).nullable(),
      }),
    }),
  ),
});

describe('a conversion', () => {
  test('makes contact, account and deal, moves notes, and tells of them', async () => {
    const zoho = await startZoho();
    const [id = ''] = await zoho.make('Leads', {
      Last_Name: 'Rao',
      First_Name: 'Asha',
      Phone: '+911',
      Company: 'Rao & Co',
    });
    await zoho.api('POST', `/Leads/${id}/Notes`, { data: [{ Note_Content: 'Hello' }] });
    const Deals = { Deal_Name: 'First', Stage: 'Qualification' };
    const { status, body } = await zoho.api('POST', `/Leads/${id}/actions/convert`, { data: [{ Deals }] });
    expect(status).toBe(200);
    const { details } = became.parse(body).data[0] ?? {};
    const contact = details?.Contacts.id ?? '';
    const { rows } = await zoho.coql(
      `select Full_Name, Phone, Account_Name from Contacts where id = '${contact}'`,
    );
    expect(rows).toEqual([
      {
        id: contact,
        Full_Name: 'Asha Rao',
        Phone: '+911',
        Account_Name: { id: details?.Accounts?.id, name: 'Rao & Co' },
      },
    ]);
    const deal = (await zoho.coql(`select Contact_Name from Deals where id = '${details?.Deals?.id ?? ''}'`))
      .rows;
    expect(deal).toMatchObject([{ Contact_Name: { id: contact } }]);
    expect((await zoho.api('GET', `/Contacts/${contact}/Notes?fields=Note_Content`)).body).toMatchObject({
      data: [{ Note_Content: 'Hello' }],
    });
    expect((await zoho.api('POST', `/Leads/${id}/actions/convert`, {})).body).toMatchObject({
      code: 'ID_ALREADY_CONVERTED',
    });
  });

  test('hides the lead from lists, where converted does not ask for it, and tells the contact by a search', async () => {
    const zoho = await startZoho({ searchLagMs: 0 });
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    const { body } = await zoho.api('POST', `/Leads/${id}/actions/convert`, {});
    const contact = became.parse(body).data[0]?.details.Contacts.id;
    const list = (query: string) =>
      zoho.api('GET', `/Leads?ids=${id}&fields=Converted__s,Converted_Contact${query}`);
    expect((await list('')).status).toBe(204);
    expect((await list('&converted=both')).body).toMatchObject({ data: [{ id, Converted__s: true }] });
    expect(JSON.stringify((await list('&converted=true')).body)).not.toContain(contact);
    expect(
      (await zoho.api('GET', `/Leads/search?criteria=(id:equals:${id})&converted=both`)).body,
    ).toMatchObject({
      data: [
        {
          id,
          $converted: true,
          Converted_Contact: { id: contact },
          $converted_detail: { contact: { id: contact } },
        },
      ],
    });
    await zoho.control('PUT', '/rules', { convertedContactTold: 'everywhere' });
    expect((await list('&converted=both')).body).toMatchObject({
      data: [{ Converted_Contact: { id: contact } }],
    });
  });

  test('is refused where a contact holds the value of a unique field that is mapped', async () => {
    const zoho = await startZoho({ leadMapping: 'same names' });
    await zoho.fields('Leads', uniqueKey);
    await zoho.fields('Contacts', uniqueKey);
    await zoho.make('Contacts', { Last_Name: 'Rao', Our_Key: 'k1' });
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao', Our_Key: 'k1', Company: 'Rao & Co' });
    const convert = () => zoho.api('POST', `/Leads/${id}/actions/convert`, {});
    expect(await convert()).toMatchObject({
      status: 400,
      body: { data: [{ code: 'DUPLICATE_DATA', details: { api_name: 'Our_Key' } }] },
    });
    expect((await zoho.api('GET', '/Accounts?fields=Account_Name')).status).toBe(204);
    // Unmapped it does not go over, and nothing stands in the way.
    await zoho.control('PUT', '/rules', { leadMapping: {} });
    expect((await convert()).status).toBe(200);
  });

  test.each([
    ['INVALID_DATA', 'INVALID_DATA'],
    ['ID_ALREADY_CONVERTED', 'ID_ALREADY_CONVERTED'],
  ] as const)('an update of the lead afterwards: %s', async (convertedLeadCode, code) => {
    const zoho = await startZoho({ convertedLeadCode });
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    await zoho.api('POST', `/Leads/${id}/actions/convert`, {});
    expect((await zoho.write('PUT', '/Leads', [{ id, City: 'Pune' }])).items[0]?.code).toBe(code);
  });

  test.each([
    [false, 201],
    [true, 400],
  ])(
    'convertedKeepsUniqueValues %s: another lead of the value %i',
    async (convertedKeepsUniqueValues, status) => {
      const zoho = await startZoho({ convertedKeepsUniqueValues });
      await zoho.fields('Leads', uniqueKey);
      const record = { Last_Name: 'Rao', Our_Key: 'k1' };
      const [id = ''] = await zoho.make('Leads', record);
      await zoho.api('POST', `/Leads/${id}/actions/convert`, {});
      expect((await zoho.write('POST', '/Leads', [record])).status).toBe(status);
    },
  );

  test('is what a user does too: the contact', async () => {
    const zoho = await startZoho();
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao', Phone: '+911' });
    expect(await zoho.control('POST', `/records/Leads/${id}/convert`)).toMatchObject({
      status: 200,
      body: { properties: { Last_Name: 'Rao', Phone: '+911' } },
    });
    expect((await zoho.control('POST', `/records/Contacts/${id}/convert`)).status).toBe(501);
  });
});

test('a merge by a user fills the first from the other, takes along what stands on it, and names no survivor', async () => {
  const zoho = await startZoho();
  const [first = '', other = ''] = await zoho.make(
    'Contacts',
    { Last_Name: 'Rao' },
    { Last_Name: 'Iyer', Phone: '+911' },
  );
  await zoho.api('POST', `/Contacts/${other}/Notes`, { data: [{ Note_Content: 'Hello' }] });
  const merged = await zoho.control('POST', '/records/Contacts/merge', { primaryId: first, mergedId: other });
  expect(merged.body).toMatchObject({
    id: first,
    properties: { Last_Name: 'Rao', Phone: '+911' },
    timeline: [{ text: 'Hello' }],
  });
  expect((await zoho.api('GET', `/Contacts/${other}`)).status).toBe(204);
  const { body } = await zoho.api('GET', '/Contacts/deleted?type=all');
  expect(body).toMatchObject({ data: [{ id: other }] });
  expect(JSON.stringify(body)).not.toContain(first);
});

describe('a lock', () => {
  test.each(['RECORD_LOCKED', 'NOT_APPROVED'])('%s refuses every write until it is lifted', async (code) => {
    const zoho = await startZoho();
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    await zoho.control('PUT', `/locks/${id}`, { code });
    const write = async () => (await zoho.write('PUT', '/Leads', [{ id, City: 'Pune' }])).items[0]?.code;
    expect(await write()).toBe(code);
    expect((await zoho.api('DELETE', `/Leads/${id}`)).body).toMatchObject({ data: [{ code }] });
    await zoho.control('DELETE', `/locks/${id}`);
    expect(await write()).toBe('SUCCESS');
  });

  test('a blueprint refuses its own field', async () => {
    const zoho = await startZoho();
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    await zoho.control('PUT', `/locks/${id}`, { code: 'RECORD_IN_BLUEPRINT', field: 'Lead_Status' });
    const write = async (value: object) =>
      (await zoho.write('PUT', '/Leads', [{ id, ...value }])).items[0]?.code;
    expect(await write({ Lead_Status: 'Contacted' })).toBe('RECORD_IN_BLUEPRINT');
    expect(await write({ City: 'Pune' })).toBe('SUCCESS');
  });
});

describe('notes', () => {
  test('stand on their record, within their lengths, and only administrators list them all', async () => {
    const zoho = await startZoho();
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    const Parent_Id = { module: { api_name: 'Leads' }, id };
    const [note] = await zoho.make('Notes', {
      Note_Title: 'WhatsApp',
      Note_Content: 'x'.repeat(65_535),
      Parent_Id,
    });
    const long = await zoho.write('POST', '/Notes', [
      { Note_Title: 'x'.repeat(121), Note_Content: 'y', Parent_Id },
    ]);
    expect(long.items).toMatchObject([
      { code: 'INVALID_DATA', details: { api_name: 'Note_Title', maximum_length: 120 } },
    ]);
    expect((await zoho.api('GET', '/Notes?fields=Note_Title')).body).toMatchObject({ data: [{ id: note }] });
    await zoho.control('PUT', '/rules', { profile: 'Standard' });
    expect(await zoho.api('GET', '/Notes?fields=Note_Title')).toMatchObject({
      status: 403,
      body: { code: 'NO_PERMISSION' },
    });
    expect((await zoho.api('GET', `/Leads/${id}/Notes?fields=Note_Title`)).status).toBe(200);
    await zoho.api('DELETE', `/Notes?ids=${note ?? ''}`);
    expect((await zoho.api('GET', `/Leads/${id}/Notes?fields=Note_Title`)).status).toBe(204);
  });
});
