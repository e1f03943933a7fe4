import type { AccountChanges, CrmChange } from '@sangam/core/crm';
import { z } from 'zod';
import { parseJson } from '../shared/json.ts';
import { usualNames } from './account-facts.ts';
import { isPersonModule, recordIdOf } from './modules.ts';
import { convertedField } from './read.ts';
import { fromJson } from './values.ts';

/** What Zoho tells a watch's address. Shape: docs/vendors/zoho.md §6.2. */

const id = z.union([z.string().min(1), z.number()]).transform(String);
const values = z.record(z.string(), z.unknown()).catch({}).default({});

export const callback = z.looseObject({
  module: z.string(),
  operation: z.string(),
  /** Milliseconds. */
  server_time: z.coerce.number().int().positive(),
  token: z.string().optional().catch(undefined),
  ids: z.array(id),
  affected_values: z
    .array(z.looseObject({ record_id: id, values }))
    .catch([])
    .default([]),
});
type Callback = z.infer<typeof callback>;

/** It says one thing in its subscription and another in its sample. docs/vendors/zoho.md §6.2. */
export const operations: Readonly<Record<string, Told['what']>> = {
  insert: 'made',
  create: 'made',
  update: 'changed',
  edit: 'changed',
  delete: 'removed',
};

/**
 * What a callback says of records and of deals; it names no org and nobody who did it. Total: what cannot be read, or speaks of
 * something else, is left out and counted.
 */
export function readCallback(body: Buffer): { accounts: AccountChanges[]; unread: number } {
  const read = callback.safeParse(parseJson(body.toString('utf8')));
  const changes = read.success ? changesIn(read.data) : [];
  return changes.length === 0
    ? { accounts: [], unread: 1 }
    : { accounts: [{ account: undefined, changes }], unread: 0 };
}

function changesIn(told: Callback): CrmChange[] {
  const what = operations[told.operation.toLowerCase()];
  if (what === undefined) return [];
  const { module, server_time: at } = told;
  const valuesOf = new Map(told.affected_values.map((one) => [one.record_id, one.values]));
  return told.ids.flatMap((id) =>
    changesOf({ module, id, what, at, known: Object.entries(valuesOf.get(id) ?? {}) }),
  );
}

/** What a watch or a rule tells of one record. */
export interface Told {
  readonly module: string;
  readonly id: string;
  readonly what: 'made' | 'changed' | 'removed';
  /** Milliseconds. */
  readonly at: number;
  readonly known: readonly (readonly [field: string, value: unknown])[];
}

/** Empty: of something else. */
export function changesOf(told: Told): CrmChange[] {
  if (isPersonModule(told.module)) return ofPerson(told);
  return told.module === 'Deals' ? ofDeal(told) : [];
}

function ofPerson({ module, id, what, at, known }: Told): CrmChange[] {
  const recordId = recordIdOf(module, id);
  if (what === 'made') return [{ kind: 'created', recordId, at }];
  if (what === 'removed') return [{ kind: 'deleted', recordId, at }];
  const isConverted = known.some(([field, value]) => field === convertedField && value === true);
  if (known.length === 0 || isConverted) return [{ kind: 'touched', recordId, at }];
  return known.map(([field, value]) => ({ kind: 'field', recordId, at, field, value: fromJson(value) }));
}

/** Of a deal whose person or stage is not told a look tells. */
function ofDeal({ id: recordId, what, at, known }: Told): CrmChange[] {
  if (what === 'removed') return [];
  const values = new Map(known);
  const person = fromJson(values.get('Contact_Name'));
  const told = usualNames.followedDealFields.filter((field) => values.has(field));
  if (!/^\d+$/.test(person) || told.length === 0) return [{ kind: 'touched', of: 'deal', recordId, at }];
  const personRecordId = recordIdOf('Contacts', person);
  return told.map((field) => ({
    kind: 'field',
    of: 'deal',
    recordId,
    personRecordId,
    at,
    field,
    value: fromJson(values.get(field)),
  }));
}
