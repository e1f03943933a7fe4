import type { Connector, CrmRecord, ScanPage } from '@sangam/core/crm';
import { expect, test } from 'vitest';
import {
  type Canned,
  openProvisioned,
  type TestOrg,
  userConverts,
  userMakes,
  zohoAnswering,
} from './test-org.ts';

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

/** Fifty leads that were converted at this time. */
function convertedPage(first: number, at: string, more: boolean, token?: string): Canned {
  const lead = (index: number) => ({
    id: `4870000000001${String(index).padStart(5, '0')}`,
    Modified_Time: at,
    Converted__s: true,
    Converted_Contact: { id: '487000000000900000' },
  });
  return {
    body: {
      data: Array.from({ length: 50 }, (_, index) => lead(first + index)),
      info: { more_records: more, next_page_token: token ?? null },
    },
  };
}

const times = ['2026-11-01T09:00:00+05:30', '2026-11-02T09:00:00+05:30'] as const;

test('converted leads are gone through by their times beyond the pages Zoho gives, a few at a time', async () => {
  const page = (first: number, at: string, more: boolean): Canned =>
    convertedPage(first, at, more, 'of one user, for a day');
  const pages = Array.from({ length: 40 }, (_, index) => page(index * 50, times[0], true));
  const { connector, sent } = await zohoAnswering(...pages, page(2_000, times[1], false));
  const merged = new Set<string>();
  let cursor: string | undefined;
  for (let step = 0; step < 41; step += 1) {
    const found = await connector.scan(cursor === undefined ? {} : { cursor }, [], 'import');
    for (const { recordId } of found.merged) merged.add(recordId);
    cursor = found.next;
  }
  expect(merged.size).toBe(2_050);
  expect(cursor).toBe(JSON.stringify({ step: 'Contacts' }));
  const asked = sent.map(({ path }) => new URL(path, 'http://zoho').searchParams);
  expect(asked.map((query) => query.get('page')).slice(-2)).toEqual(['40', '1']);
  expect(asked.every((query) => query.get('page_token') === null)).toBe(true);
  expect(sent.at(-1)?.since).toBe('2026-11-01T03:29:59+00:00');
});

test.each(['token', 'token that ends', 'no token'])(
  'more leads converted within one second than pages reach are gone on with by what the pages name: %s',
  async (names) => {
    const token = names === 'no token' ? undefined : 'next';
    // What reaches so far, from the beginning and then from that second on.
    const reached = [0, 1].flatMap(() =>
      Array.from({ length: 40 }, (_, index) => convertedPage(index * 50, times[0], true, token)),
    );
    const ended = { code: 'EXPIRED_VALUE', details: {}, message: '', status: 'error' };
    const { connector, sent } = await zohoAnswering(
      ...reached,
      ...(names === 'token that ends'
        ? [{ status: 400, body: ended }, convertedPage(0, times[0], false)]
        : names === 'token'
          ? [convertedPage(2_000, times[0], true, 'last'), convertedPage(2_050, times[1], false)]
          : [convertedPage(2_000, times[1], false)]),
    );
    let cursor: string | undefined;
    const incomplete: boolean[] = [];
    const merged = new Set<string>();
    do {
      const found = await connector.scan(cursor === undefined ? {} : { cursor }, [], 'import');
      for (const { recordId } of found.merged) merged.add(recordId);
      incomplete.push(found.incomplete === true);
      cursor = found.next;
    } while (cursor?.includes('converted') === true);
    const tokens = sent.map(({ path }) => new URL(path, 'http://zoho').searchParams.get('page_token'));
    expect(tokens.filter((one) => one !== null)).toEqual(
      names === 'token' ? ['next', 'last'] : names === 'no token' ? [] : ['next'],
    );
    expect(merged.size).toBe(names === 'token' ? 2_100 : names === 'no token' ? 2_050 : 2_000);
    // Where nothing goes on that is said.
    expect(incomplete.filter(Boolean)).toHaveLength(names === 'no token' ? 1 : 0);
  },
);

test('more deletions than pages reach are said to be more, and keep nothing else', async () => {
  const beyond = { code: 'DISCRETE_PAGINATION_LIMIT_EXCEEDED', details: {}, message: '', status: 'error' };
  const at = (page: number) => ({
    cursor: JSON.stringify({ step: 'deleted', of: 'Leads', since: 0, page }),
  });
  const { connector } = await zohoAnswering({ status: 400, body: beyond }, { status: 400, body: beyond });
  const next = JSON.stringify({ step: 'deleted', of: 'Contacts', since: 0, page: 1 });
  expect(await connector.scan(at(11), [], 'import')).toMatchObject({ gone: [], incomplete: true, next });
  await expect(connector.scan(at(10), [], 'import')).rejects.toMatchObject({ code: 'batch_refused' });
});

const ofDeals = { cursor: JSON.stringify({ step: 'Deals', since: 0 }) };
const refusedQuery = {
  status: 400,
  body: { code: 'INVALID_QUERY', details: { column_name: 'Contact_Name' }, message: '', status: 'error' },
};
const fieldsOf = (...names: string[]) => ({
  body: { fields: names.map((api_name, index) => ({ id: String(index), api_name, data_type: 'text' })) },
});

test('who may not see whose deals are is told nothing of them', async () => {
  const { connector } = await zohoAnswering(refusedQuery, fieldsOf('Deal_Name', 'Stage'));
  expect(await connector.scan(ofDeals, [], 'import')).toEqual({ records: [], gone: [], merged: [] });
});

test('a query of deals that is refused for another reason is made again', async () => {
  const { connector } = await zohoAnswering(refusedQuery, fieldsOf('Contact_Name', 'Stage'));
  await expect(connector.scan(ofDeals, [], 'import')).rejects.toMatchObject({ retry: 'later' });
});

test('of what was deleted, what cannot be read keeps nothing else', async () => {
  const data = [
    { id: '1', deleted_time: '2026-11-27T00:00:00+05:30' },
    { id: '2', deleted_time: null },
  ];
  const { connector } = await zohoAnswering({ body: { data } });
  const cursor = JSON.stringify({ step: 'deleted', of: 'Leads', since: 0, page: 1 });
  expect((await connector.scan({ cursor }, [], 'import')).gone).toEqual([
    { recordId: 'Leads/1', at: Date.parse('2026-11-26T18:30:00Z') },
  ]);
});

test('a query asks no more columns of leads than their module has', async () => {
  const fields = {
    body: {
      fields: ['Last_Name', 'Created_Time', 'Modified_Time', 'Sangam_Contact_ID'].map((api_name) => ({
        id: api_name,
        api_name,
        data_type: 'text',
      })),
    },
  };
  const { connector, sent } = await zohoAnswering(fields, { status: 204 });
  await connector.scan({ cursor: JSON.stringify({ step: 'Leads' }) }, [], 'import');
  expect(JSON.stringify(sent.at(-1)?.body)).toContain(
    `select id, Created_Time, Modified_Time, Sangam_Contact_ID from`,
  );
});
