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

/**
 * A datetime property's value: ISO 8601 in UTC. Undefined for what is no date. Milliseconds in.
 * docs/vendors/hubspot.md §4.2.
 */
export function writtenTime(at: number): string | undefined {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

/** A date property's value: the day in UTC, which HubSpot takes for its midnight. docs/vendors/hubspot.md §4.2. */
export function writtenDate(at: number): string | undefined {
  return writtenTime(at)?.replace(/T.*/, '');
}

/** Milliseconds of a date or datetime value in any of HubSpot's spellings; NaN for what is none. */
export function readInstant(value: string): number {
  return /^-?\d+$/.test(value) ? Number(value) : Date.parse(value);
}
