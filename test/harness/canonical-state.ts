import { sql } from 'kysely';
import { contactFields } from '@sangam/core/pipeline';
import type { Store } from '@sangam/core/store';
import { engineNow } from './engine-fixture.ts';

/** Everything a workspace's events added up to, without the names and times our own processing gave it. */
export async function canonicalState(store: Store, workspaceId: string): Promise<unknown> {
  return store.transact(workspaceId, async (trx) => {
    const { rows: identities } = await sql<{ value: string; since: number; contact_id: string | null }>`
      select value, since, contact_id from identities where workspace_id = ${workspaceId}`.execute(trx);
    const names = new Map<string, string>();
    for (const [contactId, rows] of Map.groupBy(identities, (row) => row.contact_id)) {
      if (contactId === null) continue;
      names.set(
        contactId,
        rows
          .map((row) => `${row.value}@${String(row.since)}`)
          .toSorted()
          .join(' '),
      );
    }
    const nameOf = (contactId: string | null): string | null =>
      contactId === null ? null : (names.get(contactId) ?? `nobody’s contact ${contactId}`);

    const { rows: contacts } = await sql<{ contact_id: string }>`
      select contact_id from contacts where workspace_id = ${workspaceId} and merged_into is null`.execute(
      trx,
    );
    const ids = contacts.map((row) => row.contact_id);
    const fields = (await contactFields(trx, ids, engineNow)).map((contact) => ({
      ...contact,
      contactId: nameOf(contact.contactId),
    }));
    const { rows: conversations } = await sql<{ contact_id: string }>`
      select contact_id, last_inbound_at, last_outbound_at, window_closes_at from conversations
      where workspace_id = ${workspaceId}`.execute(trx);
    const { rows: messages } = await sql<{ contact_id: string | null; wamid: string }>`
      select contact_id, wamid, origin, direction, type, at, encode(content, 'escape') as content, phone, bsuid_key,
             accepted_at, sent_at, failed_at, delivered_at, read_at, played_at, error_code, free_form
      from messages where workspace_id = ${workspaceId} order by wamid`.execute(trx);
    const { rows: contents } = await sql<{ contact_id: string | null }>`
      select contact_id, wamid, encode(content, 'escape') as content from message_contents
      where workspace_id = ${workspaceId} order by wamid, content_hash`.execute(trx);
    const { rows: consent } = await sql<{ contact_id: string | null }>`
      select contact_id, purpose, action, effective_at, method from consent_entries
      where workspace_id = ${workspaceId} order by event_key, content_hash`.execute(trx);
    const { rows: kept } = await sql`
      select what, encode(event_key, 'hex') as key from kept_events where workspace_id = ${workspaceId}
      order by 2`.execute(trx);
    const { rows: letters } = await sql`
      select reason, encode(event_key, 'hex') as key from dead_letters where workspace_id = ${workspaceId}
      order by 2`.execute(trx);
    const named = (rows: readonly { contact_id: string | null }[]): unknown[] =>
      rows.map((row) => ({ ...row, contact_id: nameOf(row.contact_id) }));
    return {
      fields: sorted(fields),
      conversations: sorted(named(conversations)),
      messages: named(messages),
      contents: named(contents),
      consent: sorted(named(consent)),
      kept,
      letters,
      // Ids nobody is known by say nothing.
      identities: sorted(
        identities.filter((row) => row.contact_id !== null).map((row) => `${row.value}@${String(row.since)}`),
      ),
    };
  });
}

function sorted(rows: readonly unknown[]): string[] {
  return rows.map((row) => JSON.stringify(row)).toSorted();
}
