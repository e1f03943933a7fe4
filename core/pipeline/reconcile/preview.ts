import type { Clock } from '../../clock.ts';
import { type CrmRecord, type CrmValues, linesOn } from '../../crm/index.ts';
import { valuesForNew } from '../../mapping/index.ts';
import { type ConnectionRow, type DirtyKey, type Page, peekDirty, type Store } from '../../store/index.ts';
import type { Connectors } from '../../work/index.ts';
import type { ErasureKeyOf } from '../erased.ts';
import { inChunks } from './candidates.ts';
import { loadBatch } from './load-batch.ts';
import { followedBy } from '../followed.ts';
import { mappingOf } from '../mapping-of.ts';
import { erasedFieldsOf } from './erased-values.ts';
import { planTarget } from './plan-target.ts';
import { loadResolveFacts } from './resolve-facts.ts';
import { fieldsToRead, madeType, resolveUnlinked } from './resolve.ts';

/** What would be written for one person or record if the connection were live. */
export interface Previewed {
  readonly contactId: string | undefined;
  readonly recordId: string | undefined;
  readonly what: 'create' | 'adopt' | 'update' | 'nothing' | 'held';
  readonly values: CrmValues;
}

/**
 * What waits for a connection, as it would be written: for one in shadow. Reads the CRM, writes nothing anywhere.
 * `limit`: of what waits, at most a batch. Throws `SangamError` as the connector does.
 */
export async function previewWrites(
  {
    store,
    clock,
    connectors,
    erasureKeyOf,
  }: { store: Store; clock: Clock; connectors: Connectors; erasureKeyOf: ErasureKeyOf },
  connection: ConnectionRow,
  { limit, after }: Page<DirtyKey>,
): Promise<{ readonly results: Previewed[]; readonly next: DirtyKey | undefined }> {
  const { workspaceId, connectionId } = connection;
  const connector = await connectors.of(connection);
  const { traits } = connector;
  const mapping = mappingOf(connection, traits);
  const { batch, facts, next } = await store.transact(workspaceId, async (trx) => {
    const now = clock.now();
    const size = Math.min(limit, traits.leaseSize);
    const marks = await peekDirty(trx, connectionId, { limit: size + 1, after });
    const waiting = marks.slice(0, size);
    const last = marks.length > size ? waiting.at(-1) : undefined;
    const loaded = await loadBatch(trx, connection, mapping, traits, waiting, now);
    return {
      batch: loaded,
      next: last && ([last.priority, last.markedAt, last.subject] as const),
      facts: await loadResolveFacts(trx, connection, loaded.unlinked, erasureKeyOf, now),
    };
  });
  const existing = new Set((await connector.fields()).map(({ name }) => name));
  const fields = fieldsToRead(connector, mapping).filter((field) => existing.has(field));
  // Nothing was tried in shadow, and our own field may not be there yet.
  const resolved = await resolveUnlinked(
    connector,
    connection,
    batch.unlinked,
    { ...facts, keys: undefined },
    fields,
    clock.now(),
  );
  const followed = followedBy(connection, traits);
  const standing = batch.targets.filter(({ row }) => (row?.gone ?? null) === null);
  const records: CrmRecord[] = [];
  const asked = standing.map(({ recordId }) => recordId);
  for (const part of inChunks(asked, traits.sizes.read)) {
    records.push(...(await connector.read(part, fields, 'import')));
  }
  const byAsked = new Map(records.map((record) => [record.askedAs, record]));
  const erasedOf = await erasedFieldsOf(
    workspaceId,
    standing.map(({ erasedValues }) => erasedValues),
    followed,
    erasureKeyOf,
  );
  const results = [
    ...resolved.creating.map(({ unlinked: { contact } }) => ({
      contactId: contact.contactId,
      recordId: undefined,
      what: 'create' as const,
      values: valuesForNew(contact, linesOn(mapping, madeType(connection, traits)), traits.spelling),
    })),
    ...resolved.found.map(({ unlinked: { contact }, recordId }) => ({
      contactId: contact.contactId,
      recordId,
      what: 'adopt' as const,
      values: {},
    })),
    ...resolved.held.map(({ contactId }) => ({
      contactId: contactId ?? undefined,
      recordId: undefined,
      what: 'held' as const,
      values: {},
    })),
    ...standing.map((target) => {
      const record = byAsked.get(target.recordId);
      const erased = erasedOf(target.erasedValues, record);
      const { write } = planTarget(target, record, mapping, traits, followed, erased);
      const [person] = [...target.primaryFor, ...target.others];
      return {
        contactId: person?.contactId,
        recordId: target.recordId,
        what: Object.keys(write).length > 0 ? ('update' as const) : ('nothing' as const),
        values: write,
      };
    }),
  ];
  return { results, next };
}
