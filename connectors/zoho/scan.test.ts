import type { Connector, CrmRecord, ScanPage } from '@sangam/core/crm';
import { expect, test } from 'vitest';
import { openProvisioned, type TestOrg, userConverts, userMakes } from './test-org.ts';

async function look(
  connector: Connector,
  changedSince?: number,
): Promise<Omit<ScanPage, 'next'> & { pages: number }> {
  const found = {
    records: [] as CrmRecord[],
    gone: [] as ScanPage['gone'][number][],
    merged: [] as ScanPage['merged'][number][],
    deals: [] as NonNullable<ScanPage['deals']>[number][],
  };
  let pages = 0;
  let cursor: string | undefined;
  do {
    const page: ScanPage = await connector.scan(
      {
        ...(changedSince === undefined ? {} : { changedSince }),
        ...(cursor === undefined ? {} : { cursor }),
      },
      ['Last_Name'],
      'import',
    );
    found.records.push(...page.records);
    found.gone.push(...page.gone);
    found.merged.push(...page.merged);
    found.deals.push(...(page.deals ?? []));
    cursor = page.next;
    pages += 1;
  } while (cursor !== undefined);
  return { ...found, pages };
}

async function insert(org: TestOrg, module: string, count: number): Promise<void> {
  for (let start = 0; start < count; start += 100) {
    const data = Array.from({ length: Math.min(100, count - start) }, (_, index) => ({
      Last_Name: `Person ${String(start + index)}`,
    }));
    await org.api('POST', `/${module}`, { data });
  }
}

test('a look at everything sees each record of both modules once, what became of leads, and deals', async () => {
  const org = await openProvisioned({ coqlRowsMax: 200 });
  await insert(org, 'Leads', 450);
  await insert(org, 'Contacts', 3);
  const lead = await userMakes(org, 'Leads', { Last_Name: 'Converted' });
  const contact = await userConverts(org, lead);
  const deal = await userMakes(org, 'Deals', {
    Deal_Name: 'D',
    Stage: 'Qualification',
    Contact_Name: contact,
  });
  await userMakes(org, 'Deals', { Deal_Name: 'Of nobody', Stage: 'Qualification' });
  const { records, merged, deals, gone } = await look(org.connector);
  expect(new Set(records.map(({ recordId }) => recordId)).size).toBe(454);
  expect(records).toHaveLength(454);
  expect(merged).toMatchObject([{ recordId: `Leads/${lead}`, into: `Contacts/${contact}` }]);
  expect(deals).toMatchObject([
    { dealId: deal, personRecordId: `Contacts/${contact}`, values: { Stage: 'Qualification' } },
  ]);
  expect(gone).toEqual([]);
});

test('a look at changes sees what changed since, page after page of one second, and what was deleted', async () => {
  const org = await openProvisioned();
  await insert(org, 'Leads', 5);
  const deleted = await userMakes(org, 'Contacts', { Last_Name: 'Deleted' });
  org.clock.advance(60_000);
  const since = org.clock.now();
  expect(await look(org.connector, since)).toMatchObject({ records: [], gone: [], merged: [], deals: [] });
  await insert(org, 'Leads', 450);
  await org.control('DELETE', `/records/Contacts/${deleted}`);
  const { records, gone } = await look(org.connector, since);
  expect(new Set(records.map(({ values }) => values['Last_Name'])).size).toBe(450);
  expect(gone).toMatchObject([{ recordId: `Contacts/${deleted}` }]);
  expect(Math.abs((gone[0]?.at ?? 0) - org.clock.now())).toBeLessThan(10_000);
});

test('who may not see deals sees all else', async () => {
  const org = await openProvisioned();
  const since = org.clock.now() - 1_000;
  await userMakes(org, 'Leads', { Last_Name: 'Lead' });
  let page = await org.connector.scan({ changedSince: since }, [], 'import');
  while (page.next?.includes('"Deals"') === false)
    page = await org.connector.scan({ cursor: page.next }, [], 'import');
  await org.control('PUT', '/faults', { status: 403, code: 'NO_PERMISSION' });
  const last = await org.connector.scan({ cursor: page.next ?? '' }, [], 'import');
  expect(last).toEqual({ records: [], gone: [], merged: [] });
});
