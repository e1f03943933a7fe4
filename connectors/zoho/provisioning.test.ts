import { describe, expect, test } from 'vitest';
import { openOrg } from './test-org.ts';

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
