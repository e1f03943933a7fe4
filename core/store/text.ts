import { createHash } from 'node:crypto';

/** Longest value of an indexed text column, in UTF-16 units. A b-tree entry may not pass 2,704 bytes. */
const longest = 256;

/**
 * A value of the outside as an indexed `text` column takes it: PostgreSQL has no NUL and no lone surrogate, and an
 * index entry has a size. What had to change carries a digest, so that different values stay different.
 */
export function storableText(value: string): string {
  if (value.length <= longest && isStorable(value)) return value;
  return withDigest(value);
}

function isStorable(value: string): boolean {
  return !value.includes('\0') && value.isWellFormed();
}

function withDigest(value: string): string {
  const digest = createHash('sha256').update(value, 'utf16le').digest('hex').slice(0, 32);
  return `${cleanText(value).slice(0, 64).toWellFormed()}#${digest}`;
}

/** A parameter as PostgreSQL takes it: a text it cannot hold becomes one that it can, a list of texts likewise. */
export function storableParameter(value: unknown): unknown {
  if (typeof value === 'string') return isStorable(value) ? value : withDigest(value);
  if (!Array.isArray(value) || value.every((item) => typeof item !== 'string' || isStorable(item)))
    return value;
  return value.map(storableParameter);
}

/** A text for people: NUL dropped, lone surrogates replaced. */
export function cleanText(value: string): string {
  return value.replaceAll('\0', '').toWellFormed();
}
