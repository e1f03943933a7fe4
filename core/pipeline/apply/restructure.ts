import type { Person, Resolution } from '../../identity/index.ts';
import type { IdentityRow, OwnedFact } from '../../store/index.ts';

/** Who is which contact after evidence showed that the contacts were cut wrongly. */
export interface Restructured {
  readonly contacts: ReadonlyMap<Person, string | null>;
  readonly moves: readonly { fact: OwnedFact; to: string | null }[];
  readonly merges: readonly { contactId: string; into: string }[];
  readonly created: readonly string[];
  /** Contacts to be folded anew. */
  readonly reshaped: readonly string[];
}

/**
 * Lays every fact of the disturbed contacts at its person's door and says which contact each person is from now on.
 * A contact goes on as the person who wrote its earliest message; of a person's several contacts the oldest survives.
 */
export function restructure(input: {
  resolution: Resolution;
  before: readonly IdentityRow[];
  /** The contacts each person's ids stood for so far. */
  assigned: ReadonlyMap<Person, readonly string[]>;
  disturbed: ReadonlySet<string>;
  facts: readonly OwnedFact[];
  /** People who write in this very batch. */
  creating: ReadonlySet<Person>;
  newId: () => string;
}): Restructured {
  const { resolution, before, assigned, disturbed, facts, creating, newId } = input;
  const personOf = new Map<OwnedFact, Person>();
  for (const fact of facts) {
    const person = resolution.personOf({
      at: fact.at,
      ...(fact.phone === null ? {} : { phone: fact.phone }),
      ...(fact.bsuidKey === null ? {} : { bsuidKey: fact.bsuidKey }),
    });
    if (person !== undefined) personOf.set(fact, person);
  }

  const heirs = new Map<string, Person>();
  for (const fact of facts.toSorted((x, y) => x.at - y.at)) {
    const person = personOf.get(fact);
    if (person === undefined || fact.contactId === null || !fact.creates) continue;
    if (!heirs.has(fact.contactId)) heirs.set(fact.contactId, person);
  }
  for (const row of before) {
    if (row.contactId === null || !disturbed.has(row.contactId) || heirs.has(row.contactId)) continue;
    const id = row.value.startsWith('+') ? { phone: row.value } : { bsuidKey: row.value };
    const person = resolution.personOf({ ...id, at: row.since });
    if (person !== undefined) heirs.set(row.contactId, person);
  }

  const contactsOf = new Map<Person, string[]>();
  for (const [contactId, person] of heirs) {
    contactsOf.set(person, [...(contactsOf.get(person) ?? []), contactId].toSorted());
  }
  const writers = new Set(creating);
  for (const [fact, person] of personOf) if (fact.creates) writers.add(person);

  // People whose ids belonged to a disturbed contact are looked at even when no fact is theirs.
  const involved = [...assigned]
    .filter(([, ids]) => ids.some((id) => disturbed.has(id)))
    .map(([person]) => person);
  const contacts = new Map<Person, string | null>();
  const merges: { contactId: string; into: string }[] = [];
  const created: string[] = [];
  for (const person of new Set([...personOf.values(), ...heirs.values(), ...involved])) {
    const [survivor, ...others] = contactsOf.get(person) ?? [];
    if (survivor !== undefined) {
      contacts.set(person, survivor);
      for (const contactId of others) merges.push({ contactId, into: survivor });
    } else if (writers.has(person)) {
      const contactId = newId();
      contacts.set(person, contactId);
      created.push(contactId);
    } else {
      contacts.set(person, null);
    }
  }

  const survivors = new Map(merges.map(({ contactId, into }) => [contactId, into]));
  const moves = facts.flatMap((fact) => {
    const person = personOf.get(fact);
    // A fact that shows no ids stays with its contact.
    const stays = fact.contactId === null ? null : (survivors.get(fact.contactId) ?? fact.contactId);
    const to = person === undefined ? stays : (contacts.get(person) ?? null);
    return to === fact.contactId ? [] : [{ fact, to }];
  });
  const reshaped = new Set([...disturbed, ...created]);
  for (const { contactId } of merges) reshaped.delete(contactId);
  return { contacts, moves, merges, created, reshaped: [...reshaped] };
}
