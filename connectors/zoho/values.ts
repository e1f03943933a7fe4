import type { CrmValues } from '@sangam/core/crm';
import type { ZohoField } from './field-api.ts';

/** Values between the API's JSON and the texts the engine knows them by. docs/vendors/zoho.md §2.1, §3.1. */

/** What parts several choices of one field, within the engine. */
export const choiceSeparator = ';';

export type Json =
  | string
  | number
  | boolean
  | null
  | readonly string[]
  | { readonly id: string; readonly module?: { readonly api_name: string } };

/** Text as Zoho can store it: no NUL, no half of a surrogate pair, cut to so many characters. */
export function writtenText(text: string, length = Infinity): string {
  const clean = text.replaceAll('\0', '').toWellFormed();
  // A text of fewer UTF-16 units has fewer characters in any case.
  return clean.length <= length ? clean : Array.from(clean).slice(0, length).join('');
}

/** `YYYY-MM-DDTHH:mm:ss+00:00`, without milliseconds. Undefined for what is no date. Milliseconds in. */
export function writtenTime(at: number): string | undefined {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? undefined : `${date.toISOString().slice(0, 19)}+00:00`;
}

/** Milliseconds of a date or a date and time; NaN for what is none. */
export function readInstant(value: string): number {
  return /^\d{4}-\d\d-\d\d/.test(value) ? Date.parse(value) : Number.NaN;
}

/** As the API takes it in this field; what does not fit its type goes as the text it is, for Zoho to say so. */
export function toJson(written: string, { data_type: type, length }: ZohoField): Json {
  if (written === '') return type === 'boolean' ? false : null;
  switch (type) {
    case 'boolean':
      return written === 'true' ? true : written === 'false' ? false : written;
    case 'integer':
    case 'double':
    case 'currency':
      return Number.isNaN(Number(written)) ? written : Number(written);
    case 'ownerlookup':
    case 'lookup':
    case 'userlookup':
      return { id: written };
    case 'multiselectpicklist':
      return written.split(choiceSeparator).filter((one) => one !== '');
    case 'text':
    case 'textarea':
      return writtenText(written, length);
    default:
      return written;
  }
}

/** What a pick list offers for nothing. docs/vendors/zoho.md §3.1 */
export const noChoice = '-None-';

/** '' = empty. */
export function fromJson(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return value === noChoice ? '' : value;
    case 'number':
    case 'boolean':
      return String(value);
    case 'object':
      break;
    default:
      return '';
  }
  if (value === null) return '';
  if (Array.isArray(value)) return value.map(fromJson).join(choiceSeparator);
  const { id } = value as { readonly id?: unknown };
  return typeof id === 'string' ? id : JSON.stringify(value);
}

/** Those of `names`, '' where nothing stands. */
export function valuesIn(record: Readonly<Record<string, unknown>>, names: readonly string[]): CrmValues {
  return Object.fromEntries(names.map((name) => [name, fromJson(record[name])]));
}
