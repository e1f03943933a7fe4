import { hash, timingSafeEqual } from 'node:crypto';

/** In constant time, whatever the lengths. */
export function isSameSecret(given: string, wanted: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', wanted, 'buffer'));
}

/** The token a request presents as a bearer; undefined: it presents none. */
export function bearerOf({
  authorization = '',
}: {
  readonly authorization?: string | undefined;
}): string | undefined {
  return /^Bearer +(\S+)$/i.exec(authorization)?.[1];
}

/** Whether a request presents this token as a bearer. */
export function isBearer(headers: Parameters<typeof bearerOf>[0], token: string): boolean {
  const given = bearerOf(headers);
  return given !== undefined && isSameSecret(given, token);
}
