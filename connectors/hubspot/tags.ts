import { writtenText } from './values.ts';

/** HubSpot joins the checked options of a checkbox property by semicolons. facts/hubspot.md §4.2. */
const separator = ';';

/**
 * White space and invisible characters at either end of an option: HubSpot refuses the whole write for one.
 * Source: HubSpot's changelog "Enhanced Validations for Non-String Properties", in force since January 2025.
 */
const looseEnds = /^[\s\p{Cc}\p{Cf}]+|[\s\p{Cc}\p{Cf}]+$/gu;

/** Tags as a checkbox value. A semicolon inside a tag would cut it in two, so it becomes a comma. */
export function writtenTags(tags: readonly string[]): string {
  const written = tags.map((tag) => writtenText(tag).replaceAll(separator, ',').replace(looseEnds, ''));
  return [...new Set(written)].filter((tag) => tag !== '').join(separator);
}

export function readTags(value: string): string[] {
  return value.split(separator).filter((tag) => tag !== '');
}

/**
 * What to write so that the record carries our tags beside its own: nothing is ever taken away. A leading semicolon
 * appends (facts/hubspot.md §4.2), so a tag a rep checks at the same moment stays.
 */
export function addedTags(ours: string, theirs: string): string | undefined {
  const present = new Set(readTags(theirs));
  const added = readTags(ours).filter((tag) => !present.has(tag));
  return added.length === 0 ? undefined : `${separator}${added.join(separator)}`;
}
