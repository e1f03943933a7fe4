import { randomBytes } from 'node:crypto';

/** A message id as Meta forms them: opaque, base64 after a prefix. */
export function newWamid(): string {
  return `wamid.HBg${randomBytes(30).toString('base64')}`;
}

/** `wa_id` of a number written in any of the usual ways, country code first; undefined for what is none. */
export function toWaId(phone: string): string | undefined {
  const digits = phone.replace(/[\s().\u2010-\u2015+-]/g, '');
  return /^\d{1,32}$/.test(digits) ? digits : undefined;
}
