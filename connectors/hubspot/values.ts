import { longestText } from './vendor.ts';

/**
 * Text as HubSpot can store it: no NUL, no half of a surrogate pair, cut to the longest a property holds without
 * cutting a pair in two.
 */
export function writtenText(text: string): string {
  const clean = text.replaceAll('\0', '').toWellFormed();
  if (clean.length <= longestText) return clean;
  const cut = clean.slice(0, longestText);
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}

/** A datetime property's value: ISO 8601 in UTC. Undefined for what is no date. Milliseconds in. facts/hubspot.md §4.2. */
export function writtenTime(at: number): string | undefined {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** Whether two datetime values are one instant, in any of HubSpot's spellings: ISO 8601 or Unix milliseconds. */
export function sameInstant(ours: string, theirs: string): boolean {
  return readInstant(ours) === readInstant(theirs);
}

function readInstant(value: string): number {
  return /^-?\d+$/.test(value) ? Number(value) : Date.parse(value);
}
