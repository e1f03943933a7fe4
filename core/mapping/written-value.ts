import {
  type ContactFields,
  type FieldMapping,
  type FieldValue,
  ruleOf,
  type Spelling,
  type Transform,
} from '../crm/index.ts';
import { dayOf } from '../timeline/index.ts';

/**
 * What a contact would put into a mapping's field, in the CRM's form. '' empties it; undefined leaves it alone: we know
 * nothing, or the field cannot hold it. Only what is `ours` is emptied when we know nothing.
 */
export function writtenValue(
  mapping: FieldMapping,
  contact: ContactFields,
  spelling: Spelling,
): string | undefined {
  const value = carried(ruleOf(mapping.source).read(contact), mapping);
  if (isNothing(value)) return mapping.policy === 'ours' ? '' : undefined;
  return spelling.write(onItsDay(value, mapping), mapping.field);
}

/** A date holds the day it was where the account is: that day's midnight in UTC, for spellings know no zones. */
function onItsDay(value: FieldValue, { field, timeZone }: FieldMapping): FieldValue {
  return value.kind === 'time' && value.at !== undefined && field.kind === 'date' && timeZone !== undefined
    ? { kind: 'time', at: Date.parse(dayOf(value.at, timeZone)) }
    : value;
}

/** What may hold the place of a missing value in a new record, best first. */
export function standInsOf(mapping: FieldMapping, contact: ContactFields, spelling: Spelling): string[] {
  return (mapping.standIns ?? []).flatMap((standIn) => {
    const text =
      standIn === 'phone'
        ? contact.phone
        : standIn === 'username'
          ? contact.username === undefined
            ? undefined
            : `@${contact.username}`
          : standIn.slice(1, -1);
    const written = text === undefined ? undefined : spelling.write({ kind: 'text', text }, mapping.field);
    return written === undefined || written === '' ? [] : [written];
  });
}

/**
 * Whether a written value is a stand-in of ours: one for this contact now, or by its look an earlier phone or username of
 * theirs.
 */
export function isStandIn(
  mapping: FieldMapping,
  written: string,
  contact: ContactFields,
  spelling: Spelling,
): boolean {
  if (standInsOf(mapping, contact, spelling).includes(written)) return true;
  const kinds = mapping.standIns ?? [];
  return (
    (kinds.includes('phone') && /^\+\d{6,15}$/.test(written)) ||
    (kinds.includes('username') && /^@[\w.]+$/.test(written))
  );
}

function isNothing(value: FieldValue): boolean {
  return (
    (value.kind === 'text' && (value.text ?? '') === '') || (value.kind === 'time' && value.at === undefined)
  );
}

/** A value of ours as a mapping's line changes it on its way. */
export function carried(
  value: FieldValue,
  { transform, values = {} }: Pick<FieldMapping, 'transform' | 'values'>,
): FieldValue {
  if (value.kind !== 'text' || value.text === undefined) return value;
  const { text } = value;
  const translated = Object.hasOwn(values, text) ? values[text] : undefined;
  return { kind: 'text', text: translated ?? transformText(text, transform) };
}

function transformText(value: string, transform: Transform): string {
  switch (transform) {
    case 'as is':
      return value;
    case 'lower case':
      return value.toLowerCase();
    case 'upper case':
      return value.toUpperCase();
    case 'digits only':
      return value.replace(/\D/g, '');
    case 'first line':
      return value.trimStart().split('\n', 1)[0] ?? '';
  }
}
