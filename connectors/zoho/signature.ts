import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { CrmRequest } from '../shared/crm.ts';
import { carriesToken } from './watch-token.ts';

/**
 * Who told, in three ways: a function of the org signs (docs/vendors/zoho.md §8), a rule's webhook shows a fixed secret, which is
 * all it can (docs/vendors/zoho.md §7.2), a watch has its token in the body (docs/vendors/zoho.md §6.2).
 */
type Proof =
  | { readonly by: 'signature'; readonly signature: string; readonly timestamp: string }
  | { readonly by: 'secret'; readonly secret: string }
  | { readonly by: 'token' };

/** Ours: how far Zoho's clock and ours may be apart, either way. */
const oldestMs = 300_000;

/** Whether anybody could have told with these headers, before the body is read. `now`: milliseconds. */
export function mayTell(headers: IncomingHttpHeaders, now: number): boolean {
  const proof = proofIn(headers);
  return proof !== undefined && (proof.by !== 'signature' || isTimely(proof.timestamp, now));
}

/** Whether who knows one of these secrets told this, compared in constant time. `now`: milliseconds. */
export function isTold({ headers, body }: CrmRequest, secrets: readonly string[], now: number): boolean {
  const proof = proofIn(headers);
  if (proof === undefined) return false;
  switch (proof.by) {
    case 'signature':
      return (
        isTimely(proof.timestamp, now) &&
        anyOf(secrets, proof.signature, (secret) =>
          createHmac('sha256', secret).update(`${proof.timestamp}.`).update(body).digest('hex'),
        )
      );
    case 'secret':
      return anyOf(secrets, proof.secret, (secret) => secret);
    case 'token':
      return carriesToken(body, secrets);
  }
}

/** The strongest that is claimed, and it alone: a wrong one is not made good by a weaker one. Undefined: it can be none. */
function proofIn(headers: IncomingHttpHeaders): Proof | undefined {
  const {
    'x-sangam-signature': signature,
    'x-sangam-timestamp': timestamp,
    'x-sangam-secret': secret,
  } = headers;
  if (signature !== undefined || timestamp !== undefined) {
    // What came twice is joined by commas, or a list.
    return isText(signature, /^[0-9a-f]{64}$/) && isText(timestamp, /^\d{13}$/)
      ? { by: 'signature', signature, timestamp }
      : undefined;
  }
  if (secret !== undefined) return isText(secret, /./) ? { by: 'secret', secret } : undefined;
  return { by: 'token' };
}

function isText(header: string | string[] | undefined, shape: RegExp): header is string {
  return typeof header === 'string' && shape.test(header);
}

function isTimely(timestamp: string, now: number): boolean {
  return Math.abs(now - Number(timestamp)) <= oldestMs;
}

function anyOf(secrets: readonly string[], given: string, wanted: (secret: string) => string): boolean {
  let matches = false;
  for (const secret of secrets) {
    if (secret === '') continue;
    const same = timingSafeEqual(digestOf(given), digestOf(wanted(secret)));
    matches ||= same;
  }
  return matches;
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
