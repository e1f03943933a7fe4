import { z } from 'zod';
import type { Catalogue } from './catalogue.ts';
import { type HubspotError, validationError } from './errors.ts';

/** What a search asks for, and what HubSpot will not look for. docs/vendors/hubspot.md §4.3. */

const operators = [
  'EQ',
  'NEQ',
  'LT',
  'LTE',
  'GT',
  'GTE',
  'BETWEEN',
  'IN',
  'NOT_IN',
  'HAS_PROPERTY',
  'NOT_HAS_PROPERTY',
  'CONTAINS_TOKEN',
  'NOT_CONTAINS_TOKEN',
] as const;

const groupsMax = 5;
const filtersOfGroupMax = 6;
const filtersMax = 18;
const pageMax = 200;
const resultsMax = 10_000;
const bodyMax = 3_000;

const comparand = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const filter = z.object({
  propertyName: z.string(),
  operator: z.enum(operators),
  value: comparand.optional(),
  highValue: comparand.optional(),
  values: z.array(comparand).optional(),
});

const sort = z
  .union([
    z.string().transform((propertyName) => ({ propertyName, direction: undefined })),
    z.object({ propertyName: z.string(), direction: z.enum(['ASCENDING', 'DESCENDING']).optional() }),
  ])
  .transform(({ propertyName, direction }) => ({ propertyName, descending: direction === 'DESCENDING' }));

export const searchBody = z.object({
  filterGroups: z.array(z.object({ filters: z.array(filter).min(1) })).default([]),
  query: z.string().default(''),
  sorts: z.array(sort).max(1).default([]),
  properties: z.array(z.string()).default([]),
  limit: z.int().min(1).max(pageMax).default(10),
  /** How many results to pass over. */
  after: z.union([z.literal(''), z.coerce.number().int().min(0)]).default(0),
});

export type Search = z.infer<typeof searchBody>;
export type SearchFilter = z.infer<typeof filter>;

/** `length` of the body as it was sent, in characters. */
export function objectionToSearch(
  catalogue: Catalogue,
  search: Search,
  length: number,
): HubspotError | undefined {
  const { filterGroups, sorts, limit, after } = search;
  const filters = filterGroups.flatMap((group) => group.filters);
  if (length > bodyMax) return validationError(`The body may have ${String(bodyMax)} characters at most.`);
  if (filterGroups.length > groupsMax) {
    return validationError(`At most ${String(groupsMax)} filterGroups are allowed.`);
  }
  if (filterGroups.some((group) => group.filters.length > filtersOfGroupMax)) {
    return validationError(`At most ${String(filtersOfGroupMax)} filters are allowed in a group.`);
  }
  if (filters.length > filtersMax) {
    return validationError(`At most ${String(filtersMax)} filters are allowed.`);
  }
  if (Number(after) + limit > resultsMax) {
    return validationError(`Paging past the first ${String(resultsMax)} results is not possible.`);
  }
  const unknown = [...filters, ...sorts].find(({ propertyName }) => !catalogue.properties.has(propertyName));
  if (unknown !== undefined) {
    return validationError(`There is no property ${unknown.propertyName} to search by.`);
  }
  const bare = filters.find((each) => !hasComparand(each));
  return bare === undefined
    ? undefined
    : validationError(`Operator ${bare.operator} on ${bare.propertyName} lacks what to compare with.`);
}

function hasComparand({ operator, value, highValue, values }: SearchFilter): boolean {
  switch (operator) {
    case 'HAS_PROPERTY':
    case 'NOT_HAS_PROPERTY':
      return true;
    case 'IN':
    case 'NOT_IN':
      return values !== undefined && values.length > 0;
    case 'BETWEEN':
      return value !== undefined && highValue !== undefined;
    default:
      return value !== undefined;
  }
}
