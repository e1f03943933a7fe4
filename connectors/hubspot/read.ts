import type { CrmRecord, Priority } from '@sangam/core/crm';
import { incomplete } from '../shared/outcomes.ts';
import type { AbsentProperties } from './absent-properties.ts';
import type { HubspotClient } from './client.ts';
import { refusalError } from './errors.ts';
import { isUnexplained } from './outcomes.ts';
import { contactIdProperty } from './properties.ts';
import { mustBeThere } from './present-properties.ts';
import {
  type BatchAnswer,
  batchRead,
  type HubspotRecord,
  mergedIdsOf,
  mergedIdsProperty,
  namedBy,
  toCrmRecord,
} from './record-api.ts';
import { vendor } from './vendor.ts';

/**
 * Records by their ids. A merged-away id is answered with the record it lives on as, and HubSpot does not say which
 * input a result answers: the survivor names the ids merged into it.
 */
export async function readRecords(
  client: HubspotClient,
  absent: AbsentProperties,
  recordIds: readonly string[],
  fields: readonly string[],
  priority: Priority,
): Promise<CrmRecord[]> {
  const properties = [contactIdProperty, mergedIdsProperty, ...fields];
  const body = await readBatch(client, absent, recordIds, { properties }, priority);
  return whoAnswers(recordIds, body).map(([askedAs, result]) => toCrmRecord(result, fields, askedAs));
}

/** Records that hold these contact ids in our unique property. */
export async function readByContactId(
  client: HubspotClient,
  absent: AbsentProperties,
  contactIds: readonly string[],
  fields: readonly string[],
  priority: Priority,
): Promise<CrmRecord[]> {
  const properties = [contactIdProperty, ...fields];
  const query = { idProperty: contactIdProperty, properties };
  const { results } = await readBatch(client, absent, contactIds, query, priority);
  return results.map((result) => toCrmRecord(result, fields));
}

async function readBatch(
  client: HubspotClient,
  absent: AbsentProperties,
  ids: readonly string[],
  query: { readonly idProperty?: string; readonly properties: readonly string[] },
  priority: Priority,
): Promise<BatchAnswer> {
  const ask = () =>
    batchRead(client, ids, { ...query, properties: absent.without(query.properties) }, priority);
  let answer = await ask();
  if (absent.learn(answer)) answer = await ask();
  if (!answer.ok) {
    if (query.idProperty !== undefined && isUnexplained(answer))
      await mustBeThere(client, [query.idProperty]);
    throw refusalError(answer.refusal);
  }
  if (answer.body.errors.some(({ category }) => category !== 'OBJECT_NOT_FOUND')) throw incomplete(vendor);
  return answer.body;
}

/** Which asked id each result answers; ids nothing answers are not there. */
function whoAnswers(asked: readonly string[], { results, errors }: BatchAnswer): [string, HubspotRecord][] {
  const open = new Set(asked);
  const answers: [string, HubspotRecord][] = [];
  const settle = (askedAs: string, result: HubspotRecord): void => {
    if (open.delete(askedAs)) answers.push([askedAs, result]);
  };
  for (const result of results) {
    settle(result.id, result);
    for (const id of mergedIdsOf(result)) settle(id, result);
  }
  const explained = new Set(answers.map(([, result]) => result));
  const unexplained = results.filter((result) => !explained.has(result));
  const missing = new Set(errors.flatMap(namedBy));
  const [only, ...others] = [...open].filter((id) => !missing.has(id));
  const [result, ...more] = unexplained;
  // One answer to one question can only be its own.
  if (only !== undefined && result !== undefined && others.length + more.length === 0) settle(only, result);
  return answers;
}
