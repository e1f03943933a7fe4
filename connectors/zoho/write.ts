import {
  type CrmValues,
  type Priority,
  type RecordCreate,
  type RecordUpdate,
  type WriteOutcome,
} from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import { type ZohoAccount, contactIdFieldOf, phoneFieldsOf } from './account.ts';
import { ownerField, usualNames } from './account-facts.ts';
import type { FieldsByName } from './account-schema.ts';
import { refusalError } from './errors.ts';
import { isPersonModule, type PersonModule, partsOf, recordIdOf } from './modules.ts';
import { inPlaces, isElsewhere, problemsOf, refusedOutcome, success } from './outcomes.ts';
import { missingAmong, readModule, readRecords } from './read.ts';
import { insertRecords, type Item, type Row, updateRecords } from './record-api.ts';
import { fromJson, toJson, valuesIn } from './values.ts';

/**
 * Creates records under our contact ids. An insert, never an upsert, which would overwrite whoever shares another unique field:
 * it refuses, and names who holds our id (docs/vendors/zoho.md §4.2).
 */
export async function createRecords(
  account: ZohoAccount,
  creates: readonly RecordCreate[],
  priority: Priority,
  automations: boolean,
): Promise<WriteOutcome[]> {
  const outcomes: WriteOutcome[] = [];
  for (const [type, some] of Map.groupBy(creates, ({ type: one = 'Leads' }) => one)) {
    if (!isPersonModule(type)) throw new RangeError(`There is no module ${type} of people.`);
    outcomes.push(...(await createIn(account, type, some, priority, automations)));
  }
  return outcomes;
}

async function createIn(
  account: ZohoAccount,
  module: PersonModule,
  creates: readonly RecordCreate[],
  priority: Priority,
  automations: boolean,
): Promise<WriteOutcome[]> {
  const key = contactIdFieldOf(account);
  const rows = await rowsOf(
    account,
    module,
    creates.map(({ contactId, values }) => ({ ...values, [key]: contactId })),
  );
  const answer = await insertRecords(account.client, { module, rows, automations }, priority);
  if (!answer.ok) throw refusalError(answer.refusal);
  await mustKnowFields(account, module, answer.body);
  const said = inPlaces(creates.length, answer.body, () => undefined);
  const made = new Map(
    said.flatMap(({ code, details }, place) => {
      const contactId = creates[place]?.contactId;
      const id = fromJson(details['id']);
      return code === success && contactId !== undefined && id !== '' ? [[contactId, id] as const] : [];
    }),
  );
  const seen = await readBack(account, module, rows, [...made.values()], priority).catch((error: unknown) => {
    if (!(error instanceof SangamError) || error.retry === 'never') throw error;
    return undefined;
  });
  // What stands there says whose it is, should answers not stand in the order of what was sent.
  const idOf = new Map([
    ...made,
    ...[...(seen ?? [])].map(([contactId, { id }]) => [contactId, id] as const),
  ]);
  const unmade = said.filter(({ code }) => code !== success);
  const inOrder = said.every(
    ({ code }, place) => (code === success) === idOf.has(creates[place]?.contactId ?? ''),
  );
  return creates.map(({ contactId }, place): WriteOutcome => {
    const id = idOf.get(contactId);
    if (id !== undefined) {
      const values =
        seen === undefined ? ownedBy(rows[place], said[place]) : (seen.get(contactId)?.values ?? {});
      return { item: contactId, outcome: 'written', recordId: recordIdOf(module, id), created: true, values };
    }
    const item = inOrder ? said[place] : unmade.shift();
    return refusedOutcome(contactId, item === undefined ? [] : problemsOf(item), {
      module,
      creates: true,
      contactIdField: key,
      phoneFields: phoneFieldsOf(account),
    });
  });
}

/** Whose a record is by all that its making told: who was named, or whoever makes it. */
function ownedBy(row: Row | undefined, said: Item | undefined): CrmValues {
  const owner = fromJson(row?.[ownerField] ?? said?.details['Created_By']);
  return owner === '' ? {} : { [ownerField]: owner };
}

interface SeenRecord {
  readonly id: string;
  readonly values: CrmValues;
}

/**
 * What stands in records just made, by contact id: Zoho passes over a name that no field has, says nothing of it
 * (docs/vendors/zoho.md §3.1), and the customer's own rules may have filled what people follow. Where it
 * is not heard they are made all the same.
 */
async function readBack(
  account: ZohoAccount,
  module: PersonModule,
  rows: readonly Row[],
  ids: readonly string[],
  priority: Priority,
): Promise<ReadonlyMap<string, SeenRecord>> {
  if (ids.length === 0) return new Map();
  const written = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const told = [...new Set([...written, ...usualNames.followedFields])];
  const key = contactIdFieldOf(account);
  const records = await readModule(account, module, ids, told, priority);
  return new Map(
    records.map((record) => [fromJson(record[key]), { id: record.id, values: valuesIn(record, told) }]),
  );
}

/** Updates records by their ids. One that is missing is looked for, and written as what it is by now. */
export async function updateRecordsOf(
  account: ZohoAccount,
  updates: readonly RecordUpdate[],
  priority: Priority,
  automations: boolean,
): Promise<WriteOutcome[]> {
  const first = updates.map(({ recordId, values }) => ({ item: recordId, target: recordId, values }));
  const { outcomes, elsewhere } = await writeTargeted(account, first, priority, automations);
  if (elsewhere.length === 0) return outcomes;
  const records = await readRecords(
    account,
    elsewhere.map(({ item }) => item),
    [],
    priority,
  );
  const whereabouts = new Map(records.map(({ askedAs, recordId }) => [askedAs, recordId]));
  const moved = elsewhere.flatMap((update): Targeted[] => {
    const target = whereabouts.get(update.item);
    return target === undefined ? [] : [{ ...update, target }];
  });
  const again = await writeTargeted(account, moved, priority, automations);
  const gone = elsewhere.filter(({ item }) => !whereabouts.has(item));
  return [
    ...outcomes,
    ...again.outcomes,
    ...again.elsewhere.map(({ item }): WriteOutcome => ({ item, outcome: 'later', ...doubted })),
    ...gone.map(({ item }): WriteOutcome => ({ item, outcome: 'gone' })),
  ];
}

/** What was just read is not gone: it may be another by now, or may be seen and not written. */
const doubted = {
  code: 'record_doubted',
  retry: 'later',
  explanation:
    'Zoho CRM shows this record and refuses its id when it is written: check whether the user who connected may edit it.',
} as const;

interface Targeted {
  /** The record id the caller knows it by. */
  readonly item: string;
  /** The record it is by now. */
  readonly target: string;
  readonly values: CrmValues;
}

async function writeTargeted(
  account: ZohoAccount,
  updates: readonly Targeted[],
  priority: Priority,
  automations: boolean,
): Promise<{ readonly outcomes: WriteOutcome[]; readonly elsewhere: Targeted[] }> {
  const outcomes: WriteOutcome[] = [];
  const elsewhere: Targeted[] = [];
  for (const [module, some] of Map.groupBy(updates, ({ target }) => partsOf(target)?.module)) {
    if (module === undefined) elsewhere.push(...some);
    else await writeIn(account, module, some, { priority, automations, outcomes, elsewhere });
  }
  return { outcomes, elsewhere };
}

async function writeIn(
  account: ZohoAccount,
  module: PersonModule,
  updates: readonly Targeted[],
  into: {
    readonly priority: Priority;
    readonly automations: boolean;
    readonly outcomes: WriteOutcome[];
    readonly elsewhere: Targeted[];
  },
): Promise<void> {
  const { priority, automations, outcomes, elsewhere } = into;
  const rows = await rowsOf(
    account,
    module,
    updates.map(({ values }) => values),
  );
  const withIds = rows.map((row, place): Row => ({
    ...row,
    id: partsOf(updates[place]?.target ?? '')?.id ?? '',
  }));
  const answer = await updateRecords(account.client, { module, rows: withIds, automations }, priority);
  if (!answer.ok) throw refusalError(answer.refusal);
  await mustKnowFields(account, module, answer.body);
  const placeOf = new Map(withIds.map(({ id }, place) => [id, place]));
  const said = inPlaces(updates.length, answer.body, ({ details }) => placeOf.get(fromJson(details['id'])));
  for (const [place, update] of updates.entries()) {
    const one = said[place];
    if (one === undefined) continue;
    const { item, target, values } = update;
    if (one.code === success) {
      const row = withIds[place] ?? {};
      const stored = Object.fromEntries(
        Object.keys(values).flatMap((name) => (name in row ? [[name, fromJson(row[name])]] : [])),
      );
      outcomes.push({ item, outcome: 'written', recordId: target, created: false, values: stored });
      continue;
    }
    const problems = problemsOf(one);
    if (isElsewhere(problems)) {
      elsewhere.push(update);
      continue;
    }
    const by = { module, creates: false, contactIdField: contactIdFieldOf(account), phoneFields: [] };
    outcomes.push(refusedOutcome(item, problems, by));
  }
}

/**
 * Values as the API takes them, by the types of the module's fields. What only the other module has is left out; a name no
 * module has is missing. Throws `FieldsMissing`.
 */
async function rowsOf(
  account: ZohoAccount,
  module: PersonModule,
  values: readonly CrmValues[],
): Promise<Row[]> {
  const names = [...new Set(values.flatMap((one) => Object.keys(one)))];
  const other = module === 'Leads' ? 'Contacts' : 'Leads';
  const lacking = async (): Promise<readonly string[]> => {
    const there = await account.schema.of(module);
    const absent = names.filter((name) => !there.has(name));
    if (absent.length === 0) return [];
    const elsewhere = await account.schema.of(other);
    return absent.filter((name) => !elsewhere.has(name));
  };
  if ((await lacking()).length > 0) {
    // One that was made since is known after another look.
    account.schema.forget();
    const missing = missingAmong(account, module, await lacking(), new Map());
    if (missing !== undefined) throw missing;
  }
  const there = await account.schema.of(module);
  return values.map((one) => rowOf(one, there));
}

function rowOf(values: CrmValues, there: FieldsByName): Row {
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, written]) => {
      const field = there.get(name);
      return field === undefined ? [] : [[name, toJson(written, field)]];
    }),
  );
}

/** What is refused without a word about what its field takes may be of a field that is there no more. Throws `FieldsMissing`. */
async function mustKnowFields(
  account: ZohoAccount,
  module: PersonModule,
  said: readonly Item[],
): Promise<void> {
  const named = said
    .filter(({ code }) => code !== success)
    .flatMap(problemsOf)
    .flatMap(({ code, field, explained }) =>
      code === 'INVALID_DATA' && field !== undefined && field !== 'id' && !explained ? [field] : [],
    );
  if (named.length === 0) return;
  account.schema.forget();
  const missing = missingAmong(account, module, [...new Set(named)], await account.schema.of(module));
  if (missing !== undefined) throw missing;
}
