import { z } from 'zod';
import type { JournalPart } from '../journal.ts';
import { chunks, recordsChangeKinds, recordsSnapshot } from '../shared/record-journal.ts';
import type { Association } from './associations.ts';
import type { CatalogueChange } from './catalogue.ts';
import type { ObjectType } from './object-type.ts';
import { propertyDefinition, propertyGroup } from './property.ts';
import type { Portal, RecordContext } from './record-context.ts';
import type { HubspotRecordsChange } from './records.ts';

/** Which type of record a line is about. Lines of before there were several are about contacts. */
const type = z.enum(['contacts', 'communications']).default('contacts');
const associations = z.array(z.tuple([z.string(), z.string()]));
const { records, archived, restored, merged, erased } = recordsChangeKinds;

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ type, kind: z.literal('property'), property: propertyDefinition }),
  z.object({ type, kind: z.literal('property removed'), name: z.string() }),
  z.object({ type, kind: z.literal('group'), group: propertyGroup }),
  records.extend({ type, associations: associations.optional() }),
  archived.extend({ type }),
  restored.extend({ type }),
  merged.extend({ type }),
  erased.extend({ type }),
  z.object({ kind: z.literal('associated'), pairs: associations }),
]);

type Of<Change> = Change & { readonly type: ObjectType['name'] };
export type HubspotEntry =
  | Of<CatalogueChange>
  | Of<HubspotRecordsChange>
  | { readonly kind: 'associated'; readonly pairs: readonly Association[] };

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

function* snapshotOf({ objectType, catalogue, records }: RecordContext): Iterable<HubspotEntry> {
  const { name: type } = objectType;
  for (const change of catalogue.changes()) yield { type, ...change };
  for (const change of recordsSnapshot(() => records.all())) yield { type, ...change };
}
