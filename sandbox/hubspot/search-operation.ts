import type { Answer } from '../http.ts';
import { toApiRecord, wantedProperties } from './api-record.ts';
import { valueOf } from './calculated-values.ts';
import { answerError } from './errors.ts';
import type { Asked, Operations } from './operation.ts';
import { reading } from './property-operations.ts';
import type { Seen } from '../shared/record.ts';
import type { RecordContext } from './record-context.ts';
import { objectionToSearch, type Search, searchBody } from './search-body.ts';
import { comparison, neededValues, orderOf, type Test, toQueryTest, toTest } from './search-filter.ts';

/** What `query` looks into. From memory. */
const queried = [
  'firstname',
  'lastname',
  'email',
  'phone',
  'mobilephone',
  'company',
  'hs_searchable_calculated_phone_number',
  'hs_searchable_calculated_mobile_number',
];

/** Contacts by what they hold, as they were rule `searchLagMs` ago. docs/vendors/hubspot.md §4.3. */
export function searchOperation({ objectType, catalogue, records, clock, rules }: RecordContext): Operations {
  const filtersOf = ({ filters }: Search['filterGroups'][number]) =>
    filters.flatMap((filter) => {
      const property = catalogue.properties.get(filter.propertyName);
      return property === undefined ? [] : [{ property, filter }];
    });

  /** All filters of any group, and all words of the query. */
  const testOf = ({ filterGroups, query }: Search): Test => {
    const groups = filterGroups.map((group) =>
      filtersOf(group).map(({ property, filter }) => toTest(property, filter)),
    );
    const asked = toQueryTest(queried, query);
    return (properties) =>
      (groups.length === 0 || groups.some((tests) => tests.every((test) => test(properties)))) &&
      (query === '' || asked(properties));
  };

  /** What every group's matches hold for certain, so that not all records need be looked at. */
  const narrowed = ({ filterGroups }: Search) => {
    const needs = filterGroups.map((group) => {
      for (const { property, filter } of filtersOf(group)) {
        const values = neededValues(property, filter);
        if (values !== undefined) return { property: property.name, values };
      }
      return undefined;
    });
    const known = needs.filter((need) => need !== undefined);
    return known.length > 0 && known.length === needs.length ? known : undefined;
  };

  /** Oldest record first unless asked otherwise; what is empty comes last. */
  const sorted = (found: readonly Seen[], [sort]: Search['sorts']): readonly Seen[] => {
    const property = catalogue.properties.get(sort?.propertyName ?? '');
    if (sort === undefined || property === undefined) return found;
    const compared = comparison(property);
    const direction = sort.descending ? -1 : 1;
    const keyed = found.map((seen) => {
      const value = valueOf(seen.properties, property.name);
      return { seen, key: value === undefined ? undefined : compared(value) };
    });
    return keyed
      .toSorted((a, b) => {
        if (a.key === undefined || b.key === undefined) {
          return Number(a.key === undefined) - Number(b.key === undefined);
        }
        return direction * orderOf(a.key, b.key);
      })
      .map(({ seen }) => seen);
  };

  /** The index's time, or a fault's that is further behind. */
  const indexedAt = (readAt: number | undefined): number | undefined => {
    const { searchLagMs } = rules();
    if (searchLagMs === 0) return readAt;
    return Math.min(readAt ?? Infinity, clock.now() - searchLagMs);
  };

  const search = (body: Search, asked: Asked): Answer => {
    const objection = objectionToSearch(catalogue, body, asked.length);
    if (objection !== undefined) return answerError(objection);
    const test = testOf(body);
    const found = records.matching(
      ({ properties }) => test(properties),
      indexedAt(asked.readAt),
      narrowed(body),
    );
    const start = Number(body.after);
    const end = start + body.limit;
    const wanted = wantedProperties(objectType, body.properties);
    const results = sorted(found, body.sorts)
      .slice(start, end)
      .map((seen) => toApiRecord(objectType, seen, wanted));
    const paging = found.length > end ? { paging: { next: { after: String(end) } } } : {};
    return { status: 200, body: { total: found.length, results, ...paging } };
  };

  return { [`POST /crm/objects/${objectType.name}/search`]: reading(searchBody, search) };
}
