import {
  type Connector,
  type CrmRecord,
  type CrmValues,
  type FieldMapping,
  phonesOf,
} from '../../crm/index.ts';
import { SangamError } from '../../errors.ts';
import {
  type ConnectionRow,
  type Creation,
  type DirtyRecord,
  type SeenRecord,
  takeOwnerTurns,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { creationObjection, type FirstContact, isRush, ownerOf } from './creation-rules.ts';
import type { Homeless } from './load-batch.ts';
import { priorityOf } from './priority.ts';
import type { ResolveFacts } from './resolve-facts.ts';

/** A record found for a contact, and others that hold its phone too. */
interface Found {
  readonly homeless: Homeless;
  readonly recordId: string;
  readonly reason: 'our id' | 'phone';
  readonly others: readonly string[];
}

export interface Creating {
  readonly homeless: Homeless;
  readonly creation: Creation;
  /** Nobody knows whether an earlier try came through. */
  readonly decidedBefore: boolean;
}

/** What becomes of contacts without a record. */
export interface Resolved {
  readonly found: readonly Found[];
  readonly creating: readonly Creating[];
  readonly leftAlone: readonly DirtyRecord[];
  readonly held: readonly DirtyRecord[];
  /** The CRM's search is used up for now. */
  readonly later: readonly DirtyRecord[];
  /** Records the search brought up. */
  readonly seen: readonly SeenRecord[];
  /** Records of ours whose making nobody answered. */
  readonly ours: readonly (SeenRecord & { readonly ours: readonly string[] })[];
  /** More new records than usual. */
  readonly rush: boolean;
}

/**
 * Finds each contact's record, or decides that one is made: phone index → our unique field where a try may have come
 * through → the CRM's search while the index is not complete → create by policy. design.md §3.3 Resolve
 */
export async function resolveHomeless(
  connector: Connector,
  connection: ConnectionRow,
  homeless: readonly Homeless[],
  facts: ResolveFacts,
  fields: readonly string[],
  now: number,
): Promise<Resolved> {
  const { traits } = connector;
  const { region } = connection;
  const found: Found[] = [];
  const later: DirtyRecord[] = [];
  const seen = new Map<string, SeenRecord>();
  const ours: (SeenRecord & { readonly ours: readonly string[] })[] = [];
  let open = homeless;

  const settle = (matches: ReadonlyMap<string, Candidates>, reason: Found['reason']): void => {
    open = open.filter((one) => {
      const [recordId, ...others] = matches.get(one.contact.contactId) ?? [];
      if (recordId === undefined) return true;
      found.push({ homeless: one, recordId, reason, others });
      return false;
    });
  };

  const indexed = facts.indexed.map(({ phone, recordId, field }) => ({ phone, recordId, field }));
  settle(candidatesOf(open, indexed, facts.parted, traits.phoneFields), 'phone');

  // A try may have come through: this one's own, or that of a contact joined into it since.
  const keys = new Map(
    open.flatMap(({ dirty, contact: { contactId } }) => {
      const own = facts.creations.get(contactId)?.key;
      return (facts.keys.get(contactId) ?? [])
        .filter((key) => dirty.tried || key !== own)
        .map((key) => [key, contactId] as const);
    }),
  );
  if (keys.size > 0) {
    const byContact = new Map<string, Candidates>();
    for (const part of inChunks([...keys.keys()], traits.batchSize)) {
      for (const record of await connector.findByContactId(part, fields, 'new lead')) {
        const contactId = keys.get(record.contactId ?? '');
        if (contactId === undefined) continue;
        byContact.set(contactId, [...(byContact.get(contactId) ?? []), record.recordId]);
        const found = seenRecord(record, traits.phoneFields, region);
        const tries = facts.tried.get(record.contactId ?? '') ?? [];
        if (tries.length === 0) seen.set(record.recordId, found);
        else ours.push({ ...found, ...agreedByTries(record.values, tries) });
      }
    }
    settle(byContact, 'our id');
  }

  const unindexed = open.filter(({ contact: { phones } }) =>
    connection.indexedAt === null ? phones.length > 0 : phones.some((phone) => facts.erased.has(phone)),
  );
  if (unindexed.length > 0) {
    for (const part of inSearches(unindexed, traits.phonesPerSearch)) {
      try {
        const records = await connector.findByPhone(
          part.flatMap(({ contact }) => contact.phones).slice(0, traits.phonesPerSearch),
          fields,
          priorityOf(Math.min(...part.map(({ dirty }) => dirty.priority))),
        );
        const held = records.flatMap((record) =>
          phonesOf(record, traits.phoneFields, region).flatMap((phone) =>
            'phone' in phone ? [{ ...phone, recordId: record.recordId }] : [],
          ),
        );
        for (const record of records)
          seen.set(record.recordId, seenRecord(record, traits.phoneFields, region));
        settle(candidatesOf(part, held, facts.parted, traits.phoneFields), 'phone');
      } catch (error) {
        if (!(error instanceof SangamError) || error.code !== 'limit_wait') throw error;
        later.push(...open.filter((one) => unindexed.includes(one)).map(({ dirty }) => dirty));
        open = open.filter((one) => !unindexed.includes(one));
        break;
      }
    }
  }

  const { creation: policy } = connection.settings;
  const leftAlone: DirtyRecord[] = [];
  const candidates: Homeless[] = [];
  for (const one of open) {
    const { contact, tombstoneAt } = one;
    const decided = facts.creations.has(contact.contactId) && tombstoneAt === undefined;
    const cameBack = tombstoneAt === undefined || (contact.lastInboundAt ?? 0) > tombstoneAt;
    const objection = decided
      ? undefined
      : creationObjection(contact, facts.first.get(contact.contactId), policy, facts.ownNumbers);
    if (cameBack && objection === undefined) candidates.push(one);
    else leftAlone.push(one.dirty);
  }
  const fresh = candidates.filter(({ contact }) => !facts.creations.has(contact.contactId));
  const rush = isRush(facts.pace, fresh.length, policy.rush);
  const hold = rush && policy.rush.hold && connection.rushReleasedUntil <= now;
  const held = hold ? fresh.map(({ dirty }) => dirty) : [];
  const making = hold
    ? candidates.filter(({ contact }) => facts.creations.has(contact.contactId))
    : candidates;
  return {
    found,
    creating: making.map((one) => {
      const before = facts.creations.get(one.contact.contactId);
      return {
        homeless: one,
        creation: before ?? { contactId: one.contact.contactId, key: one.contact.contactId, ownerId: null },
        decidedBefore: before !== undefined,
      };
    }),
    leftAlone,
    held,
    later,
    seen: [...seen.values()],
    ours,
    rush,
  };
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
      return [field, now !== undefined && tries.some((one) => one[field] === now) ? now : last];
    }),
  );
  return { base, ours: Object.keys(written).toSorted() };
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
  let turn = rule.kind === 'round robin' ? await takeOwnerTurns(trx, connection.connectionId, fresh) : 0;
  return creating.map((one) => {
    if (one.decidedBefore) return one;
    const ownerId = ownerOf(rule, first.get(one.creation.contactId), turn) ?? null;
    turn += 1;
    return { ...one, creation: { ...one.creation, ownerId } };
  });
}

/** Record ids, the best one first. */
type Candidates = readonly string[];

/**
 * Whose phone stands on which records. The one people look at first wins: by the field's place, then the oldest record,
 * which has the shortest and lowest id.
 */
function candidatesOf(
  homeless: readonly Homeless[],
  held: readonly { readonly phone: string; readonly recordId: string; readonly field: string }[],
  parted: ReadonlySet<string>,
  phoneFields: readonly string[],
): ReadonlyMap<string, Candidates> {
  const byPhone = Map.groupBy(held, ({ phone }) => phone);
  return new Map(
    homeless.map(({ contact }) => {
      const records = contact.phones
        .flatMap((phone) => byPhone.get(phone) ?? [])
        .filter(({ recordId }) => !parted.has(`${contact.contactId} ${recordId}`))
        .toSorted(
          (x, y) =>
            phoneFields.indexOf(x.field) - phoneFields.indexOf(y.field) ||
            x.recordId.length - y.recordId.length ||
            (x.recordId < y.recordId ? -1 : 1),
        );
      return [contact.contactId, [...new Set(records.map(({ recordId }) => recordId))]];
    }),
  );
}

export function seenRecord(
  record: CrmRecord,
  phoneFields: readonly string[],
  region: string | undefined,
): SeenRecord {
  return {
    recordId: record.recordId,
    keyContactId: record.contactId,
    base: record.values,
    phones: phonesOf(record, phoneFields, region),
    changedAt: record.changedAt,
  };
}

/** People whose phones fit into one search. */
function inSearches(homeless: readonly Homeless[], phonesPerSearch: number): Homeless[][] {
  const searches: Homeless[][] = [];
  let phones = Infinity;
  for (const one of homeless) {
    if (phones + one.contact.phones.length > phonesPerSearch) {
      searches.push([]);
      phones = 0;
    }
    searches.at(-1)?.push(one);
    phones += one.contact.phones.length;
  }
  return searches;
}

function inChunks<Item>(items: readonly Item[], size: number): Item[][] {
  const chunks: Item[][] = [];
  for (let start = 0; start < items.length; start += size) chunks.push(items.slice(start, start + size));
  return chunks;
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
