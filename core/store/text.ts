import { createHash } from 'node:crypto';

/** Longest value of an indexed text column, in UTF-16 units. A b-tree entry may not pass 2,704 bytes. */
const longest = 256;

/**
 * A value of the outside as an indexed `text` column takes it: PostgreSQL has no NUL and no lone surrogate, and an
 * index entry has a size. What had to change carries a digest, so that different values stay different.
 */
export function storableText(value: string): string {
  if (value.length <= longest && !value.includes('\0') && value.isWellFormed()) return value;
  const digest = createHash('sha256').update(value, 'utf16le').digest('hex').slice(0, 32);
  return `${cleanText(value).slice(0, 64).toWellFormed()}#${digest}`;
}

/** A text for people: NUL dropped, lone surrogates replaced. */
export function cleanText(value: string): string {
  return value.replaceAll('\0', '').toWellFormed();
}
