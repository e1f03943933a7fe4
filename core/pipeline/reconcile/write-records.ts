import type {
  Connector,
  CrmValues,
  Priority,
  RecordCreate,
  RecordUpdate,
  WriteOutcome,
} from '../../crm/index.ts';
import type { SangamError } from '../../errors.ts';
import { inHalves } from '../in-halves.ts';

/** What became of one record, and what of it was left out because another record holds it. */
export type RecordOutcome = WriteOutcome & {
  readonly leftOut?: {
    readonly field: string | undefined;
    readonly recordId: string;
    readonly explanation: string;
  };
};

/** Creates records. What of a new one is taken by another record is left out. */
export async function createRecords(
  connector: Connector,
  creates: readonly RecordCreate[],
  priority: Priority,
): Promise<RecordOutcome[]> {
  const write = (some: readonly RecordCreate[]): Promise<WriteOutcome[]> =>
    inHalves(
      some,
      (part) => connector.create(part, priority),
      ({ contactId }, error) => refusal(contactId, error),
    );
  const outcomes = await write(creates);
  const { contactIdField } = connector.traits;
  const fieldOf = takenFields(outcomes);
  const again = creates.flatMap(({ contactId, values }) => {
    const field = fieldOf.get(contactId);
    return field === undefined || field === contactIdField || !(field in values)
      ? []
      : [{ contactId, values: without(values, field) }];
  });
  return withSecond(outcomes, await write(again));
}

/**
 * Updates records. What another record holds and only one may is left out, as our own id where the person has another
 * record by that.
 */
export async function updateRecords(
  connector: Connector,
  updates: readonly RecordUpdate[],
  priority: Priority,
): Promise<RecordOutcome[]> {
  const write = (some: readonly RecordUpdate[]): Promise<WriteOutcome[]> =>
    inHalves(
      some,
      (part) => connector.update(part, priority),
      ({ recordId }, error) => refusal(recordId, error),
    );
  const outcomes = await write(updates);
  const fieldOf = takenFields(outcomes);
  const again = updates.flatMap(({ recordId, values }) => {
    const field = fieldOf.get(recordId);
    if (field === undefined || !(field in values)) return [];
    const rest = without(values, field);
    return Object.keys(rest).length === 0 ? [] : [{ recordId, values: rest }];
  });
  return withSecond(outcomes, await write(again));
}

function takenFields(outcomes: readonly WriteOutcome[]): ReadonlyMap<string, string> {
  return new Map(
    outcomes.flatMap((outcome) =>
      outcome.outcome === 'taken' && outcome.field !== undefined
        ? [[outcome.item, outcome.field] as const]
        : [],
    ),
  );
}

function without(values: CrmValues, field: string): CrmValues {
  const { [field]: _, ...rest } = values;
  return rest;
}

function withSecond(first: readonly WriteOutcome[], second: readonly WriteOutcome[]): RecordOutcome[] {
  const again = new Map(second.map((outcome) => [outcome.item, outcome]));
  return first.map((outcome) => {
    const next = again.get(outcome.item);
    if (next === undefined || outcome.outcome !== 'taken') return outcome;
    const { field, recordId, explanation } = outcome;
    return { ...next, leftOut: { field, recordId, explanation } };
  });
}

function refusal(item: string, { code, message }: SangamError): WriteOutcome {
  return { item, outcome: 'refused', code, explanation: message };
}
