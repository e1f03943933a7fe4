import type { Connector, EntryWrite, TimelineEntry } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openProvisioned, type OrgRules, type TestOrg, userConverts, userMakes } from './test-org.ts';

const day = Date.UTC(2026, 10, 27, 9);

function entry(entryKey: string, recordId: string, text = 'Hello'): TimelineEntry {
  const lines = [{ at: day, direction: 'in', sender: 'Asha', text, replied: false }] as const;
  return { entryKey, recordId, at: day, title: `WhatsApp with Asha ${'x'.repeat(200)}`, lines };
}

const record = z.object({ timeline: z.array(z.object({ id: z.string(), text: z.string() })) });

async function shown(org: TestOrg, recordId: string): Promise<string[]> {
  const { timeline } = record.parse(await org.control('GET', `/records/${recordId}`));
  return timeline.map(({ text }) => text);
}

async function people(org: TestOrg): Promise<string[]> {
  return [
    `Leads/${await userMakes(org, 'Leads', { Last_Name: 'Lead' })}`,
    `Contacts/${await userMakes(org, 'Contacts', { Last_Name: 'Contact' })}`,
  ];
}

const write = (connector: Connector, ...writes: EntryWrite[]) => connector.timeline.write(writes, 'timeline');

describe.each([
  ['rows of our module', { edition: 'enterprise' }],
  ['notes', { edition: 'professional' }],
] as const satisfies readonly (readonly [string, OrgRules])[])('entries as %s', (_name, rules) => {
  test('stand on leads and contacts, are rewritten in place, found by their keys and taken away', async () => {
    const org = await openProvisioned(rules);
    const { connector } = org;
    const [lead = '', contact = ''] = await people(org);
    const first = await write(connector, { entry: entry('k1', lead) }, { entry: entry('k2', contact) });
    expect(first.map(({ outcome }) => outcome)).toEqual(['written', 'written']);
    const ids = first.map((one) => (one.outcome === 'written' ? one.entryId : ''));
    const again = await write(connector, { entry: entry('k1', lead, 'Hello again'), entryId: ids[0] ?? '' });
    expect(again).toEqual([{ entryKey: 'k1', outcome: 'written', entryId: ids[0] }]);
    expect(await shown(org, lead)).toEqual([expect.stringContaining('Hello again')]);
    const found = await connector.timeline.find([lead, contact], 'timeline');
    expect(found.toSorted((x, y) => (x.entryKey < y.entryKey ? -1 : 1))).toEqual([
      { entryKey: 'k1', entryId: ids[0], recordId: lead },
      { entryKey: 'k2', entryId: ids[1], recordId: contact },
    ]);
    await connector.timeline.remove([...ids, '4876876000999999999'], 'timeline');
    await connector.timeline.remove(ids, 'timeline');
    expect(await shown(org, lead)).toEqual([]);
    expect(await connector.timeline.find([lead, contact], 'timeline')).toEqual([]);
  });

  test('of a record that is gone, or has become another, are told so, and their neighbours stand', async () => {
    const org = await openProvisioned(rules);
    const [lead = '', contact = ''] = await people(org);
    const gone = `Leads/${await userMakes(org, 'Leads', { Last_Name: 'Gone' })}`;
    await org.control('DELETE', `/records/${gone}`);
    const outcomes = await write(
      org.connector,
      { entry: entry('k1', gone) },
      { entry: entry('k2', contact) },
    );
    expect(outcomes.map(({ entryKey, outcome }) => [entryKey, outcome])).toEqual([
      ['k1', 'gone'],
      ['k2', 'written'],
    ]);
    await write(org.connector, { entry: entry('k3', lead) });
    const became = `Contacts/${await userConverts(org, lead.split('/')[1] ?? '')}`;
    const [moved] = await write(org.connector, { entry: entry('k3', became, 'There') });
    expect(moved).toMatchObject({ outcome: 'written' });
    expect(await shown(org, became)).toContainEqual(expect.stringContaining('There'));
  });
});

test('a row is one however often it is written: our key makes no second one', async () => {
  const org = await openProvisioned();
  const [lead = ''] = await people(org);
  const [one] = await write(org.connector, { entry: entry('k1', lead) });
  const [other] = await write(org.connector, { entry: entry('k1', lead, 'Once more') });
  expect(other).toEqual(one);
  expect(await shown(org, lead)).toHaveLength(1);
  expect(org.connector.traits.timeline.writeClass).toBe('keyed');
});

test('who reads notes as no administrator is told what to do', async () => {
  const org = await openProvisioned({ edition: 'standard' });
  const [lead = ''] = await people(org);
  await write(org.connector, { entry: entry('k1', lead) });
  expect(org.connector.traits.timeline.writeClass).toBe('findable');
  await org.control('PUT', '/faults', { status: 403, code: 'NO_PERMISSION' });
  await expect(org.connector.timeline.find([lead], 'timeline')).rejects.toMatchObject({
    code: 'missing_scope',
    retry: 'never',
  });
});
