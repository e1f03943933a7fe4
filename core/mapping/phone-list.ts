import type { ContactFields, FieldMapping, PhoneList, Spelling } from '../crm/index.ts';
import { writtenValue } from './written-value.ts';

/** A field that holds several phones, as both sides know it. */
interface ListSide {
  readonly contact: ContactFields;
  readonly spelling: Spelling;
  readonly base: Readonly<Record<string, string>>;
  readonly ours: ReadonlySet<string>;
  readonly current: Readonly<Record<string, string>> | undefined;
  readonly erased: ReadonlyMap<string, readonly string[]>;
}

/** What becomes of it. `own`: which of its numbers is ours afterwards; '' none. */
export type ListVerdict =
  { readonly needsRead: true } | { readonly value: string; readonly write?: string; readonly own: string };

/** Where the base keeps which number of a list we wrote: people's own stand beside it. */
export function ownNumberOf(field: string): string {
  return `${field}${own}`;
}

/** The field whose number of ours that is; any other name is the field's own. */
export function fieldOfNumber(name: string): string {
  return name.endsWith(own) ? name.slice(0, -own.length) : name;
}

const own = '#ours';

/** Which number of each list is ours where all of it is: a list we made. */
export function ownNumbersOf(
  values: Readonly<Record<string, string>>,
  mapping: readonly FieldMapping[],
  { phoneList }: Spelling,
): Readonly<Record<string, string>> {
  if (phoneList === undefined) return {};
  return Object.fromEntries(
    mapping.flatMap(({ source, field: { name, kind } }) => {
      const [number] = source === 'phone' && kind === 'phones' ? phoneList.in(values[name] ?? '') : [];
      return number === undefined ? [] : [[ownNumberOf(name), number] as const];
    }),
  );
}

/**
 * A contact's phone in a list of them. It is added, and gives way once it is somebody else's; what people wrote there stays.
 * Under `once` and `if-empty` it is added to a list that is empty, and that nobody emptied of it.
 */
export function judgePhones(mapping: FieldMapping, side: ListSide, list: PhoneList): ListVerdict {
  const { contact, spelling, base, ours, current } = side;
  const { name } = mapping.field;
  const isSame = (x: string, y: string): boolean => x === y || spelling.same(x, y, mapping.field);
  const numberOf = (phone: string | undefined): string | undefined => {
    const { phone: _, ...others } = contact;
    const written = writtenValue(mapping, phone === undefined ? others : { ...others, phone }, spelling);
    return written === undefined ? undefined : list.in(written)[0];
  };
  const wanted = numberOf(contact.phone);
  const agreed = base[name] === undefined ? undefined : list.in(base[name]);
  const written = current?.[name] ?? base[name];
  if (written === undefined) return { needsRead: true };
  const there = list.in(written);
  // Of somebody who is back it is theirs again.
  const isTheirs = (number: string): boolean =>
    contact.phones.some((phone) => {
      const theirs = numberOf(phone);
      return theirs !== undefined && isSame(theirs, number);
    });
  const ofErased = there.filter((number) => side.erased.get(name)?.includes(number) === true);
  const mine =
    base[ownNumberOf(name)] ?? (ours.has(name) && agreed?.length === 1 ? agreed[0] : ofErased.find(isTheirs));
  const standing = mine === undefined ? undefined : there.find((number) => isSame(number, mine));
  const isFormer = contact.formerPhones.some((phone) => {
    const former = numberOf(phone);
    return former !== undefined && standing !== undefined && isSame(former, standing);
  });
  const former = isFormer && standing !== undefined ? [standing] : [];
  const removed = [...new Set([...former, ...ofErased.filter((number) => !isTheirs(number))])];
  const left = there.filter((number) => !removed.includes(number));
  const isEmptied = wanted !== undefined && (agreed ?? []).some((number) => isSame(number, wanted));
  const isDue =
    mapping.policy === 'ours' ||
    removed.length > 0 ||
    (there.length === 0 && !isEmptied && (mapping.policy === 'if-empty' || (agreed ?? []).length === 0));
  const isThere = wanted === undefined || left.some((number) => isSame(number, wanted));
  const added = isDue && !isThere && mapping.policy !== 'theirs' ? [wanted] : [];
  if (added.length + removed.length === 0) {
    // What somebody emptied the base remembers, so that it stays empty.
    const emptied = there.length === 0 && agreed !== undefined && agreed.length > 0;
    return emptied ? { value: list.write(agreed), own: mine ?? '' } : { value: written, own: standing ?? '' };
  }
  if (current === undefined) return { needsRead: true };
  const kept = removed.length > 0 ? '' : (standing ?? '');
  return {
    value: list.write([...left, ...added]),
    write: list.change({ added, removed }),
    own: added[0] ?? kept,
  };
}
