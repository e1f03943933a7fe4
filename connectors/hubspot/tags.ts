import type { CrmField } from '@sangam/core/crm';
import { writtenText } from './values.ts';

/** How tags stand in a property: a checkbox of HubSpot's, or a text. */

/** HubSpot joins the checked options of a checkbox property by semicolons. docs/vendors/hubspot.md §4.2. */
const inChoices = { separator: ';', joined: ';', instead: ',' };
const inText = { separator: ',', joined: ', ', instead: ';' };

/**
 * White space and invisible characters at either end of an option: HubSpot refuses the whole write for one.
 * Source: HubSpot's changelog "Enhanced Validations for Non-String Properties", in force since January 2025.
 */
const looseEnds = /^[\s\p{Cc}\p{Cf}]+|[\s\p{Cc}\p{Cf}]+$/gu;

/** A separator inside a tag would cut it in two, so another sign takes its place. */
export function writtenTags(tags: readonly string[], { kind }: Pick<CrmField, 'kind'>): string {
  const { joined } = spellingOf(kind);
  return writtenText(spelled(tags, kind).join(joined));
}

export function readTags(value: string, { kind }: Pick<CrmField, 'kind'>): string[] {
  const { separator } = spellingOf(kind);
  const tags = value.split(separator).map((tag) => tag.replace(looseEnds, ''));
  return [...new Set(tags)].filter((tag) => tag !== '');
}

/**
 * What to write so that the record carries these tags; undefined: it does. In a checkbox additions alone are appended
 * with a leading semicolon (docs/vendors/hubspot.md §4.2), so that a tag a rep checks at the same moment stays.
 */
export function changedTags(
  wanted: readonly string[],
  current: string,
  field: Pick<CrmField, 'kind'>,
): string | undefined {
  const [after, before] = [new Set(spelled(wanted, field.kind)), new Set(readTags(current, field))];
  const added = after.difference(before);
  if (added.size === 0 && before.isSubsetOf(after)) return undefined;
  const appends = field.kind === 'choices' && before.isSubsetOf(after);
  return appends ? [...added].map((tag) => `;${tag}`).join('') : writtenTags([...after], field);
}

function spelled(tags: readonly string[], kind: CrmField['kind']): string[] {
  const { separator, instead } = spellingOf(kind);
  const written = tags.map((tag) => writtenText(tag).replaceAll(separator, instead).replace(looseEnds, ''));
  return [...new Set(written)].filter((tag) => tag !== '');
}

function spellingOf(kind: CrmField['kind']): typeof inChoices {
  return kind === 'choices' ? inChoices : inText;
}
