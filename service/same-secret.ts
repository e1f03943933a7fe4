import { hash, timingSafeEqual } from 'node:crypto';

/** In constant time, whatever the lengths. */
export function isSameSecret(given: string, wanted: string): boolean {
  return timingSafeEqual(hash('sha256', given, 'buffer'), hash('sha256', wanted, 'buffer'));
}

/** Whether a request presents the token as a bearer. */
export function isBearer(authorization: string | undefined, token: string): boolean {
  const [scheme = '', given = ''] = (authorization ?? '').split(/ +/);
  return scheme.toLowerCase() === 'bearer' && given !== '' && isSameSecret(given, token);
}
