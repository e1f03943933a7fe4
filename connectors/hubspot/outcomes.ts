import type { CrmValues, WriteOutcome } from '@sangam/core/crm';
import { byKey, incomplete } from '../shared/outcomes.ts';
import type { HubspotAnswer } from './client.ts';
import { readRefusal, type Refusal, refusalError } from './errors.ts';
import { vendor } from './vendor.ts';
import { type BatchAnswer, type HubspotRecord, type ItemError, namedBy, valuesIn } from './record-api.ts';

interface Write {
  readonly item: string;
  readonly values: CrmValues;
}

/** Whether something was refused without a word about which value: the portal itself may be the matter. */
export function isUnexplained(answer: HubspotAnswer<BatchAnswer>): boolean {
  return refusalsIn(answer).some(saysNothing);
}

function saysNothing({ code, problems, conflict }: Refusal): boolean {
  return code === 'batch_refused' && problems.length === 0 && conflict === undefined;
}

export function refusalsIn(answer: HubspotAnswer<BatchAnswer>): Refusal[] {
  return answer.ok ? answer.body.errors.map(refusalOf) : [answer.refusal];
}

/** Properties refused for an option HubSpot does not know. */
export function unknownOptionsIn(answer: HubspotAnswer<BatchAnswer>): string[] {
  const problems = refusalsIn(answer).flatMap((refusal) => refusal.problems);
  return [
    ...new Set(problems.flatMap(({ code, properties }) => (code === 'INVALID_OPTION' ? properties : []))),
  ];
}

/**
 * What became of each write of one batch. A refusal is an outcome where it is known to be one write's own; otherwise
 * throws `SangamError`, `batch_refused` where halving the batch will find the culprit.
 */
export function outcomesOf(
  writes: readonly Write[],
  answer: HubspotAnswer<BatchAnswer>,
  itemOf: (result: HubspotRecord) => string | undefined,
): WriteOutcome[] {
  if (!answer.ok) return [refusedAlone(writes, answer.refusal)];
  const results = byKey(answer.body.results, (result) => [itemOf(result)]);
  const errors = byKey(answer.body.errors, namedBy);
  const nameless = answer.body.errors.find(
    (error) => !writes.some(({ item }) => namedBy(error).includes(item)),
  );
  return writes.map(({ item, values }): WriteOutcome => {
    const result = results.get(item);
    if (result !== undefined) {
      const written = valuesIn(result, Object.keys(values));
      return { item, outcome: 'written', recordId: result.id, created: result.new, values: written };
    }
    const error = errors.get(item);
    if (error !== undefined) {
      const refusal = refusalOf(error);
      // Its neighbour may be the matter: ids of merged records that lead to one and the same.
      return saysNothing(refusal) ? refusedAlone(writes, refusal) : refused(item, refusal);
    }
    if (nameless !== undefined) return refusedAlone(writes, refusalOf(nameless));
    throw incomplete(vendor);
  });
}

function refusedAlone(writes: readonly Write[], refusal: Refusal): WriteOutcome {
  const [only, ...others] = writes;
  if (only === undefined || others.length > 0) throw refusalError(refusal);
  return refused(only.item, refusal);
}

function refused(item: string, refusal: Refusal): WriteOutcome {
  const { code, retry, conflict, problems, explanation } = refusal;
  if (code === 'locked' && retry !== 'never') return { item, outcome: 'later', code, retry, explanation };
  if (code !== 'batch_refused') throw refusalError(refusal);
  if (conflict !== undefined) {
    return { item, outcome: 'taken', recordId: conflict.recordId, field: conflict.property, explanation };
  }
  return {
    item,
    outcome: 'refused',
    code: problems[0]?.code ?? 'refused',
    ...fieldOf(problems),
    explanation,
  };
}

/** Without the first field the write is tried again, and names the next. */
function fieldOf(problems: Refusal['problems']): { field?: string } {
  const [field] = problems.flatMap(({ properties }) => properties);
  return field === undefined ? {} : { field };
}

const statusByCategory: Readonly<Record<string, number>> = {
  CONFLICT: 409,
  OBJECT_NOT_FOUND: 404,
  LOCKED: 423,
};

/** One item's error within a 207, as if that item had been sent alone. */
function refusalOf(error: ItemError): Refusal {
  return readRefusal(statusByCategory[error.category ?? ''] ?? 400, new Headers(), error);
}
