import { createHash, createHmac } from 'node:crypto';

/** Percent escapes HubSpot reads before it signs an address. docs/vendors/hubspot.md §3.1. */
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

/** Headers of signature v3. `at` in milliseconds. */
export function signV3(
  secret: string,
  request: { readonly method: string; readonly url: string; readonly body: string },
  at: number,
): Record<string, string> {
  const uri = request.url.replace(/%[0-9A-F]{2}/gi, (escape) => decoded[escape.toUpperCase()] ?? escape);
  const text = `${request.method}${uri}${request.body}${String(at)}`;
  return {
    'X-HubSpot-Request-Timestamp': String(at),
    'X-HubSpot-Signature-v3': createHmac('sha256', secret).update(text, 'utf8').digest('base64'),
  };
}

/** Headers of signature v2, which workflow actions carry. */
export function signV2(
  secret: string,
  request: { readonly method: string; readonly url: string; readonly body: string },
): Record<string, string> {
  const text = `${secret}${request.method}${request.url}${request.body}`;
  return {
    'X-HubSpot-Signature': createHash('sha256').update(text, 'utf8').digest('hex'),
    'X-HubSpot-Signature-Version': 'v2',
  };
}
