import { createHmac, timingSafeEqual } from 'node:crypto';

/** Whether this could be a signature at all, before anybody reads the body it is said to be over. */
export function isSignatureHeader(header: string | undefined): boolean {
  return digestIn(header) !== undefined;
}

function digestIn(header: string | undefined): string | undefined {
  return /^sha256=([0-9a-f]{64})$/i.exec(header ?? '')?.[1];
}

/**
 * Whether a webhook body carries the signature of one of our live app secrets. `X-Hub-Signature-256` is
 * `sha256=<hex>` of the HMAC-SHA256 over the raw bytes, docs/vendors/whatsapp.md §1.2. Fails closed and never throws.
 */
export function verifySignature(
  body: Buffer,
  header: string | undefined,
  secrets: readonly string[],
): boolean {
  const hex = digestIn(header);
  if (hex === undefined) return false;
  const claimed = Buffer.from(hex, 'hex');
  return secrets.some((secret) =>
    timingSafeEqual(createHmac('sha256', secret).update(body).digest(), claimed),
  );
}
