import type { WriteOutcome } from '@sangam/core/crm';
import { z } from 'zod';
import { incomplete } from '../shared/outcomes.ts';
import { recordIdOf } from './modules.ts';
import type { Item } from './record-api.ts';
import { vendor } from './vendor.ts';

/** What Zoho says of the records of one write. Shapes: docs/vendors/zoho.md §2.2, §4.2, §4.8. */

export const success = 'SUCCESS';

/** One thing that is wrong with a record. */
export interface Problem {
  readonly code: string;
  /** The field it is about. */
  readonly field: string | undefined;
  /** The record that holds what only one may hold. */
  readonly holder: { readonly id: string; readonly module: string | undefined } | undefined;
  /** It says what the field takes. */
  readonly explained: boolean;
  readonly explanation: string;
}

const text = z.string().optional().catch(undefined);
const detailsOf = z.looseObject({
  api_name: text,
  json_path: text,
  id: text,
  expected_data_type: text,
  maximum_length: z.number().optional().catch(undefined),
  duplicate_record: z
    .looseObject({ id: text, module: z.looseObject({ api_name: text }).optional().catch(undefined) })
    .optional()
    .catch(undefined),
});
const inner = z.looseObject({
  code: z.string(),
  message: text,
  details: z.record(z.string(), z.unknown()).catch({}).default({}),
});

/** Each by itself where there are several. */
export function problemsOf(item: Item): Problem[] {
  if (item.code !== 'MULTIPLE_OR_MULTI_ERRORS') return [problemOf(item)];
  const several = z.array(inner).safeParse(item.errors ?? item.details['errors']);
  return several.success && several.data.length > 0 ? several.data.map(problemOf) : [problemOf(item)];
}

function problemOf({ code, message, details }: Pick<Item, 'code' | 'message' | 'details'>): Problem {
  const said = detailsOf.parse(details);
  const {
    api_name: field,
    expected_data_type: type,
    maximum_length: length,
    duplicate_record: record,
  } = said;
  const id = record?.id ?? (code === 'DUPLICATE_DATA' ? said.id : undefined);
  const wants = [
    ...(type === undefined ? [] : [`it takes: ${type}`]),
    ...(length === undefined ? [] : [`it takes ${String(length)} characters`]),
    ...(id === undefined ? [] : [`record ${id} holds it`]),
  ];
  const about = [field, code, message?.slice(0, 200), ...wants].filter(
    (one) => one !== undefined && one !== '',
  );
  return {
    code,
    field,
    holder: id === undefined ? undefined : { id, module: record?.module?.api_name },
    explained: wants.length > 0,
    explanation: `Zoho CRM refused what was written (${about.join('; ')}).`,
  };
}

/** Set by a person or a rule, and lifted by one. docs/vendors/zoho.md §4.8. */
const locks: ReadonlySet<string> = new Set(['RECORD_LOCKED', 'NOT_APPROVED']);
/** Of the field a process moves, where it names one: the others can be written. */
const blueprint = 'RECORD_IN_BLUEPRINT';
/** Passes with time. */
const busy: ReadonlySet<string> = new Set(['INTERNAL_ERROR', 'TOO_MANY_REQUESTS']);

/** Whether it says that there is no such record, or that it has become another. docs/vendors/zoho.md §4.5. */
export function isElsewhere(problems: readonly Problem[]): boolean {
  return problems.some(
    ({ code, field }) =>
      code === 'ID_ALREADY_CONVERTED' ||
      code === 'RECORD_NOT_FOUND' ||
      (code === 'INVALID_DATA' && field === 'id'),
  );
}

/** What became of a record that was not written. */
export function refusedOutcome(
  item: string,
  problems: readonly Problem[],
  by: {
    readonly module: string;
    readonly creates: boolean;
    readonly contactIdField: string;
    readonly phoneFields: readonly string[];
  },
): WriteOutcome {
  const { module, creates, contactIdField, phoneFields } = by;
  // Whoever holds our id is the person, whatever else is wrong.
  const [first, ...others] = [...problems].toSorted(
    (x, y) => Number(y.field === contactIdField) - Number(x.field === contactIdField),
  );
  if (first === undefined) throw incomplete(vendor);
  const { code, field, holder, explanation } = first;
  const passes = busy.has(code) || locks.has(code) || (code === blueprint && others.length === 0);
  if (passes) return { item, outcome: 'later', code: code.toLowerCase(), retry: 'later', explanation };
  if (holder !== undefined) {
    const recordId = recordIdOf(holder.module ?? module, holder.id);
    if (creates && field === contactIdField) {
      return { item, outcome: 'exists', recordId, by: 'our id', explanation };
    }
    if (creates && field !== undefined && phoneFields.includes(field)) {
      return { item, outcome: 'exists', recordId, by: 'phone', explanation };
    }
    return { item, outcome: 'taken', recordId, ...fieldOf(field), explanation };
  }
  return { item, outcome: 'refused', code, ...fieldOf(field), explanation };
}

function fieldOf(field: string | undefined): { field?: string } {
  return field === undefined ? {} : { field };
}

/**
 * Which answer is whose. Zoho gives as many as it was sent, in that order as far as anybody has seen (docs/vendors/zoho.md §2.2):
 * an answer that says which it is about is believed, the others go to those that are left, in their order.
 */
export function inPlaces(
  sent: number,
  said: readonly Item[],
  placeOf: (item: Item) => number | undefined,
): Item[] {
  if (said.length !== sent) throw incomplete(vendor);
  const places = new Map<number, Item>();
  const rest: Item[] = [];
  for (const item of said) {
    const place = placeOf(item) ?? pathPlace(item);
    if (place === undefined || place >= sent || places.has(place)) rest.push(item);
    else places.set(place, item);
  }
  return Array.from({ length: sent }, (_, place) => {
    const item = places.get(place) ?? rest.shift();
    if (item === undefined) throw incomplete(vendor);
    return item;
  });
}

/** `$.data[3].Email`: of the fourth. */
function pathPlace(item: Item): number | undefined {
  const several = z.array(inner).safeParse(item.errors ?? item.details['errors']);
  const all = [item.details, ...(several.success ? several.data.map(({ details }) => details) : [])];
  for (const details of all) {
    const place = /^\$\.data\[(\d+)\]/.exec(detailsOf.parse(details).json_path ?? '')?.[1];
    if (place !== undefined) return Number(place);
  }
  return undefined;
}
