import type { EntryWrite, FoundEntry, Priority, TimelineEntry } from '@sangam/core/crm';
import { z } from 'zod';
import { incomplete } from '../shared/outcomes.ts';
import { entryBody, entryKeyIn } from '../shared/timeline-body.ts';
import type { ZohoAccount } from './account.ts';
import { anyRecord } from './coql.ts';
import { entryRefused, type EntryResult, type EntryStore, inOrder, inNotes, judged } from './entry-store.ts';
import { refusalError } from './errors.ts';
import { partsOf } from './modules.ts';
import { inPlaces, problemsOf, success } from './outcomes.ts';
import { insertRecords, type Row, updateRecords } from './record-api.ts';
import { removeRows } from './remove-rows.ts';
import { fromJson, writtenText } from './values.ts';
import { apiRoot, listPageSize, noteShape, noteTitleLength, vendor } from './vendor.ts';

const list = z
  .looseObject({
    data: z.array(anyRecord),
    info: z
      .looseObject({ more_records: z.boolean().catch(false) })
      .optional()
      .catch(undefined),
  })
  .optional();

/**
 * Notes on people's records, findable: the title names our entry key, for lists may cut the text before its end
 * (docs/vendors/zoho.md §4.3, §4.7).
 */
export function notes(account: ZohoAccount): EntryStore {
  const { client } = account;

  const send = async (
    writes: readonly EntryWrite[],
    rowOf: (write: EntryWrite) => Row,
    method: typeof insertRecords,
    priority: Priority,
  ): Promise<EntryResult[]> => {
    if (writes.length === 0) return [];
    const write = { module: inNotes, rows: writes.map(rowOf), automations: false };
    const answer = await method(client, write, priority);
    if (!answer.ok) throw refusalError(answer.refusal);
    const said = inPlaces(writes.length, answer.body, () => undefined);
    return writes.map(({ entry: { entryKey }, entryId }, place): EntryResult => {
      const item = said[place];
      if (item === undefined) throw incomplete(vendor);
      const id = fromJson(item.details['id']);
      if (item.code === success && id !== '') return { entryKey, outcome: 'written', entryId: id };
      const problems = problemsOf(item);
      // The note itself was taken away.
      if (entryId !== undefined && problems.some(({ field }) => field === 'id'))
        return { entryKey, outcome: 'gone' };
      const otherwise = entryRefused(entryKey, problems, inNotes);
      const aboutRecord = problems.some(({ field }) => field === 'Parent_Id');
      return aboutRecord ? { entryKey, outcome: 'doubted', otherwise } : otherwise;
    });
  };

  return {
    async write(unsorted, priority) {
      const writes = inOrder(unsorted);
      const known = writes.filter(({ entryId }) => entryId !== undefined);
      const fresh = writes.filter(({ entryId }) => entryId === undefined);
      // Rewrites first: should the creation after them get no answer, repeating them does no harm.
      const results = [
        ...(await send(
          known,
          ({ entry, entryId = '' }) => ({ id: entryId, ...contentOf(entry) }),
          updateRecords,
          priority,
        )),
        ...(await send(
          fresh,
          ({ entry }) => ({ ...parentOf(entry.recordId), ...contentOf(entry) }),
          insertRecords,
          priority,
        )),
      ];
      return judged(account, results, writes, priority);
    },

    async find(recordIds, priority) {
      const found: FoundEntry[] = [];
      for (const recordId of new Set(recordIds)) {
        const whose = partsOf(recordId);
        if (whose === undefined) continue;
        for (const note of await notesOn(whose.module, whose.id, priority)) {
          const entryKey = keyIn(note);
          if (entryKey !== undefined) found.push({ entryKey, entryId: note.id, recordId });
        }
      }
      return found;
    },

    remove: (entryIds, priority) => removeRows(client, inNotes, entryIds, priority),
  };

  async function notesOn(
    module: string,
    id: string,
    priority: Priority,
  ): Promise<z.infer<typeof anyRecord>[]> {
    const found: z.infer<typeof anyRecord>[] = [];
    for (let page = 1; ; page += 1) {
      const query = new URLSearchParams({
        fields: 'Note_Title,Note_Content',
        page: String(page),
        per_page: String(listPageSize),
      });
      const path = `${apiRoot}/${module}/${id}/Notes?${query.toString()}`;
      const answer = await client.call({ method: 'GET', path, answer: 'many', priority }, list);
      if (!answer.ok) {
        // The record is not there, and with it none of its notes.
        if (['batch_refused', 'no_such_module'].includes(answer.refusal.code)) return found;
        throw refusalError(answer.refusal);
      }
      found.push(...(answer.body?.data ?? []));
      if (answer.body?.info?.more_records !== true) return found;
    }
  }
}

function contentOf(entry: TimelineEntry): Row {
  const marker = ` [${entry.entryKey}]`;
  return {
    Note_Title: `${writtenText(entry.title, noteTitleLength - marker.length)}${marker}`,
    Note_Content: entryBody(entry, noteShape),
  };
}

function keyIn(note: z.infer<typeof anyRecord>): string | undefined {
  const inTitle = /\[([\w-]+)\]$/.exec(fromJson(note['Note_Title']))?.[1];
  return entryKeyIn(fromJson(note['Note_Content']), noteShape.form) ?? inTitle;
}

function parentOf(recordId: string): Row {
  const whose = partsOf(recordId);
  const parent = { module: { api_name: whose?.module ?? '' }, id: whose?.id ?? '' };
  return { Parent_Id: parent };
}
