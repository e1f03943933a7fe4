import { canonicalPhone, type Identities } from '../identity/index.ts';
import type { ContactPayload } from './schemas.ts';

/** `CC.` + up to 128 alphanumerics, `CC.ENT.…` for a parent. docs/vendors/whatsapp.md §2.2. */
const bsuid = /^[A-Z]{2}\.[A-Za-z0-9]{1,128}$/;
const parentBsuid = /^[A-Z]{2}\.ENT\.[A-Za-z0-9]{1,128}$/;

/**
 * Ids out of the places an event shows them. "No phone" comes in three encodings, docs/vendors/whatsapp.md §2.3: no
 * key, an empty string, and the BSUID in the phone's place.
 */
export function identitiesFrom(places: {
  /** Where a phone stands, most telling first. */
  phone: readonly (string | undefined)[];
  bsuid: readonly (string | undefined)[];
  parent: readonly (string | undefined)[];
  username?: string | undefined;
}): Identities {
  const waId = places.phone.map(waIdOf).find((id) => id !== undefined);
  const phone = waId === undefined ? undefined : canonicalPhone(waId);
  const anywhere = [...places.bsuid, ...places.parent, ...places.phone].map((id) => id?.replace(unseen, ''));
  const ownBsuid = anywhere.find((id) => id !== undefined && bsuid.test(id));
  const parent = anywhere.find((id) => id !== undefined && parentBsuid.test(id));
  const username = places.username?.trim().replace(/^@/, '').toLowerCase();
  return {
    ...(phone === undefined || waId === undefined ? {} : { phone, waId }),
    ...(ownBsuid === undefined ? {} : { bsuid: ownBsuid }),
    ...(parent === undefined ? {} : { parentBsuid: parent }),
    ...(username === undefined || username === '' ? {} : { username }),
  };
}

/** Direction marks and their like, which Meta writes round ids in texts. They are no part of an id. */
const unseen = /\p{Default_Ignorable_Code_Point}/gu;

/** One form an id is compared in, whoever wrote it: a phone's canonical one, anything else as it stands. */
export function comparableId(id: string): string {
  const waId = waIdOf(id);
  return (waId === undefined ? undefined : canonicalPhone(waId)) ?? id.replace(unseen, '');
}

/** The digits of a phone as WhatsApp writes it; ids that are no phone are none. */
function waIdOf(id: string | undefined): string | undefined {
  const digits = id
    ?.replace(unseen, '')
    .replace(/^\s*\+/, '')
    .replace(/[\s().-]/g, '');
  return digits !== undefined && /^[1-9]\d{6,14}$/.test(digits) ? digits : undefined;
}

/** Whether an event says of whom it is. A username alone does not: names are given up and taken by others. */
export function isSomebody(ids: Identities): boolean {
  return ids.phone !== undefined || ids.bsuid !== undefined || ids.parentBsuid !== undefined;
}

export function ofContact(contact: ContactPayload | undefined): {
  phone: string | undefined;
  bsuid: string | undefined;
  parent: string | undefined;
  username: string | undefined;
} {
  return {
    phone: contact?.wa_id,
    bsuid: contact?.user_id,
    parent: contact?.parent_user_id,
    username: contact?.profile?.username,
  };
}

/** Unix seconds, or milliseconds where somebody wrote those, as milliseconds. */
export function timeOf(timestamp: string | undefined): number | undefined {
  if (timestamp === undefined || !/^\d{9,14}$/.test(timestamp)) return undefined;
  return Number(timestamp) * (timestamp.length >= 12 ? 1 : 1000);
}
