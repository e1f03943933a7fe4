import type { AccountTraits, ContactFields, CrmValues, FieldMapping } from '../../crm/index.ts';
import {
  type ConnectionRow,
  type DirtyRecord,
  type JournalEntry,
  type LinkRow,
  linksOfContacts,
  type ErasedTry,
  erasedTriesOf,
  type ErasedValues,
  joinedErasedValues,
  linksOfRecords,
  mergedInto,
  type MergedRecord,
  type RecordRow,
  recordsById,
  recordsWithKeyOfOthers,
  seeksTwins,
  unansweredWrites,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { settlesAt } from '../followed.ts';
import { takenOver } from '../taken-over.ts';
import { contactFields } from './contact-fields.ts';

/** A record to be looked at, with everybody tied to it. */
export interface DirtyTarget {
  readonly dirty: DirtyRecord;
  readonly recordId: string;
  /** Undefined: we have not seen it yet. */
  readonly row: RecordRow | undefined;
  /** People whose own record it is, the one it names first. */
  readonly primaryFor: readonly ContactFields[];
  readonly others: readonly ContactFields[];
  /** Its row names somebody whose primary record is another. */
  readonly keyIsOthers: boolean;
  /** What writes were to leave there that nobody answered, and that may have taken effect since it was last seen. */
  readonly tried: readonly CrmValues[];
  /** Those of them that were noted before it was last read: what of one stands there and did not then came late. */
  readonly late: readonly CrmValues[];
  /** Until when they may take effect; undefined: there are none. */
  readonly settlesAt: number | undefined;
  /** What records held that were merged into it, and is not known of it yet. */
  readonly takenOver: readonly MergedRecord[];
  /** What we wrote of erased people there, or to records that were merged into it, and may still stand. */
  readonly erasedValues: ErasedValues;
  /** When another went into it, the last time: it stood then. Undefined: none is known to have. */
  readonly stoodAt: number | undefined;
}

/** A contact that has no record in this connection. */
export interface UnlinkedContact {
  readonly dirty: DirtyRecord;
  readonly contact: ContactFields;
  /** When the record it had was deleted: only a message after that makes another. */
  readonly tombstoneAt: number | undefined;
}

/** One tick's work as the store knows it. */
export interface DirtyBatch {
  readonly targets: readonly DirtyTarget[];
  readonly unlinked: readonly UnlinkedContact[];
  /** Contacts of which records may stand that are not known here. */
  readonly twins: readonly DirtyRecord[];
  /** Nothing is to be done for these: their contact is another's by now, or has a record that is marked itself. */
  readonly idle: readonly DirtyRecord[];
  /** Records to be marked in place of what is idle, each with its mark's priority. */
  readonly instead: readonly (readonly [recordId: string, priority: number])[];
  readonly leased: readonly DirtyRecord[];
  /** Creates of erased people that nobody answered. */
  readonly erasedTries: readonly ErasedTry[];
}

/** Reads all it takes to decide about marks, in a fixed number of statements. */
export async function loadBatch(
  trx: WorkspaceTransaction,
  { connectionId }: ConnectionRow,
  mapping: readonly FieldMapping[],
  traits: AccountTraits,
  leased: readonly DirtyRecord[],
  now: number,
): Promise<DirtyBatch> {
  const contactIds = leased.flatMap((dirty) => (seeksTwins(dirty) ? [] : (dirty.contactId ?? [])));
  const linksOfSubjects = contactIds.length === 0 ? [] : await linksOfContacts(trx, connectionId, contactIds);
  const recordIds = leased.flatMap(({ recordId }) => recordId ?? []);
  const links = recordIds.length === 0 ? [] : await linksOfRecords(trx, connectionId, recordIds);
  const rows = await recordsById(trx, connectionId, [
    ...recordIds,
    ...linksOfSubjects.map(({ recordId }) => recordId),
  ]);
  const isNamed = new Set(
    links.flatMap((link) => (link.primary ? [`${link.recordId} ${link.contactId}`] : [])),
  );
  const keyOfOthers = await recordsWithKeyOfOthers(
    trx,
    connectionId,
    rows.flatMap(({ recordId, keyContactId }) =>
      keyContactId === null || isNamed.has(`${recordId} ${keyContactId}`) ? [] : [recordId],
    ),
  );
  const merged = await mergedInto(trx, connectionId, recordIds);
  const unanswered = await unansweredWrites(trx, connectionId, recordIds);
  const baseAt = new Map(rows.map((row) => [row.recordId, row.baseAt]));
  const tried = unanswered.filter((entry) => settlesAt(entry, traits) >= (baseAt.get(entry.recordId) ?? 0));
  const people = new Set([...contactIds, ...links.map(({ contactId }) => contactId)]);
  const fields = await contactFields(trx, [...people], now, mapping);
  const erasedTries = recordIds.length === 0 ? [] : await erasedTriesOf(trx, connectionId);
  const read = { leased, linksOfSubjects, links, rows, fields, tried, merged, keyOfOthers, traits, now };
  return { ...sortBatch(read), erasedTries };
}

function sortBatch(read: {
  leased: readonly DirtyRecord[];
  linksOfSubjects: readonly LinkRow[];
  links: readonly LinkRow[];
  rows: readonly RecordRow[];
  fields: readonly ContactFields[];
  tried: readonly JournalEntry[];
  merged: readonly MergedRecord[];
  keyOfOthers: ReadonlySet<string>;
  traits: AccountTraits;
  now: number;
}): Omit<DirtyBatch, 'erasedTries'> {
  const contactOf = new Map(read.fields.map((contact) => [contact.contactId, contact]));
  const rowOf = new Map(read.rows.map((row) => [row.recordId, row]));
  const linksOf = Map.groupBy(read.links, ({ recordId }) => recordId);
  const subjectLinks = Map.groupBy(read.linksOfSubjects, ({ contactId }) => contactId);
  const taken = takenOver(read.merged, read.now);
  const mergedIn = Map.groupBy(read.merged, ({ survivorId }) => survivorId);
  const targets: DirtyTarget[] = [];
  const unlinked: UnlinkedContact[] = [];
  const idle: DirtyRecord[] = [];
  const instead: [string, number][] = [];
  const twins = read.leased.filter(seeksTwins);
  for (const dirty of read.leased) {
    if (twins.includes(dirty)) continue;
    if (dirty.recordId !== null) {
      const row = rowOf.get(dirty.recordId);
      const tied = (linksOf.get(dirty.recordId) ?? []).flatMap(({ contactId, primary }) => {
        const contact = contactOf.get(contactId);
        return contact === undefined ? [] : [{ contact, primary }];
      });
      const primaryFor = tied.filter(({ primary }) => primary).map(({ contact }) => contact);
      const tried = read.tried.filter(({ recordId }) => recordId === dirty.recordId);
      const named = primaryFor.findIndex(({ contactId }) => contactId === row?.keyContactId);
      targets.push({
        dirty,
        recordId: dirty.recordId,
        row,
        primaryFor:
          named <= 0
            ? primaryFor
            : [...primaryFor.slice(named, named + 1), ...primaryFor.toSpliced(named, 1)],
        others: tied.filter(({ primary }) => !primary).map(({ contact }) => contact),
        keyIsOthers: read.keyOfOthers.has(dirty.recordId),
        tried: tried.map(({ written }) => written),
        late: tried.filter(({ at }) => at <= (row?.baseAt ?? 0)).map(({ written }) => written),
        takenOver: taken.get(dirty.recordId) ?? [],
        erasedValues: joinedErasedValues(
          [row, ...(mergedIn.get(dirty.recordId) ?? [])].flatMap((one) => valuesIn(one)),
        ),
        stoodAt: mergedIn.get(dirty.recordId)?.reduce((latest, { goneAt }) => Math.max(latest, goneAt), 0),
        settlesAt:
          tried.length === 0 ? undefined : Math.max(...tried.map((entry) => settlesAt(entry, read.traits))),
      });
      continue;
    }
    const contact = contactOf.get(dirty.contactId ?? '');
    if (contact === undefined) {
      idle.push(dirty);
      continue;
    }
    const primaryFor = (subjectLinks.get(contact.contactId) ?? []).filter(({ primary }) => primary);
    const standing = primaryFor.filter(({ recordId }) => (rowOf.get(recordId)?.gone ?? null) === null);
    if (standing.length > 0) {
      idle.push(dirty);
      for (const { recordId } of standing) instead.push([recordId, dirty.priority]);
      continue;
    }
    const goneAt = primaryFor.map(({ recordId }) => rowOf.get(recordId)?.goneAt ?? 0);
    unlinked.push({
      dirty,
      contact,
      tombstoneAt: goneAt.length === 0 ? undefined : Math.max(...goneAt),
    });
  }
  return { targets, unlinked, twins, idle, instead, leased: read.leased };
}

function valuesIn(row: Pick<RecordRow, 'erasedValues'> | undefined): ErasedValues[] {
  const values = row?.erasedValues ?? null;
  return values === null ? [] : [values];
}
