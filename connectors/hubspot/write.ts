import type {
  CrmRecord,
  CrmValues,
  Priority,
  RecordCreate,
  RecordUpdate,
  WriteOutcome,
} from '@sangam/core/crm';
import type { TagOptions } from '../shared/tag-options.ts';
import type { HubspotAnswer, HubspotClient } from './client.ts';
import { isUnexplained, outcomesOf, refusalsIn, unknownOptionsIn } from './outcomes.ts';
import { mustBeThere } from './present-properties.ts';
import { contactIdProperty } from './properties.ts';
import {
  type BatchAnswer,
  batchUpdate,
  batchUpsert,
  type HubspotRecord,
  namedBy,
  type TargetedUpdate,
} from './record-api.ts';

/** Creates records under our contact ids, or updates those that hold them: HubSpot lets only one record hold an id. */
export async function createRecords(
  client: HubspotClient,
  tagOptions: TagOptions,
  creates: readonly RecordCreate[],
  priority: Priority,
): Promise<WriteOutcome[]> {
  const send = () => batchUpsert(client, creates, priority);
  let answer = await sendWithTags(tagOptions, creates, send);
  // Another process made the record just now: a second look finds it. A key still taken then is held by a record an
  // upsert does not find, such as a deleted one.
  if (refusalsIn(answer).some(({ conflict }) => conflict?.property === contactIdProperty)) {
    answer = await send();
  }
  await mustBeExplained(client, creates, answer);
  const writes = creates.map(({ contactId, values }) => ({ item: contactId, values }));
  return outcomesOf(writes, answer, contactIdOf);
}

/**
 * Updates records by their ids. Whether HubSpot takes a merged-away id for the record it lives on as, and whether one
 * that is missing spoils its batch, is not known: what got no answer is looked for, and written where it is by now.
 */
export async function updateRecords(
  client: HubspotClient,
  tagOptions: TagOptions,
  updates: readonly RecordUpdate[],
  read: (recordIds: readonly string[]) => Promise<CrmRecord[]>,
  priority: Priority,
): Promise<WriteOutcome[]> {
  const write = (targeted: readonly TargetedUpdate[]): Promise<HubspotAnswer<BatchAnswer>> =>
    sendWithTags(tagOptions, targeted, () => batchUpdate(client, targeted, priority));
  const first = updates.map(({ recordId, values }) => ({ item: recordId, target: recordId, values }));
  const answer = await write(first);
  const unsettled = unsettledOf(first, answer);
  const settled = first.filter((update) => !unsettled.includes(update));
  const outcomes = settled.length === 0 ? [] : await outcomesOfUpdate(client, settled, answer);
  if (unsettled.length === 0) return outcomes;

  const records = await read(unsettled.map(({ item }) => item));
  const whereabouts = new Map(records.map(({ askedAs, recordId }) => [askedAs, recordId]));
  const again = unsettled.flatMap((update): TargetedUpdate[] => {
    const target = whereabouts.get(update.item);
    return target === undefined ? [] : [{ ...update, target }];
  });
  const gone = unsettled.filter(({ item }) => !whereabouts.has(item));
  return [
    ...outcomes,
    ...gone.map(({ item }): WriteOutcome => ({ item, outcome: 'gone' })),
    ...(again.length === 0 ? [] : await outcomesOfUpdate(client, again, await write(again))),
  ];
}

/** Tags become options before they are written; what HubSpot does not know all the same is added, and sent once more. */
async function sendWithTags(
  tagOptions: TagOptions,
  writes: readonly { readonly values: CrmValues }[],
  send: () => Promise<HubspotAnswer<BatchAnswer>>,
): Promise<HubspotAnswer<BatchAnswer>> {
  await tagOptions.ensure(writes);
  const answer = await send();
  const refused = unknownOptionsIn(answer);
  if (refused.length === 0) return answer;
  return (await tagOptions.mend(refused, writes)) ? send() : answer;
}

async function outcomesOfUpdate(
  client: HubspotClient,
  updates: readonly TargetedUpdate[],
  answer: HubspotAnswer<BatchAnswer>,
): Promise<WriteOutcome[]> {
  await mustBeExplained(client, updates, answer);
  return outcomesOf(updates, answer, itemOf(updates));
}

/** A refusal without a word of explanation may be a property that is not there. */
async function mustBeExplained(
  client: HubspotClient,
  writes: readonly { readonly values: CrmValues }[],
  answer: HubspotAnswer<BatchAnswer>,
): Promise<void> {
  if (!isUnexplained(answer)) return;
  await mustBeThere(client, [contactIdProperty, ...writes.flatMap(({ values }) => Object.keys(values))]);
}

/** Updates of which the answer says that their record is missing, or nothing at all. */
function unsettledOf(
  updates: readonly TargetedUpdate[],
  answer: HubspotAnswer<BatchAnswer>,
): TargetedUpdate[] {
  if (!answer.ok) return answer.refusal.code === 'not_found' ? [...updates] : [];
  const { results, errors } = answer.body;
  const named = new Set(errors.filter(({ category }) => category !== 'OBJECT_NOT_FOUND').flatMap(namedBy));
  const nameless = errors.some((error) => !updates.some(({ item }) => namedBy(error).includes(item)));
  const written = new Set(results.map(itemOf(updates)));
  return updates.filter(({ item }) => !written.has(item) && !named.has(item) && !nameless);
}

/** Which of our contacts a result is about. */
function contactIdOf(result: HubspotRecord): string | undefined {
  return result.properties[contactIdProperty] ?? result.objectWriteTraceId;
}

function itemOf(updates: readonly TargetedUpdate[]): (result: HubspotRecord) => string | undefined {
  const byTarget = new Map(updates.map(({ item, target }) => [target, item]));
  return ({ id, objectWriteTraceId }) => objectWriteTraceId ?? byTarget.get(id);
}
