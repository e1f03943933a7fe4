/** Setting up the sandbox's HubSpot, over HTTP. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { properties } from './properties.ts';
import { answers, openPortal, type TestPortal } from './test-sandbox.ts';

const propertyList = z.object({ results: z.array(z.looseObject({ name: z.string() })) });
const root = '/crm/properties/2026-03/contacts';
const ours = properties.map(({ name }) => name).toSorted();

const propertiesIn = async (portal: TestPortal): Promise<{ name: string }[]> =>
  propertyList.parse(await portal.api('GET', root)).results;
const present = async (portal: TestPortal): Promise<string[]> =>
  (await propertiesIn(portal))
    .map(({ name }) => name)
    .filter((name) => ours.includes(name))
    .toSorted();
const theirs = { groupName: 'contactinformation', label: 'Theirs' };

describe.each(answers)('in a HubSpot where %s, provisioning', (_, rules) => {
  test('does what it said it would, and nothing when repeated', async () => {
    const portal = await openPortal(rules);
    const connector = portal.connect();
    const plan = await connector.planProvisioning();
    expect(plan.map(({ action }) => action)).toEqual([
      'Create the property group “WhatsApp (Sangam)”',
      ...properties.map(({ name, label }) => `Create the contact property ${name} (“${label}”)`),
    ]);
    expect(plan.every(({ possible }) => possible)).toBe(true);
    expect(await present(portal)).toEqual([]);

    await connector.provision();
    expect(await present(portal)).toEqual(ours);
    expect(await connector.planProvisioning()).toEqual([]);
    const once = await propertiesIn(portal);
    await connector.provision();
    expect(await propertiesIn(portal)).toEqual(once);
  });

  test('may be done by several processes at once', async () => {
    const portal = await openPortal(rules);
    await Promise.all(Array.from({ length: 5 }, () => portal.connect().provision()));
    expect(await present(portal)).toEqual(ours);
  });

  test('adds what is missing to what is there', async () => {
    const portal = await openPortal(rules);
    const theirUsername = { ...theirs, name: 'wa_username', type: 'string', fieldType: 'text' };
    await portal.api('POST', root, theirUsername);
    const actions = (await portal.connect().planProvisioning()).map(({ action }) => action);
    expect(actions.some((action) => action.includes('wa_username'))).toBe(false);
    await portal.connect().provision();
    expect(await present(portal)).toEqual(ours);
    expect(await propertiesIn(portal)).toContainEqual(expect.objectContaining({ label: 'Theirs' }));
  });

  test.each([
    ['of another type', { name: 'wa_username', type: 'number', fieldType: 'number' }],
    ['not unique', { name: 'sangam_contact_id', type: 'string', fieldType: 'text' }],
  ])('says so when a property of our name is %s', async (_, definition) => {
    const portal = await openPortal(rules);
    await portal.api('POST', root, { ...theirs, ...definition });
    const message = expect.stringContaining(definition.name) as unknown;
    await expect(portal.connect().provision()).rejects.toMatchObject({
      code: 'property_mismatch',
      retry: 'never',
      message,
    });
    const plan = await portal.connect().planProvisioning();
    expect(plan.filter(({ possible }) => !possible)).toEqual([{ action: message, possible: false }]);
  });
});

describe('fields', () => {
  test('are told in our words, ours among them', async () => {
    const portal = await openPortal();
    const connector = portal.connect();
    await connector.provision();
    const fields = new Map((await connector.fields()).map((field) => [field.name, field]));
    const kinds = {
      firstname: 'text',
      phone: 'phone',
      lifecyclestage: 'choice',
      hubspot_owner_id: 'user',
      message: 'long text',
      sangam_contact_id: 'text',
      wa_opt_out: 'flag',
      wa_last_activity_at: 'time',
      wa_window_state: 'choice',
      wa_tags: 'choices',
    };
    for (const [name, kind] of Object.entries(kinds)) expect(fields.get(name)).toMatchObject({ name, kind });
    expect(fields.get('wa_window_state')?.options).toEqual([
      { value: 'open', label: 'Open' },
      { value: 'closed', label: 'Closed' },
    ]);
    expect(fields.get('firstname')).toMatchObject({ label: 'First Name', writable: true });
    expect(fields.get('lastmodifieddate')?.writable).toBe(false);
  });

  test('of the default mapping are what the portal has after provisioning', async () => {
    const connector = (await openPortal()).connect();
    await connector.provision();
    const fields = new Map((await connector.fields()).map((field) => [field.name, field]));
    for (const { field } of connector.traits.defaultMapping) {
      const there = fields.get(field.name);
      // Of a choice that is HubSpot's own a constant names the option it takes.
      const named = there?.options?.filter(({ value }) => field.options?.some((one) => one.value === value));
      expect(named === undefined ? there : { ...there, options: named }).toEqual(field);
    }
  });

  test('hidden from people are left out, but for ours', async () => {
    const portal = await openPortal();
    await portal.connect().provision();
    const hidden = { name: 'secret_score', type: 'number', fieldType: 'number', hidden: true };
    await portal.api('POST', root, { ...theirs, ...hidden });
    await portal.api('PATCH', `${root}/wa_bsuid`, { hidden: true });
    const names = (await portal.connect().fields()).map(({ name }) => name);
    expect(names).toContain('wa_bsuid');
    expect(names).not.toContain('secret_score');
  });
});

test('owners are told by name', async () => {
  const owners = await (await openPortal()).connect().owners();
  expect(owners.length).toBeGreaterThan(0);
  for (const { ownerId, name } of owners) {
    expect(ownerId).toMatch(/^\d+$/);
    expect(name).toMatch(/^\S.*\S$/);
  }
});
