import { type Store, workspaceTables } from '@sangam/core/store';
import { sql } from 'kysely';

/** Times the sources of events gave, not our own clock. */
const sourceTimes: Readonly<Record<string, readonly string[]>> = {
  contacts: ['last_activity_at', 'first_message_at', 'profile_name_at', 'username_at'],
  conversations: ['last_inbound_at', 'last_outbound_at', 'window_closes_at'],
  messages: ['at', 'sent_at', 'delivered_at', 'read_at', 'failed_at'],
  message_contents: ['at'],
  identities: ['since'],
};

/** What depends on how work fell into batches. */
const ofOneRun = new Set<string>(['workspaces', 'crm_limits', 'counts', 'crm_writes']);

/** Ids that are given in the order of our writes. */
const vendorsOwn = new Set(['entry_key', 'entry_id']);

/** Known once a record was looked at, which one that was deleted in between may never be. */
const seenByScan = new Set(['crm_records.created_at', 'crm_records.changed_at']);

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/**
 * Every row of a workspace without what differs between two runs of the same life: contacts by their names, other ids,
 * hashes and times of our own only as there or not there. `since`: when the life began, milliseconds.
 */
export async function workspaceShape(
  store: Store,
  workspaceId: string,
  since: number,
): Promise<Readonly<Record<string, readonly string[]>>> {
  return store.transact(workspaceId, async (trx) => {
    const { rows: people } = await sql<{ id: string; name: string | null }>`
      select contact_id as id, coalesce(profile_name, username) as name from contacts
      where workspace_id = ${workspaceId}`.execute(trx);
    const names = new Map(people.map(({ id, name }) => [id, `<${name ?? 'nobody'}>`]));
    const plain = (text: string): string => text.replace(uuid, (id) => names.get(id) ?? '<id>');
    const shape: Record<string, string[]> = {};
    for (const table of workspaceTables) {
      if (ofOneRun.has(table)) continue;
      const { rows } = await sql<Record<string, unknown>>`
        select * from ${sql.table(table)} where workspace_id = ${workspaceId}`.execute(trx);
      const told = (column: string, value: unknown): unknown => {
        if (seenByScan.has(`${table}.${column}`)) return '…';
        if (typeof value === 'number' && (sourceTimes[table] ?? []).includes(column)) {
          return value < since / 2 ? value : value - since;
        }
        if (Buffer.isBuffer(value) || typeof value === 'number') return '…';
        if (typeof value === 'string') return vendorsOwn.has(column) ? '…' : plain(value);
        return value;
      };
      shape[table] = rows
        .map((row) =>
          JSON.stringify(
            Object.fromEntries(Object.entries(row).map(([name, value]) => [name, told(name, value)])),
          ),
        )
        .toSorted();
    }
    return shape;
  });
}
