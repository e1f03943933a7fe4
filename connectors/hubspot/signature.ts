import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { CrmRequest } from '../shared/crm.ts';

/** `v2` carries no time and can be replayed: for workflow actions only, docs/vendors/hubspot.md §3.1. */
export type SignatureVersion = 'v3' | 'v2';

/** How far HubSpot's clock and ours may be apart, either way, milliseconds. docs/vendors/hubspot.md §3.1. */
const oldestMs = 300_000;

/** Percent sequences HubSpot decodes before it signs; all others stay. docs/vendors/hubspot.md §3.1. */
const decoded: Readonly<Record<string, string>> = {
  '%3A': ':',
  '%2F': '/',
  '%3F': '?',
  '%40': '@',
  '%21': '!',
  '%24': '$',
  '%27': "'",
  '%28': '(',
  '%29': ')',
  '%2A': '*',
  '%2C': ',',
  '%3B': ';',
};

/** Whether HubSpot could have signed a request with these headers, before anybody reads its body. `now`: milliseconds. */
export function mayBeHubspotSigned(
  headers: IncomingHttpHeaders,
  allow: readonly SignatureVersion[],
  now: number,
): boolean {
  const v3 = single(headers['x-hubspot-signature-v3']);
  if (v3 !== undefined) {
    const timestamp = single(headers['x-hubspot-request-timestamp']);
    return (
      allow.includes('v3') &&
      /^[A-Za-z0-9+/]{43}=$/.test(v3) &&
      timestamp !== undefined &&
      isTimely(timestamp, now)
    );
  }
  const v2 = single(headers['x-hubspot-signature']);
  return (
    allow.includes('v2') && headers['x-hubspot-signature-version'] === 'v2' && /^[0-9a-f]{64}$/.test(v2 ?? '')
  );
}

function isTimely(timestamp: string, now: number): boolean {
  return /^\d{1,15}$/.test(timestamp) && Math.abs(now - Number(timestamp)) <= oldestMs;
}

/**
 * Whether HubSpot signed this request with one of these secrets, compared in constant time. A request with a v3
 * signature is judged by it alone. `now`: milliseconds.
 */
export function verifyHubspotSignature(
  request: CrmRequest,
  secrets: readonly string[],
  allow: readonly SignatureVersion[],
  now: number,
): boolean {
  const { headers } = request;
  const v3 = single(headers['x-hubspot-signature-v3']);
  if (v3 !== undefined) {
    const timestamp = single(headers['x-hubspot-request-timestamp']);
    return allow.includes('v3') && timestamp !== undefined && isV3(request, secrets, v3, timestamp, now);
  }
  const v2 = single(headers['x-hubspot-signature']);
  const version = single(headers['x-hubspot-signature-version']);
  return allow.includes('v2') && version === 'v2' && v2 !== undefined && isV2(request, secrets, v2);
}

function isV3(
  request: CrmRequest,
  secrets: readonly string[],
  signature: string,
  timestamp: string,
  now: number,
): boolean {
  if (!isTimely(timestamp, now)) return false;
  return signed(request, secrets, signature, (secret, start) =>
    createHmac('sha256', secret).update(start).update(request.body).update(timestamp).digest('base64'),
  );
}

function isV2(request: CrmRequest, secrets: readonly string[], signature: string): boolean {
  return signed(request, secrets, signature, (secret, start) =>
    createHash('sha256').update(secret).update(start).update(request.body).digest('hex'),
  );
}

/** Sequences beside the table are not documented, so the address counts as it came too. */
function signed(
  { method, url }: CrmRequest,
  secrets: readonly string[],
  signature: string,
  digest: (secret: string, start: string) => string,
): boolean {
  const urls = new Set([url.replace(/%[0-9A-F]{2}/gi, (part) => decoded[part.toUpperCase()] ?? part), url]);
  const given = Buffer.from(signature);
  let matches = false;
  for (const secret of secrets) {
    if (secret === '') continue;
    for (const candidate of urls) {
      const wanted = Buffer.from(digest(secret, `${method.toUpperCase()}${candidate}`));
      const same = given.length === wanted.length && timingSafeEqual(given, wanted);
      matches ||= same;
    }
  }
  return matches;
}

function single(header: string | string[] | undefined): string | undefined {
  return typeof header === 'string' && header !== '' ? header : undefined;
}
