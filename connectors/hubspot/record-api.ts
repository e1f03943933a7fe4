import type { CrmRecord, CrmUpsert } from '@sangam/core/crm';
import { z } from 'zod';
import type { HubspotAnswer, HubspotClient } from './client.ts';
import { contactIdProperty } from './properties.ts';
import { apiVersion } from './vendor.ts';

/** HubSpot's contacts, found by our unique property. Paths and shapes: facts/hubspot.md §4.2. */
const root = `/crm/objects/${apiVersion}/contacts/batch`;

const record = z.looseObject({
  id: z.string(),
  properties: z.record(z.string(), z.string().nullish()).default({}),
  new: z.boolean().default(false),
  objectWriteTraceId: z.string().optional().catch(undefined),
});

/** One input of a batch that was not done, in a 207. */
const itemError = z.looseObject({
  category: z.string().optional().catch(undefined),
  message: z.string().optional().catch(undefined),
  context: z.record(z.string(), z.unknown()).default({}).catch({}),
});

const batchAnswer = z.looseObject({
  results: z.array(record).default([]),
  errors: z.array(itemError).default([]),
});

export type HubspotRecord = z.infer<typeof record>;
export type ItemError = z.infer<typeof itemError>;
export type BatchAnswer = z.infer<typeof batchAnswer>;

export function batchRead(
  client: HubspotClient,
  contactIds: readonly string[],
  properties: readonly string[],
): Promise<HubspotAnswer<BatchAnswer>> {
  const inputs = contactIds.map((id) => ({ id }));
  const body = { idProperty: contactIdProperty, properties: [contactIdProperty, ...properties], inputs };
  return client.call({ method: 'POST', path: `${root}/read`, body }, batchAnswer);
}

export function batchUpsert(
  client: HubspotClient,
  upserts: readonly CrmUpsert[],
): Promise<HubspotAnswer<BatchAnswer>> {
  const inputs = upserts.map(({ contactId, values }) => ({
    id: contactId,
    idProperty: contactIdProperty,
    // The key is repeated here because a new record may otherwise come without it (facts/hubspot.md §4.2, from memory).
    properties: { ...values, [contactIdProperty]: contactId },
    // With a trace id on each input HubSpot answers per item, 207, instead of refusing the batch.
    objectWriteTraceId: contactId,
  }));
  return client.call({ method: 'POST', path: `${root}/upsert`, body: { inputs } }, batchAnswer);
}

/** Which of our contacts a result is about. */
export function contactIdOf(result: HubspotRecord): string | undefined {
  return result.properties[contactIdProperty] ?? result.objectWriteTraceId;
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
  contactId: string,
  properties: readonly string[],
): CrmRecord {
  const values = Object.fromEntries(properties.map((name) => [name, result.properties[name] ?? '']));
  return { recordId: result.id, contactId, values };
}
