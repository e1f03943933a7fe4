import { createHash, timingSafeEqual } from 'node:crypto';
import { parseJson } from '../shared/json.ts';
import { callback } from './changes.ts';

/** Whether a body carries one of these tokens, compared in constant time: Zoho signs nothing. docs/vendors/zoho.md §6.2. */
export function carriesToken(body: Buffer, tokens: readonly string[]): boolean {
  const given = callback.safeParse(parseJson(body.toString('utf8'))).data?.token ?? '';
  let matches = false;
  for (const token of tokens) {
    const same = timingSafeEqual(digestOf(given), digestOf(token));
    matches ||= same && token !== '';
  }
  return matches;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
