import { FieldsMissing, type RecordCreate } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import {
  openOrg,
  openProvisioned,
  recordIdOf,
  recordsIn,
  type TestOrg,
  userConverts,
  userMakes,
  zohoAnswering,
} from './test-org.ts';

const key = 'Sangam_Contact_ID';
const lead = (contactId: string, values = {}): RecordCreate => ({
  contactId,
  values: { Last_Name: `Person ${contactId}`, ...values },
});

async function fieldId(org: TestOrg, module: string, name: string): Promise<string> {
  const { fields } = (await org.api('GET', `/settings/fields?module=${module}`)) as {
    fields: { id: string; api_name: string }[];
  };
  return fields.find((field) => field.api_name === name)?.id ?? '';
}

describe('creating', () => {
  test('tells what stands there afterwards, owner and status too, by one more call', async () => {
    const org = await openProvisioned();
    const before = await org.calls();
    const [outcome] = await org.connector.create([lead('c1', { Phone: '+919812345678' })], 'new lead');
    expect(outcome).toMatchObject({
      outcome: 'written',
      created: true,
      values: { Phone: '+919812345678', Lead_Status: '', Owner: expect.stringMatching(/^\d+$/) },
    });
    const after = await org.calls();
    expect((after['POST /Leads'] ?? 0) - (before['POST /Leads'] ?? 0)).toBe(1);
    expect((after['GET /Leads'] ?? 0) - (before['GET /Leads'] ?? 0)).toBe(1);
  });

  test.each(['sent', 'failures last'] as const)(
    'each answer goes to its own record, in whichever order they stand: %s',
    async (resultOrder) => {
      const org = await openProvisioned({ resultOrder });
      await org.connector.create([lead('taken')], 'new lead');
      const outcomes = await org.connector.create(
        [lead('a'), lead('taken'), lead('b'), { contactId: 'c', values: { Last_Name: '' } }, lead('d')],
        'new lead',
      );
      expect(outcomes.map(({ item, outcome }) => `${item} ${outcome}`)).toEqual([
        'a written',
        'taken exists',
        'b written',
        'c refused',
        'd written',
      ]);
      const held = new Map(
        (await recordsIn(org, 'Leads')).map(({ id, properties }) => [properties[key], id]),
      );
      for (const one of outcomes.filter(({ outcome }) => outcome === 'written')) {
        expect(recordIdOf(one)).toBe(`Leads/${held.get(one.item) ?? ''}`);
      }
    },
  );

  test.each(['by item', '2xx'] as const)(
    'who holds our id already is named, and nothing is written there (%s)',
    async (duplicateStatus) => {
      const org = await openProvisioned({ duplicateStatus });
      const [first] = await org.connector.create([lead('c1')], 'new lead');
      const [again] = await org.connector.create([lead('c1', { Last_Name: 'Other' })], 'new lead');
      expect(again).toMatchObject({ outcome: 'exists', recordId: recordIdOf(first), by: 'our id' });
      expect((await recordsIn(org, 'Leads')).map(({ properties }) => properties['Last_Name'])).toEqual([
        'Person c1',
      ]);
    },
  );

  test('of several things that are wrong our id goes first, then each by its field', async () => {
    const org = await openProvisioned();
    const email = await fieldId(org, 'Leads', 'Email');
    await org.api('PATCH', `/settings/fields/${email}?module=Leads`, {
      fields: [{ unique: { case_sensitive: false } }],
    });
    const holder = await userMakes(org, 'Leads', { Last_Name: 'Holder', Email: 'asha@example.com' });
    const [first] = await org.connector.create([lead('c1')], 'new lead');
    const both = lead('c1', { Email: 'asha@example.com', Last_Name: 'x'.repeat(10) });
    expect((await org.connector.create([both], 'new lead'))[0]).toMatchObject({
      outcome: 'exists',
      recordId: recordIdOf(first),
      by: 'our id',
    });
    expect(
      (await org.connector.create([lead('c2', { Email: 'asha@example.com' })], 'new lead'))[0],
    ).toMatchObject({
      outcome: 'taken',
      recordId: `Leads/${holder}`,
      field: 'Email',
    });
  });

  test.each(['ignored', 'refused'] as const)(
    'a field that is gone is named, where a name no field has is %s',
    async (unknownFields) => {
      const org = await openProvisioned({ unknownFields });
      await org.connector.create([lead('c1', { WhatsApp_Window: 'open' })], 'new lead');
      const window = await fieldId(org, 'Leads', 'WhatsApp_Window');
      await org.api('DELETE', `/settings/fields/${window}?module=Leads`);
      const failure = await org.connector
        .create([lead('c2', { WhatsApp_Window: 'open' })], 'new lead')
        .catch((error: unknown) => error);
      expect(failure).toBeInstanceOf(FieldsMissing);
      expect(failure).toMatchObject({ fields: ['WhatsApp_Window'] });
    },
  );

  test('a text is cut to what its field holds, and the answer says so', async () => {
    const { connector } = await openProvisioned();
    const [outcome] = await connector.create([lead('c1', { First_Name: '🙏'.repeat(60) })], 'new lead');
    expect(outcome).toMatchObject({ outcome: 'written', values: { First_Name: '🙏'.repeat(40) } });
  });

  test('contacts are made where that is asked for, and only leads hold their own fields', async () => {
    const org = await openProvisioned();
    const values = { Last_Name: 'Rao', Company: 'Shop' };
    const [outcome] = await org.connector.create([{ type: 'Contacts', contactId: 'c1', values }], 'new lead');
    expect(recordIdOf(outcome)).toMatch(/^Contacts\/\d+$/);
  });
});

describe("the org's own rules", () => {
  const fields = { body: { fields: [{ id: '1', api_name: 'Last_Name', data_type: 'text' }] } };
  const done = { body: { data: [{ code: 'SUCCESS', details: { id: '5' } }] } };

  test.each([
    [undefined, {}],
    [true, {}],
    [false, { trigger: [], skip_feature_execution: [{ name: 'cadences' }] }],
  ])('run for a write that is to start them, cadences too (%s)', async (automations, said) => {
    const { connector, sent } = await zohoAnswering(fields, done);
    await connector.update([{ recordId: 'Leads/5', values: { Last_Name: 'Rao' } }], 'fields', automations);
    expect(sent.at(-1)).toMatchObject({ method: 'PUT', path: '/crm/v8/Leads' });
    expect(sent.at(-1)?.body).toEqual({ data: [{ id: '5', Last_Name: 'Rao' }], ...said });
  });
});

describe('updating', () => {
  test('both modules, each by a call, values by the types of their fields', async () => {
    const org = await openProvisioned();
    const ids = [
      `Leads/${await userMakes(org, 'Leads', { Last_Name: 'Lead' })}`,
      `Contacts/${await userMakes(org, 'Contacts', { Last_Name: 'Contact' })}`,
    ];
    const values = {
      WhatsApp_Opted_Out: 'true',
      WhatsApp_Last_Activity: '2026-11-27T10:00:00+00:00',
      Phone: '',
    };
    const outcomes = await org.connector.update(
      ids.map((recordId) => ({ recordId, values })),
      'consent',
    );
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['written', 'written']);
    for (const { values: read } of await org.connector.read(ids, Object.keys(values), 'fields')) {
      expect(read['WhatsApp_Opted_Out']).toBe('true');
      expect(Date.parse(read['WhatsApp_Last_Activity'] ?? '')).toBe(Date.UTC(2026, 10, 27, 10));
    }
  });

  test.each(['INVALID_DATA', 'ID_ALREADY_CONVERTED', 'CONVERTED_RECORD'] as const)(
    'a lead that was converted is written as the contact it became (%s)',
    async (convertedLeadCode) => {
      const org = await openProvisioned({ convertedLeadCode });
      const [made] = await org.connector.create([lead('c1')], 'new lead');
      const [, id = ''] = recordIdOf(made).split('/');
      const contact = await userConverts(org, id);
      const update = {
        recordId: recordIdOf(made),
        values: { WhatsApp_Opted_Out: 'true', Lead_Status: 'Contacted' },
      };
      expect(await org.connector.update([update], 'consent')).toMatchObject([
        { item: recordIdOf(made), outcome: 'written', recordId: `Contacts/${contact}` },
      ]);
      const [record] = await recordsIn(org, 'Contacts');
      expect(record?.properties['WhatsApp_Opted_Out']).toBe('true');
    },
  );

  test('what is deleted is gone, and its neighbour written', async () => {
    const org = await openProvisioned();
    const ids = [
      await userMakes(org, 'Leads', { Last_Name: 'A' }),
      await userMakes(org, 'Leads', { Last_Name: 'B' }),
    ];
    await org.control('DELETE', `/records/Leads/${ids[0] ?? ''}`);
    const outcomes = await org.connector.update(
      [...ids.map((id) => `Leads/${id}`), 'Leads/none'].map((recordId) => ({
        recordId,
        values: { Phone: '1' },
      })),
      'fields',
    );
    expect(new Map(outcomes.map(({ item, outcome }) => [item, outcome]))).toEqual(
      new Map([
        [`Leads/${ids[0] ?? ''}`, 'gone'],
        [`Leads/${ids[1] ?? ''}`, 'written'],
        ['Leads/none', 'gone'],
      ]),
    );
  });

  test.each(['RECORD_LOCKED', 'NOT_APPROVED', 'RECORD_IN_BLUEPRINT'])('%s is later', async (code) => {
    const org = await openProvisioned();
    const ids = [
      await userMakes(org, 'Leads', { Last_Name: 'A' }),
      await userMakes(org, 'Leads', { Last_Name: 'B' }),
    ];
    await org.control('PUT', '/faults', { item: { code, nth: 1 } });
    const outcomes = await org.connector.update(
      ids.map((id) => ({ recordId: `Leads/${id}`, values: { Phone: '1' } })),
      'fields',
    );
    expect(outcomes.map(({ outcome }) => outcome)).toEqual(['later', 'written']);
  });

  test('a value the field does not take is refused by its name', async () => {
    const org = await openProvisioned();
    const id = await userMakes(org, 'Leads', { Last_Name: 'A' });
    const values = { No_of_Employees: 'many', Phone: '1' };
    expect(await org.connector.update([{ recordId: `Leads/${id}`, values }], 'fields')).toMatchObject([
      { outcome: 'refused', code: 'INVALID_DATA', field: 'No_of_Employees' },
    ]);
  });

  test('our id on another record is left to it', async () => {
    const org = await openProvisioned();
    const [holder] = await org.connector.create([lead('c1')], 'new lead');
    const id = await userMakes(org, 'Leads', { Last_Name: 'A' });
    expect(
      await org.connector.update([{ recordId: `Leads/${id}`, values: { [key]: 'c1' } }], 'fields'),
    ).toMatchObject([{ outcome: 'taken', recordId: recordIdOf(holder), field: key }]);
  });
});

test('without our fields nothing is made', async () => {
  const org = await openOrg();
  await expect(org.connect().create([lead('c1')], 'new lead')).rejects.toMatchObject({
    code: 'not_provisioned',
    retry: 'never',
  });
});

describe('an update whose id Zoho refuses', () => {
  const fields = {
    body: {
      fields: ['Last_Name', key].map((api_name) => ({ id: api_name, api_name, data_type: 'text' })),
    },
  };
  const refused = {
    status: 400,
    body: {
      data: [
        {
          code: 'INVALID_DATA',
          details: { id: '77' },
          message: 'the id given seems to be invalid',
          status: 'error',
        },
      ],
    },
  };
  const update = { recordId: 'Leads/77', values: { Last_Name: 'Rao' } };

  test('is of a record that is gone where none is read', async () => {
    const { connector } = await zohoAnswering(fields, refused, { status: 204 });
    expect(await connector.update([update], 'fields')).toMatchObject([{ outcome: 'gone' }]);
  });

  test('is of one that stands where it is read: nobody takes it for gone', async () => {
    const standing = { body: { data: [{ id: '77', Last_Name: 'Iyer', [key]: null }] } };
    const { connector } = await zohoAnswering(fields, refused, standing, refused);
    expect(await connector.update([update], 'fields')).toMatchObject([
      { outcome: 'later', code: 'record_doubted' },
    ]);
  });
});
