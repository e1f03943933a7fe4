import { z } from 'zod';
import type { Seen } from '../shared/record.ts';
import { answerError, invalidData, invalidId, notFoundUrl, paramMissing } from './errors.ts';
import type { Module } from './module.ts';
import { lookupsTo } from './module-operations.ts';
import type { Asked, Context, Operations } from './operation.ts';
import type { OrgState } from './org-state.ts';
import { fieldsIn, placeIn, toApiRecord } from './read-operations.ts';

const notesBody = z.looseObject({ data: z.array(z.record(z.string(), z.unknown())) });

/** What stands on a record: its notes, and rows of modules that look it up. docs/vendors/zoho.md §4.7. */
export function relatedOperations({ state }: Context, write: Operations): Operations {
  return {
    'GET /{module}/{id}/{name}': ({ module, ids: [id = '', name = ''], query }) => {
      const related = state.modules.get(name);
      if (module === undefined || related === undefined) return answerError(notFoundUrl);
      if (!state.exists(module.api_name, id))
        return answerError(invalidData({ api_name: 'id', json_path: '$.id' }, {}, invalidId));
      const names = fieldsIn(query);
      if (names === undefined) return answerError(paramMissing('fields'));
      const rows = relatedRows(related, module.api_name, id);
      const { page, perPage } = placeIn(query);
      const shown = rows.slice((page - 1) * perPage, page * perPage);
      if (shown.length === 0) return { status: 204 };
      const data = shown.map((row) => toApiRecord(state, related, row, names, { converted: true }));
      const info = {
        per_page: perPage,
        count: shown.length,
        page,
        more_records: rows.length > page * perPage,
      };
      return { status: 200, body: { data, info } };
    },

    /** The same as `POST /Notes`, each with this record as its parent. */
    'POST /{module}/{id}/Notes': (asked: Asked) => {
      const {
        module,
        ids: [id = ''],
      } = asked;
      const notes = state.modules.get('Notes');
      const handler = write['POST /{module}'];
      if (module === undefined || notes === undefined || handler === undefined)
        return answerError(notFoundUrl);
      const read = notesBody.safeParse(asked.body);
      const parent = { module: { api_name: module.api_name }, id };
      const body = read.success
        ? { ...read.data, data: read.data.data.map((note) => ({ ...note, Parent_Id: parent })) }
        : asked.body;
      return handler({ ...asked, module: notes, body });
    },
  };
}

/** Oldest first. */
export function relatedRows(related: Module, module: string, id: string): Seen[] {
  const lookups = related.api_name === 'Notes' ? ['Parent_Id'] : lookupsTo(related, module);
  const value = related.api_name === 'Notes' ? `${module}/${id}` : id;
  const among = lookups.map((property) => ({ property, values: [value] }));
  if (among.length === 0) return [];
  return related.records.matching(
    ({ properties }) => lookups.some((name) => properties[name] === value),
    undefined,
    among,
  );
}

/** All modules whose records stand on others. */
export function relatedModules(state: OrgState): Module[] {
  return [...state.modules.values()].filter(({ custom, api_name: name }) => custom || name === 'Notes');
}
