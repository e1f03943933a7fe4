import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { NewAlert } from './attention.ts';
import { inParts } from '../in-parts.ts';
import type { Page } from '../page.ts';
import type { LetterSource } from '../schema.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { firstPart } from '../apply/stored-payloads.ts';
import { cleanText } from '../text.ts';

export interface DeadLetter {
  readonly reason: string;
  readonly explanation: string;
  readonly source: LetterSource;
  /** Whose signature the webhook carried: `service`, or a channel's id. */
  readonly signer?: string;
  readonly lane?: number;
  readonly eventKey?: Buffer;
  readonly contentHash?: Buffer;
  readonly channelId?: string;
  readonly connectionId?: string;
  readonly contactId?: string;
  /** The record that was not written; undefined: there is none yet, or it is about no record. */
  readonly recordId?: string | undefined;
  /** It is an entry of their timeline that was not written. */
  readonly aboutTimeline?: boolean;
  /** It is a send that did not leave, or did not arrive. */
  readonly sendId?: string;
  readonly payload?: Buffer;
  readonly receivedAt: number;
  /** Somebody's opt-out: its contents are not swept. */
  readonly optOut?: boolean;
}

/**
 * Parks what could not go on. The same event, or the same contact and record of a connection, is parked once. Returns when those
 * newly parked were received.
 */
export async function parkDeadLetters(
  trx: WorkspaceTransaction,
  letters: readonly DeadLetter[],
  now: number,
): Promise<number[]> {
  const parked: number[] = [];
  for (const part of inParts(letters)) {
    const rows = await trx
      .insertInto('dead_letters')
      .values(
        part.map((letter) => ({
          workspace_id: trx.workspaceId,
          dead_letter_id: uuidv7(),
          reason: letter.reason,
          explanation: cleanText(letter.explanation),
          source: letter.source,
          signer: letter.signer ?? null,
          lane: letter.lane ?? null,
          event_key: letter.eventKey ?? null,
          content_hash: letter.contentHash ?? null,
          channel_id: letter.channelId ?? null,
          connection_id: letter.connectionId ?? null,
          contact_id: letter.contactId ?? null,
          record_id: letter.recordId ?? null,
          about_timeline: letter.aboutTimeline ?? false,
          send_id: letter.sendId ?? null,
          payload: letter.payload ?? null,
          received_at: letter.receivedAt,
          parked_at: now,
          opt_out: letter.optOut ?? false,
        })),
      )
      .onConflict((conflict) => conflict.doNothing())
      .returning('received_at')
      .execute();
    parked.push(...rows.map((row) => row.received_at));
  }
  return parked;
}

/** Which of these events (hex) are a STOP that no ledger speaks for. */
export async function stopsAmong(
  trx: WorkspaceTransaction,
  eventKeys: readonly Buffer[],
): Promise<ReadonlySet<string>> {
  const { rows } = await sql<{ key: string }>`
    select distinct encode(event_key, 'hex') as key from suppression
    where workspace_id = ${trx.workspaceId} and event_key = any(${[...eventKeys]}::bytea[])`.execute(trx);
  return new Set(rows.map(({ key }) => key));
}

/** Ends an alert about opt-outs that are dead letters where none is left: of numbers connected here, or of others. */
export async function closeOptOutAlert(
  trx: WorkspaceTransaction,
  { kind, subject = '' }: Pick<NewAlert, 'kind' | 'subject'>,
  now: number,
): Promise<void> {
  await sql`
    update alerts a set closed_at = ${now}
    where a.workspace_id = ${trx.workspaceId} and a.kind = ${kind} and a.subject = ${subject} and a.closed_at is null
      and not exists (select 1 from dead_letters d
                      where d.workspace_id = ${trx.workspaceId} and d.opt_out is not false
                        and (d.reason = 'foreign channel') = ${subject === 'foreign channel'})`.execute(trx);
}

/** A dead letter as it is kept, without what arrived, which may be large. */
export interface DeadLetterRow {
  readonly deadLetterId: string;
  readonly reason: string;
  readonly explanation: string;
  readonly source: LetterSource;
  readonly signer: string | null;
  readonly channelId: string | null;
  readonly contactId: string | null;
  readonly aboutTimeline: boolean;
  readonly sendId: string | null;
  readonly receivedAt: number;
  readonly parkedAt: number;
  /** When its contents had had their time; null: they are there, or there never were any. */
  readonly contentsSweptAt: number | null;
  readonly setAsideAt: number | null;
  readonly setAsideWhy: string | null;
}

export interface StoredDeadLetter extends DeadLetterRow {
  readonly payload: Buffer | null;
}

export interface DeadLetterQuery extends Page<string> {
  readonly reason?: string | undefined;
  /** Those that were set aside, instead of those that were not. */
  readonly setAside?: boolean | undefined;
}

const letterColumns = sql.raw(
  `dead_letter_id as "deadLetterId", reason, explanation, source, signer, channel_id as "channelId",
   contact_id as "contactId", about_timeline as "aboutTimeline", send_id as "sendId", received_at as "receivedAt", parked_at as "parkedAt",
   contents_swept_at as "contentsSweptAt", set_aside_at as "setAsideAt",
   set_aside_why as "setAsideWhy"`,
);

/** Oldest first. */
export async function listDeadLetters(
  trx: WorkspaceTransaction,
  { limit, after, reason, setAside = false }: DeadLetterQuery,
): Promise<DeadLetterRow[]> {
  const { rows } = await sql<DeadLetterRow>`
    select ${letterColumns} from dead_letters
    where workspace_id = ${trx.workspaceId} and ${setAside ? sql`set_aside_at is not null` : sql`set_aside_at is null`}
      ${reason === undefined ? sql`` : sql`and reason = ${reason}`}
      ${after === undefined ? sql`` : sql`and dead_letter_id > ${after}`}
    order by dead_letter_id limit ${limit}`.execute(trx);
  return rows;
}

/** How many wait for each reason, the most frequent first; reasons beyond the 200th are left out. */
export async function countDeadLetters(
  trx: WorkspaceTransaction,
): Promise<{ readonly reason: string; readonly count: number }[]> {
  const { rows } = await sql<{ reason: string; count: number }>`
    select reason, count(*)::int as count from dead_letters
    where workspace_id = ${trx.workspaceId} and set_aside_at is null
    group by reason order by count(*) desc, reason limit 200`.execute(trx);
  return rows;
}

/** With what arrived. */
export async function readDeadLetter(
  trx: WorkspaceTransaction,
  deadLetterId: string,
): Promise<StoredDeadLetter | undefined> {
  const { rows } = await sql<StoredDeadLetter>`
    select ${letterColumns}, payload from dead_letters
    where workspace_id = ${trx.workspaceId} and dead_letter_id = ${deadLetterId}`.execute(trx);
  return rows[0];
}

/** Why letters came to be that end the same however often they are replayed. */
const unreplayable = ['unparsed', 'malformed', 'no_identity', 'no_message_id', 'not storable'];

/**
 * Lets a letter rest that nothing can replay. False: there is no such letter that waits, it can be replayed, or it is
 * somebody's STOP.
 */
export async function setLetterAside(
  trx: WorkspaceTransaction,
  deadLetterId: string,
  by: { readonly memberId: string; readonly why: string; readonly at: number },
): Promise<boolean> {
  const { rows } = await sql`
    update dead_letters set set_aside_at = ${by.at}, set_aside_by = ${by.memberId}, set_aside_why = ${by.why}
    where workspace_id = ${trx.workspaceId} and dead_letter_id = ${deadLetterId} and set_aside_at is null
      and contact_id is null and (reason = any(${unreplayable}::text[]) or contents_swept_at is not null)
      and not exists (select 1 from suppression s
                      where s.workspace_id = ${trx.workspaceId} and s.event_key = dead_letters.event_key)
    returning 1`.execute(trx);
  return rows.length > 0;
}

/** Letters nobody has looked at whether they are an opt-out, the first of them: a part that memory bears. */
export async function lettersInDoubt(
  trx: WorkspaceTransaction,
): Promise<{ readonly deadLetterId: string; readonly payload: Buffer | null }[]> {
  const query = sql`
    select dead_letter_id as "deadLetterId", payload from dead_letters
    where workspace_id = ${trx.workspaceId} and opt_out is null`;
  const { rows } = await sql<{ deadLetterId: string; payload: Buffer | null }>`
    ${firstPart(query, sql`"deadLetterId"`)}`.execute(trx);
  return rows;
}

export async function noteOptOuts(
  trx: WorkspaceTransaction,
  letters: readonly { readonly deadLetterId: string; readonly optOut: boolean }[],
): Promise<void> {
  if (letters.length === 0) return;
  await sql`
    update dead_letters d set opt_out = t.opt_out
    from unnest(${letters.map(({ deadLetterId }) => deadLetterId)}::uuid[],
                ${letters.map(({ optOut }) => optOut)}::bool[]) as t (id, opt_out)
    where d.workspace_id = ${trx.workspaceId} and d.dead_letter_id = t.id`.execute(trx);
}

/** Puts parked events back into the inbox; their keys are known, so this does not pass the gate for new ones. */
export async function reopenInbox(
  trx: WorkspaceTransaction,
  letters: readonly Pick<DeadLetterRow, 'deadLetterId'>[],
): Promise<void> {
  if (letters.length === 0) return;
  await sql`
    insert into inbox (workspace_id, lane, received_at, event_key, content_hash, channel_id, payload)
    select workspace_id, lane, received_at, event_key, content_hash, channel_id, payload from dead_letters
    where workspace_id = ${trx.workspaceId}
      and dead_letter_id = any(${letters.map((letter) => letter.deadLetterId)}::uuid[])
      and lane is not null and event_key is not null and content_hash is not null and payload is not null
    on conflict do nothing`.execute(trx);
  trx.due.add('inbox', trx.workspaceId);
}

/** Which records such letters are about. */
export async function recordsOfLetters(
  trx: WorkspaceTransaction,
  deadLetterIds: readonly string[],
): Promise<{ readonly connectionId: string; readonly recordId: string }[]> {
  const { rows } = await sql<{ connectionId: string; recordId: string }>`
    select distinct connection_id as "connectionId", record_id as "recordId" from dead_letters
    where workspace_id = ${trx.workspaceId} and dead_letter_id = any(${deadLetterIds}::uuid[])
      and connection_id is not null and record_id is not null
    order by 1, 2`.execute(trx);
  return rows;
}

export async function deleteDeadLetters(
  trx: WorkspaceTransaction,
  deadLetterIds: readonly string[],
): Promise<void> {
  await sql`delete from dead_letters where workspace_id = ${trx.workspaceId}
            and dead_letter_id = any(${deadLetterIds}::uuid[])`.execute(trx);
}

/**
 * What a connection refused of these contacts is no longer so: those records of theirs were written. What is said of another
 * record of theirs stays while that one stands.
 */
export async function deleteCrmLetters(
  trx: WorkspaceTransaction,
  connectionId: string,
  written: readonly { readonly contactId: string; readonly recordId: string }[],
): Promise<void> {
  if (written.length === 0) return;
  await sql`
    delete from dead_letters d
    using unnest(${written.map(({ contactId }) => contactId)}::uuid[],
                 ${written.map(({ recordId }) => recordId)}::text[]) as t (contact_id, record_id)
    where d.workspace_id = ${trx.workspaceId} and d.connection_id = ${connectionId}
      and d.contact_id = t.contact_id and not d.about_timeline
      and (d.record_id is null or d.record_id = t.record_id or not exists (
        select 1 from crm_links l
        join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
                          and r.record_id = l.record_id and r.gone is null
        where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
          and l.contact_id = d.contact_id and l.record_id = d.record_id and l.parted_at is null))`.execute(
    trx,
  );
}

/** A send goes again. */
export async function deleteLetterOfSend(trx: WorkspaceTransaction, sendId: string): Promise<void> {
  await sql`delete from dead_letters where workspace_id = ${trx.workspaceId} and send_id = ${sendId}`.execute(
    trx,
  );
}
