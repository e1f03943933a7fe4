import { z } from 'zod';
import type { RecordChange, RecordsChange, StoredRecord } from './record.ts';

/** Records as lines of a journal. */

const ids = z.array(z.string());
const at = z.number();
const recordChange = z.tuple([z.string(), z.record(z.string(), z.string())]);

/** `RecordsChange` as it is read back, kind by kind: simulators add what else stands in their lines. */
export const recordsChangeKinds = {
  records: z.object({
    kind: z.literal('records'),
    records: z.array(recordChange),
    archivedAt: at.optional(),
  }),
  archived: z.object({ kind: z.literal('archived'), ids, at }),
  restored: z.object({ kind: z.literal('restored'), id: z.string() }),
  merged: z.object({ kind: z.literal('merged'), survivor: recordChange, ids, at }),
  erased: z.object({ kind: z.literal('erased'), ids, at }),
};

const perLine = 100;

/** What an empty state would have to be told: every record first, in the order of ids; then what became of those that are no more. */
export function* recordsSnapshot(all: () => Iterable<StoredRecord>): Iterable<RecordsChange> {
  const together = (a: StoredRecord, b: StoredRecord): boolean => a.archivedAt === b.archivedAt;
  for (const run of chunks(all(), together)) {
    const records = run.map(({ id, properties }): RecordChange => [id, properties]);
    yield { kind: 'records', records, archivedAt: run[0]?.archivedAt };
  }
  for (const { id, mergedInto, erased, archivedAt = 0 } of all()) {
    if (mergedInto !== undefined)
      yield { kind: 'merged', survivor: [mergedInto, {}], ids: [id], at: archivedAt };
    if (erased) yield { kind: 'erased', ids: [id], at: archivedAt };
  }
}

/** Neighbours that go together, as many as stand in one line. */
export function* chunks<Item>(
  items: Iterable<Item>,
  together: (a: Item, b: Item) => boolean,
): Iterable<Item[]> {
  let chunk: Item[] = [];
  for (const item of items) {
    const [first] = chunk;
    if (first !== undefined && (chunk.length === perLine || !together(first, item))) {
      yield chunk;
      chunk = [];
    }
    chunk.push(item);
  }
  if (chunk.length > 0) yield chunk;
}
