import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startZoho, uniqueKey, type ZohoFixture } from '../testing/zoho-fixture.ts';

const fieldsAnswer = z.object({
  fields: z.array(
    z.looseObject({
      id: z.string(),
      api_name: z.string(),
      data_type: z.string(),
      custom_field: z.boolean(),
      pick_list_values: z.array(z.looseObject({ id: z.string(), actual_value: z.string() })),
    }),
  ),
});

async function field(zoho: ZohoFixture, module: string, name: string) {
  const { body } = await zoho.api('GET', `/settings/fields?module=${module}`);
  return fieldsAnswer.parse(body).fields.find(({ api_name: one }) => one === name);
}

describe('fields', () => {
  test('are made five at most, their names from their labels', async () => {
    const zoho = await startZoho();
    const text = (field_label: string) => ({ field_label, data_type: 'text' });
    const many = Array.from({ length: 6 }, (_, index) => text(`Field ${String(index)}`));
    expect((await zoho.fields('Leads', ...many)).body).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    const made = await zoho.fields(
      'Leads',
      { ...text('WhatsApp Number'), length: 20 },
      text('x'.repeat(26)),
      text('City'),
    );
    expect(made.status).toBe(207);
    expect(made.body).toMatchObject({
      fields: [
        { code: 'SUCCESS', details: { id: expect.any(String) as string } },
        { code: 'INVALID_DATA', details: { maximum_length: 25 } },
        { code: 'DUPLICATE_DATA', details: { api_name: 'field_label' } },
      ],
    });
    expect(await field(zoho, 'Leads', 'WhatsApp_Number')).toMatchObject({ custom_field: true, length: 20 });
    expect((await zoho.fields('Leads', text('Another'))).status).toBe(201);
    expect((await zoho.fields('Nothing', text('Another'))).body).toMatchObject({ code: 'INVALID_MODULE' });
    expect((await zoho.fields('Leads', { field_label: 'Odd', data_type: 'picture' })).status).toBe(400);
  });

  test('may be made unique later, unless two records hold the same', async () => {
    const zoho = await startZoho();
    await zoho.make(
      'Leads',
      { Last_Name: 'Rao', City: 'Pune', Phone: '1' },
      { Last_Name: 'Rao', City: 'Goa', Phone: '1' },
    );
    const unique = async (name: string) => {
      const { id } = (await field(zoho, 'Leads', name)) ?? {};
      return zoho.api('PATCH', `/settings/fields/${id ?? ''}?module=Leads`, {
        fields: [{ unique: { case_sensitive: false } }],
      });
    };
    expect((await unique('Phone')).status).toBe(400);
    expect((await unique('City')).status).toBe(200);
    const clash = await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao', City: 'PUNE' }]);
    expect(clash.items[0]).toMatchObject({ code: 'DUPLICATE_DATA' });
    const { id } = (await field(zoho, 'Leads', 'City')) ?? {};
    await zoho.api('PATCH', '/settings/fields?module=Leads', {
      fields: [{ id, unique: { _disable: true } }],
    });
    expect((await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao', City: 'PUNE' }])).status).toBe(201);
  });

  test('a case-sensitive unique field takes the same letters in another case', async () => {
    const zoho = await startZoho();
    await zoho.fields('Leads', { ...uniqueKey, unique: { case_sensitive: true } });
    await zoho.make('Leads', { Last_Name: 'Rao', Our_Key: 'k1' });
    expect((await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao', Our_Key: 'K1' }])).status).toBe(201);
    expect((await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao', Our_Key: 'k1' }])).status).toBe(400);
  });

  test.each([
    ['adds', true],
    ['replaces', false],
  ] as const)(
    'pick-list values that a PATCH leaves out, picklistPatch %s: stay %s',
    async (picklistPatch, stays) => {
      const zoho = await startZoho({ picklistPatch });
      const { id = '' } = (await field(zoho, 'Leads', 'Lead_Source')) ?? {};
      const patch = {
        fields: [{ pick_list_values: [{ display_value: 'WhatsApp', actual_value: 'WhatsApp' }] }],
      };
      expect((await zoho.api('PATCH', `/settings/fields/${id}?module=Leads`, patch)).status).toBe(200);
      const values = (await field(zoho, 'Leads', 'Lead_Source'))?.pick_list_values.map(
        (one) => one.actual_value,
      );
      expect(values).toContain('WhatsApp');
      expect(values?.includes('Cold Call')).toBe(stays);
    },
  );

  test('are removed with their values', async () => {
    const zoho = await startZoho();
    await zoho.fields('Leads', uniqueKey);
    await zoho.make('Leads', { Last_Name: 'Rao', Our_Key: 'k1' });
    const { id = '' } = (await field(zoho, 'Leads', 'Our_Key')) ?? {};
    expect((await zoho.api('DELETE', `/settings/fields/${id}?module=Leads`)).status).toBe(200);
    expect(await field(zoho, 'Leads', 'Our_Key')).toBeUndefined();
    const system = (await field(zoho, 'Leads', 'City'))?.id ?? '';
    expect((await zoho.api('DELETE', `/settings/fields/${system}?module=Leads`)).status).toBe(400);
  });

  test('only an administrator makes them', async () => {
    const zoho = await startZoho({ profile: 'Standard' });
    expect(await zoho.fields('Leads', uniqueKey)).toMatchObject({
      status: 403,
      body: { code: 'NO_PERMISSION' },
    });
  });
});

describe('modules', () => {
  const conversations = {
    modules: [
      {
        singular_label: 'WhatsApp Conversation',
        plural_label: 'WhatsApp Conversations',
        api_name: 'WhatsApp_Conversations',
      },
    ],
  };

  test('of one’s own are made once, hold records that stand on others, and are told as what stands there', async () => {
    const zoho = await startZoho();
    expect((await zoho.api('POST', '/settings/modules', conversations)).status).toBe(201);
    expect((await zoho.api('POST', '/settings/modules', conversations)).body).toMatchObject({
      modules: [{ code: 'DUPLICATE_DATA' }],
    });
    const lookup = { field_label: 'Lead', data_type: 'lookup', lookup: { module: { api_name: 'Leads' } } };
    const body = { field_label: 'Body', data_type: 'textarea' };
    const key = { ...uniqueKey, field_label: 'Entry Key' };
    expect((await zoho.fields('WhatsApp_Conversations', lookup, body, key)).status).toBe(201);
    const [lead = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    const row = { Name: 'Today', Entry_Key: 'e1', Body: 'Hello', Lead: { id: lead } };
    const upsert = async (data: object) =>
      (
        await zoho.write('POST', '/WhatsApp_Conversations/upsert', [data], {
          duplicate_check_fields: ['Entry_Key'],
        })
      ).items[0];
    const made = await upsert(row);
    expect(made?.action).toBe('insert');
    expect(await upsert({ ...row, Body: 'Hello again' })).toMatchObject({
      action: 'update',
      details: { id: made?.details.id },
    });
    expect((await zoho.control('GET', `/records/Leads/${lead}`)).body).toMatchObject({
      timeline: [{ id: made?.details.id, text: 'Hello again' }],
    });
    expect((await zoho.api('GET', `/Leads/${lead}/WhatsApp_Conversations?fields=Body`)).body).toMatchObject({
      data: [{ Body: 'Hello again' }],
    });
    expect((await zoho.api('GET', '/settings/related_lists?module=Leads')).body).toMatchObject({
      related_lists: [{ api_name: 'Notes' }, { api_name: 'WhatsApp_Conversations' }],
    });
    const unknown = await upsert({ ...row, Entry_Key: 'e2', Lead: { id: '4876876000199999999' } });
    expect(unknown).toMatchObject({ code: 'INVALID_DATA', details: { api_name: 'Lead' } });
  });

  test('are a matter of the edition', async () => {
    const zoho = await startZoho({ edition: 'professional' });
    expect(await zoho.api('POST', '/settings/modules', conversations)).toMatchObject({
      status: 403,
      body: { code: 'NO_PERMISSION', details: { permissions: ['feature'] } },
    });
    expect((await zoho.api('GET', '/org')).body).toMatchObject({
      org: [{ license_details: { paid_type: 'professional' } }],
    });
  });

  test('cost five hundred credits', async () => {
    const zoho = await startZoho({ creditsMax: 600 });
    expect(
      (await zoho.api('POST', '/settings/modules', conversations)).headers.get('x-api-credits-remaining'),
    ).toBe('100');
  });
});

test('users are told by pages, and who asks by itself', async () => {
  const zoho = await startZoho();
  const names = z.object({ users: z.array(z.looseObject({ full_name: z.string() })) });
  const ask = async (query: string) =>
    names.parse((await zoho.api('GET', `/users?${query}`)).body).users.map((user) => user.full_name);
  expect(await ask('type=ActiveUsers')).toEqual(['Meera Nair', 'Arjun Mehta', 'Sara Khan']);
  expect(await ask('type=ActiveUsers&per_page=2&page=2')).toEqual(['Sara Khan']);
  expect(await ask('type=CurrentUser')).toEqual(['Meera Nair']);
});
