/** JSON as bytes: `jsonb` refuses a NUL or a lone surrogate, and with it the whole statement. */
export function toJson(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value), 'utf8');
}

/** What this module wrote itself. */
export function fromJson(bytes: Buffer): unknown {
  return JSON.parse(bytes.toString('utf8'));
}
