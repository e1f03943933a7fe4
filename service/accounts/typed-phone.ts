import { canonicalPhone } from '@sangam/core/identity';

/** The one E.164 of a number a member typed with its country code; undefined: it is none. */
export function canonicalTyped(typed: string): string | undefined {
  return /^\s*\+/.test(typed) ? canonicalPhone(typed.replace(/[\s().-]/g, '')) : undefined;
}
