import type { CrmField, Spelling } from '@sangam/core/crm';
import { changedTags, readTags, writtenTags } from './tags.ts';
import { readInstant, writtenDate, writtenText, writtenTime } from './values.ts';

/** How HubSpot spells values, by the kind of the property. docs/vendors/hubspot.md §4.2. */
export const spelling: Spelling = {
  write(value, field) {
    switch (value.kind) {
      case 'text':
        return writeText(value.text ?? '', field);
      case 'time':
        return writeTime(value.at, field);
      case 'flag':
        return field.kind === 'flag' ? String(value.set) : undefined;
      case 'tags':
        return holdsTags(field) ? writtenTags(value.tags, field) : undefined;
    }
  },

  same(x, y, field) {
    if (x === y) return true;
    switch (field.kind) {
      case 'time':
      case 'date':
        return readInstant(x) === readInstant(y);
      case 'flag':
        return readFlag(x) !== undefined && readFlag(x) === readFlag(y);
      case 'number':
        return x !== '' && y !== '' && Number(x) === Number(y);
      case 'phone':
        return dialled(x) === dialled(y);
      case 'choices':
        return new Set(readTags(x, field)).symmetricDifference(new Set(readTags(y, field))).size === 0;
      default:
        return false;
    }
  },

  readFlag,
  readTime(written) {
    const at = readInstant(written);
    return Number.isNaN(at) ? undefined : at;
  },
  readTags: (written, field) => (holdsTags(field) ? readTags(written, field) : []),
  writeTags: (wanted, current, field) => (holdsTags(field) ? changedTags(wanted, current, field) : undefined),
};

function writeText(text: string, field: CrmField): string | undefined {
  const clean = writtenText(text);
  switch (field.kind) {
    case 'text':
    case 'long text':
    case 'phone':
      return clean;
    case 'choice':
      return clean === '' ? '' : optionOf(clean, field);
    case 'number':
      return /^\s*$|^\s*[+-]?\d+(\.\d+)?\s*$/.test(clean) ? clean.trim() : undefined;
    case 'user':
      return /^\d*$/.test(clean) ? clean : undefined;
    default:
      return undefined;
  }
}

/** The option's value, by value or label in any case: HubSpot refuses a write with an option it does not know. */
function optionOf(text: string, { options = [] }: CrmField): string | undefined {
  const folded = text.trim().toLowerCase();
  const known =
    options.find(({ value }) => value === text) ??
    options.find(({ value, label }) => value.toLowerCase() === folded || label.toLowerCase() === folded);
  return known?.value;
}

function writeTime(at: number | undefined, { kind }: CrmField): string | undefined {
  if (kind !== 'time' && kind !== 'date') return undefined;
  if (at === undefined) return '';
  return kind === 'time' ? writtenTime(at) : writtenDate(at);
}

function readFlag(written: string): boolean | undefined {
  const folded = written.trim().toLowerCase();
  return folded === 'true' ? true : folded === 'false' ? false : undefined;
}

function holdsTags({ kind }: CrmField): boolean {
  return kind === 'choices' || kind === 'text' || kind === 'long text';
}

/** What of a phone is dialled: people and HubSpot set blanks and brackets as they like. */
function dialled(phone: string): string {
  return phone.replace(/[^\d+*#,;a-z]/gi, '');
}
