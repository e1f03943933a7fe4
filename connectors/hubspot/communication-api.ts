import type { Priority, TimelineEntry } from '@sangam/core/crm';
import { z } from 'zod';
import type { HubspotAnswer, HubspotClient } from './client.ts';
import { type Refusal, refusalError } from './errors.ts';
import { incomplete } from '../shared/outcomes.ts';
import { entryBody } from '../shared/timeline-body.ts';
import { type BatchAnswer, batchAnswer, type HubspotRecord } from './record-api.ts';
import { apiVersion, bodyShape, vendor } from './vendor.ts';

/** HubSpot's communications, the messages people log on a contact. Paths and shapes: docs/vendors/hubspot.md §4.5. */
const root = `/crm/objects/${apiVersion}/communications/batch`;
const associationsPath = `/crm/associations/${apiVersion}/contacts/communications/batch/read`;

const bodyProperty = 'hs_communication_body';
/** From a communication to the contact it stands on. docs/vendors/hubspot.md §4.5. */
const toContact = [{ associationCategory: 'HUBSPOT_DEFINED', associationTypeId: 81 }];

const id = z.union([z.string(), z.number()]).transform(String);

/** Shape: that of v4's associations, docs/vendors/hubspot.md §4.7. */
const associations = z.looseObject({
  results: z.array(
    z.looseObject({
      from: z.looseObject({ id }),
      to: z.array(z.looseObject({ toObjectId: id })).default([]),
      paging: z
        .looseObject({ next: z.looseObject({ after: z.coerce.string() }) })
        .optional()
        .catch(undefined),
    }),
  ),
  errors: z.array(z.looseObject({ category: z.string().optional().catch(undefined) })).default([]),
});

export function createCommunications(
  client: HubspotClient,
  entries: readonly TimelineEntry[],
  priority: Priority,
): Promise<HubspotAnswer<BatchAnswer>> {
  const inputs = entries.map((entry) => ({
    properties: {
      hs_communication_channel_type: 'WHATS_APP',
      hs_communication_logged_from: 'CRM',
      hs_timestamp: new Date(entry.at).toISOString(),
      [bodyProperty]: entryBody(entry, bodyShape),
    },
    associations: [{ to: { id: entry.recordId }, types: toContact }],
    objectWriteTraceId: entry.entryKey,
  }));
  return client.call(
    { method: 'POST', path: `${root}/create`, answer: 'many', body: { inputs }, priority },
    batchAnswer,
  );
}

export function rewriteCommunications(
  client: HubspotClient,
  rewrites: readonly { readonly entry: TimelineEntry; readonly entryId: string }[],
  priority: Priority,
): Promise<HubspotAnswer<BatchAnswer>> {
  const inputs = rewrites.map(({ entry, entryId }) => ({
    id: entryId,
    properties: { [bodyProperty]: entryBody(entry, bodyShape) },
    objectWriteTraceId: entry.entryKey,
  }));
  return client.call(
    { method: 'POST', path: `${root}/update`, answer: 'many', body: { inputs }, priority },
    batchAnswer,
  );
}

/** Communications by their ids, with their bodies; those that are not there are left out. */
export async function readCommunications(
  client: HubspotClient,
  ids: readonly string[],
  priority: Priority,
): Promise<{ entryId: string; body: string }[]> {
  const body = { properties: [bodyProperty], inputs: ids.map((id) => ({ id })) };
  const answer = await client.call(
    { method: 'POST', path: `${root}/read`, answer: 'many', body, priority },
    batchAnswer,
  );
  if (!answer.ok) {
    return eachAlone(ids, answer.refusal, (id) => readCommunications(client, [id], priority));
  }
  mustBeWhole(answer.body.errors);
  return answer.body.results.map((result) => ({ entryId: result.id, body: bodyOf(result) }));
}

export function archiveCommunications(
  client: HubspotClient,
  ids: readonly string[],
  priority: Priority,
): Promise<HubspotAnswer<unknown>> {
  const body = { inputs: ids.map((id) => ({ id })) };
  return client.call({ method: 'POST', path: `${root}/archive`, body, priority }, z.unknown());
}

/** Which communications stand on these contacts. */
export async function communicationsOn(
  client: HubspotClient,
  recordIds: readonly string[],
  priority: Priority,
): Promise<{ recordId: string; entryId: string }[]> {
  const found: { recordId: string; entryId: string }[] = [];
  let inputs: { id: string; after?: string }[] = recordIds.map((id) => ({ id }));
  while (inputs.length > 0) {
    const call = { method: 'POST', path: associationsPath, body: { inputs }, priority } as const;
    const answer = await client.call(call, associations);
    if (!answer.ok) {
      return eachAlone(recordIds, answer.refusal, (id) => communicationsOn(client, [id], priority));
    }
    const { results, errors } = answer.body;
    mustBeWhole(errors);
    for (const { from, to } of results) {
      for (const { toObjectId } of to) found.push({ recordId: from.id, entryId: toObjectId });
    }
    inputs = results.flatMap(({ from, paging }) =>
      paging === undefined ? [] : [{ id: from.id, after: paging.next.after }],
    );
  }
  return found;
}

/** One that is missing must not hide the others: what is asked for decides whether an entry is written again. */
async function eachAlone<Found>(
  ids: readonly string[],
  refusal: Refusal,
  ask: (id: string) => Promise<Found[]>,
): Promise<Found[]> {
  if (refusal.code !== 'not_found') throw refusalError(refusal);
  const found: Found[] = [];
  if (ids.length > 1) for (const id of ids) found.push(...(await ask(id)));
  return found;
}

/** Errors that say more than "nothing there". The second category: from memory of v4's answers. */
function mustBeWhole(errors: readonly { readonly category?: string | undefined }[]): void {
  const nothing = ['OBJECT_NOT_FOUND', 'NO_ASSOCIATIONS_FOUND'];
  if (errors.some(({ category = '' }) => !nothing.includes(category))) throw incomplete(vendor);
}

export function bodyOf(result: HubspotRecord): string {
  return result.properties[bodyProperty] ?? '';
}
