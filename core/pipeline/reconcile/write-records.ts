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

/** What of a record the CRM did not take, while it took the rest. */
export interface LeftOut {
  readonly values: CrmValues;
  /** The record that holds the value only one may hold; undefined: the value itself was refused. */
  readonly holder?: string;
  readonly code: string;
  readonly explanation: string;
  /** The vendor named the field. Else the opt-out went by itself, for the whole was refused. */
  readonly named: boolean;
}

/** What became of one record, and what of it was left out. */
export type RecordOutcome = WriteOutcome & { readonly leftOut: readonly LeftOut[] };

interface Write {
  readonly item: string;
  readonly values: CrmValues;
}

/**
 * Creates records. A value the CRM refuses or another record holds is left out, where the vendor names its field: never a
 * phone another record holds, for that record may be the person's, and never our id.
 */
export async function createRecords(
  connector: Connector,
  creates: readonly RecordCreate[],
  priority: Priority,
): Promise<RecordOutcome[]> {
  const { contactIdField, phoneFields } = connector.traits;
  return leavingOut(
    creates.map(({ contactId, values }) => ({ item: contactId, values })),
    (writes) =>
      inHalves(
        writes.map(({ item, values }) => ({ contactId: item, values })),
        (part) => connector.create(part, priority),
        ({ contactId }, error) => refusal(contactId, error),
      ),
    ({ field, taken }) => field !== contactIdField && !(taken && phoneFields.includes(field)),
    () => undefined,
  );
}

/**
 * Updates records. A value the CRM refuses, or another record holds, is left out where the vendor names its field, as our
 * own id where the person has another record by that. `optOutFields` share no other field's fate: where a write with more
 * than them is refused as a whole, they go by themselves.
 */
export async function updateRecords(
  connector: Connector,
  updates: readonly RecordUpdate[],
  optOutFields: readonly string[],
  priority: Priority,
): Promise<RecordOutcome[]> {
  const write = (writes: readonly Write[]): Promise<WriteOutcome[]> =>
    inHalves(
      writes.map(({ item, values }) => ({ recordId: item, values })),
      (part) => connector.update(part, priority),
      ({ recordId }, error) => refusal(recordId, error),
    );
  const writes = updates.map(({ recordId, values }) => ({ item: recordId, values }));
  const outcomes = await leavingOut(writes, write, () => true, nothingLeft);
  const valuesOf = new Map(writes.map(({ item, values }) => [item, values]));
  const alone = new Map<string, { readonly first: RecordOutcome; readonly left: LeftOut }>();
  const again: Write[] = [];
  for (const outcome of outcomes) {
    if (outcome.outcome !== 'refused' && outcome.outcome !== 'taken') continue;
    const sent = Object.entries(valuesOf.get(outcome.item) ?? {});
    const optOut = Object.fromEntries(sent.filter(([field]) => optOutFields.includes(field)));
    const rest = Object.fromEntries(sent.filter(([field]) => !optOutFields.includes(field)));
    if (Object.keys(optOut).length === 0 || Object.keys(rest).length === 0) continue;
    again.push({ item: outcome.item, values: optOut });
    const code = outcome.outcome === 'refused' ? outcome.code : outcome.outcome;
    const left = { values: rest, code, explanation: outcome.explanation, named: false };
    alone.set(outcome.item, { first: outcome, left });
  }
  if (again.length === 0) return outcomes;
  const byItem = new Map(
    (await leavingOut(again, write, () => true, nothingLeft)).map((next) => [next.item, next]),
  );
  return outcomes.map((outcome) => {
    const next = byItem.get(outcome.item);
    const before = alone.get(outcome.item);
    if (next?.outcome !== 'written' || before === undefined) return outcome;
    return { ...next, leftOut: [...before.first.leftOut, before.left, ...next.leftOut] };
  });
}

/** Writes, and writes again without what was refused by name: each round takes a field off, so it ends. */
async function leavingOut(
  writes: readonly Write[],
  write: (writes: readonly Write[]) => Promise<WriteOutcome[]>,
  mayBeLeftOut: (refused: { readonly field: string; readonly taken: boolean }) => boolean,
  emptied: (item: string) => WriteOutcome | undefined,
): Promise<RecordOutcome[]> {
  const outcomes = new Map<string, WriteOutcome>();
  const leftOut = new Map<string, readonly LeftOut[]>();
  let open = writes;
  while (open.length > 0) {
    const sent = new Map(open.map(({ item, values }) => [item, values]));
    const next: Write[] = [];
    for (const outcome of await write(open)) {
      const { item } = outcome;
      const values = sent.get(item) ?? {};
      outcomes.set(item, outcome);
      if (outcome.outcome !== 'refused' && outcome.outcome !== 'taken') continue;
      const { field } = outcome;
      const value = field === undefined ? undefined : values[field];
      const taken = outcome.outcome === 'taken';
      if (field === undefined || value === undefined || !mayBeLeftOut({ field, taken })) continue;
      const left: LeftOut = {
        values: { [field]: value },
        ...(taken ? { holder: outcome.recordId, code: 'taken' } : { code: outcome.code }),
        explanation: outcome.explanation,
        named: true,
      };
      leftOut.set(item, [...(leftOut.get(item) ?? []), left]);
      const { [field]: _, ...rest } = values;
      const done = Object.keys(rest).length === 0 ? emptied(item) : undefined;
      if (done === undefined) next.push({ item, values: rest });
      else outcomes.set(item, done);
    }
    open = next;
  }
  return [...outcomes.values()].map((outcome) => ({ ...outcome, leftOut: leftOut.get(outcome.item) ?? [] }));
}

/** An update of which nothing is left is done. */
function nothingLeft(item: string): WriteOutcome {
  return { item, outcome: 'written', recordId: item, created: false, values: {} };
}

function refusal(item: string, { code, message }: SangamError): WriteOutcome {
  return { item, outcome: 'refused', code, explanation: message };
}
