import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { parseJson } from '../shared/json.ts';
import { callback } from './changes.ts';

/**
 * What a watch shows of a secret, short enough whatever it is. Zoho shows it to whoever may list watches, and in each body: the
 * secret, which signs, cannot be told from it. docs/vendors/zoho.md §6.1.
 */
export function watchTokenOf(secret: string): string {
  return createHmac('sha256', secret).update('watch').digest('base64url');
}

/** Whether a body carries the token of one of these secrets, compared in constant time. docs/vendors/zoho.md §6.2. */
export function carriesToken(body: Buffer, secrets: readonly string[]): boolean {
  const given = callback.safeParse(parseJson(body.toString('utf8'))).data?.token ?? '';
  let matches = false;
  for (const secret of secrets) {
    const same = timingSafeEqual(digestOf(given), digestOf(watchTokenOf(secret)));
    matches ||= same && secret !== '';
  }
  return matches;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
