import { type CrmRecord, type CrmValues, phonesOf } from '../../crm/index.ts';
import { type BatchWork, comeBack } from './batch-work.ts';
import { inChunks, seenRecord } from './candidates.ts';
import type { Finding } from './findings.ts';
import { mostPressing } from './priority.ts';
import type { ResolveFacts } from './resolve-facts.ts';
import { type CreatingValues, fieldsToRead } from './resolve.ts';
import type { RecordOutcome } from './write-records.ts';

/** A create for which the vendor names a record it takes for the same person's. */
export interface NamedTwin {
  readonly creating: CreatingValues;
  readonly outcome: Extract<RecordOutcome, { outcome: 'exists' | 'taken' }>;
}

/** A create for which the vendor names a record that is not the person's. */
export interface NotTheirs {
  readonly twin: NamedTwin;
  /** What is left without what that record holds; undefined: nothing can be left out. */
  readonly values: CrmValues | undefined;
}

/** Whether the vendor made no record because another one stands for the person, or may. */
export function namesTwin(
  outcome: RecordOutcome,
  { contactIdField }: { readonly contactIdField: string },
): outcome is NamedTwin['outcome'] {
  return outcome.outcome === 'exists' || (outcome.outcome === 'taken' && outcome.field !== contactIdField);
}

/**
 * Reads the records vendors name in place of making one, and takes those that are the person's: they hold one of their
 * phones, or our id. One that is to lose their phone is waited for; any other is a conflict. Throws as the connector does.
 */
export async function adoptNamed(
  { connection, connector, mapping, clock }: BatchWork,
  twins: readonly NamedTwin[],
  { parted, losing }: Pick<ResolveFacts, 'parted' | 'losing'>,
): Promise<{ readonly notTheirs: readonly NotTheirs[]; readonly found: readonly Finding[] }> {
  const { traits } = connector;
  const records = new Map<string, CrmRecord>();
  for (const some of inChunks(
    [...new Set(twins.map(({ outcome }) => outcome.recordId))],
    traits.sizes.read,
  )) {
    const priority = mostPressing(twins.map(({ creating }) => creating.unlinked.dirty));
    for (const record of await connector.read(some, fieldsToRead(connector, mapping), priority)) {
      records.set(record.askedAs, record);
    }
  }
  const notTheirs: NotTheirs[] = [];
  const found: Finding[] = [];
  for (const twin of twins) {
    const { unlinked, values } = twin.creating;
    const { contact, dirty, tombstoneAt } = unlinked;
    const record = records.get(twin.outcome.recordId);
    if (record === undefined || losing.has(`${contact.contactId} ${record.recordId}`)) {
      const { item, explanation } = twin.outcome;
      const code = record === undefined ? 'twin_gone' : 'phone_on_another';
      const later = { item, outcome: 'later', code, retry: 'later', explanation } as const;
      found.push(comeBack({ connection, now: clock.now() }, dirty, contact.contactId, later));
      continue;
    }
    const seen = [seenRecord(record, traits.phoneFields, connection.region)];
    const reason = reasonToTake(twin, record);
    if (reason !== undefined) {
      found.push({
        seen,
        links: [{ contactId: contact.contactId, recordId: record.recordId, primary: true, reason }],
        instead: [[record.recordId, dirty.priority]],
        back: tombstoneAt === undefined ? [] : [[contact.contactId, dirty.priority]],
        outcomes: [[dirty, 'unchanged']],
      });
      continue;
    }
    found.push({
      seen,
      conflicts: [
        {
          connectionId: connection.connectionId,
          kind: 'taken by another record',
          contactId: contact.contactId,
          recordIds: [twin.outcome.recordId],
          explanation: twin.outcome.explanation,
        },
      ],
    });
    notTheirs.push({ twin, values: withoutClaimed(values, record) });
  }
  return { notTheirs, found };

  function reasonToTake({ creating, outcome }: NamedTwin, record: CrmRecord): 'our id' | 'phone' | undefined {
    const { contact } = creating.unlinked;
    if (parted.has(`${contact.contactId} ${record.recordId}`)) return undefined;
    if (outcome.outcome === 'exists' && outcome.by === 'our id') return 'our id';
    const held = phonesOf(record, traits.phoneFields, connection.region);
    return held.some((one) => 'phone' in one && contact.phones.includes(one.phone)) ? 'phone' : undefined;
  }

  /** Phones and our id are never left out: without them nobody would find the record again. */
  function withoutClaimed(values: CrmValues, record: CrmRecord): CrmValues | undefined {
    const left = Object.entries(values).filter(
      ([field, value]) =>
        value === '' || traits.phoneFields.includes(field) || record.values[field] !== value,
    );
    return left.length === Object.keys(values).length ? undefined : Object.fromEntries(left);
  }
}
