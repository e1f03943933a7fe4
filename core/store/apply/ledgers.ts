import { sql } from 'kysely';
import type { ConsentEntry, ConsentMethod } from '../../consent/index.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { cleanText } from '../text.ts';

/** Append-only evidence of what a person agreed to and how conversations were tagged. */

export interface ConsentRow extends Omit<ConsentEntry, 'key'> {
  readonly eventKey: Buffer;
  readonly contentHash: Buffer;
  readonly contactId: string | null;
  readonly recordedAt: number;
  readonly method: ConsentMethod;
  /** What to show as proof: the message's wamid, a signup id. */
  readonly source: string;
  readonly channelId: string | null;
  readonly phone: string | null;
  readonly bsuidKey: string | null;
  /** How the person is called, where no message says it. */
  readonly profileName?: string | undefined;
  readonly username?: string | undefined;
  /** Where it shows no id: the contact it was said of. */
  readonly saidOf?: string | undefined;
}

export interface TagRow {
  readonly eventKey: Buffer;
  readonly contentHash: Buffer;
  readonly tag: string;
  readonly action: 'add' | 'remove';
  readonly contactId: string;
  readonly at: number;
  readonly phone: string | null;
  readonly bsuidKey: string | null;
  readonly saidOf?: string | undefined;
}

export async function addConsentEntries(
  trx: WorkspaceTransaction,
  rows: readonly ConsentRow[],
): Promise<void> {
  if (rows.length === 0) return;
  await trx
    .insertInto('consent_entries')
    .values(
      rows.map((row) => ({
        workspace_id: trx.workspaceId,
        event_key: row.eventKey,
        content_hash: row.contentHash,
        contact_id: row.contactId,
        purpose: row.purpose,
        action: row.action,
        effective_at: row.effectiveAt,
        recorded_at: row.recordedAt,
        rank: row.rank,
        method: row.method,
        source: row.source,
        channel_id: row.channelId,
        phone: row.phone,
        bsuid_key: row.bsuidKey,
        profile_name: row.profileName === undefined ? null : cleanText(row.profileName),
        username: row.username === undefined ? null : cleanText(row.username),
        said_of: row.saidOf ?? null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  // The ledger speaks for these STOPs from here on.
  await liftSuppressions(
    trx,
    rows.map((row) => row.eventKey),
  );
}

/** STOPs a ledger speaks for, or that are dropped. */
export async function liftSuppressions(
  trx: WorkspaceTransaction,
  eventKeys: readonly Buffer[],
): Promise<void> {
  if (eventKeys.length === 0) return;
  await sql`delete from suppression where workspace_id = ${trx.workspaceId}
            and event_key = any(${[...eventKeys]}::bytea[])`.execute(trx);
}

/** How these contacts are called by what is no message. */
export async function namingsOf(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<
  {
    readonly contactId: string;
    readonly at: number;
    readonly eventKey: Buffer;
    readonly contentHash: Buffer;
    readonly profileName: string | null;
    readonly username: string | null;
  }[]
> {
  const { rows } = await sql<Awaited<ReturnType<typeof namingsOf>>[number]>`
    select contact_id as "contactId", effective_at as at, event_key as "eventKey", content_hash as "contentHash",
           profile_name as "profileName", username
    from consent_entries
    where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])
      and (profile_name is not null or username is not null)`.execute(trx);
  return rows;
}

export async function addTagChanges(trx: WorkspaceTransaction, rows: readonly TagRow[]): Promise<void> {
  if (rows.length === 0) return;
  await trx
    .insertInto('tag_changes')
    .values(
      rows.map((row) => ({
        workspace_id: trx.workspaceId,
        event_key: row.eventKey,
        content_hash: row.contentHash,
        tag: row.tag,
        action: row.action,
        contact_id: row.contactId,
        at: row.at,
        phone: row.phone,
        bsuid_key: row.bsuidKey,
        said_of: row.saidOf ?? null,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
