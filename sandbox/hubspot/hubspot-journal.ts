import { z } from 'zod';
import type { JournalPart } from '../journal.ts';
import type { Catalogue, CatalogueChange } from './catalogue.ts';
import type { Contact, Contacts, ContactsChange, RecordChange } from './contacts.ts';
import { propertyDefinition, propertyGroup } from './property.ts';

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('property'), property: propertyDefinition }),
  z.object({ kind: z.literal('property removed'), name: z.string() }),
  z.object({ kind: z.literal('group'), group: propertyGroup }),
  z.object({
    kind: z.literal('records'),
    records: z.array(z.tuple([z.string(), z.record(z.string(), z.string())])),
    /** They were archived before this line was written. */
    archived: z.boolean().default(false),
  }),
  z.object({ kind: z.literal('archived'), ids: z.array(z.string()) }),
]);

export type HubspotEntry = CatalogueChange | ContactsChange;

const recordsPerLine = 100;

export function hubspotJournal(catalogue: Catalogue, contacts: Contacts): JournalPart {
  return {
    name: 'hubspot',
    replay(line) {
      const entry = entrySchema.parse(line);
      switch (entry.kind) {
        case 'records':
          contacts.apply(entry.records, entry.archived);
          break;
        case 'archived':
          contacts.applyArchived(entry.ids);
          break;
        case 'property removed':
          catalogue.apply(entry);
          contacts.forget(entry.name);
          break;
        case 'property':
        case 'group':
          catalogue.apply(entry);
          break;
      }
    },
    *snapshot() {
      yield* catalogue.changes();
      for (const run of runs(contacts.all())) {
        const records = run.map(({ id, properties }): RecordChange => [id, properties]);
        yield { kind: 'records', records, archived: run[0]?.archived ?? false };
      }
    },
  };
}

/** Neighbours of one state, as many as stand in one line. */
function* runs(contacts: Iterable<Contact>): Iterable<Contact[]> {
  let run: Contact[] = [];
  for (const contact of contacts) {
    const fits = run.length < recordsPerLine && (run[0]?.archived ?? contact.archived) === contact.archived;
    if (!fits) {
      yield run;
      run = [];
    }
    run.push(contact);
  }
  if (run.length > 0) yield run;
}
