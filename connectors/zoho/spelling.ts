import type { CrmField, Spelling } from '@sangam/core/crm';
import { commaList, readTagList, spelledTags, type TagSeparator } from '../shared/tag-list.ts';
import { choiceSeparator, readInstant, writtenText, writtenTime } from './values.ts';
import { textLengths } from './vendor.ts';

/** How Zoho spells values, by the kind of the field. docs/vendors/zoho.md §2.1, §3.1. */
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
        return writtenTags(value.tags, field);
    }
  },

  same(x, y, field) {
    if (x === y) return true;
    switch (field.kind) {
      case 'time':
      case 'date':
        return readInstant(x) === readInstant(y);
      case 'flag':
        return (readFlag(x) ?? false) === (readFlag(y) ?? false);
      case 'number':
        return x !== '' && y !== '' && Number(x) === Number(y);
      case 'phone':
        return dialled(x) === dialled(y);
      case 'choices':
        return new Set(tagsIn(x, field)).symmetricDifference(new Set(tagsIn(y, field))).size === 0;
      default:
        return false;
    }
  },

  readFlag,
  readTime(written) {
    const at = readInstant(written);
    return Number.isNaN(at) ? undefined : at;
  },
  readTags: tagsIn,
  writeTags(wanted, current, field) {
    const written = writtenTags(wanted, field);
    if (written === undefined) return undefined;
    const [after, before] = [new Set(tagsIn(written, field)), new Set(tagsIn(current, field))];
    return after.symmetricDifference(before).size === 0 ? undefined : written;
  },
};

/** Of a check box as Zoho writes it. */
const inChoices: TagSeparator = { separator: choiceSeparator, joined: choiceSeparator, instead: ',' };

function separatorOf({ kind }: CrmField): TagSeparator | undefined {
  if (kind === 'choices') return inChoices;
  return kind === 'text' || kind === 'long text' ? commaList : undefined;
}

/** Whole tags alone: of more than the field holds the last ones are left out. */
function writtenTags(tags: readonly string[], field: CrmField): string | undefined {
  const separator = separatorOf(field);
  if (separator === undefined) return undefined;
  const most = field.kind === 'text' ? textLengths.text : textLengths['long text'];
  let written = '';
  for (const tag of spelledTags(tags, separator, (one) => writtenText(one))) {
    const more = written === '' ? tag : `${written}${separator.joined}${tag}`;
    if (more.length > most) break;
    written = more;
  }
  return written;
}

function tagsIn(written: string, field: CrmField): readonly string[] {
  const separator = separatorOf(field);
  return separator === undefined ? [] : readTagList(written, separator);
}

function writeText(text: string, { kind, options = [] }: CrmField): string | undefined {
  const clean = writtenText(text);
  switch (kind) {
    case 'text':
    case 'long text':
      return writtenText(clean, textLengths[kind]);
    case 'phone':
      return writtenText(clean, textLengths.phone);
    case 'choice': {
      const folded = clean.trim().toLowerCase();
      const known =
        options.find(({ value }) => value === clean) ??
        options.find(({ value, label }) => value.toLowerCase() === folded || label.toLowerCase() === folded);
      return clean === '' ? '' : known?.value;
    }
    case 'number':
      return /^\s*$|^\s*[+-]?\d+(\.\d+)?\s*$/.test(clean) ? clean.trim() : undefined;
    case 'user':
      return /^\d*$/.test(clean) ? clean : undefined;
    default:
      return undefined;
  }
}

function writeTime(at: number | undefined, { kind }: CrmField): string | undefined {
  if (kind !== 'time' && kind !== 'date') return undefined;
  if (at === undefined) return '';
  return kind === 'time' ? writtenTime(at) : writtenTime(at)?.slice(0, 10);
}

function readFlag(written: string): boolean | undefined {
  const folded = written.trim().toLowerCase();
  return folded === 'true' ? true : folded === 'false' ? false : undefined;
}

/** What of a phone is dialled: people set blanks and brackets as they like. */
function dialled(phone: string): string {
  return phone.replace(/[^\d+*#,;a-z]/gi, '');
}
