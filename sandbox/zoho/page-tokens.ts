import { randomBytes } from 'node:crypto';
import type { SandboxClock } from '../clock.ts';
import { zohoTime } from './org.ts';

const lifeMs = 24 * 60 * 60 * 1_000;

/** Where a list goes on, good for a day. docs/vendors/zoho.md §4.3. */
export function createPageTokens(clock: SandboxClock) {
  const places = new Map<string, { readonly from: number; readonly until: number }>();
  return {
    make(from: number): { token: string; expiry: string } {
      const until = clock.now() + lifeMs;
      for (const [token, place] of places) {
        if (place.until > clock.now()) break;
        places.delete(token);
      }
      const token = randomBytes(24).toString('hex');
      places.set(token, { from, until });
      return { token, expiry: zohoTime(until) };
    },
    /** Undefined: it is none, or no more. */
    read(token: string): number | undefined {
      const place = places.get(token);
      return place === undefined || place.until <= clock.now() ? undefined : place.from;
    },
  };
}
