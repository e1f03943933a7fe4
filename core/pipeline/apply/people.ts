import { v7 as uuidv7 } from 'uuid';
import {
  type Anchor,
  type Evidence,
  type Person,
  resolveIdentities,
  type Resolution,
} from '../../identity/index.ts';
import {
  addEvidence,
  evidenceAround,
  factsOfContacts,
  identitiesOf,
  type IdentityRow,
  type Founding,
  moveFacts,
  replaceIdentities,
  retractEvidence,
  saveSurvivors,
  waitingFacts,
  withJoined,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import type { Facts } from './read-event.ts';
import { regroupAtCrms } from './regroup-at-crms.ts';
import { anchorOf, anchorOfId, earlier, type Regrouped, restructure } from './restructure.ts';

/** Whose the events of a batch are. */
export interface People {
  /** Null: nobody we know; the fact waits until they write. */
  contactOf(anchor: Anchor): string | null;
  /** Contacts this batch makes, and by what. */
  readonly created: ReadonlyMap<string, Founding>;
  /** Contacts whose stored facts changed hands: to be folded anew. */
  readonly reshaped: ReadonlySet<string>;
  /** Contacts that came to be known by an id they were not known by. */
  readonly gained: ReadonlySet<string>;
}

/** Resolves everyone a batch speaks of, in a handful of statements whatever its size. */
export async function resolvePeople(
  trx: WorkspaceTransaction,
  batch: readonly Facts[],
  now: number,
): Promise<People> {
  const news = await addEvidence(
    trx,
    batch.flatMap((facts) => facts.evidence),
  );
  const retracted = await retractEvidence(trx, retractedForGood(batch));
  const mentioned = new Set<string>();
  for (const { anchor } of batch) {
    if (anchor.phone !== undefined) mentioned.add(anchor.phone);
    if (anchor.bsuidKey !== undefined) mentioned.add(anchor.bsuidKey);
  }
  const known = await identitiesOf(trx, [...mentioned]);
  const lookUp = lookUpIn(known);

  const open = new Set<string>();
  for (const item of [...news, ...retracted]) {
    if (item.kind === 'spelling') continue;
    open.add(item.a);
    open.add(item.b);
  }
  for (const { anchor, creates } of batch) {
    if (!creates || lookUp(anchor) !== null) continue;
    if (anchor.phone !== undefined) open.add(anchor.phone);
    if (anchor.bsuidKey !== undefined) open.add(anchor.bsuidKey);
  }
  if (open.size === 0) {
    return { contactOf: lookUp, created: new Map(), reshaped: new Set(), gained: new Set() };
  }
  return resolveOpen(trx, batch, [...open], lookUp, now);
}

/** What members take back in a batch and say no more: what was decided, taken back and decided again stands. */
function retractedForGood(batch: readonly Facts[]): Evidence[] {
  if (batch.every(({ retracted = [] }) => retracted.length === 0)) return [];
  const last = new Map<string, { readonly item: Evidence; readonly stands: boolean }>();
  const decided = batch.toSorted((x, y) => x.anchor.at - y.anchor.at);
  for (const { evidence, retracted = [] } of decided) {
    for (const item of evidence) last.set(nameOfDecided(item), { item, stands: true });
    for (const item of retracted) last.set(nameOfDecided(item), { item, stands: false });
  }
  return [...last.values()].flatMap(({ item, stands }) => (stands ? [] : [item]));
}

function nameOfDecided({ kind, a, b, at }: Evidence): string {
  return JSON.stringify([kind, a, b, at]);
}

/** Resolves the people around ids about which something is new. */
async function resolveOpen(
  trx: WorkspaceTransaction,
  batch: readonly Facts[],
  open: readonly string[],
  lookUp: (anchor: Anchor) => string | null,
  now: number,
): Promise<People> {
  const { evidence, reached } = await evidenceAround(trx, open);
  const resolution = resolveIdentities(evidence, reached);
  const before = await identitiesOf(trx, reached);
  const assigned = contactsBefore(resolution, before);

  const creating = new Map<Person, Founding>();
  for (const { anchor, creates } of batch) {
    const person = creates ? resolution.personOf(anchor) : undefined;
    const value = anchor.bsuidKey ?? anchor.phone;
    if (person === undefined || value === undefined) continue;
    creating.set(person, earlier({ value, at: anchor.at }, creating.get(person)));
  }

  const reshaped = new Set<string>();
  const created = new Map<string, Founding>();
  let regrouped: readonly Regrouped[] = [];
  const disturbed = disturbedContacts(resolution, before, assigned);
  const contactOfPerson = new Map<Person, string | null>();
  for (const person of resolution.persons) {
    const [contactId] = assigned.get(person) ?? [];
    contactOfPerson.set(person, contactId ?? null);
  }
  if (disturbed.size > 0) {
    const inPlay = await withJoined(trx, [...disturbed]);
    const facts = await factsOfContacts(trx, [...disturbed]);
    const outcome = restructure({
      resolution,
      before,
      assigned,
      disturbed,
      inPlay,
      facts,
      creating,
      newId: uuidv7,
    });
    await moveFacts(trx, outcome.moves);
    for (const [person, contactId] of outcome.contacts) contactOfPerson.set(person, contactId);
    for (const contactId of outcome.reshaped) reshaped.add(contactId);
    for (const [contactId, founding] of outcome.created) created.set(contactId, founding);
    regrouped = outcome.regrouped;
  }

  const newcomers = [...creating].filter(([person]) => contactOfPerson.get(person) === null);
  for (const [person, founding] of newcomers) {
    const contactId = uuidv7();
    contactOfPerson.set(person, contactId);
    created.set(contactId, founding);
  }
  const beforeByName: Before = new Map(before.map((row) => [nameOf(row), row]));
  const gained = resolution.persons.filter((person) =>
    gainedIds(contactOfPerson.get(person) ?? null, nodesOf(person), beforeByName),
  );
  for (const contactId of await adopt(trx, resolution, gained, contactOfPerson)) reshaped.add(contactId);

  const after = resolution.persons.flatMap((person) => {
    const contactId = contactOfPerson.get(person) ?? null;
    return nodesOf(person).map((node) => ({ ...node, contactId }));
  });
  await replaceIdentities(trx, before, after);
  await regroup(trx, regrouped, now);

  return {
    contactOf: (anchor) => {
      const person = resolution.personOf(anchor);
      return person === undefined ? lookUp(anchor) : (contactOfPerson.get(person) ?? null);
    },
    created,
    reshaped,
    gained: new Set(gained.flatMap((person) => contactOfPerson.get(person) ?? [])),
  };
}

/** Contacts turned out to be one person, or several again: what CRMs hold of them follows. */
async function regroup(
  trx: WorkspaceTransaction,
  regrouped: readonly Regrouped[],
  now: number,
): Promise<void> {
  const changed = regrouped.filter(({ before, after }) => before !== after);
  if (changed.length === 0) return;
  await saveSurvivors(
    trx,
    changed.map(({ contactId, after }) => ({ contactId, survivorId: after })),
  );
  await regroupAtCrms(trx, regrouped, now);
}

/** Gives what waited for these people to them. */
async function adopt(
  trx: WorkspaceTransaction,
  resolution: Resolution,
  people: readonly Person[],
  contactOfPerson: ReadonlyMap<Person, string | null>,
): Promise<string[]> {
  if (people.length === 0) return [];
  const waiting = await waitingFacts(
    trx,
    people.flatMap((person) => person.phones.map(({ phone }) => phone)),
    people.flatMap((person) => person.bsuidKeys),
  );
  const moves = waiting.flatMap((fact) => {
    const person = resolution.personOf(anchorOf(fact));
    const to = person === undefined ? null : (contactOfPerson.get(person) ?? null);
    return to === null ? [] : [{ fact, to }];
  });
  await moveFacts(trx, moves);
  return moves.map(({ to }) => to);
}

/** A contact an id came to stand for may be the one something was waiting for. */
function gainedIds(
  contactId: string | null,
  nodes: readonly Omit<IdentityRow, 'contactId'>[],
  before: Before,
): boolean {
  return contactId !== null && nodes.some((node) => before.get(nameOf(node))?.contactId !== contactId);
}

type Before = ReadonlyMap<string, IdentityRow>;

function nameOf({ value, since }: Omit<IdentityRow, 'contactId'>): string {
  return `${value}@${String(since)}`;
}

/** What a person is known by, as rows of `identities` name it. */
function nodesOf(person: Person): Omit<IdentityRow, 'contactId'>[] {
  return [
    ...person.phones.map(({ phone, since }) => ({ value: phone, since })),
    ...person.bsuidKeys.map((value) => ({ value, since: 0 })),
  ];
}

/** The contacts each person's ids stood for so far, oldest first. */
function contactsBefore(
  resolution: Resolution,
  before: readonly IdentityRow[],
): ReadonlyMap<Person, readonly string[]> {
  const contacts = new Map<Person, Set<string>>();
  for (const row of before) {
    if (row.contactId === null) continue;
    const person = resolution.personOf(anchorOfId({ value: row.value, at: row.since }));
    if (person === undefined) continue;
    const known = contacts.get(person) ?? new Set();
    known.add(row.contactId);
    contacts.set(person, known);
  }
  return new Map([...contacts].map(([person, ids]) => [person, [...ids].toSorted()]));
}

/**
 * Contacts whose facts may now belong to somebody else: ids of one contact stand for several persons, several contacts
 * for one, or a phone's time is cut differently. Grows until no person is left half inside.
 */
function disturbedContacts(
  resolution: Resolution,
  before: readonly IdentityRow[],
  assigned: ReadonlyMap<Person, readonly string[]>,
): ReadonlySet<string> {
  const disturbed = new Set<string>();
  for (const contacts of assigned.values()) {
    if (contacts.length > 1) for (const contactId of contacts) disturbed.add(contactId);
  }
  const rowsOf = Map.groupBy(before, (row) => row.value);
  const segmentsOf = Map.groupBy(
    resolution.persons.flatMap((person) => person.phones),
    ({ phone }) => phone,
  );
  const personsOf = new Map<string, Set<Person | undefined>>();
  for (const row of before) {
    if (row.contactId === null) continue;
    const persons = personsOf.get(row.contactId) ?? new Set();
    // Everyone who now holds the id during the time the row gave it to its contact.
    const later = (rowsOf.get(row.value) ?? [])
      .map(({ since }) => since)
      .filter((since) => since > row.since);
    const until = Math.min(...later);
    const cuts = (segmentsOf.get(row.value) ?? [])
      .map(({ since }) => since)
      .filter((since) => since > row.since && since < until);
    for (const at of [row.since, ...cuts])
      persons.add(resolution.personOf(anchorOfId({ value: row.value, at })));
    personsOf.set(row.contactId, persons);
  }
  for (const [contactId, persons] of personsOf) if (persons.size > 1) disturbed.add(contactId);
  for (let size = -1; size !== disturbed.size;) {
    size = disturbed.size;
    for (const contactId of disturbed) {
      for (const person of personsOf.get(contactId) ?? []) {
        if (person === undefined) continue;
        for (const other of assigned.get(person) ?? []) disturbed.add(other);
      }
    }
  }
  return disturbed;
}

/** Whose an event is, by the ids it shows. */
export function lookUpIn(rows: readonly IdentityRow[]): (anchor: Anchor) => string | null {
  const byValue = new Map<string, IdentityRow[]>();
  for (const row of rows) {
    const known = byValue.get(row.value);
    if (known === undefined) byValue.set(row.value, [row]);
    else known.push(row);
  }
  for (const ofValue of byValue.values()) ofValue.sort((x, y) => x.since - y.since);
  return ({ phone, bsuidKey, at }) => {
    const byBsuid = bsuidKey === undefined ? undefined : byValue.get(bsuidKey)?.[0];
    if (byBsuid !== undefined) return byBsuid.contactId;
    const ofPhone = phone === undefined ? undefined : byValue.get(phone);
    if (ofPhone === undefined || bsuidKey !== undefined) return null;
    return (ofPhone.findLast(({ since }) => since <= at) ?? ofPhone[0])?.contactId ?? null;
  };
}
