import { byDesk } from './actor.ts';
import { zohoError, type ZohoError } from './errors.ts';
import type { Module } from './module.ts';
import { lookupsTo } from './module-operations.ts';
import type { Context } from './operation.ts';
import { zohoTime } from './org.ts';
import { relatedModules, relatedRows } from './related-operations.ts';

/**
 * The first stays with its values and gets those it lacks; the other is deleted, and what stood on it goes along.
 * docs/vendors/zoho.md §4.6.
 */
export function merge(
  context: Context,
  module: Module,
  primaryId: string,
  mergedId: string,
): ZohoError | undefined {
  const { state } = context;
  const [primary, other] = [module.records.find('id', primaryId), module.records.find('id', mergedId)];
  if (primary === undefined || other === undefined || primaryId === mergedId) {
    return zohoError('INVALID_DATA', 'the id given seems to be invalid');
  }
  const at = state.clock.now();
  const filled: Record<string, string> = {};
  for (const field of module.fields.values()) {
    const { api_name: name } = field;
    const value = other.properties[name];
    if (!field.read_only && primary.properties[name] === undefined && value !== undefined)
      filled[name] = value;
  }
  for (const related of relatedModules(state)) {
    const rows = relatedRows(related, module.api_name, mergedId);
    const moved = related.custom
      ? Object.fromEntries(lookupsTo(related, module.api_name).map((name) => [name, primaryId]))
      : { Parent_Id: `${module.api_name}/${primaryId}` };
    if (rows.length > 0)
      state.change(related, { kind: 'records', records: rows.map(({ id }) => [id, moved]) });
  }
  state.change(module, { kind: 'records', records: [[mergedId, { $deleted_by: byDesk.userId }]] });
  const stamped = { ...filled, Modified_By: byDesk.userId, Modified_Time: zohoTime(at) };
  state.change(module, { kind: 'merged', survivor: [primaryId, stamped], ids: [mergedId], at });
  const told = { module, at, starts: byDesk.starts };
  context.tell([
    { ...told, operation: 'delete', records: [{ id: mergedId, fields: [] }] },
    { ...told, operation: 'update', records: [{ id: primaryId, fields: Object.keys(filled) }] },
  ]);
  return undefined;
}
