import type { FoundEntry } from '@sangam/core/crm';
import { byPlace, incomplete } from '../shared/outcomes.ts';
import { entryBody } from '../shared/timeline-body.ts';
import type { ZohoAccount } from './account.ts';
import { among, queryAll } from './coql.ts';
import { entryRefused, type EntryResult, type EntryStore, inOrder, judged } from './entry-store.ts';
import { refusalError } from './errors.ts';
import { byModule, partsOf, recordIdOf } from './modules.ts';
import { conversationFields, conversationModule } from './our-fields.ts';
import { inPlaces, problemsOf, success } from './outcomes.ts';
import { type Row, upsertRecords } from './record-api.ts';
import { removeRows } from './remove-rows.ts';
import { fromJson, writtenText, writtenTime } from './values.ts';
import { conversationShape, noteTitleLength, vendor } from './vendor.ts';

/**
 * Rows of our own module, keyed: their one unique field is our entry key, so an upsert finds the row or makes it
 * (docs/vendors/zoho.md §4.2). `module`: as the account calls it.
 */
export function conversationRows(account: ZohoAccount, module: string): EntryStore {
  const { client } = account;
  const prefix = prefixOf(module);
  const { key, text, startedAt, lead, contact } = conversationFields;
  const named = (name: string): string => `${prefix}${name}`;
  const lookups = { Leads: named(lead.name), Contacts: named(contact.name) } as const;

  return {
    async write(unsorted, priority) {
      const writes = inOrder(unsorted);
      const rows = writes.map(({ entry }): Row => {
        const whose = partsOf(entry.recordId);
        return {
          [conversationModule.titleField]: writtenText(entry.title, noteTitleLength),
          [named(key.name)]: entry.entryKey,
          [named(text.name)]: entryBody(entry, conversationShape),
          [named(startedAt.name)]: writtenTime(entry.at) ?? null,
          // One of the two, and no longer the other: a lead may have become a contact since.
          [lookups.Leads]: whose?.module === 'Leads' ? { id: whose.id } : null,
          [lookups.Contacts]: whose?.module === 'Contacts' ? { id: whose.id } : null,
        };
      });
      const answer = await upsertRecords(
        client,
        { module, rows, automations: false, by: named(key.name) },
        priority,
      );
      if (!answer.ok) throw refusalError(answer.refusal);
      const keys = writes.map(({ entry }) => entry.entryKey);
      const said = byPlace(
        vendor,
        keys,
        inPlaces(keys.length, answer.body, () => undefined),
      );
      const results = keys.map((entryKey): EntryResult => {
        const item = said.get(entryKey);
        if (item === undefined) throw incomplete(vendor);
        const entryId = fromJson(item.details['id']);
        if (item.code === success && entryId !== '') return { entryKey, outcome: 'written', entryId };
        const problems = problemsOf(item);
        const otherwise = entryRefused(entryKey, problems, module);
        const aboutRecord = problems.some(
          ({ field }) => field === lookups.Leads || field === lookups.Contacts,
        );
        return aboutRecord ? { entryKey, outcome: 'doubted', otherwise } : otherwise;
      });
      return judged(account, results, writes, priority);
    },

    async find(recordIds, priority) {
      const found: FoundEntry[] = [];
      for (const [personModule, ids] of byModule(recordIds)) {
        const lookup = lookups[personModule];
        const columns = ['id', named(key.name), lookup];
        const rows = await queryAll(client, { module, columns, where: among(lookup, ids) }, priority);
        for (const row of rows) {
          const [entryKey, whose] = [fromJson(row[named(key.name)]), fromJson(row[lookup])];
          if (entryKey === '' || whose === '') continue;
          found.push({ entryKey, entryId: row.id, recordId: recordIdOf(personModule, whose) });
        }
      }
      return found;
    },

    remove: (entryIds, priority) => removeRows(client, module, entryIds, priority),
  };
}

/** An extension puts its own name before everything it brings. docs/vendors/zoho.md §3.1. */
function prefixOf(module: string): string {
  return module.endsWith(`__${conversationModule.name}`)
    ? module.slice(0, -conversationModule.name.length)
    : '';
}
