import type { Anchor, Person, Resolution } from '../../identity/index.ts';
import type { Founding, IdentityRow, JoinedContact, OwnedFact } from '../../store/index.ts';

/** Who is which contact after evidence showed that the contacts were cut wrongly. */
export interface Restructured {
  readonly contacts: ReadonlyMap<Person, string | null>;
  readonly moves: readonly { fact: OwnedFact; to: string | null }[];
  /** All contacts in play, with what stood for each before and what stands for it now. */
  readonly regrouped: readonly Regrouped[];
  readonly created: ReadonlyMap<string, Founding>;
  /** Contacts to be folded anew. */
  readonly reshaped: readonly string[];
}

/** Which contact stands for one; itself, where it stands. */
export interface Regrouped {
  readonly contactId: string;
  readonly before: string;
  readonly after: string;
}

/**
 * Gives every fact of the disturbed contacts to its person, and says which contact each person is from now on.
 * A contact is the person's whom its first event showed, also one that was joined into another: it is theirs again once
 * they are not that other's. Of a person's several contacts the oldest survives.
 */
export function restructure(input: {
  resolution: Resolution;
  before: readonly IdentityRow[];
  /** The contacts each person's ids stood for so far. */
  assigned: ReadonlyMap<Person, readonly string[]>;
  disturbed: ReadonlySet<string>;
  /** The disturbed contacts and all that were joined into them. */
  inPlay: readonly JoinedContact[];
  facts: readonly OwnedFact[];
  /** People who write in this very batch, by what founds them. */
  creating: ReadonlyMap<Person, Founding>;
  newId: () => string;
}): Restructured {
  const { resolution, before, assigned, disturbed, inPlay, facts, creating, newId } = input;
  const personOf = new Map<OwnedFact, Person>();
  for (const fact of facts) {
    const person = resolution.personOf(anchorOf(fact));
    if (person !== undefined) personOf.set(fact, person);
  }
  const foundings = new Map(creating);
  /** Who wrote first of what a contact holds: stands in where nobody knows any more who founded it. */
  const firstWriters = new Map<string, { readonly founding: Founding; readonly person: Person }>();
  for (const [fact, person] of personOf) {
    const value = fact.bsuidKey ?? fact.phone;
    if (!fact.creates || value === null) continue;
    const founding = { value, at: fact.at };
    foundings.set(person, earlier(founding, foundings.get(person)));
    if (fact.contactId === null) continue;
    const known = firstWriters.get(fact.contactId);
    if (earlier(founding, known?.founding) === founding)
      firstWriters.set(fact.contactId, { founding, person });
  }

  const personOfContact = new Map<string, Person>();
  const founderOf = ({ contactId, founding }: JoinedContact): Person | undefined => {
    const founder = founding === null ? undefined : resolution.personOf(anchorOfId(founding));
    if (founder !== undefined && foundings.has(founder)) return founder;
    return firstWriters.get(contactId)?.person ?? founder ?? holderOf(contactId, resolution, before);
  };
  const standing = inPlay.filter(({ contactId, survivorId }) => contactId === survivorId);
  for (const contact of standing) {
    const person = founderOf(contact);
    if (person !== undefined) personOfContact.set(contact.contactId, person);
  }
  // A contact that was joined stays with its survivor where nobody knows whose it was.
  for (const { contactId, survivorId, founding } of inPlay) {
    if (contactId === survivorId) continue;
    const founder = founding === null ? undefined : resolution.personOf(anchorOfId(founding));
    const person =
      founder !== undefined && foundings.has(founder) ? founder : personOfContact.get(survivorId);
    if (person !== undefined) personOfContact.set(contactId, person);
  }

  const contactsOf = new Map<Person, string[]>();
  for (const [contactId, person] of personOfContact) {
    contactsOf.set(person, [...(contactsOf.get(person) ?? []), contactId].toSorted());
  }
  // People whose ids belonged to a disturbed contact are looked at even when no fact is theirs.
  const involved = [...assigned]
    .filter(([, ids]) => ids.some((id) => disturbed.has(id)))
    .map(([person]) => person);
  const contacts = new Map<Person, string | null>();
  const created = new Map<string, Founding>();
  for (const person of new Set([...personOf.values(), ...personOfContact.values(), ...involved])) {
    const [survivor] = contactsOf.get(person) ?? [];
    const founding = foundings.get(person);
    if (survivor !== undefined) contacts.set(person, survivor);
    else if (founding === undefined) contacts.set(person, null);
    else {
      const contactId = newId();
      contacts.set(person, contactId);
      created.set(contactId, founding);
    }
  }

  const regrouped = inPlay.map(({ contactId, survivorId }): Regrouped => {
    const person = personOfContact.get(contactId);
    const after = person === undefined ? undefined : (contacts.get(person) ?? undefined);
    return { contactId, before: survivorId, after: after ?? survivorId };
  });
  const standsFor = new Map(regrouped.map(({ contactId, after }) => [contactId, after]));
  const moves = facts.flatMap((fact) => {
    const person = personOf.get(fact);
    // A fact that shows no ids goes with the contact it was said of.
    const of = fact.saidOf ?? fact.contactId;
    const stays = of === null ? null : (standsFor.get(of) ?? fact.contactId);
    const to = person === undefined ? stays : (contacts.get(person) ?? null);
    return to === fact.contactId ? [] : [{ fact, to }];
  });
  const reshaped = new Set([...regrouped.map(({ after }) => after), ...created.keys()]);
  return { contacts, moves, regrouped, created, reshaped: [...reshaped] };
}

/** The earlier of two; of one instant the lesser id. */
export function earlier(x: Founding, y: Founding | undefined): Founding {
  return y === undefined || x.at < y.at || (x.at === y.at && x.value <= y.value) ? x : y;
}

/** Who held a contact's earliest id. */
function holderOf(
  contactId: string,
  resolution: Resolution,
  before: readonly IdentityRow[],
): Person | undefined {
  const rows = before
    .filter((row) => row.contactId === contactId)
    .toSorted((x, y) => x.since - y.since || (x.value < y.value ? -1 : 1));
  for (const { value, since } of rows) {
    const person = resolution.personOf(anchorOfId({ value, at: since }));
    if (person !== undefined) return person;
  }
  return undefined;
}

/** An id at a time. */
export function anchorOfId({ value, at }: Founding): Anchor {
  return value.startsWith('+') ? { phone: value, at } : { bsuidKey: value, at };
}

/** What a stored fact shows. */
export function anchorOf(fact: { phone: string | null; bsuidKey: string | null; at: number }): Anchor {
  return {
    at: fact.at,
    ...(fact.phone === null ? {} : { phone: fact.phone }),
    ...(fact.bsuidKey === null ? {} : { bsuidKey: fact.bsuidKey }),
  };
}
