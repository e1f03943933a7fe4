/** Looking through the sandbox's HubSpot, over HTTP. */
import type { Connector, ScanPage } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { openProvisioned, type TestPortal, userCreates } from './test-sandbox.ts';

async function scanAll(
  connector: Connector,
  from: { changedSince?: number },
  fields: readonly string[] = [],
  between: () => Promise<void> = async () => undefined,
): Promise<ScanPage[]> {
  const pages: ScanPage[] = [];
  let cursor: string | undefined;
  do {
    const page = await connector.scan(
      { ...from, ...(cursor === undefined ? {} : { cursor }) },
      fields,
      'import',
    );
    pages.push(page);
    cursor = page.next;
    await between();
  } while (cursor !== undefined);
  return pages;
}
const recordIds = (pages: readonly ScanPage[]): Set<string> =>
  new Set(pages.flatMap(({ records }) => records.map(({ recordId }) => recordId)));
const goneIds = (pages: readonly ScanPage[]): string[] =>
  pages.flatMap(({ gone }) => gone.map(({ recordId }) => recordId));

/** So many records, all of one millisecond. */
async function userImports(portal: TestPortal, count: number, name = 'x'): Promise<string[]> {
  const records = Array.from({ length: count }, (_, n) => ({ properties: { firstname: `${name}${n}` } }));
  const body = (await portal.control('POST', '/records/contacts/batch', { records })) as { ids: string[] };
  return body.ids;
}

test('a look through everything gives each living record once, a page at a time', async () => {
  const portal = await openProvisioned();
  const ids = await userImports(portal, 250);
  await portal.control('DELETE', `/records/contacts/${ids[7]}`);
  const pages = await scanAll(portal.connector, {}, ['firstname']);
  expect(pages.map(({ records }) => records.length)).toEqual([100, 100, 49]);
  expect(recordIds(pages)).toEqual(new Set(ids.toSpliced(7, 1)));
  expect(pages[0]?.records[0]).toMatchObject({ recordId: ids[0], values: { firstname: 'x0' } });
  expect(goneIds(pages)).toEqual([]);
});

describe('a look for changes', () => {
  test('gives what changed since then, and nothing older, and goes through no list of deleted records', async () => {
    const portal = await openProvisioned();
    const [old, changed, goneBefore, goneSince] = [
      await userCreates(portal, { firstname: 'Old' }),
      await userCreates(portal, { firstname: 'Changed' }),
      await userCreates(portal, { firstname: 'Gone before' }),
      await userCreates(portal, { firstname: 'Gone since' }),
    ];
    await portal.control('DELETE', `/records/contacts/${goneBefore}`);
    portal.clock.advance(60_000);
    const changedSince = portal.clock.now();
    portal.clock.advance(60_000);
    await portal.control('PATCH', `/records/contacts/${changed}`, { properties: { lastname: 'Rao' } });
    await portal.control('DELETE', `/records/contacts/${goneSince}`);
    const fresh = await userCreates(portal, { firstname: 'Fresh' });

    const pages = await scanAll(portal.connector, { changedSince }, ['lastname']);
    expect(recordIds(pages)).toEqual(new Set([changed, fresh]));
    expect(recordIds(pages)).not.toContain(old);
    expect(pages[0]?.records).toContainEqual(
      expect.objectContaining({ recordId: changed, values: { lastname: 'Rao' } }),
    );
    expect(goneIds(pages)).toEqual([]);
    const { byOperation } = (await portal.control('GET', '/calls')) as { byOperation: object };
    expect(Object.keys(byOperation)).not.toContain('GET /crm/objects/contacts');
  });

  test('tells what was merged away, and where it lives on', async () => {
    const portal = await openProvisioned();
    const primaryId = await userCreates(portal, { firstname: 'Asha' });
    const mergedId = await userCreates(portal, { firstname: 'Twin' });
    portal.clock.advance(60_000);
    const changedSince = portal.clock.now();
    const { id } = (await portal.control('POST', '/records/contacts/merge', { primaryId, mergedId })) as {
      id: string;
    };
    const [page] = await scanAll(portal.connector, { changedSince });
    const away = [primaryId, mergedId].filter((one) => one !== id);
    expect(page?.merged.map(({ recordId, into }) => ({ recordId, into }))).toEqual(
      away.map((recordId) => ({ recordId, into: id })),
    );
    const [whole] = await scanAll(portal.connector, {});
    expect(whole?.merged).toEqual(page?.merged);
  });

  test('goes through any number that changed in one millisecond', async () => {
    const portal = await openProvisioned();
    const changedSince = portal.clock.now();
    const before = await userImports(portal, 3, 'before');
    portal.clock.advance(1_000);
    const imported = await userImports(portal, 650);
    portal.clock.advance(1_000);
    const after = await userImports(portal, 3, 'after');
    const pages = await scanAll(portal.connector, { changedSince });
    expect(recordIds(pages)).toEqual(new Set([...before, ...imported, ...after]));
  });

  test('misses nobody while others change under it', async () => {
    const portal = await openProvisioned();
    const changedSince = portal.clock.now();
    const ids: string[] = [];
    for (let n = 0; n < 9; n += 1) {
      ids.push(...(await userImports(portal, 60, `batch ${n} `)));
      portal.clock.advance(1_000);
    }
    let n = 0;
    const pages = await scanAll(portal.connector, { changedSince }, [], async () => {
      if (n >= 3) return;
      portal.clock.advance(1_000);
      for (const id of ids.slice(n * 20, n * 20 + 20)) {
        await portal.control('PATCH', `/records/contacts/${id}`, { properties: { lastname: `${n}` } });
      }
      n += 1;
    });
    expect(recordIds(pages)).toEqual(new Set(ids));
  });

  test('reads more fields than a search can name', async () => {
    const portal = await openProvisioned();
    const id = await userCreates(portal, { firstname: 'Asha' });
    const fields = ['firstname', ...Array.from({ length: 200 }, (_, n) => `a_field_of_the_portal_${n}`)];
    const [page] = await scanAll(portal.connector, { changedSince: 0 }, fields);
    expect(page?.records).toMatchObject([{ recordId: id, values: { firstname: 'Asha' } }]);
    expect(Object.keys(page?.records[0]?.values ?? {})).toEqual(fields);
  });
});

test('a cursor of somebody else is a bug', async () => {
  const { connector } = await openProvisioned();
  await expect(connector.scan({ cursor: '200' }, [], 'import')).rejects.toThrow(RangeError);
});
