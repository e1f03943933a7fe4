import type {
  Connector,
  CrmValues,
  Priority,
  RecordCreate,
  RecordUpdate,
  WriteOutcome,
} from '../../crm/index.ts';
import type { SangamError } from '../../errors.ts';
import { type Calls, type InParts, inHalves } from '../../work/index.ts';

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

/** What became of one record, what was sent of it in the end, and what was left out. */
export type RecordOutcome = WriteOutcome & {
  readonly sent: CrmValues;
  readonly leftOut: readonly LeftOut[];
};

/** What became of records, by item. Those in neither were not written. */
export interface RecordsWritten {
  readonly outcomes: ReadonlyMap<string, RecordOutcome>;
  /** Nobody knows of these: their call, one of several, failed. */
  readonly unheard: ReadonlySet<string>;
}

/** `heard`: others of the batch were answered before. */
type WriteSome = (writes: readonly Write[], heard: boolean) => Promise<InParts<Write, WriteOutcome>>;

interface Leaving {
  /** Whether a record may do without this. */
  readonly may: (refused: { readonly field: string; readonly taken: boolean }) => boolean;
  /** What may stand in a field in place of what was refused there, best first. */
  readonly standIns: (item: string, field: string) => readonly string[];
  /** What becomes of an item of which nothing is left; undefined: it is written all the same. */
  readonly emptied: (item: string) => WriteOutcome | undefined;
}

interface WriteManner {
  readonly priority: Priority;
  /** Whether the account's own rules and workflows run for it. */
  readonly automations: boolean;
}

interface Write {
  readonly item: string;
  readonly values: CrmValues;
}

/**
 * Creates records. A value the CRM refuses or another record holds is left out, where the vendor names its field, or its
 * next stand-in is sent: never a phone another record holds, for that record may be the person's, and never our id.
 */
export async function createRecords(
  calls: Calls,
  connector: Connector,
  creates: readonly Omit<RecordCreate, 'type'>[],
  type: string | undefined,
  standIns: (contactId: string, field: string) => readonly string[],
  { priority, automations }: WriteManner,
): Promise<RecordsWritten> {
  const { contactIdField, phoneFields, sizes } = connector.traits;
  return leavingOut(
    creates.map(({ contactId, values }) => ({ item: contactId, values })),
    (writes, heard) =>
      calls.inParts(
        writes,
        sizes.create,
        (part) =>
          inHalves(
            part.map(({ item, values }) => ({
              contactId: item,
              ...(type === undefined ? {} : { type }),
              values,
            })),
            (half) => connector.create(half, priority, automations),
            ({ contactId }, error) => refusal(contactId, error),
          ),
        heard,
      ),
    {
      may: ({ field, taken }) => field !== contactIdField && !(taken && phoneFields.includes(field)),
      standIns,
      emptied: () => undefined,
    },
  );
}

/**
 * Updates records. A value the CRM refuses, or another record holds, is left out where the vendor names its field, as our
 * own id where the person has another record by that. `optOutFields` share no other field's fate: where a write with more
 * than them is refused as a whole, they go by themselves.
 */
export async function updateRecords(
  calls: Calls,
  connector: Connector,
  updates: readonly RecordUpdate[],
  optOutFields: readonly string[],
  { priority, automations }: WriteManner,
): Promise<RecordsWritten> {
  const write: WriteSome = (writes, heard) =>
    calls.inParts(
      writes,
      connector.traits.sizes.update,
      (part) =>
        inHalves(
          part.map(({ item, values }) => ({ recordId: item, values })),
          (half) => connector.update(half, priority, automations),
          ({ recordId }, error) => refusal(recordId, error),
        ),
      heard,
    );
  const writes = updates.map(({ recordId, values }) => ({ item: recordId, values }));
  const written = await leavingOut(writes, write, ofUpdates);
  const valuesOf = new Map(writes.map(({ item, values }) => [item, values]));
  const alone = new Map<string, { readonly first: RecordOutcome; readonly left: LeftOut }>();
  const again: Write[] = [];
  for (const outcome of written.outcomes.values()) {
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
  if (again.length === 0) return written;
  const second = await leavingOut(again, write, ofUpdates, written.outcomes.size > again.length);
  const outcomes = new Map(written.outcomes);
  for (const { item } of again) {
    const next = second.outcomes.get(item);
    const before = alone.get(item);
    // An opt-out that was not sent goes back with the rest of its mark.
    if (next === undefined) outcomes.delete(item);
    if (next?.outcome !== 'written' || before === undefined) continue;
    outcomes.set(item, { ...next, leftOut: [...before.first.leftOut, before.left, ...next.leftOut] });
  }
  return { outcomes, unheard: written.unheard.union(second.unheard) };
}

/** Writes, and writes again without what was refused by name: each round takes a field off, so it ends. */
async function leavingOut(
  writes: readonly Write[],
  write: WriteSome,
  { may, standIns, emptied }: Leaving,
  heard = false,
): Promise<RecordsWritten> {
  const unheard = new Set<string>();
  const outcomes = new Map<string, WriteOutcome>();
  const last = new Map<string, CrmValues>();
  const leftOut = new Map<string, readonly LeftOut[]>();
  let open = writes;
  while (open.length > 0) {
    const sent = new Map(open.map(({ item, values }) => [item, values]));
    const next: Write[] = [];
    // Rounds of one alone are that one's matter.
    const some = await write(open, heard || outcomes.size > open.length);
    for (const { item } of [...some.unheard, ...some.left]) outcomes.delete(item);
    for (const { item } of some.unheard) unheard.add(item);
    for (const outcome of some.answers) {
      const { item } = outcome;
      const values = sent.get(item) ?? {};
      outcomes.set(item, outcome);
      last.set(item, values);
      if (outcome.outcome !== 'refused' && outcome.outcome !== 'taken') continue;
      const { field } = outcome;
      const value = field === undefined ? undefined : values[field];
      const taken = outcome.outcome === 'taken';
      if (field === undefined || value === undefined || !may({ field, taken })) continue;
      const others = taken ? [] : standIns(item, field);
      const standIn = others[others.indexOf(value) + 1];
      if (standIn !== undefined) next.push({ item, values: { ...values, [field]: standIn } });
      if (standIn !== undefined && others.includes(value)) continue;
      const left: LeftOut = {
        values: { [field]: value },
        ...(taken ? { holder: outcome.recordId, code: 'taken' } : { code: outcome.code }),
        explanation: outcome.explanation,
        named: true,
      };
      leftOut.set(item, [...(leftOut.get(item) ?? []), left]);
      if (standIn !== undefined) continue;
      const { [field]: _, ...rest } = values;
      const done = Object.keys(rest).length === 0 ? emptied(item) : undefined;
      if (done === undefined) next.push({ item, values: rest });
      else outcomes.set(item, done);
    }
    open = next;
  }
  const told = [...outcomes].map(([item, outcome]): [string, RecordOutcome] => [
    item,
    { ...outcome, sent: last.get(item) ?? {}, leftOut: leftOut.get(item) ?? [] },
  ]);
  return { outcomes: new Map(told), unheard };
}

const ofUpdates: Leaving = {
  may: () => true,
  standIns: () => [],
  emptied: (item) => ({ item, outcome: 'written', recordId: item, created: false, values: {} }),
};

function refusal(item: string, { code, message }: SangamError): WriteOutcome {
  return { item, outcome: 'refused', code, explanation: message };
}
