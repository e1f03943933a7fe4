/**
 * What provider-signed events have shown about who is who. Evidence only ever grows; who a message belongs to is
 * computed from the whole set (resolve.ts), never from the order it came in.
 */
import type { Identities } from './identities.ts';

/**
 * A BSUID as we store it: `bsuid:<portfolio>:<bsuid>`, because it means something only inside its business
 * portfolio, or `bsuid:parent:<parent bsuid>`, which holds across portfolios. docs/vendors/whatsapp.md §2.2.
 */
export type BsuidKey = string;

export type Evidence =
  /** This phone and this BSUID were shown together; `at` is the first time. */
  | { readonly kind: 'pair'; readonly a: string; readonly b: BsuidKey; readonly at: number }
  /** Two BSUIDs of one person: a rotation, or a BSUID beside its parent. */
  | { readonly kind: 'same'; readonly a: BsuidKey; readonly b: BsuidKey; readonly at: number }
  /** The person with phone `a` moved to phone `b`; a BSUID in either's place where WhatsApp hides the phone. */
  | { readonly kind: 'phone_change'; readonly a: string; readonly b: string; readonly at: number }
  /** A member said: who had `a` at `aAt` and who had `b` at `bAt` are one person. */
  | {
      readonly kind: 'joined';
      readonly a: string;
      readonly b: string;
      readonly at: number;
      readonly aAt: number;
      readonly bAt: number;
    }
  /** A member said: from here on phone `a` is somebody else's. `b` = `a`. */
  | { readonly kind: 'hand_over'; readonly a: string; readonly b: string; readonly at: number }
  /** WhatsApp shows phone `a` as the digits `b`. */
  | { readonly kind: 'spelling'; readonly a: string; readonly b: string; readonly at: number };

/** By what an event tells whose it is. */
export interface Anchor {
  readonly phone?: string;
  readonly bsuidKey?: BsuidKey;
  readonly at: number;
}

export function bsuidKeyOf(ids: Identities, portfolio: string): BsuidKey | undefined {
  return ownKeyOf(ids, portfolio) ?? parentKeyOf(ids);
}

/** The part of a BSUID key within which one person has one BSUID at a time. */
export function scopeOf(key: BsuidKey): string {
  return key.slice(0, key.indexOf(':', 'bsuid:'.length));
}

/** BSUID of a key as WhatsApp spells it. */
export function bsuidOf(key: BsuidKey): string {
  return key.slice(scopeOf(key).length + 1);
}

/** What one event shows: which of its ids stand together. */
export function evidenceOf(ids: Identities, portfolio: string, at: number): Evidence[] {
  const evidence: Evidence[] = [];
  const key = bsuidKeyOf(ids, portfolio);
  if (ids.phone !== undefined && key !== undefined) evidence.push({ kind: 'pair', a: ids.phone, b: key, at });
  const [own, parent] = [ownKeyOf(ids, portfolio), parentKeyOf(ids)];
  if (own !== undefined && parent !== undefined) evidence.push({ kind: 'same', a: own, b: parent, at });
  if (ids.phone !== undefined && ids.waId !== undefined && `+${ids.waId}` !== ids.phone) {
    evidence.push({ kind: 'spelling', a: ids.phone, b: ids.waId, at });
  }
  return evidence;
}

/** What a change of ids shows: the ids before, after and beside are one person. */
export function evidenceOfChange(
  { before, after, beside = {} }: { before: Identities; after: Identities; beside?: Identities | undefined },
  portfolio: string,
  at: number,
): Evidence[] {
  const links: Evidence[] = [];
  const link = (kind: 'same' | 'phone_change', a: string | undefined, b: string | undefined): void => {
    if (a !== undefined && b !== undefined && a !== b) links.push({ kind, a, b, at });
  };
  link('same', ownKeyOf(before, portfolio), ownKeyOf(after, portfolio));
  link('same', parentKeyOf(before), parentKeyOf(after));
  // Where the new phone is hidden the old one is left all the same.
  link('phone_change', before.phone, after.phone ?? bsuidKeyOf(after, portfolio));
  if (links.length === 0) link('phone_change', bsuidKeyOf(before, portfolio), after.phone);
  if (links.length === 0) link('same', bsuidKeyOf(before, portfolio), bsuidKeyOf(after, portfolio));
  // Theirs, whenever it was: it says nothing about which BSUID stood beside which phone.
  for (const key of [ownKeyOf(beside, portfolio), parentKeyOf(beside)])
    link('phone_change', before.phone, key);
  return [...evidenceOf(before, portfolio, at), ...evidenceOf(after, portfolio, at), ...links];
}

function ownKeyOf({ bsuid }: Identities, portfolio: string): BsuidKey | undefined {
  return bsuid === undefined ? undefined : `bsuid:${portfolio}:${bsuid}`;
}

function parentKeyOf({ parentBsuid }: Identities): BsuidKey | undefined {
  return parentBsuid === undefined ? undefined : `bsuid:parent:${parentBsuid}`;
}
