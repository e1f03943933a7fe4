import type { CrmRecord, CrmValues, Priority, RecordCreate } from '@sangam/core/crm';
import { z } from 'zod';
import type { HubspotAnswer, HubspotClient } from './client.ts';
import { contactIdProperty } from './properties.ts';
import { apiVersion, listPageSize } from './vendor.ts';
import { readInstant } from './values.ts';

/** HubSpot's contacts. Paths and shapes: docs/vendors/hubspot.md §4.2 and §4.3. */
const root = `/crm/objects/${apiVersion}/contacts`;

/** Ids of the records that were merged into this one, joined by `;`. From memory, docs/vendors/hubspot.md §4.2. */
export const mergedIdsProperty = 'hs_merged_object_ids';

const optionalText = z.string().optional().catch(undefined);

const record = z.looseObject({
  id: z.string(),
  properties: z.record(z.string(), z.string().nullish()).default({}),
  new: z.boolean().default(false),
  objectWriteTraceId: optionalText,
  createdAt: optionalText,
  updatedAt: optionalText,
  archivedAt: optionalText,
});

/** One input of a batch that was not done, in a 207. */
const itemError = z.looseObject({
  category: optionalText,
  message: optionalText,
  context: z.record(z.string(), z.unknown()).default({}).catch({}),
});

/** Without `results` it is none of HubSpot's, and "nothing is there" must not be read out of it. */
export const batchAnswer = z.looseObject({
  results: z.array(record),
  errors: z.array(itemError).default([]),
});

const page = z.looseObject({
  results: z.array(record),
  paging: z
    .looseObject({ next: z.looseObject({ after: z.coerce.string() }) })
    .optional()
    .catch(undefined),
});

export type HubspotRecord = z.infer<typeof record>;
export type ItemError = z.infer<typeof itemError>;
export type BatchAnswer = z.infer<typeof batchAnswer>;
export type Page = z.infer<typeof page>;

export interface TargetedUpdate {
  /** The record id the caller knows it by. */
  readonly item: string;
  /** The record it is by now. */
  readonly target: string;
  readonly values: CrmValues;
}

export function batchRead(
  client: HubspotClient,
  ids: readonly string[],
  { idProperty, properties }: { idProperty?: string; properties: readonly string[] },
  priority: Priority,
): Promise<HubspotAnswer<BatchAnswer>> {
  const inputs = ids.map((id) => ({ id }));
  const body = { ...(idProperty === undefined ? {} : { idProperty }), properties, inputs };
  return client.call(
    { method: 'POST', path: `${root}/batch/read`, answer: 'many', body, priority },
    batchAnswer,
  );
}

export function batchUpsert(
  client: HubspotClient,
  creates: readonly RecordCreate[],
  priority: Priority,
): Promise<HubspotAnswer<BatchAnswer>> {
  const inputs = creates.map(({ contactId, values }) => ({
    id: contactId,
    idProperty: contactIdProperty,
    // The key is repeated here because a new record may otherwise come without it (docs/vendors/hubspot.md §4.2, from
    // memory).
    properties: { ...values, [contactIdProperty]: contactId },
    // With a trace id on each input HubSpot answers per item, 207, instead of refusing the batch.
    objectWriteTraceId: contactId,
  }));
  return client.call(
    { method: 'POST', path: `${root}/batch/upsert`, answer: 'many', body: { inputs }, priority },
    batchAnswer,
  );
}

export function batchUpdate(
  client: HubspotClient,
  updates: readonly TargetedUpdate[],
  priority: Priority,
): Promise<HubspotAnswer<BatchAnswer>> {
  const inputs = updates.map(({ item, target, values }) => ({
    id: target,
    properties: values,
    objectWriteTraceId: item,
  }));
  return client.call(
    { method: 'POST', path: `${root}/batch/update`, answer: 'many', body: { inputs }, priority },
    batchAnswer,
  );
}

/** One page of all records, or of the deleted ones, in HubSpot's own order. */
export function listPage(
  client: HubspotClient,
  { after, archived, properties }: { after?: string; archived: boolean; properties: readonly string[] },
  priority: Priority,
): Promise<HubspotAnswer<Page>> {
  const query = new URLSearchParams({
    limit: String(listPageSize),
    properties: properties.join(','),
    archived: String(archived),
    ...(after === undefined ? {} : { after }),
  });
  return client.call({ method: 'GET', path: `${root}?${query.toString()}`, answer: 'many', priority }, page);
}

export function searchPage(
  client: HubspotClient,
  body: object,
  priority: Priority,
): Promise<HubspotAnswer<Page>> {
  return client.call(
    {
      method: 'POST',
      path: `${root}/search`,
      answer: 'many',
      body,
      priority,
      needs: [{ limit: 'search', cost: 1 }],
    },
    page,
  );
}

/** What an item's error names in its context: ids, or the trace ids we sent, beside names of properties. */
export function namedBy(error: ItemError): string[] {
  return Object.values(error.context)
    .flat()
    .filter((name) => typeof name === 'string');
}

/** `values` carries each of `properties`, '' where HubSpot holds none. */
export function toCrmRecord(
  result: HubspotRecord,
  properties: readonly string[],
  askedAs = result.id,
): CrmRecord {
  const held = result.properties;
  const contactId = held[contactIdProperty] ?? '';
  const createdAt = readInstant(held['createdate'] ?? result.createdAt ?? '');
  const changedAt = changeTimeOf(result);
  const mergedFrom = mergedIdsOf(result);
  return {
    askedAs,
    recordId: result.id,
    ...(contactId === '' ? {} : { contactId }),
    values: Object.fromEntries(properties.map((name) => [name, held[name] ?? ''])),
    ...(Number.isNaN(createdAt) ? {} : { createdAt }),
    ...(changedAt === undefined ? {} : { changedAt }),
    ...(mergedFrom.length === 0 ? {} : { mergedFrom }),
  };
}

/** Which records went into this one, where the answer tells. */
export function mergedIdsOf({ id, properties }: HubspotRecord): string[] {
  return (properties[mergedIdsProperty] ?? '').split(';').filter((one) => one !== '' && one !== id);
}

/** Milliseconds; undefined where HubSpot does not say. */
export function changeTimeOf({ properties, updatedAt }: HubspotRecord): number | undefined {
  const at = readInstant(properties['lastmodifieddate'] ?? updatedAt ?? '');
  return Number.isNaN(at) ? undefined : at;
}

/** Values a write's answer shows, as far as it shows them. */
export function valuesIn(result: HubspotRecord, properties: readonly string[]): CrmValues {
  return Object.fromEntries(
    properties.flatMap((name) => {
      const value = result.properties[name];
      return value === undefined ? [] : [[name, value ?? '']];
    }),
  );
}
