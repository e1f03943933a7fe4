import { describe, expect, test } from 'vitest';
import { ourFields } from './our-fields.ts';
import { type Canned, openOrg, zohoAnswering } from './test-org.ts';

describe('an org without our fields', () => {
  test.each([
    ['enterprise', 'WhatsApp_Conversations'],
    ['professional', 'Notes'],
  ] as const)('gets what its edition has, once: %s', async (edition, timelineIn) => {
    const org = await openOrg({ edition });
    const connector = org.connect();
    const steps = await connector.planProvisioning();
    expect(steps.filter(({ action }) => action.startsWith('Create the field'))).toHaveLength(30);
    expect(steps.map(({ action }) => action)).toContain('Add “WhatsApp” to the list Lead Source of Leads');
    expect(steps.at(-1)?.action).toContain(`(${edition})`);
    expect(steps.every(({ possible }) => possible)).toBe(true);
    await connector.provision();
    expect(await connector.planProvisioning()).toEqual([]);
    expect(org.facts.now().timelineIn).toBe(timelineIn);
    const before = await org.calls();
    await org.connect().provision();
    const after = await org.calls();
    for (const operation of [
      'POST /settings/fields',
      'POST /settings/modules',
      'PATCH /settings/fields/{id}',
    ]) {
      expect(after[operation], operation).toBe(before[operation]);
    }
  });

  test('knows what its edition allows, and where people see it', async () => {
    const org = await openOrg({ edition: 'professional' });
    const connector = org.connect();
    expect(connector.traits.limits['at once']).toEqual({ kind: 'concurrent', most: 5 });
    await connector.learnFacts?.();
    expect(connector.traits.limits['at once']).toEqual({ kind: 'concurrent', most: 15 });
    const { credits } = connector.traits.limits;
    expect(credits?.kind === 'budget' ? credits.tokens : 0).toBeGreaterThanOrEqual(50_500);
  });

  test('what was made by two at once is there once', async () => {
    const org = await openOrg();
    await Promise.all([org.connect().provision(), org.connect().provision()]);
    expect(await org.connect().planProvisioning()).toEqual([]);
  });
});

test.each([
  ['datetime', 'WhatsApp Last Activity', 'text'],
  ['text with unique values', 'Sangam Contact ID', 'text'],
])('a field of our name that is no %s stands in the way', async (wanted, label, type) => {
  const org = await openOrg();
  await org.api('POST', '/settings/fields?module=Contacts', {
    fields: [{ field_label: label, data_type: type }],
  });
  const connector = org.connect();
  const steps = await connector.planProvisioning();
  expect(steps.filter(({ possible }) => !possible).map(({ action }) => action)).toEqual([
    expect.stringContaining(`“${label}”, but not of type ${wanted}`),
  ]);
  await expect(connector.provision()).rejects.toMatchObject({ code: 'property_mismatch', retry: 'never' });
});

test('who may make no fields is told the edition', async () => {
  const org = await openOrg({ profile: 'Standard', edition: 'standard' });
  await expect(org.connect().provision()).rejects.toMatchObject({
    code: 'missing_scope',
    retry: 'never',
    message: expect.stringContaining('standard'),
  });
});

test('fields of both modules are one, of one alone say so', async () => {
  const org = await openOrg();
  const fields = new Map((await org.connect().fields()).map((field) => [field.name, field]));
  expect(fields.get('Last_Name')).toEqual({
    name: 'Last_Name',
    label: expect.any(String),
    kind: 'text',
    writable: true,
  });
  expect(fields.get('Company')?.on).toEqual(['Leads']);
  expect(fields.get('Account_Name')?.on).toEqual(['Contacts']);
  expect(fields.get('Created_Time')).toMatchObject({ kind: 'time', writable: false });
  expect(fields.get('Lead_Status')?.options).toContainEqual({
    value: 'Not Contacted',
    label: 'Not Contacted',
  });
  expect((await org.connect().owners()).length).toBeGreaterThan(1);
});

const fieldsOf = (...fields: object[]): Canned => ({
  body: { fields: [{ id: '1', api_name: 'Last_Name', data_type: 'text' }, ...fields] },
});

test.each(['NO_PERMISSION', 'NOT_SUPPORTED', 'FEATURE_NOT_SUPPORTED'])(
  'an edition that says %s of modules has notes',
  async (code) => {
    const org = await openOrg();
    await org.control('PUT', '/faults', { operation: 'POST /settings/modules', status: 403, code });
    await org.connect().provision();
    expect(org.facts.now().timelineIn).toBe('Notes');
  },
);

test('a module that was made and is not shown yet is waited for', async () => {
  const fields = fieldsOf(
    ...ourFields.map(({ name, type, unique }) => ({
      id: name,
      api_name: name,
      field_label: name,
      data_type: type,
      custom_field: true,
      unique: unique === true ? { casesensitive: 'false' } : {},
    })),
  );
  const none = { body: { modules: [{ id: '1', api_name: 'Leads' }] } };
  const users = { body: { users: [{ id: '1' }] } };
  const made = { status: 201, body: { modules: [{ code: 'SUCCESS', details: { id: '2' } }] } };
  const unknown = { status: 400, body: { code: 'INVALID_MODULE', details: {}, status: 'error' } };
  const { connector, sent } = await zohoAnswering(fields, fields, none, users, made, none, unknown);
  await expect(connector.provision()).rejects.toMatchObject({ code: 'no_such_module', retry: 'later' });
  expect(sent.at(-1)?.path).toContain('module=WhatsApp_Conversations');
});

test.each([
  ['Free', 5, 5_000],
  ['crmplus', 25, 90_000],
  ['Zoho One', 20, 70_000],
  ['starter', 10, 55_000],
  ['of next year', 10, 55_000],
])('an edition allows what Zoho says of it: %s', async (paid_type, atOnce, credits) => {
  const license = { paid_type, users_license_purchased: 20 };
  const org = { body: { org: [{ zgid: '60012345678', license_details: license }] } };
  const { connector } = await zohoAnswering({ body: { modules: [] } }, fieldsOf(), fieldsOf(), org);
  await connector.learnFacts?.();
  expect(connector.traits.limits).toMatchObject({
    'at once': { most: atOnce },
    credits: { tokens: credits },
  });
});

test('a field of a kind nobody knows keeps no other', async () => {
  const odd = [
    { id: null, api_name: 'Odd', data_type: null },
    { id: '2', api_name: 'Lines', field_label: null, data_type: 'subform' },
  ];
  const { connector } = await zohoAnswering(fieldsOf(...odd), fieldsOf());
  const fields = new Map((await connector.fields()).map(({ name, kind }) => [name, kind]));
  expect(fields).toEqual(
    new Map([
      ['Last_Name', 'text'],
      ['Lines', 'other'],
    ]),
  );
});

test('fields none of which can be read are no fields', async () => {
  const { connector } = await zohoAnswering({ body: { fields: [{ api_name: 'Odd' }] } });
  await expect(connector.fields()).rejects.toMatchObject({ code: 'unreadable_answer', retry: 'later' });
});

test('tags of a record are no text', async () => {
  const tags = { id: '2', api_name: 'Tag', data_type: 'text', json_type: 'jsonarray' };
  const { connector } = await zohoAnswering(fieldsOf(tags), fieldsOf());
  expect((await connector.fields()).find(({ name }) => name === 'Tag')?.kind).toBe('other');
});

test('options that are numbers are options, and a list that cannot be read is left as it is', async () => {
  const years = [{ id: '7', display_value: 2026, actual_value: 2026 }];
  const list = (api_name: string, pick_list_values: unknown) => ({
    id: api_name,
    api_name,
    field_label: api_name,
    data_type: 'picklist',
    pick_list_values,
  });
  const fields = fieldsOf(list('Lead_Source', [...years, { id: '8' }]), list('Lead_Status', years));
  const modules = { body: { modules: [{ id: '1', api_name: 'WhatsApp_Conversations' }] } };
  const { connector } = await zohoAnswering(fields, fieldsOf(), modules, fields, fieldsOf());
  const added = (await connector.planProvisioning()).filter(({ action }) => action.startsWith('Add'));
  expect(added.map(({ action }) => action)).toEqual(['Add “Not Contacted” to the list Lead_Status of Leads']);
  const status = (await connector.fields()).find(({ name }) => name === 'Lead_Status');
  expect(status?.options).toEqual([{ value: '2026', label: '2026' }]);
});
