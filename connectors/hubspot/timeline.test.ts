/** The timeline of the sandbox's HubSpot, over HTTP. */
import type { TimelineEntry } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { answers, openProvisioned, recordsIn, type TestPortal, userCreates } from './test-sandbox.ts';

const at = Date.UTC(2026, 10, 23, 4, 32);

const entry = (recordId: string, entryKey: string, text = 'Hello'): TimelineEntry => ({
  entryKey,
  recordId,
  at,
  title: 'WhatsApp with Asha Rao',
  lines: [{ at, direction: 'in', sender: 'Asha Rao', text, replied: false }],
});

const texts = async (portal: TestPortal, recordId: string): Promise<string[]> =>
  (await recordsIn(portal)).find(({ id }) => id === recordId)?.timeline.map(({ text }) => text) ?? [];

describe.each(answers)('in a HubSpot where %s', (_answer, rules) => {
  test('entries stand on their record, are found by their key, and rewritten in place', async () => {
    const portal = await openProvisioned(rules);
    const record = await userCreates(portal, { firstname: 'Asha' });
    const written = await portal.connector.timeline.write([{ entry: entry(record, 'k1') }], 'timeline');
    expect(written).toEqual([{ entryKey: 'k1', outcome: 'written', entryId: expect.any(String) as unknown }]);
    const [found] = await portal.connector.timeline.find([record, '999999'], 'timeline');
    expect(written).toMatchObject([{ entryId: found?.entryId }]);
    expect(found).toMatchObject({ entryKey: 'k1', recordId: record });

    const entryId = found?.entryId ?? '';
    const rewriting = { entry: entry(record, 'k1', 'Hello again'), entryId };
    const fresh = { entry: entry(record, 'k2', 'Another day') };
    const outcomes = await portal.connector.timeline.write([fresh, rewriting], 'timeline');
    expect(outcomes).toHaveLength(2);
    expect(outcomes).toContainEqual({ entryKey: 'k1', outcome: 'written', entryId });
    const shown = await texts(portal, record);
    expect(shown).toHaveLength(2);
    expect(shown.join()).toMatch(/Hello again.*Another day|Another day.*Hello again/s);
  });

  test('an entry or record that is gone leaves its neighbours written', async () => {
    const portal = await openProvisioned(rules);
    const [gone, kept] = [
      await userCreates(portal, { firstname: 'Gone' }),
      await userCreates(portal, { firstname: 'Kept' }),
    ];
    await portal.control('DELETE', `/records/contacts/${gone}`);
    const written = await portal.connector.timeline.write(
      [{ entry: entry(gone, 'k1') }, { entry: entry(kept, 'k2') }],
      'timeline',
    );
    expect(new Map(written.map(({ entryKey, outcome }) => [entryKey, outcome]))).toEqual(
      new Map([
        ['k1', 'gone'],
        ['k2', 'written'],
      ]),
    );
    const [found] = await portal.connector.timeline.find([kept], 'timeline');
    const rewrites = [
      { entry: entry(kept, 'k3'), entryId: '999999' },
      { entry: entry(kept, 'k2', 'again'), entryId: found?.entryId ?? '' },
    ];
    const outcomes = await portal.connector.timeline.write(rewrites, 'timeline');
    expect(new Map(outcomes.map(({ entryKey, outcome }) => [entryKey, outcome]))).toEqual(
      new Map([
        ['k3', 'gone'],
        ['k2', 'written'],
      ]),
    );
    expect((await texts(portal, kept)).join()).toContain('again');
  });
});

test('what a rep logged themselves is no entry of ours', async () => {
  const portal = await openProvisioned();
  const record = await userCreates(portal, { firstname: 'Asha' });
  await portal.api('POST', '/crm/objects/2026-03/communications', {
    properties: {
      hs_communication_channel_type: 'WHATS_APP',
      hs_communication_logged_from: 'CRM',
      hs_communication_body: 'Called them back',
      hs_timestamp: new Date(at).toISOString(),
    },
    associations: [
      {
        to: { id: record },
        types: [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 81 }],
      },
    ],
  });
  await portal.connector.timeline.write([{ entry: entry(record, 'k1') }], 'timeline');
  expect(await portal.connector.timeline.find([record], 'timeline')).toMatchObject([{ entryKey: 'k1' }]);
  expect(await texts(portal, record)).toHaveLength(2);
});

test('twins are both found, and one can be removed, more than once', async () => {
  const portal = await openProvisioned();
  const record = await userCreates(portal, { firstname: 'Asha' });
  for (let n = 0; n < 2; n += 1)
    await portal.connector.timeline.write([{ entry: entry(record, 'k1') }], 'timeline');
  const twins = await portal.connector.timeline.find([record], 'timeline');
  expect(twins.map(({ entryKey }) => entryKey)).toEqual(['k1', 'k1']);
  const second = twins[1]?.entryId ?? '';
  await portal.connector.timeline.remove([second], 'timeline');
  await portal.connector.timeline.remove([second, '999999'], 'timeline');
  expect(await portal.connector.timeline.find([record], 'timeline')).toEqual(twins.slice(0, 1));
});

test('an entry whose writing got no answer can be found', async () => {
  const portal = await openProvisioned();
  const record = await userCreates(portal, { firstname: 'Asha' });
  await portal.control('PUT', '/faults', { dropConnection: 'after', times: 1 });
  const write = portal.connector.timeline.write([{ entry: entry(record, 'k1') }], 'timeline');
  await expect(write).rejects.toMatchObject({ code: 'unreachable', retry: 'later' });
  expect(await portal.connector.timeline.find([record], 'timeline')).toMatchObject([{ entryKey: 'k1' }]);
});

test('entries of more communications than one call reads are all found', async () => {
  const portal = await openProvisioned();
  const record = await userCreates(portal, { firstname: 'Asha' });
  const keys = Array.from({ length: 250 }, (_, n) => `k${n}`);
  for (let start = 0; start < keys.length; start += portal.connector.traits.sizes.entries) {
    const some = keys.slice(start, start + portal.connector.traits.sizes.entries);
    await portal.connector.timeline.write(
      some.map((key) => ({ entry: entry(record, key) })),
      'timeline',
    );
  }
  const found = await portal.connector.timeline.find([record], 'timeline');
  expect(new Set(found.map(({ entryKey }) => entryKey))).toEqual(new Set(keys));
});
