import type { CrmUpsert, UpsertOutcome } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import type { HubspotAnswer } from './client.ts';
import { readRefusal, type Refusal, refusalError } from './errors.ts';
import { contactIdProperty, tagsProperty } from './properties.ts';
import { type BatchAnswer, contactIdOf, type ItemError, namedBy } from './record-api.ts';

/**
 * Refusals of what changed between our look and our write: another process made the record, or an admin removed a
 * tag's option. A second look settles them; a key still taken then is held by a record an upsert does not find, such as
 * a deleted one.
 */
export function wasOvertaken(answer: HubspotAnswer<BatchAnswer>): boolean {
  return refusalsIn(answer).some((refusal) => isOurKeyTaken(refusal) || isTagUnknown(refusal));
}

/** Whether something was refused without a word about which value: the portal itself may be the matter. */
export function isUnexplained(answer: HubspotAnswer<BatchAnswer>): boolean {
  return refusalsIn(answer).some(
    ({ code, problems, conflict }) =>
      code === 'batch_refused' && problems.length === 0 && conflict === undefined,
  );
}

/**
 * What became of each contact of one upsert. A refusal is an outcome where it is known to be one contact's own;
 * otherwise throws `SangamError`, `batch_refused` where halving the batch will find the culprit.
 */
export function outcomesOf(
  upserts: readonly CrmUpsert[],
  answer: HubspotAnswer<BatchAnswer>,
): UpsertOutcome[] {
  if (!answer.ok) return [refusedAlone(upserts, answer.refusal)];
  const results = new Map(answer.body.results.map((result) => [contactIdOf(result), result]));
  const refusals = new Map(
    answer.body.errors.flatMap((error) => namedBy(error).map((name) => [name, refusalOf(error)])),
  );
  const nameless = answer.body.errors.find(
    (error) => !upserts.some(({ contactId }) => namedBy(error).includes(contactId)),
  );
  return upserts.map(({ contactId }): UpsertOutcome => {
    const result = results.get(contactId);
    if (result !== undefined)
      return { contactId, outcome: 'written', recordId: result.id, created: result.new };
    const refusal = refusals.get(contactId);
    if (refusal !== undefined) return refused(contactId, refusal);
    if (nameless !== undefined) return refusedAlone(upserts, refusalOf(nameless));
    throw incomplete();
  });
}

/** HubSpot's answer left something out that it must say: the call may be repeated. */
export function incomplete(): SangamError {
  return new SangamError({
    code: 'incomplete_answer',
    origin: 'crm',
    retry: 'later',
    message: 'HubSpot did not say what became of every record of the batch.',
  });
}

function refusedAlone(upserts: readonly CrmUpsert[], refusal: Refusal): UpsertOutcome {
  const [only, ...others] = upserts;
  if (only === undefined || others.length > 0) throw refusalError(refusal);
  return refused(only.contactId, refusal);
}

function refused(contactId: string, refusal: Refusal): UpsertOutcome {
  if (refusal.code !== 'batch_refused') throw refusalError(refusal);
  const code = refusal.conflict === undefined ? (refusal.problems[0]?.code ?? 'refused') : 'conflict';
  return { contactId, outcome: 'refused', code, explanation: refusal.explanation };
}

function refusalsIn(answer: HubspotAnswer<BatchAnswer>): Refusal[] {
  return answer.ok ? answer.body.errors.map(refusalOf) : [answer.refusal];
}

/** One item's error within a 207, as if that item had been sent alone. */
function refusalOf(error: ItemError): Refusal {
  return readRefusal(error.category === 'CONFLICT' ? 409 : 400, new Headers(), error);
}

function isOurKeyTaken({ conflict }: Refusal): boolean {
  return conflict?.property === contactIdProperty;
}

function isTagUnknown({ problems }: Refusal): boolean {
  return problems.some(
    ({ code, properties }) => code === 'INVALID_OPTION' && properties.includes(tagsProperty),
  );
}
