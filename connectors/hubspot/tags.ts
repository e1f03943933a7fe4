import type { CrmField } from '@sangam/core/crm';
import { commaList, readTagList, spelledTags, type TagSeparator } from '../shared/tag-list.ts';
import { writtenText } from './values.ts';

/** How tags stand in a property: a checkbox of HubSpot's, or a text. */

/**
 * HubSpot joins the checked options of a checkbox property by semicolons, docs/vendors/hubspot.md §4.2, and refuses the whole
 * write for white space at either end of one. Source: HubSpot's changelog "Enhanced Validations for Non-String Properties", in
 * force since January 2025.
 */
const inChoices: TagSeparator = { separator: ';', joined: ';', instead: ',' };

/** A separator inside a tag would cut it in two, so another sign takes its place. */
export function writtenTags(tags: readonly string[], { kind }: Pick<CrmField, 'kind'>): string {
  const { joined } = spellingOf(kind);
  return writtenText(spelled(tags, kind).join(joined));
}

export function readTags(value: string, { kind }: Pick<CrmField, 'kind'>): string[] {
  return readTagList(value, spellingOf(kind));
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
  return spelledTags(tags, spellingOf(kind), writtenText);
}

function spellingOf(kind: CrmField['kind']): TagSeparator {
  return kind === 'choices' ? inChoices : commaList;
}
