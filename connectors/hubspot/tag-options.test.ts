/** Tags in the sandbox's HubSpot, over HTTP. */
import type { RecordCreate, WriteOutcome } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { answers, openProvisioned, recordIdOf, type TestPortal } from './test-sandbox.ts';

const optionList = z.object({ options: z.array(z.object({ value: z.string() })) });

async function optionsOf(portal: TestPortal, property = 'wa_tags'): Promise<string[]> {
  const path = `/crm/properties/2026-03/contacts/${property}`;
  return optionList.parse(await portal.api('GET', path)).options.map(({ value }) => value);
}

const tagged = (contactId: string, wa_tags: string): RecordCreate => ({
  contactId,
  values: { firstname: 'Asha', wa_tags },
});

describe.each(answers)('in a HubSpot where %s, tags', (_, rules) => {
  test('become options before they are written, and can be taken away', async () => {
    const { connector, ...portal } = await openProvisioned(rules);
    const recordId = recordIdOf((await connector.create([tagged('a', 'vip;हिन्दी')], 'new lead'))[0]);
    const write = (wa_tags: string): Promise<WriteOutcome[]> =>
      connector.update([{ recordId, values: { wa_tags } }], 'fields');
    await write(';new');
    expect(await optionsOf(portal)).toEqual(expect.arrayContaining(['vip', 'हिन्दी', 'new']));
    const tags = async (): Promise<string | undefined> =>
      (await connector.read([recordId], ['wa_tags'], 'fields'))[0]?.values['wa_tags'];
    expect((await tags())?.split(';').toSorted()).toEqual(['new', 'vip', 'हिन्दी']);
    await write('new');
    expect(await tags()).toBe('new');
    await write('');
    expect(await tags()).toBe('');
  });

  test('of several batches at once are all kept', async () => {
    const { connector, ...portal } = await openProvisioned(rules);
    const tags = Array.from({ length: 10 }, (_, n) => `tag ${n}`);
    await Promise.all(tags.map((tag, n) => connector.create([tagged(`contact-${n}`, tag)], 'new lead')));
    expect(await optionsOf(portal)).toEqual(expect.arrayContaining(tags));
  });

  test('are added again when an admin has removed the option meanwhile', async () => {
    const { connector, ...portal } = await openProvisioned(rules);
    await connector.create([tagged('a', 'vip')], 'new lead');
    await portal.api('PATCH', '/crm/properties/2026-03/contacts/wa_tags', {
      options: [{ label: 'Other', value: 'Other', displayOrder: 0, hidden: false }],
    });
    const another = tagged('b', 'vip');
    expect(await connector.create([another], 'new lead')).toMatchObject([{ outcome: 'written' }]);
    expect(await optionsOf(portal)).toEqual(expect.arrayContaining(['Other', 'vip']));
  });

  test('mapped to a list of the portal’s own become options of that', async () => {
    const { connector, ...portal } = await openProvisioned(rules);
    await portal.api('POST', '/crm/properties/2026-03/contacts', {
      groupName: 'contactinformation',
      name: 'interests',
      label: 'Interests',
      type: 'enumeration',
      fieldType: 'checkbox',
      options: [{ label: 'Shoes', value: 'Shoes' }],
    });
    const values = { firstname: 'Asha', interests: 'Shoes;Hats' };
    expect(await connector.create([{ contactId: 'a', values }], 'new lead')).toMatchObject([
      { outcome: 'written' },
    ]);
    expect(await optionsOf(portal, 'interests')).toEqual(['Shoes', 'Hats']);
  });
});

test('a new tag is made known before the write, and known ones cost no look', async () => {
  const { connector, ...portal } = await openProvisioned();
  await portal.control('DELETE', '/calls');
  await connector.create([tagged('a', 'vip;new')], 'new lead');
  await connector.create([tagged('b', 'vip'), tagged('c', 'new')], 'new lead');
  expect(await portal.control('GET', '/calls')).toMatchObject({
    total: 4,
    byOperation: { 'POST /crm/objects/contacts/batch/upsert': 2 },
  });
});
