import { z } from 'zod';
import type { JournalPart } from '../journal.ts';
import type { Association } from './associations.ts';
import type { CatalogueChange } from './catalogue.ts';
import type { ObjectType } from './object-type.ts';
import { propertyDefinition, propertyGroup } from './property.ts';
import type { RecordChange, StoredRecord } from '../shared/record.ts';
import type { Portal, RecordContext } from './record-context.ts';
import type { HubspotRecordsChange } from './records.ts';

/** Which type of record a line is about. Lines of before there were several are about contacts. */
const type = z.enum(['contacts', 'communications']).default('contacts');
const ids = z.array(z.string());
const at = z.number();
const recordChange = z.tuple([z.string(), z.record(z.string(), z.string())]);
const associations = z.array(z.tuple([z.string(), z.string()]));

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ type, kind: z.literal('property'), property: propertyDefinition }),
  z.object({ type, kind: z.literal('property removed'), name: z.string() }),
  z.object({ type, kind: z.literal('group'), group: propertyGroup }),
  z.object({
    type,
    kind: z.literal('records'),
    records: z.array(recordChange),
    archivedAt: at.optional(),
    associations: associations.optional(),
  }),
  z.object({ type, kind: z.literal('archived'), ids, at }),
  z.object({ type, kind: z.literal('restored'), id: z.string() }),
  z.object({ type, kind: z.literal('merged'), survivor: recordChange, ids, at }),
  z.object({ type, kind: z.literal('erased'), ids, at }),
  z.object({ kind: z.literal('associated'), pairs: associations }),
]);

type Of<Change> = Change & { readonly type: ObjectType['name'] };
export type HubspotEntry =
  | Of<CatalogueChange>
  | Of<HubspotRecordsChange>
  | { readonly kind: 'associated'; readonly pairs: readonly Association[] };

const perLine = 100;

export function hubspotJournal(portal: Portal): JournalPart {
  return {
    name: 'hubspot',
    replay(line) {
      const entry = entrySchema.parse(line);
      switch (entry.kind) {
        case 'associated':
          portal.associations.add(entry.pairs);
          break;
        case 'property removed':
          portal[entry.type].catalogue.apply(entry);
          portal[entry.type].records.forget(entry.name);
          break;
        case 'property':
        case 'group':
          portal[entry.type].catalogue.apply(entry);
          break;
        default:
          portal[entry.type].records.replay(entry);
          break;
      }
    },
    *snapshot() {
      yield* snapshotOf(portal.contacts);
      yield* snapshotOf(portal.communications);
      for (const pairs of chunks(portal.associations.all(), () => true)) yield { kind: 'associated', pairs };
    },
  };
}

/** Every record first, in the order of ids; then what became of those that are no more. */
function* snapshotOf({ objectType, catalogue, records }: RecordContext): Iterable<HubspotEntry> {
  const { name: type } = objectType;
  for (const change of catalogue.changes()) yield { type, ...change };
  const together = (a: StoredRecord, b: StoredRecord): boolean => a.archivedAt === b.archivedAt;
  for (const run of chunks(records.all(), together)) {
    const changes = run.map(({ id, properties }): RecordChange => [id, properties]);
    yield { type, kind: 'records', records: changes, archivedAt: run[0]?.archivedAt };
  }
  for (const { id, mergedInto, erased, archivedAt: at = 0 } of records.all()) {
    if (mergedInto !== undefined) yield { type, kind: 'merged', survivor: [mergedInto, {}], ids: [id], at };
    if (erased) yield { type, kind: 'erased', ids: [id], at };
  }
}

/** Neighbours that go together, as many as stand in one line. */
function* chunks<Item>(items: Iterable<Item>, together: (a: Item, b: Item) => boolean): Iterable<Item[]> {
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
