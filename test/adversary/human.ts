import { nationalNumber } from '../conformance/set-up.ts';
import type { Person } from '../harness/whatsapp.ts';

/** Somebody who uses WhatsApp, and what whoever watched from outside knows of them. */
export interface Human {
  readonly index: number;
  readonly name: string;
  phone: string;
  bsuid: string;
  /** All they ever had. */
  readonly phones: Set<string>;
  readonly bsuids: Set<string>;
  /** Sangam has heard of them, and has not erased them since. */
  known: boolean;
  lastWroteAt: number;
  /** What stands on their timeline: said by them or to them, and not erased. */
  said: { readonly words: string; readonly at: number }[];
  /** Their STOPs and STARTs. */
  optLog: { readonly at: number; readonly out: boolean }[];
  /** Somebody else had a hand in it: whether they are opted out does not follow from what they said. */
  optOutUnsure: boolean;
  /** Somebody else had a hand in it: more records than one may hold their phone. */
  recordsUnsure: boolean;
  erasedAt: number | undefined;
  /** Their number and BSUID were shown together, since they were erased. */
  shownTogether: boolean;
  /** What may stand nowhere since they were erased. */
  erasedTokens: Set<string>;
}

export function newHuman(index: number, hasLastName: boolean): Human {
  const phone = `91${nationalNumber(index)}`;
  const bsuid = `IN.P${String(index)}X`;
  const firstName = `Fa${String(index)}z`;
  return {
    index,
    name: hasLastName ? `${firstName} La${String(index)}z` : firstName,
    phone,
    bsuid,
    phones: new Set([phone]),
    bsuids: new Set([bsuid]),
    known: false,
    lastWroteAt: 0,
    said: [],
    optLog: [],
    optOutUnsure: false,
    recordsUnsure: false,
    erasedAt: undefined,
    shownTogether: false,
    erasedTokens: new Set(),
  };
}

/** As WhatsApp shows them when it shows all it knows. */
export function shownWhole({ phone, bsuid, name }: Human): Person {
  return { phone, bsuid, name };
}

/** Their number as people in India say it: part of however anybody spells it. */
export function withoutCountry(phone: string): string {
  return phone.slice(2);
}

/** What tells of them wherever it stands. */
export function tokensOf({ name, phones, bsuids }: Human): string[] {
  return [...name.split(' '), ...[...phones].map(withoutCountry), ...bsuids];
}

/** Who is back after erasure is known by whichever of the two was seen since, and as two until both are shown together. */
export function mayBeTwo({ erasedAt, shownTogether }: Human): boolean {
  return erasedAt !== undefined && !shownTogether;
}
