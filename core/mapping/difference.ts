import {
  type ContactFields,
  type CrmValues,
  type FieldMapping,
  isOnCreateAlone,
  type Spelling,
} from '../crm/index.ts';
import { judgePhones, ownNumberOf } from './phone-list.ts';
import { isStandIn, standInsOf, writtenValue } from './written-value.ts';

/** What the CRM's side says of something both sides share, and we take over. */
export type Taken =
  | { readonly kind: 'opt-out'; readonly set: boolean }
  | { readonly kind: 'tags'; readonly add: readonly string[]; readonly remove: readonly string[] };

/** What both sides last agreed on. */
export interface Agreed {
  readonly base: CrmValues;
  /** Fields whose value in the base we wrote: still ours to correct while it stands. */
  readonly ours: readonly string[];
}

export interface Difference {
  readonly write: CrmValues;
  readonly taken: readonly Taken[];
  /** Agreed once `write` has gone through. */
  readonly agreed: Agreed;
  /** What stands in the CRM has to be seen before this can be decided; the rest of the answer means nothing then. */
  readonly needsRead: boolean;
}

/** Fields whose current value we wrote of somebody who was erased, with it; of a list of phones, those numbers of it. */
export type ErasedFields = ReadonlyMap<string, readonly string[]>;

interface Side {
  readonly contact: ContactFields;
  readonly spelling: Spelling;
  readonly base: CrmValues;
  readonly ours: ReadonlySet<string>;
  /** What the record holds now; undefined: it was not read. */
  readonly current: CrmValues | undefined;
  readonly erased: ErasedFields;
}

/** What becomes of one field. `value`: what stands there afterwards, as far as we know. */
interface Verdict {
  readonly write?: string;
  readonly value?: string | undefined;
  readonly taken?: Taken;
  readonly needsRead?: true;
  /** It says what we would write: whose it was it stays. */
  readonly agrees?: true;
  /** Of a list of phones: which of them is ours; '' none. */
  readonly own?: string;
}

/**
 * What one write should carry so that the record says what this contact says, and nothing a person typed is lost. Ours
 * changed: write. Theirs changed: take. Both: the owner decides. docs/design.md §3.3
 *
 * | owner      | a new record gets       | an existing record gets it when                                           |
 * | ---------- | ----------------------- | ------------------------------------------------------------------------- |
 * | `once`     | the value or a stand-in | its own is empty and nobody emptied it, or what we wrote still stands     |
 * | `if-empty` | the value or a stand-in | its own is empty and nobody emptied it, or a stand-in of ours still stands |
 * | `ours`     | the value               | it differs                                                                |
 * | `both`     | the value               | our side changed; what changed on theirs is taken                         |
 * | `theirs`   | nothing                 | never                                                                     |
 *
 * A constant is for new records alone. What we wrote and is somebody else's by now, a phone or a value of somebody `erased`, gives way to the contact's own, or to
 * what a new record gets, whoever owns the field.
 */
export function difference(input: {
  readonly contact: ContactFields;
  readonly mapping: readonly FieldMapping[];
  readonly spelling: Spelling;
  readonly agreed: Agreed;
  readonly current: CrmValues | undefined;
  readonly erased: ErasedFields;
}): Difference {
  const { contact, mapping, spelling, agreed, current, erased } = input;
  const side: Side = { contact, spelling, base: agreed.base, ours: new Set(agreed.ours), current, erased };
  const write: Record<string, string> = {};
  const base: Record<string, string> = { ...agreed.base };
  const ours = new Set(agreed.ours);
  const taken: Taken[] = [];
  let needsRead = false;
  for (const field of mapping) {
    const { name } = field.field;
    const verdict = judge(field, side);
    needsRead ||= verdict.needsRead ?? false;
    if (verdict.taken !== undefined) taken.push(verdict.taken);
    if (verdict.write !== undefined) {
      write[name] = verdict.write;
      ours.add(name);
    } else if (
      verdict.agrees === undefined &&
      verdict.value !== undefined &&
      verdict.value !== agreed.base[name]
    ) {
      ours.delete(name);
    }
    const value = verdict.value ?? verdict.write;
    if (value !== undefined) base[name] = value;
    if (verdict.own !== undefined) base[ownNumberOf(name)] = verdict.own;
  }
  return { write, taken, agreed: { base, ours: [...ours].toSorted() }, needsRead };
}

/** What a new record is to hold; no tags too, so that it is known what both sides began with. */
export function valuesForNew(
  contact: ContactFields,
  mapping: readonly FieldMapping[],
  spelling: Spelling,
): CrmValues {
  return Object.fromEntries(
    mapping.flatMap((field) => {
      if (field.policy === 'theirs') return [];
      const ours = writtenValue(field, contact, spelling);
      const missing = (ours ?? '') === '' && field.policy !== 'both';
      const value = missing ? standInsOf(field, contact, spelling)[0] : ours;
      return value === undefined ? [] : [[field.field.name, value]];
    }),
  );
}

function judge(mapping: FieldMapping, side: Side): Verdict {
  const { name } = mapping.field;
  if (isOnCreateAlone(mapping.source)) return { value: side.current?.[name] };
  const theirs = side.current?.[name] ?? side.base[name];
  if (mapping.policy === 'both') {
    if (mapping.source === 'tags') return judgeTags(mapping, side);
    if (mapping.source === 'opt-out') return judgeOptOut(mapping, side);
  }
  const { phoneList } = side.spelling;
  if (mapping.source === 'phone' && mapping.field.kind === 'phones' && phoneList !== undefined) {
    const verdict = judgePhones(mapping, side, phoneList);
    return 'needsRead' in verdict || verdict.write !== undefined ? verdict : { ...verdict, agrees: true };
  }
  const ours = writtenValue(mapping, side.contact, side.spelling);
  if (side.erased.has(name) || isHandedOn(mapping, side)) {
    if (ours !== undefined && ours === side.current?.[name]) return { value: ours, agrees: true };
    const [standIn = ''] = standInsOf(mapping, side.contact, side.spelling);
    return side.current === undefined ? { needsRead: true } : { write: ours ?? standIn };
  }
  if (mapping.policy === 'theirs' || ours === undefined) return { value: side.current?.[name] };
  const same = (x: string, y: string): boolean => x === y || side.spelling.same(x, y, mapping.field);
  if (theirs !== undefined && same(ours, theirs)) return { value: side.current?.[name], agrees: true };
  switch (mapping.policy) {
    case 'ours':
      return ours === '' && theirs === undefined ? {} : { write: ours };
    case 'both': {
      const base = side.base[name];
      const changed = base === undefined || !same(ours, base);
      return changed ? { write: ours } : { value: side.current?.[name] };
    }
    case 'once':
    case 'if-empty':
      return judgeFilled(mapping, side, ours, theirs, same);
  }
}

/** A phone of theirs that we wrote still stands there, and is somebody else's by now. */
function isHandedOn(mapping: FieldMapping, { contact, spelling, base, ours, current }: Side): boolean {
  const { name } = mapping.field;
  const [written, theirs] = [base[name], current?.[name] ?? base[name]];
  if (mapping.source !== 'phone' || written === undefined || theirs === undefined || !ours.has(name))
    return false;
  const isSame = (x: string, y: string): boolean => x === y || spelling.same(x, y, mapping.field);
  return (
    isSame(written, theirs) &&
    contact.formerPhones.some((phone) => {
      const former = writtenValue(mapping, { ...contact, phone }, spelling);
      return former !== undefined && isSame(former, theirs);
    })
  );
}

function judgeFilled(
  mapping: FieldMapping,
  side: Side,
  ours: string,
  theirs: string | undefined,
  same: (x: string, y: string) => boolean,
): Verdict {
  const { name } = mapping.field;
  const base = side.base[name];
  if (theirs === undefined) return { needsRead: true };
  const mine = base !== undefined && side.ours.has(name) && same(base, theirs);
  const givesWay =
    theirs === '' ||
    (mine && (mapping.policy === 'once' || isStandIn(mapping, theirs, side.contact, side.spelling)));
  if (!givesWay) return { value: side.current?.[name] };
  // What a person emptied stays empty until there is something new to say; the base remembers what they took away.
  const emptied = theirs === '' && base !== undefined && base !== '';
  const news = emptied ? mapping.policy === 'if-empty' && !same(ours, base) : true;
  if (!news) return {};
  return side.current === undefined ? { needsRead: true } : { write: ours };
}

/** An opt-out that is missing is written at once; anything else is decided by who changed it. */
function judgeOptOut(mapping: FieldMapping, side: Side): Verdict {
  const { name } = mapping.field;
  const { spelling, contact } = side;
  const read = (value: string | undefined): boolean | undefined =>
    value === undefined || value === '' ? undefined : spelling.readFlag(value, mapping.field);
  const write = (set: boolean): string => spelling.write({ kind: 'flag', set }, mapping.field) ?? '';
  const current = side.current?.[name];
  const [theirs, base] = [read(current ?? side.base[name]), read(side.base[name])];
  if (contact.optOut) {
    if (theirs === true) return { value: current };
    const cleared = current !== undefined && base === true && theirs === false;
    // Whether their clearing lifts it is for the ledger to say: a STOP of the person's own comes back here.
    if (cleared) return { value: current, taken: { kind: 'opt-out', set: false } };
    return { write: write(true) };
  }
  if (theirs === true) {
    if (current === undefined) return { needsRead: true };
    // Both sides knew of it, and the person has come back since.
    if (base === true) return { write: write(false) };
    return { value: current, taken: { kind: 'opt-out', set: true } };
  }
  if (current === undefined && side.base[name] === undefined) return { needsRead: true };
  return theirs === undefined ? { write: write(false) } : { value: current };
}

function judgeTags(mapping: FieldMapping, side: Side): Verdict {
  const { name } = mapping.field;
  const { spelling, contact } = side;
  const tagsIn = (written: string): string[] => [...spelling.readTags(written, mapping.field)];
  const spelled = new Map(
    contact.tags.flatMap((tag) => {
      const [form] = tagsIn(spelling.write({ kind: 'tags', tags: [tag] }, mapping.field) ?? '');
      return form === undefined ? [] : [[form, tag] as const];
    }),
  );
  const ours = new Set(spelled.keys());
  const written = side.base[name];
  const base = written === undefined ? undefined : new Set(tagsIn(written));
  const current = side.current?.[name];
  if (current === undefined) {
    const agreed = base !== undefined && base.size === ours.size && base.isSubsetOf(ours);
    return agreed ? {} : { needsRead: true };
  }
  const theirs = new Set(tagsIn(current));
  const added = theirs.difference(base ?? new Set()).difference(ours);
  const removed = base === undefined ? new Set<string>() : base.difference(theirs).intersection(ours);
  const dropped = base === undefined ? new Set<string>() : base.intersection(theirs).difference(ours);
  const wanted = [...theirs.union(ours).difference(removed).difference(dropped)];
  const change = spelling.writeTags(wanted, current, mapping.field);
  const taken =
    added.size + removed.size === 0
      ? {}
      : {
          taken: {
            kind: 'tags' as const,
            add: [...added],
            remove: [...removed].map((form) => spelled.get(form) ?? form),
          },
        };
  return {
    value: spelling.write({ kind: 'tags', tags: wanted }, mapping.field) ?? '',
    ...(change === undefined ? {} : { write: change }),
    ...taken,
  };
}
