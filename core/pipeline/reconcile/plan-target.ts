import {
  type AccountTraits,
  type ContactFields,
  type CrmRecord,
  type CrmValues,
  type FieldMapping,
  linesOn,
} from '../../crm/index.ts';
import {
  type Agreed,
  difference,
  type ErasedFields,
  foldRecord,
  optOutOf,
  type Taken,
  writtenValue,
} from '../../mapping/index.ts';
import { erasedKeyField } from '../../store/index.ts';
import { type Followed, isTried } from '../followed.ts';
import { withoutLeftOut } from './left-out.ts';
import type { DirtyTarget } from './load-batch.ts';

/** What is to be done about one record. */
export interface TargetPlan {
  readonly target: DirtyTarget;
  readonly write: CrmValues;
  readonly taken: readonly Taken[];
  readonly agreed: Agreed;
  /** What both sides agreed on before. */
  readonly before: Agreed;
  /** Values the CRM refused or made something else of, and would again. */
  readonly refused: CrmValues;
  /** What stands in our unique field afterwards. */
  readonly key: string | undefined;
  /** Undefined: decided without looking. */
  readonly record: CrmRecord | undefined;
  readonly needsRead: boolean;
}

/**
 * Decides what to write to a record and what to take from it; `record` is what it was just read as, `erased` its fields that
 * hold what we wrote of somebody erased since.
 */
export function planTarget(
  target: DirtyTarget,
  record: CrmRecord | undefined,
  wholeMapping: readonly FieldMapping[],
  traits: AccountTraits,
  followed: Followed,
  erased: ErasedFields,
): TargetPlan {
  const { row, primaryFor, others } = target;
  const mapping = linesOn(wholeMapping, traits.recordTypes?.of(target.recordId));
  const known = withTakenOver(knownOf(target), target.takenOver, record, followed);
  const overwritten = overwrittenLately(target, known, record, mapping, followed);
  const lasting =
    record === undefined ? undefined : { ...record, values: { ...record.values, ...overwritten } };
  const agreed = withTries(known, target.tried, lasting, followed);
  const contact = foldRecord(primaryFor, others);
  const unseen = row?.agreed !== true && record === undefined;
  if (contact === undefined) {
    return planOthers(target, record, mapping, traits, followed, erased, agreed, unseen);
  }
  const refused = row?.refused ?? {};
  // Where somebody changed the field since, it is tried once more.
  const movedOn = (field: string): boolean =>
    record !== undefined && !erased.has(field) && (record.values[field] ?? '') !== (row?.base[field] ?? '');
  const isRefused = (field: string, value: string | undefined): boolean =>
    value !== undefined && refused[field] === value && !movedOn(field);
  const open = mapping.filter(
    (line) => !isRefused(line.field.name, writtenValue(line, contact, traits.spelling)),
  );
  const decided = difference({
    contact,
    mapping: open,
    spelling: traits.spelling,
    agreed,
    current: lasting?.values,
    erased,
  });
  const write = Object.fromEntries(
    Object.entries({ ...overwritten, ...decided.write }).filter(([field, value]) => !isRefused(field, value)),
  );
  const stillRefused = Object.entries(refused).filter(
    ([field, value]) => !open.some((line) => line.field.name === field) || decided.write[field] === value,
  );
  const held = heldKey(target, record, erased);
  const key = held ?? contact.contactId;
  const before = { base: { ...agreed.base, ...record?.values }, ours: agreed.ours };
  const unwritten = stillRefused.map(([field, value]) => ({ values: { [field]: value } }));
  return {
    target,
    write: held === undefined ? { ...write, [traits.contactIdField]: key } : write,
    taken: decided.taken,
    agreed: withFollowed(withoutLeftOut(decided.agreed, before, unwritten), lasting, followed),
    before,
    refused: Object.fromEntries(stillRefused),
    key,
    record,
    needsRead: record === undefined && (decided.needsRead || unseen || mayDiffer(target)),
  };
}

/**
 * What both sides agreed on. What was only seen in passing nobody did, and whatever stands there is news, but for what the
 * CRM told us that we wrote.
 */
function knownOf({ row }: DirtyTarget): Agreed {
  if (row === undefined) return { base: {}, ours: [] };
  const { agreed, base, ours } = row;
  if (agreed) return { base, ours };
  return { base: Object.fromEntries(Object.entries(base).filter(([field]) => ours.includes(field))), ours };
}

/**
 * A record that is nobody's own still takes the opt-out of those who stand on it, and is never given anything else. What we
 * wrote of somebody erased goes.
 */
function planOthers(
  target: DirtyTarget,
  record: CrmRecord | undefined,
  mapping: readonly FieldMapping[],
  traits: AccountTraits,
  followed: Followed,
  erased: ErasedFields,
  agreed: Agreed,
  unseen: boolean,
): TargetPlan {
  const [anybody, ...rest] = target.others;
  const about = mapping.filter(({ source }) => source === 'opt-out' || source === 'opt-out time');
  const optOut = optOutOf(target.others);
  // Set by us, or by somebody there and taken over: both sides know of it, and whoever lifts it does so here too.
  const known = about.some(
    ({ source, field }) =>
      source === 'opt-out' &&
      (agreed.ours.includes(field.name) ||
        traits.spelling.readFlag(agreed.base[field.name] ?? '', field) === true),
  );
  const concerned = optOut.optOut || known;
  const contact = anybody === undefined ? undefined : foldRecord([anybody], rest);
  const decided =
    contact !== undefined && concerned
      ? difference({
          contact,
          mapping: about,
          spelling: traits.spelling,
          agreed,
          current: record?.values,
          erased,
        })
      : {
          write: {},
          taken: takenFromOthers(target, record, about, traits),
          agreed: asSeen(agreed, record, []),
          needsRead: false,
        };
  const standing = record === undefined ? (target.row?.keyContactId ?? undefined) : record.contactId;
  const held = heldKey(target, record, erased);
  const stale = standing !== undefined && held === undefined;
  // What those who stand on it say too is theirs, such as the phone of who came back.
  const isTheirs = (line: FieldMapping): boolean =>
    target.others.some((one) => writtenValue(line, one, traits.spelling) === record?.values[line.field.name]);
  const isEmptied = (line: FieldMapping): boolean =>
    erased.has(line.field.name) && target.row?.refused[line.field.name] !== '' && !isTheirs(line);
  const givingWay = mapping
    .filter(isEmptied)
    .map((line) => [line.field.name, withoutErased(line, record, erased, target.others, traits)] as const);
  const emptied = Object.fromEntries(givingWay.map(([field, { write }]) => [field, write]));
  const left = Object.fromEntries(givingWay.map(([field, { value }]) => [field, value]));
  const agreedThen = withFollowed(asSeen(decided.agreed, record, about), record, followed);
  return {
    target,
    write: { ...emptied, ...decided.write, ...(stale ? { [traits.contactIdField]: '' } : {}) },
    taken: decided.taken,
    agreed: { ...agreedThen, base: { ...agreedThen.base, ...left, ...decided.write } },
    before: { base: { ...agreed.base, ...record?.values }, ours: agreed.ours },
    refused: target.row?.refused ?? {},
    key: held,
    record,
    needsRead: record === undefined && (decided.needsRead || unseen || mayDiffer(target)),
  };
}

/** A field that is emptied of somebody erased; of a list of phones their numbers go, and what others there have stays. */
function withoutErased(
  line: FieldMapping,
  record: CrmRecord | undefined,
  erased: ErasedFields,
  others: readonly ContactFields[],
  { spelling }: AccountTraits,
): { readonly write: string; readonly value: string } {
  const { name, kind } = line.field;
  const { phoneList } = spelling;
  if (kind !== 'phones' || phoneList === undefined) return { write: '', value: '' };
  const there = phoneList.in(record?.values[name] ?? '');
  const said = others.flatMap((one) => phoneList.in(writtenValue(line, one, spelling) ?? ''));
  const removed = there.filter(
    (number) => erased.get(name)?.includes(number) === true && !said.includes(number),
  );
  return {
    write: phoneList.change({ added: [], removed }),
    value: phoneList.write(there.filter((number) => !removed.includes(number))),
  };
}

/** What nobody decides here is as it was read: what somebody typed in place of ours is theirs. */
function asSeen(
  { base, ours }: Agreed,
  record: CrmRecord | undefined,
  decided: readonly FieldMapping[],
): Agreed {
  if (record === undefined) return { base, ours };
  const left = new Set(decided.map(({ field }) => field.name));
  const news = Object.fromEntries(
    Object.entries(record.values).filter(([field, value]) => !left.has(field) && base[field] !== value),
  );
  return { base: { ...base, ...news }, ours: ours.filter((field) => news[field] === undefined) };
}

/** An opt-out somebody set on any record of a person is that person's. */
function takenFromOthers(
  target: DirtyTarget,
  record: CrmRecord | undefined,
  about: readonly FieldMapping[],
  traits: AccountTraits,
): Taken[] {
  if (record === undefined || target.others.length === 0) return [];
  const set = about.some(
    ({ source, field }) =>
      source === 'opt-out' && traits.spelling.readFlag(record.values[field.name] ?? '', field) === true,
  );
  return set ? [{ kind: 'opt-out', set: true }] : [];
}

/** Followed fields are known too, so that a poll can tell what changed. */
function withFollowed(agreed: Agreed, record: CrmRecord | undefined, { theirs }: Followed): Agreed {
  if (record === undefined) return agreed;
  const seen = Object.entries(record.values).filter(([field]) => theirs.has(field));
  return { ...agreed, base: { ...agreed.base, ...Object.fromEntries(seen) } };
}

/**
 * What stands in our unique field and may stay. The id of somebody whose primary record is another by now would keep it from
 * being written there; one that was taken from what both sides agreed on is of somebody erased.
 */
function heldKey(
  { row, primaryFor, others, keyIsOthers }: DirtyTarget,
  record: CrmRecord | undefined,
  erased: ErasedFields,
): string | undefined {
  if (erased.has(erasedKeyField)) return undefined;
  const held = record === undefined ? (row?.keyContactId ?? undefined) : record.contactId;
  if (keyIsOthers && held === row?.keyContactId) return undefined;
  const isHeldBy = (people: readonly ContactFields[]): boolean =>
    people.some(({ contactId }) => contactId === held);
  if (isHeldBy(others)) return undefined;
  const isErased =
    primaryFor.length > 0 && row?.agreed === true && row.keyContactId === null && !isHeldBy(primaryFor);
  return isErased ? undefined : held;
}

/** Somebody or something may have changed it since it was last read, or is to be seen giving way. */
function mayDiffer({ dirty, erasedValues, tried, takenOver }: DirtyTarget): boolean {
  return dirty.reread || Object.keys(erasedValues).length > 0 || tried.length > 0 || takenOver.length > 0;
}

/** What stood on a record that was merged into this one is as agreed as it was there. */
function withTakenOver(
  agreed: Agreed,
  merged: readonly Agreed[],
  record: CrmRecord | undefined,
  { same }: Followed,
): Agreed {
  if (record === undefined || merged.length === 0) return agreed;
  const base = { ...agreed.base };
  const ours = new Set(agreed.ours);
  for (const [field, value] of Object.entries(record.values)) {
    const holds = (one: Agreed): boolean => {
      const before = one.base[field];
      return before !== undefined && same(field, before, value);
    };
    const holders = merged.filter(holds);
    if (value === '' || holds(agreed) || holders.length === 0) continue;
    base[field] = value;
    if (holders.every((one) => one.ours.includes(field))) ours.add(field);
    else ours.delete(field);
  }
  return { base, ours: [...ours] };
}

/**
 * What people had typed, and a write that nobody answered wrote over when it took effect at last: it was decided when the
 * field said something else.
 */
function overwrittenLately(
  { late, row, primaryFor }: DirtyTarget,
  { base, ours }: Agreed,
  record: CrmRecord | undefined,
  mapping: readonly FieldMapping[],
  { ours: oursAlone, same }: Followed,
): CrmValues {
  if (record === undefined || row?.agreed !== true || primaryFor.length === 0) return {};
  // What is added to these, on either side, stands in ledgers; a list names what is added alone.
  const shared = new Set(
    mapping.flatMap(({ source, field }) =>
      source === 'opt-out' || source === 'tags' || field.kind === 'phones' ? [field.name] : [],
    ),
  );
  const typed = Object.entries(record.values).flatMap(([field, value]) => {
    const { [field]: before = '' } = base;
    const isOurs = ours.includes(field) || oursAlone.has(field) || shared.has(field);
    if (before === '' || isOurs || same(field, before, value)) return [];
    return isTried(late, field, value, same) ? [[field, before] as const] : [];
  });
  return Object.fromEntries(typed);
}

/** A write nobody answered that did come through: what stands there is ours. */
function withTries(
  agreed: Agreed,
  tries: readonly CrmValues[],
  record: CrmRecord | undefined,
  { same }: Followed,
): Agreed {
  if (record === undefined || tries.length === 0) return agreed;
  const landed = Object.entries(record.values).filter(
    ([field, value]) => value !== agreed.base[field] && isTried(tries, field, value, same),
  );
  return {
    base: { ...agreed.base, ...Object.fromEntries(landed) },
    ours: [...new Set([...agreed.ours, ...landed.map(([field]) => field)])],
  };
}
