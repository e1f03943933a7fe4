import { sql } from 'kysely';
import type { MessageOrigin } from '../schema.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** Tables whose rows belong to a person by the ids they show. */
type FactTable = 'messages' | 'message_contents' | 'consent_entries' | 'tag_changes';

/** One fact, with what it takes to tell whose it is. */
export interface OwnedFact {
  readonly table: FactTable;
  /** The row's place, good within the transaction that read it. */
  readonly rowId: string;
  readonly contactId: string | null;
  readonly at: number;
  readonly phone: string | null;
  readonly bsuidKey: string | null;
  /** Where it shows no id: the contact it was said of. */
  readonly saidOf: string | null;
  /** Its being there makes its person a contact. */
  readonly creates: boolean;
}

const factColumns = (
  table: FactTable,
  { at = 'at', creates, saidOf = 'null::uuid' }: { at?: string; creates: string; saidOf?: string },
): string =>
  `select '${table}' as "table", ctid::text as "rowId", contact_id as "contactId", ${at} as at, phone,
          bsuid_key as "bsuidKey", ${saidOf} as "saidOf", ${creates} as creates from ${table}`;

/** Who only opened the chat has not written. */
const written = `origin = 'customer' and type <> 'request_welcome'`;

const selects: Readonly<Record<FactTable, string>> = {
  messages: factColumns('messages', { creates: written }),
  message_contents: factColumns('message_contents', { creates: written }),
  consent_entries: factColumns('consent_entries', {
    at: 'effective_at',
    creates: `method = 'preference'`,
    saidOf: 'said_of',
  }),
  tag_changes: factColumns('tag_changes', { creates: 'false', saidOf: 'said_of' }),
};

/** Everything known of these contacts. */
export async function factsOfContacts(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<OwnedFact[]> {
  const found: OwnedFact[] = [];
  for (const select of Object.values(selects)) {
    const { rows } = await sql<OwnedFact>`
      ${sql.raw(select)}
      where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])`.execute(trx);
    found.push(...rows);
  }
  return found;
}

/** What was kept for people nobody knew yet, by the ids it shows. */
export async function waitingFacts(
  trx: WorkspaceTransaction,
  phones: readonly string[],
  bsuidKeys: readonly string[],
): Promise<OwnedFact[]> {
  const found: OwnedFact[] = [];
  for (const table of ['messages', 'message_contents', 'consent_entries'] as const) {
    const { rows } = await sql<OwnedFact>`
      ${sql.raw(selects[table])}
      where workspace_id = ${trx.workspaceId} and contact_id is null and phone = any(${phones}::text[])
      union
      ${sql.raw(selects[table])}
      where workspace_id = ${trx.workspaceId} and contact_id is null
        and bsuid_key = any(${bsuidKeys}::text[])`.execute(trx);
    found.push(...rows);
  }
  return found;
}

/** Gives facts to other contacts; null parks them until their person is known. */
export async function moveFacts(
  trx: WorkspaceTransaction,
  moves: readonly { fact: OwnedFact; to: string | null }[],
): Promise<void> {
  for (const table of Object.keys(selects) as FactTable[]) {
    const ofTable = moves.filter(({ fact }) => fact.table === table);
    if (ofTable.length === 0) continue;
    await sql`
      update ${sql.table(table)} f set contact_id = t.contact_id
      from unnest(${ofTable.map(({ fact }) => fact.rowId)}::tid[], ${ofTable.map(({ to }) => to)}::uuid[])
           as t (row_id, contact_id)
      where f.workspace_id = ${trx.workspaceId} and f.ctid = t.row_id`.execute(trx);
  }
}

/** A stored message as `readMessage` takes it, to fold a contact anew. */
export interface StoredContent {
  readonly contactId: string;
  readonly channelId: string;
  readonly origin: MessageOrigin;
  readonly at: number;
  readonly eventKey: Buffer;
  readonly contentHash: Buffer;
  readonly content: Buffer;
}

export async function contentsOf(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<StoredContent[]> {
  const { rows } = await sql<StoredContent>`
    select contact_id as "contactId", channel_id as "channelId", origin, at, event_key as "eventKey",
           content_hash as "contentHash", content
    from messages
    where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[]) and content is not null
    union all
    select contact_id, channel_id, origin, at, event_key, content_hash, content
    from message_contents
    where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])`.execute(trx);
  return rows;
}

/** Messages of these contacts that may hold answers to a WhatsApp Flow. */
export async function interactiveContents(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<Pick<StoredContent, 'contactId' | 'at' | 'eventKey' | 'content'>[]> {
  const { rows } = await sql<Pick<StoredContent, 'contactId' | 'at' | 'eventKey' | 'content'>>`
    select contact_id as "contactId", at, event_key as "eventKey", content from messages
    where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])
      and origin = 'customer' and type = 'interactive' and content is not null`.execute(trx);
  return rows;
}

/** What may be the first message of a contact, or the ad that brought them before it. */
export interface FirstContent {
  readonly contactId: string;
  readonly channelId: string;
  readonly type: string;
  readonly eventKey: Buffer;
  readonly contentHash: Buffer;
  readonly content: Buffer;
}

/** What each of these contacts wrote in the instant they first did, and how they came to open the chat: how they came in. */
export async function firstContents(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<FirstContent[]> {
  const { rows } = await sql<FirstContent>`
    with written as (
      select contact_id, channel_id, type, at, event_key, content_hash, content,
             min(at) filter (where type not in ('request_welcome', 'reaction', 'edit', 'revoke'))
               over (partition by contact_id) as first_at
      from messages
      where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[]) and origin = 'customer'
        and content is not null
    )
    select contact_id as "contactId", channel_id as "channelId", type, event_key as "eventKey",
           content_hash as "contentHash", content
    from written
    where (at = first_at and type not in ('reaction', 'edit', 'revoke'))
      or (type = 'request_welcome' and at <= first_at)
    order by at`.execute(trx);
  return rows;
}
