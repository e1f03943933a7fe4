import { describe, expect, test } from 'vitest';
import { startZoho, uniqueKey } from '../testing/zoho-fixture.ts';

const failed = (api_name: string, details: object = {}) => ({
  code: 'INVALID_DATA',
  details: { api_name, ...details },
});

describe('an insert', () => {
  test('answers each record in its place: 201, 207 where some fail, 400 where all do', async () => {
    const zoho = await startZoho();
    const good = { Last_Name: 'Rao' };
    expect(await zoho.write('POST', '/Leads', [good])).toMatchObject({
      status: 201,
      items: [{ code: 'SUCCESS', message: 'record added' }],
    });
    const mixed = await zoho.write('POST', '/Leads', [{ First_Name: 'Asha' }, good]);
    expect(mixed.status).toBe(207);
    expect(mixed.items).toMatchObject([
      { code: 'MANDATORY_NOT_FOUND', details: { api_name: 'Last_Name', json_path: '$.data[0].Last_Name' } },
      { code: 'SUCCESS' },
    ]);
    expect((await zoho.write('POST', '/Leads', [{}, {}])).status).toBe(400);
  });

  test('gives ids that no number holds', async () => {
    const zoho = await startZoho();
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    expect(id).toMatch(/^\d{18,19}$/);
    expect(String(Number(id))).not.toBe(id);
  });

  test('takes a hundred records, not more', async () => {
    const zoho = await startZoho();
    const many = (count: number) => ({ data: Array.from({ length: count }, () => ({ Last_Name: 'Rao' })) });
    expect((await zoho.api('POST', '/Leads', many(100))).status).toBe(201);
    expect(await zoho.api('POST', '/Leads', many(101))).toMatchObject({
      status: 400,
      body: { code: 'LIMIT_EXCEEDED' },
    });
  });

  test('refuses a taken unique value, whatever its case, and names the holder; several at once are told together', async () => {
    const zoho = await startZoho();
    await zoho.fields('Leads', uniqueKey, { ...uniqueKey, field_label: 'Other Key' });
    const [holder] = await zoho.make('Leads', { Last_Name: 'Rao', Our_Key: 'k1', Other_Key: 'o1' });
    const once = await zoho.write('POST', '/Leads', [{ Last_Name: 'Iyer', Our_Key: 'K1' }]);
    expect(once).toMatchObject({
      status: 400,
      items: [
        {
          code: 'DUPLICATE_DATA',
          details: {
            api_name: 'Our_Key',
            id: holder,
            duplicate_record: { id: holder, module: { api_name: 'Leads' } },
          },
        },
      ],
    });
    const twice = await zoho.write('POST', '/Leads', [{ Last_Name: 'Iyer', Our_Key: 'k1', Other_Key: 'O1' }]);
    expect(twice.items).toMatchObject([
      {
        code: 'MULTIPLE_OR_MULTI_ERRORS',
        details: { errors: [{ code: 'DUPLICATE_DATA' }, { code: 'DUPLICATE_DATA' }] },
      },
    ]);
    await zoho.control('PUT', '/rules', { multipleErrorsAt: 'item' });
    const beside = await zoho.write('POST', '/Leads', [
      { Last_Name: 'Iyer', Our_Key: 'k1', Other_Key: 'O1' },
    ]);
    expect(beside.items).toMatchObject([
      { errors: [{ code: 'DUPLICATE_DATA' }, { code: 'DUPLICATE_DATA' }] },
    ]);
    // Of another module nobody asks.
    await zoho.fields('Contacts', uniqueKey);
    expect((await zoho.write('POST', '/Contacts', [{ Last_Name: 'Rao', Our_Key: 'k1' }])).status).toBe(201);
  });

  test('in one call the second of two with the same unique value is refused', async () => {
    const zoho = await startZoho();
    await zoho.fields('Leads', uniqueKey);
    const twin = { Last_Name: 'Rao', Our_Key: 'k1' };
    expect((await zoho.write('POST', '/Leads', [twin, twin])).items).toMatchObject([
      { code: 'SUCCESS' },
      { code: 'DUPLICATE_DATA' },
    ]);
  });

  test('a duplicate inside a 2xx, where the switch says so', async () => {
    const zoho = await startZoho({ duplicateStatus: '2xx' });
    await zoho.fields('Leads', uniqueKey);
    await zoho.make('Leads', { Last_Name: 'Rao', Our_Key: 'k1' });
    expect(await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao', Our_Key: 'k1' }])).toMatchObject({
      status: 200,
      items: [{ code: 'DUPLICATE_DATA' }],
    });
  });

  test.each([
    [false, 201],
    [true, 400],
  ])(
    'an e-mail another lead has, systemFieldsRefuseInserts %s: %i',
    async (systemFieldsRefuseInserts, status) => {
      const zoho = await startZoho({ systemFieldsRefuseInserts });
      await zoho.make('Leads', { Last_Name: 'Rao', Email: 'asha@example.com' });
      const again = await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao', Email: 'Asha@example.com' }]);
      expect(again.status).toBe(status);
    },
  );

  test('what the layout requires is required where a layout is named', async () => {
    const zoho = await startZoho();
    const withLayout = { Last_Name: 'Rao', Layout: { id: '4876876000000091055' } };
    expect((await zoho.write('POST', '/Leads', [withLayout])).items).toMatchObject([
      { code: 'MANDATORY_NOT_FOUND', details: { api_name: 'Company' } },
    ]);
    await zoho.control('PUT', '/rules', { layoutMandatory: 'always' });
    expect((await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao' }])).status).toBe(400);
    await zoho.control('PUT', '/rules', { layoutMandatory: 'never' });
    expect((await zoho.write('POST', '/Leads', [withLayout])).status).toBe(201);
  });

  test('results in another order, where the switch says so', async () => {
    const zoho = await startZoho({ resultOrder: 'failures last' });
    const { items } = await zoho.write('POST', '/Leads', [{}, { Last_Name: 'Rao' }]);
    expect(items.map(({ code }) => code)).toEqual(['SUCCESS', 'MANDATORY_NOT_FOUND']);
  });
});

describe('a value', () => {
  test('that does not fit names its field and what was expected', async () => {
    const zoho = await startZoho();
    const one = async (value: object) =>
      (await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao', ...value }])).items[0];
    expect(await one({ Phone: '1'.repeat(31) })).toMatchObject(failed('Phone', { maximum_length: 30 }));
    expect(await one({ Phone: 'call @ home' })).toMatchObject(
      failed('Phone', { expected_data_type: 'phone' }),
    );
    expect(await one({ Email: 'nobody' })).toMatchObject(failed('Email', { expected_data_type: 'email' }));
    expect(await one({ Email_Opt_Out: 'true' })).toMatchObject(
      failed('Email_Opt_Out', { expected_data_type: 'boolean' }),
    );
    expect(await one({ No_of_Employees: '12' })).toMatchObject(
      failed('No_of_Employees', { expected_data_type: 'integer' }),
    );
    expect(await one({ Owner: { id: '4876876000000999999' } })).toMatchObject(failed('Owner'));
    expect(await one({ First_Name: 'x'.repeat(41) })).toMatchObject(
      failed('First_Name', { maximum_length: 40 }),
    );
  });

  test('phones are taken as they are written, unknown pick-list values as they are', async () => {
    const zoho = await startZoho();
    for (const Phone of ['+91 98123-45678', '(022) 2345.6789 ext 4', '098123 45678']) {
      const [id] = await zoho.make('Leads', { Last_Name: 'Rao', Phone, Lead_Source: 'WhatsApp' });
      const { rows } = await zoho.coql(`select Phone, Lead_Source from Leads where id = '${id ?? ''}'`);
      expect(rows).toMatchObject([{ Phone, Lead_Source: 'WhatsApp' }]);
    }
  });

  test('times come back in the zone of the org, without milliseconds', async () => {
    const zoho = await startZoho();
    await zoho.fields('Leads', { field_label: 'Seen At', data_type: 'datetime' });
    const at = async (Seen_At: string) =>
      (await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao', Seen_At }])).items[0];
    const made = await at('2026-11-27T04:30:00+00:00');
    const { rows } = await zoho.coql(`select Seen_At from Leads where id = '${made?.details.id ?? ''}'`);
    expect(rows).toMatchObject([{ Seen_At: '2026-11-27T10:00:00+05:30' }]);
    expect(await at('2026-11-27')).toMatchObject(failed('Seen_At', { expected_data_type: 'datetime' }));
    expect(await at('2026-11-27T04:30:00.123+00:00')).toMatchObject(failed('Seen_At'));
    await zoho.control('PUT', '/rules', { timesWithMilliseconds: 'accepted' });
    expect((await at('2026-11-27T04:30:00.123+00:00'))?.code).toBe('SUCCESS');
  });

  test.each([
    ['ignored', 'SUCCESS'],
    ['refused', 'INVALID_DATA'],
  ] as const)('of a field that is not there: %s', async (unknownFields, code) => {
    const zoho = await startZoho({ unknownFields });
    expect((await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao', Nothing: 1 }])).items[0]?.code).toBe(
      code,
    );
  });
});

describe('an upsert', () => {
  test('matches on every unique field, also those nobody named, and overwrites that record', async () => {
    const zoho = await startZoho();
    await zoho.fields('Leads', uniqueKey, { field_label: 'Their Phone', data_type: 'phone', unique: {} });
    const [theirs] = await zoho.make('Leads', { Last_Name: 'Rao', Their_Phone: '+911' });
    const record = { Last_Name: 'Iyer', Our_Key: 'k1', Their_Phone: '+911' };
    const upserted = await zoho.write('POST', '/Leads/upsert', [record], {
      duplicate_check_fields: ['Our_Key'],
    });
    expect(upserted).toMatchObject({
      status: 200,
      items: [{ action: 'update', duplicate_field: 'Their_Phone', details: { id: theirs } }],
    });
    const { rows } = await zoho.coql("select Last_Name from Leads where Our_Key = 'k1'");
    expect(rows).toEqual([{ Last_Name: 'Iyer', id: theirs }]);
  });

  test('heeds system fields where they are named or nothing is, first', async () => {
    const zoho = await startZoho();
    await zoho.fields('Leads', uniqueKey);
    const [byMail] = await zoho.make('Leads', { Last_Name: 'Rao', Email: 'asha@example.com' });
    const [byKey] = await zoho.make('Leads', { Last_Name: 'Rao', Our_Key: 'k1' });
    const upsert = async (record: object, more = {}) =>
      (await zoho.write('POST', '/Leads/upsert', [{ Last_Name: 'Rao', ...record }], more)).items[0];
    const mail = { Email: 'asha@example.com' };
    expect(await upsert(mail)).toMatchObject({ duplicate_field: 'Email', details: { id: byMail } });
    expect(await upsert(mail, { duplicate_check_fields: ['Our_Key'] })).toMatchObject({ action: 'insert' });
    const both = { Our_Key: 'k1', First_Name: 'Asha' };
    expect(await upsert(both, { duplicate_check_fields: ['Our_Key', 'Email'] })).toMatchObject({
      duplicate_field: 'Our_Key',
      details: { id: byKey },
    });
  });

  test('is not told to look at a field that finds nobody', async () => {
    const zoho = await startZoho();
    const body = { data: [{ Last_Name: 'Rao', Phone: '1' }], duplicate_check_fields: ['Phone'] };
    expect(await zoho.api('POST', '/Leads/upsert', body)).toMatchObject({
      status: 400,
      body: { code: 'INVALID_DATA', details: { api_name: 'duplicate_check_fields' } },
    });
  });
});

describe('an update', () => {
  test('changes by id and says of an id that is none that it is invalid', async () => {
    const zoho = await startZoho();
    const [id] = await zoho.make('Leads', { Last_Name: 'Rao' });
    const gone = '4876876000199999999';
    const both = await zoho.write('PUT', '/Leads', [
      { id, City: 'Pune' },
      { id: gone, City: 'Pune' },
    ]);
    expect(both.status).toBe(207);
    expect(both.items).toMatchObject([
      { code: 'SUCCESS', message: 'record updated' },
      { code: 'INVALID_DATA', message: 'the id given seems to be invalid', details: { api_name: 'id' } },
    ]);
    expect((await zoho.coql(`select City from Leads where id = '${id ?? ''}'`)).rows).toMatchObject([
      { City: 'Pune' },
    ]);
  });

  test('comes too late where the record changed since', async () => {
    const zoho = await startZoho();
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    const before = new Date(zoho.fixture.clock.now()).toISOString();
    zoho.fixture.clock.advance(60_000);
    await zoho.write('PUT', '/Leads', [{ id, City: 'Pune' }]);
    const late = (since: string) =>
      zoho.api('PUT', `/Leads/${id}`, { data: [{ City: 'Goa' }] }, { 'if-unmodified-since': since });
    expect(await late(before)).toMatchObject({ status: 412, body: { data: [{ code: 'ALREADY_MODIFIED' }] } });
    await zoho.control('PUT', '/rules', { modifiedCode: 'RECORD_MODIFIED' });
    expect(await late(before)).toMatchObject({ body: { data: [{ code: 'RECORD_MODIFIED' }] } });
    expect((await late(new Date(zoho.fixture.clock.now()).toISOString())).status).toBe(200);
  });

  test('is refused of a mandatory field that is emptied', async () => {
    const zoho = await startZoho();
    const [id] = await zoho.make('Leads', { Last_Name: 'Rao' });
    expect((await zoho.write('PUT', '/Leads', [{ id, Last_Name: null }])).items[0]?.code).toBe(
      'MANDATORY_NOT_FOUND',
    );
  });
});
