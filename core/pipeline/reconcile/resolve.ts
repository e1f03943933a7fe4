import { randomUUID } from 'node:crypto';
import type { Connector, ConnectorTraits, CrmRecord, CrmValues, FieldMapping } from '../../crm/index.ts';
import {
  type AgreedRecord,
  type ConnectionRow,
  type Creation,
  type DirtyRecord,
  type SeenRecord,
  advanceOwnerRotation,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { fieldOfNumber } from '../../mapping/index.ts';
import { byAge, type Candidates, candidatesOf, inChunks, orderOf, seenRecord } from './candidates.ts';
import { creationObjection, type FirstContact, isRush, ownerOf } from './creation-rules.ts';
import type { UnlinkedContact } from './load-batch.ts';
import { mostPressing } from './priority.ts';
import type { ResolveFacts } from './resolve-facts.ts';
import { searchByPhone } from './search.ts';

/** A record found for a contact, and others that hold its phone, or its id, too. */
interface Found {
  readonly unlinked: UnlinkedContact;
  readonly recordId: string;
  readonly reason: 'our id' | 'phone';
  readonly others: readonly string[];
}

export interface Creating {
  readonly unlinked: UnlinkedContact;
  readonly creation: Creation;
  /** Nobody knows whether an earlier try came through. */
  readonly decidedBefore: boolean;
  /** Another record keeps the id it would have had. */
  readonly newKey: boolean;
}

/** A record to be made, and what it is to hold. */
export type CreatingValues = Creating & {
  readonly values: CrmValues;
  /** Records of who held their phone before, where a person typed it. */
  readonly elsewhere: readonly string[];
};

/** What becomes of contacts without a record. */
export interface Resolved {
  readonly found: readonly Found[];
  readonly creating: readonly Creating[];
  readonly leftAlone: readonly DirtyRecord[];
  readonly held: readonly DirtyRecord[];
  /** Records the search brought up. */
  readonly seen: readonly SeenRecord[];
  /** Records of ours whose making nobody answered. */
  readonly ours: readonly AgreedRecord[];
  /** More new records than usual. */
  readonly rush: boolean;
}

/**
 * Finds each contact's record, or decides that one is made: phone index → our unique field where a record may have stood
 * → the CRM's search while the index is not complete → create by policy, after asking the CRM once where a record made
 * there a moment ago may not be known here. Marks in none of the answers go back. docs/design.md §3.3 Resolve
 */
export async function resolveUnlinked(
  connector: Connector,
  connection: ConnectionRow,
  unlinked: readonly UnlinkedContact[],
  facts: ResolveFacts,
  fields: readonly string[],
  now: number,
): Promise<Resolved> {
  const { traits } = connector;
  const { region } = connection;
  const found: Found[] = [];
  const seen: SeenRecord[] = [];
  let open = unlinked;

  const settle = (matches: ReadonlyMap<string, Candidates>, reason: Found['reason']): void => {
    open = open.filter((one) => {
      const [recordId, ...others] = matches.get(one.contact.contactId) ?? [];
      if (recordId === undefined) return true;
      found.push({ unlinked: one, recordId, reason, others });
      return false;
    });
  };
  const ask = async (people: readonly UnlinkedContact[]): Promise<void> => {
    if (people.length === 0) return;
    const searched = await searchByPhone(connector, region, people, facts.parted, fields);
    seen.push(...searched.seen);
    settle(searched.matches, 'phone');
    open = open.filter((one) => !searched.later.includes(one));
  };

  // What a try of ours made is known by its phone already where the CRM told of it, and is no stranger's.
  settle(
    candidatesOf(
      open.filter(({ dirty }) => !dirty.tried),
      facts.indexed,
      facts.parted,
    ),
    'phone',
  );
  const known = await findOurs(connector, connection, open, facts, fields);
  seen.push(...known.seen);
  settle(known.matches, 'our id');
  settle(candidatesOf(open, facts.indexed, facts.parted), 'phone');
  const unindexed = open.filter(({ contact: { phones } }) =>
    connection.indexedAt === null ? phones.length > 0 : phones.some((phone) => facts.erased.has(phone)),
  );
  await ask(unindexed);

  const { creation: policy } = connection.settings;
  const objection = ({ contact }: UnlinkedContact): string | undefined =>
    creationObjection(contact, facts.first.get(contact.contactId), policy, facts.ownNumbers);
  const decided = ({ contact, tombstoneAt }: UnlinkedContact): boolean =>
    facts.creations.has(contact.contactId) && tombstoneAt === undefined;
  const leftAlone = open.filter((one) => !cameBack(one) || (!decided(one) && objection(one) !== undefined));
  open = open.filter((one) => !leftAlone.includes(one));
  const fresh = open.filter(({ contact }) => !facts.creations.has(contact.contactId));
  const rush = isRush(facts.pace, fresh.length, policy.rush);
  const held = rush && policy.rush.hold && connection.rushReleasedUntil <= now ? fresh : [];
  open = open.filter((one) => !held.includes(one));
  if (newsMayLack(connection, traits.freshMs, now)) {
    await ask(open.filter((one) => one.contact.phones.length > 0 && !unindexed.includes(one)));
  }
  return {
    found,
    creating: open.map((one) => {
      const { contactId } = one.contact;
      const before = facts.creations.get(contactId);
      const creation = before ?? { contactId, key: contactId, ownerId: null };
      const newKey = known.kept.has(creation.key);
      return {
        unlinked: one,
        creation: newKey ? { ...creation, key: randomUUID() } : creation,
        decidedBefore: before !== undefined,
        newKey,
      };
    }),
    leftAlone: leftAlone.map(({ dirty }) => dirty),
    held: held.map(({ dirty }) => dirty),
    seen,
    ours: known.ours,
    rush,
  };
}

/** Whose record was deleted gets another one only by writing since. */
function cameBack({ contact, tombstoneAt }: UnlinkedContact): boolean {
  return tombstoneAt === undefined || (contact.lastInboundAt ?? 0) > tombstoneAt;
}

/**
 * Whether a record made in the CRM a moment ago may not be known here: where changes are only polled, and where the
 * newest webhook is older than the vendor's own lag.
 */
function newsMayLack({ lastWebhookAt }: ConnectionRow, freshMs: number, now: number): boolean {
  return lastWebhookAt === null || now - lastWebhookAt > freshMs;
}

/** Records that hold our ids already. */
interface OursFound {
  readonly matches: ReadonlyMap<string, Candidates>;
  readonly seen: readonly SeenRecord[];
  readonly ours: readonly AgreedRecord[];
  /** Ids that stand on records a person parted from their contact. */
  readonly kept: ReadonlySet<string>;
}

/**
 * Looks for our ids wherever a record may have stood, for a create under an id that stands writes over what people typed
 * there: a try nobody answered, a record that was deleted and may have been restored or merged, one a person parted, and
 * those of a contact joined into this one.
 */
async function findOurs(
  connector: Connector,
  { region }: ConnectionRow,
  people: readonly UnlinkedContact[],
  facts: ResolveFacts,
  fields: readonly string[],
): Promise<OursFound> {
  const { traits } = connector;
  const { keys: decided } = facts;
  if (decided === undefined) return { matches: new Map(), seen: [], ours: [], kept: new Set() };
  const keys = new Map(
    people.flatMap((one) => {
      const { contactId } = one.contact;
      const own = facts.creations.get(contactId)?.key ?? contactId;
      const joined = (decided.get(contactId) ?? []).filter((key) => key !== own);
      const stood =
        one.dirty.tried ||
        facts.creations.has(contactId) ||
        facts.partedContacts.has(contactId) ||
        (one.tombstoneAt !== undefined && cameBack(one));
      return [...joined, ...(stood ? [own] : [])].map((key) => [key, contactId] as const);
    }),
  );
  // A STOP among them waits for nobody's budget but its own.
  const pressing = mostPressing(people.map(({ dirty }) => dirty));
  const held = new Map<string, CrmRecord[]>();
  const seen: SeenRecord[] = [];
  const ours: AgreedRecord[] = [];
  const kept = new Set<string>();
  for (const part of inChunks([...keys.keys()], traits.sizes.findByContactId)) {
    for (const record of await connector.findByContactId(part, fields, pressing)) {
      const key = record.contactId ?? '';
      const contactId = keys.get(key);
      if (contactId === undefined) continue;
      if (facts.parted.has(`${contactId} ${record.recordId}`)) {
        kept.add(key);
        continue;
      }
      held.set(contactId, [...(held.get(contactId) ?? []), record]);
      const found = seenRecord(record, traits, region);
      const tries = facts.tried.get(key) ?? [];
      if (tries.length === 0) seen.push(found);
      else ours.push({ ...found, ...agreedByTries(record.values, tries), refused: {} });
    }
  }
  const matches = new Map(
    [...held].map(([contactId, records]) => [
      contactId,
      records
        .map(orderOf)
        .toSorted(byAge)
        .map(({ recordId }) => recordId),
    ]),
  );
  return { matches, seen, ours, kept };
}

/** What both sides agree on of a record we made without hearing so: what a try wrote, where it still stands or not. */
function agreedByTries(
  current: CrmValues,
  tries: readonly CrmValues[],
): { readonly base: CrmValues; readonly ours: readonly string[] } {
  const written = Object.assign({}, ...tries) as CrmValues;
  const base = Object.fromEntries(
    Object.entries(written).map(([field, last]) => {
      const now = current[field];
      return [field, now !== undefined && tries.some((one) => (one[field] ?? '') === now) ? now : last];
    }),
  );
  const ours = Object.keys(written).filter((name) => fieldOfNumber(name) === name);
  return { base, ours: ours.toSorted() };
}

/** Gives the new ones their owners, by the connection's one rule. */
export async function assignOwners(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  creating: readonly Creating[],
  first: ReadonlyMap<string, FirstContact>,
): Promise<Creating[]> {
  const rule = connection.settings.owner;
  const fresh = creating.filter(({ decidedBefore }) => !decidedBefore).length;
  if (fresh === 0) return [...creating];
  let rotation =
    rule.kind === 'round robin' ? await advanceOwnerRotation(trx, connection.connectionId, fresh) : 0;
  return creating.map((one) => {
    if (one.decidedBefore) return one;
    const ownerId = ownerOf(rule, first.get(one.creation.contactId), rotation) ?? null;
    rotation += 1;
    return { ...one, creation: { ...one.creation, ownerId } };
  });
}

/** What a new person becomes; undefined: the CRM has one type. A setting of before its types changed counts no more. */
export function madeType(
  { settings: { creation } }: ConnectionRow,
  { recordTypes }: ConnectorTraits,
): string | undefined {
  return recordTypes?.made.find((type) => type === creation.as) ?? recordTypes?.made[0];
}

/** Every field a decision may need to see. */
export function fieldsToRead({ traits }: Connector, mapping: readonly FieldMapping[]): string[] {
  return [
    ...new Set([
      ...mapping.map(({ field }) => field.name),
      ...traits.phoneFields,
      ...traits.followedFields,
      ...(traits.ownerField === undefined ? [] : [traits.ownerField]),
    ]),
  ];
}
