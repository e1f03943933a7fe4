import fc from 'fast-check';
import { expect, test } from 'vitest';
import { startSandboxFixture, type SandboxFixture } from '../testing/sandbox-fixture.ts';

let fixture: SandboxFixture;
const searchLagMs = 3_600_000;
const cities = ['pune', 'delhi', 'goa'] as const;

interface Act {
  readonly act: 'create' | 'change' | 'delete' | 'restore' | 'merge';
  readonly id: number;
  readonly into: number;
  readonly city: string;
}

const acts = fc.array(
  fc.record<Act>({
    act: fc.constantFrom('create', 'create', 'change', 'delete', 'restore', 'merge'),
    id: fc.integer({ min: 101, max: 103 }),
    into: fc.integer({ min: 101, max: 103 }),
    city: fc.constantFrom(...cities, 'Pune', ''),
  }),
  { maxLength: 15 },
);

async function perform({ act, id, into, city }: Act): Promise<void> {
  const path = '/hubspot/records/contacts';
  const record = `${path}/${String(id)}`;
  const properties = { firstname: 'A', city };
  if (act === 'create') await fixture.call('POST', path, { properties });
  if (act === 'change') await fixture.call('PATCH', record, { properties });
  if (act === 'delete') await fixture.call('DELETE', record);
  if (act === 'restore') await fixture.call('POST', `${record}/restore`);
  if (act === 'merge') {
    await fixture.call('POST', `${path}/merge`, { primaryId: String(into), mergedId: String(id) });
  }
}

type ByCity = Record<string, string[]>;

/** What a user sees now. */
async function held(): Promise<ByCity> {
  const { body } = await fixture.call('GET', '/hubspot/records/contacts');
  const { results } = body as { results: { id: string; properties: { city?: string } }[] };
  const idsIn = (city: string) =>
    results.filter(({ properties }) => properties.city?.toLowerCase() === city).map(({ id }) => id);
  return Object.fromEntries(cities.map((city) => [city, idsIn(city)]));
}

/** What search finds: EQ is looked up, CONTAINS_TOKEN looks at every record. */
async function found(operator: 'EQ' | 'CONTAINS_TOKEN'): Promise<ByCity> {
  const byCity: ByCity = {};
  for (const city of cities) {
    const { body } = await fixture.hubspot('POST', '/crm/objects/2026-03/contacts/search', {
      filterGroups: [{ filters: [{ propertyName: 'city', operator, value: city }] }],
      limit: 200,
    });
    byCity[city] = (body as { results: { id: string }[] }).results.map(({ id }) => id);
  }
  return byCity;
}

test('search finds what records held before its lag, whatever happened to them since', async () => {
  await fc.assert(
    fc.asyncProperty(acts, acts, async (earlier, since) => {
      fixture = await startSandboxFixture({
        rules: { hubspot: { searchLimitMax: 0, rateLimitMax: 0, searchLagMs } },
      });
      try {
        for (const act of earlier) await perform(act);
        const before = await held();
        await fixture.call('PUT', '/clock', { advanceMs: searchLagMs });
        for (const act of since) await perform(act);
        expect(await found('EQ')).toEqual(before);
        expect(await found('CONTAINS_TOKEN')).toEqual(before);
        const after = await held();
        await fixture.call('PUT', '/clock', { advanceMs: searchLagMs });
        expect(await found('EQ')).toEqual(after);
        expect(await found('CONTAINS_TOKEN')).toEqual(after);
      } finally {
        await fixture.stop();
      }
    }),
    { numRuns: 40 },
  );
});
