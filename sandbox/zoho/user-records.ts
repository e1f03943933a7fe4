import type { Refused, UserRecord, UserRecords } from '../crm.ts';
import type { Seen } from '../shared/record.ts';
import { byDesk } from './actor.ts';
import { convertLead } from './conversion.ts';
import { isError, type ZohoError } from './errors.ts';
import { merge } from './merge.ts';
import type { Module } from './module.ts';
import type { Context } from './operation.ts';
import { binMs } from './org.ts';
import { relatedModules, relatedRows } from './related-operations.ts';
import { createWriting, type Written } from './writing.ts';

/** Records of a module as a user of Zoho handles them: every automation of the customer's runs. */
export function userRecords(context: Context, module: Module): UserRecords {
  const { state } = context;
  const { records, api_name: name } = module;

  const timelineOf = (id: string): UserRecord['timeline'] =>
    relatedModules(state)
      .flatMap((related) =>
        relatedRows(related, name, id).map((row) => ({
          id: row.id,
          at: new Date(row.properties['Created_Time'] ?? 0).toISOString(),
          text: textOf(related, row),
        })),
      )
      .toSorted((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.id < b.id ? -1 : 1));

  const told = ({ id, properties }: Seen): UserRecord => ({
    id,
    properties: Object.fromEntries(Object.entries(properties).filter(([key]) => !key.startsWith('$'))),
    timeline: timelineOf(id),
  });
  const byId = (id: string): UserRecord | undefined => {
    const found = records.find('id', id);
    return found === undefined ? undefined : told(found);
  };
  const written = (result: Written | ZohoError): UserRecord | Refused =>
    isError(result) ? refused(result) : (byId(result.id) ?? { id: result.id, properties: {}, timeline: [] });
  const write = (
    act: (writing: ReturnType<typeof createWriting>) => Written | ZohoError,
  ): Written | ZohoError => {
    const writing = createWriting(state, module, byDesk);
    const result = act(writing);
    context.tell(writing.changes());
    return result;
  };

  return {
    list: (page) => records.list(page, undefined).map(told),
    get: byId,
    create: (properties) => written(write((writing) => writing.insert(properties, 'data[0]'))),
    update: (id, properties) =>
      byId(id) === undefined
        ? undefined
        : written(write((writing) => writing.update(id, properties, 'data[0]'))),
    remove: (id) => byId(id) !== undefined && !isError(write((writing) => writing.remove(id))),
    merge(primaryId, mergedId) {
      if (byId(primaryId) === undefined || byId(mergedId) === undefined) return undefined;
      const objection = merge(context, module, primaryId, mergedId);
      return objection === undefined ? byId(primaryId) : refused(objection);
    },
    restore(id) {
      const record = records.exact(id);
      if (record === undefined || record.mergedInto !== undefined) return undefined;
      if (record.archivedAt === undefined) return told(record);
      if (state.clock.now() - record.archivedAt >= binMs) {
        return { refused: { status: 400, message: 'The recycle bin keeps records for 60 days.' } };
      }
      const clash = createWriting(state, module, byDesk).clashing(id, record.properties);
      if (clash !== undefined) return refused(clash);
      state.change(module, { kind: 'restored', id });
      state.change(module, { kind: 'records', records: [[id, { $deleted_by: '' }]] });
      return byId(id);
    },
    convert:
      name === 'Leads'
        ? (id) => {
            if (byId(id) === undefined) return undefined;
            const became = convertLead(context, id, {}, byDesk);
            if (isError(became)) return refused(became);
            const contacts = state.modules.get('Contacts');
            const found = contacts?.records.find('id', became.contactId);
            return contacts === undefined || found === undefined
              ? undefined
              : userRecords(context, contacts).get(found.id);
          }
        : 'Only leads are converted.',
  };
}

/** What somebody reads of such a row: its long texts, or its name. */
function textOf({ fields }: Module, { properties }: Seen): string {
  const long = [...fields.values()].filter(({ data_type: type }) => type === 'textarea');
  const texts = long.flatMap(({ api_name: field }) => properties[field] ?? []);
  return texts.length > 0 ? texts.join('\n') : (properties['Name'] ?? '');
}

function refused({ httpStatus: status, code, message, details }: ZohoError): Refused {
  return { refused: { status, message: `${code}: ${message} ${JSON.stringify(details)}` } };
}
