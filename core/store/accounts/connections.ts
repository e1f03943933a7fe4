import { sql } from 'kysely';
import { type ConnectionSettings, type FieldMapping, readStoredSettings } from '../../crm/index.ts';
import { closeAlertsOf, raiseAlerts } from '../corrections/attention.ts';
import { markPriority } from '../reconcile/dirty.ts';
import { dueConnection, type Queue } from '../work/due-notes.ts';
import { fromJson, toJson } from '../json.ts';
import type { AuthKind, ConnectionMode } from '../schema.ts';
import type { WorkspaceTransaction } from '../transaction.ts';
import { mayWriteEntry, mayWriteMark } from '../reconcile/writable.ts';
import { factsIn, type FactsOfAccount } from './account-facts.ts';

/** One installed CRM account, as the way out needs it. */
export interface ConnectionRow extends FactsOfAccount {
  readonly connectionId: string;
  readonly workspaceId: string;
  readonly crm: string;
  readonly account: string | null;
  readonly mode: ConnectionMode;
  /** E.164; while in test, only these people are written. */
  readonly testPhones: readonly string[];
  readonly settings: ConnectionSettings;
  /** Names of settings that were stored beyond the bounds of today, and are not in force as stored. */
  readonly cutSettings: readonly string[];
  /** ISO 3166 alpha-2 by which phones without a country code are read; undefined: nobody has said. */
  readonly region: string | undefined;
  /** Undefined: the connector's default. */
  readonly mapping: readonly FieldMapping[] | undefined;
  readonly parkedFields: Readonly<Record<string, ParkedField>>;
  readonly authKind: AuthKind;
  readonly accessToken: Buffer | null;
  readonly tokenExpiresAt: number | null;
  /** Where the vendor says the account is; null: all of its accounts are at one address. */
  readonly apiBase: string | null;
  /** The workspace is a sandbox: it may only ever reach sandbox hosts. */
  readonly sandbox: boolean;
  /** Why nothing is written until an admin acts. */
  readonly blockedReason: string | null;
  /** Why timelines are not written until an admin acts; records are. */
  readonly timelineBlockedReason: string | null;
  readonly disconnectedAt: number | null;
  /** What a call that began under another one failed with says nothing of this one. */
  readonly accessVersion: number;
  readonly failedAttempts: number;
  readonly nextCallAt: number;
  /**
   * When a scan of the whole account ended that read its phones by this region: from then on a miss in the phone
   * index means nobody.
   */
  readonly indexedAt: number | null;
  readonly polledUntil: number | null;
  readonly nextPollAt: number;
  readonly pollCursor: string | null;
  readonly lastWebhookAt: number | null;
  /** Until then an admin lets everybody in, however many they are. */
  readonly rushReleasedUntil: number;
}

/** A field that vanished from the CRM: nothing is written there until an admin acts; the rest of the record is. */
export interface ParkedField {
  readonly at: number;
  readonly why: string;
}

type StoredConnection = Omit<
  ConnectionRow,
  'settings' | 'cutSettings' | 'mapping' | 'parkedFields' | 'facts' | 'region'
> & {
  settings: Buffer;
  mapping: Buffer | null;
  parkedFields: Buffer;
  facts: Buffer | null;
  channelRegion: string | null;
  indexedRegion: string | null;
};

export async function connectionsOf(trx: WorkspaceTransaction): Promise<ConnectionRow[]> {
  const { rows } = await sql<StoredConnection>`
    select c.connection_id as "connectionId", c.workspace_id as "workspaceId", c.crm, c.account, c.mode,
           c.test_phones as "testPhones", c.settings, c.mapping, c.parked_fields as "parkedFields",
           c.auth_kind as "authKind", c.access_token as "accessToken", c.token_expires_at as "tokenExpiresAt",
           c.api_base as "apiBase", c.account_facts as facts, c.facts_version as "factsVersion",
           w.sandbox, c.blocked_reason as "blockedReason",
           c.timeline_blocked_reason as "timelineBlockedReason", c.disconnected_at as "disconnectedAt",
           c.access_version as "accessVersion", c.failed_attempts as "failedAttempts", c.next_call_at as "nextCallAt", c.indexed_at as "indexedAt",
           c.indexed_region as "indexedRegion",
           (select region from directory_channels d where d.workspace_id = ${trx.workspaceId}
            order by d.released_at is not null, d.created_at, d.channel_id limit 1) as "channelRegion",
           c.polled_until as "polledUntil", c.next_poll_at as "nextPollAt", c.poll_cursor as "pollCursor",
           c.last_webhook_at as "lastWebhookAt", c.rush_released_until as "rushReleasedUntil"
    from crm_connections c join workspaces w using (workspace_id)
    where c.workspace_id = ${trx.workspaceId}
    order by c.created_at, c.connection_id`.execute(trx);
  return rows.map(({ channelRegion, indexedRegion, indexedAt, ...row }) => {
    const { settings, cut } = readStoredSettings(fromJson(row.settings));
    const region = settings.phoneRegion ?? channelRegion ?? undefined;
    return {
      ...row,
      settings,
      cutSettings: cut,
      region,
      indexedAt: indexedRegion === (region ?? '') ? indexedAt : null,
      mapping: row.mapping === null ? undefined : (fromJson(row.mapping) as FieldMapping[]),
      parkedFields: fromJson(row.parkedFields) as Record<string, ParkedField>,
      facts: factsIn(row.facts),
    };
  });
}

export async function connectionOf(
  trx: WorkspaceTransaction,
  connectionId: string,
): Promise<ConnectionRow | undefined> {
  return (await connectionsOf(trx)).find((connection) => connection.connectionId === connectionId);
}

/**
 * A connection that may be written to, as it is until this transaction ends; undefined: it may not. A lane reads it before
 * it leases: what an admin decided together with a mark holds for the tick that takes the mark.
 */
export async function writableConnection(
  trx: WorkspaceTransaction,
  connectionId: string,
): Promise<ConnectionRow | undefined> {
  await sql`
    select 1 from crm_connections
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} for share`.execute(trx);
  const row = await connectionOf(trx, connectionId);
  return row === undefined || row.mode === 'shadow' || row.disconnectedAt !== null ? undefined : row;
}

/** Nobody else changes it until this transaction ends. */
export async function lockConnection(trx: WorkspaceTransaction, connectionId: string): Promise<void> {
  await sql`
    select 1 from crm_connections
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} for update`.execute(trx);
}

/** What an admin decides of a connection; what is left out stays. */
export interface ConnectionDecision {
  readonly mode?: ConnectionMode;
  /** E.164. */
  readonly testPhones?: readonly string[];
  readonly settings?: ConnectionSettings;
  /** Null: the connector's default. */
  readonly mapping?: readonly FieldMapping[] | null;
  readonly parkedFields?: Readonly<Record<string, ParkedField>>;
}

export async function decideConnection(
  trx: WorkspaceTransaction,
  connectionId: string,
  { mode, testPhones, settings, mapping, parkedFields }: ConnectionDecision,
): Promise<void> {
  await trx
    .updateTable('crm_connections')
    .set({
      ...(mode === undefined ? {} : { mode }),
      ...(testPhones === undefined ? {} : { test_phones: [...testPhones] }),
      ...(settings === undefined ? {} : { settings: toJson(settings) }),
      ...(mapping === undefined ? {} : { mapping: mapping === null ? null : toJson(mapping) }),
      ...(parkedFields === undefined ? {} : { parked_fields: toJson(parkedFields) }),
    })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
  dueConnection(trx, connectionId);
}

export const settingsCut = 'settings cut';

/** Says which connections' settings are not in force as they were stored, until an admin stores them again. */
export async function alertCutSettings(trx: WorkspaceTransaction, now: number): Promise<void> {
  const rows = await connectionsOf(trx);
  await raiseAlerts(
    trx,
    rows
      .filter(({ cutSettings, disconnectedAt }) => cutSettings.length > 0 && disconnectedAt === null)
      .map(({ connectionId, cutSettings }) => ({
        connectionId,
        kind: settingsCut,
        message:
          `Settings stored by an earlier version lie beyond what this one takes: ${cutSettings.join(', ')}. Each was cut down ` +
          `to its bounds, or is as it comes: GET /api/v1/connections/${connectionId}/settings shows what is in force. Enter ` +
          'them anew with PUT at the same address.',
      })),
    now,
  );
}

/** Parks fields of a mapping beside those that are: whoever else parks some waits for it. */
export async function parkFields(
  trx: WorkspaceTransaction,
  connectionId: string,
  fields: readonly string[],
  parked: ParkedField,
): Promise<void> {
  const { rows } = await sql<{ parkedFields: Buffer }>`
    select parked_fields as "parkedFields" from crm_connections
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} for update`.execute(trx);
  const [row] = rows;
  if (row === undefined) return;
  const known = fromJson(row.parkedFields) as Record<string, ParkedField>;
  const all = { ...known, ...Object.fromEntries(fields.map((field) => [field, parked])) };
  await decideConnection(trx, connectionId, { parkedFields: all });
}

/** An account that has work and has not answered for so long is said to a person. */
export const silentMs = 15 * 60 * 1000;

/** The account answers. A block stays: it is lifted by whoever mended its cause. */
export async function noteAnswer(trx: WorkspaceTransaction, connectionId: string): Promise<void> {
  await sql`
    update crm_connections set failed_attempts = 0, next_call_at = 0
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  dueConnection(trx, connectionId);
}

/** A person mended what blocked it: calls go again, and what was alerted is over. */
export async function liftBlock(trx: WorkspaceTransaction, connectionId: string, now: number): Promise<void> {
  await sql`
    update crm_connections
    set failed_attempts = 0, next_call_at = 0, blocked_reason = null, timeline_blocked_reason = null,
        access_version = access_version + 1
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
  dueConnection(trx, connectionId);
  await closeBlockAlerts(trx, connectionId, now);
}

/** The account may be called again, or is let go: what was alerted is over. */
export async function closeBlockAlerts(
  trx: WorkspaceTransaction,
  connectionId: string,
  now: number,
): Promise<void> {
  await closeAlertsOf(trx, connectionId, 'connection blocked', now);
  await closeAlertsOf(trx, connectionId, 'timeline blocked', now);
}

/** Timelines wait for a person, and nothing else does. False: somebody acted since `accessVersion`. */
export async function blockTimeline(
  trx: WorkspaceTransaction,
  { connectionId, accessVersion }: Pick<ConnectionRow, 'connectionId' | 'accessVersion'>,
  message: string,
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update crm_connections set timeline_blocked_reason = ${message}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and access_version = ${accessVersion}`.execute(trx);
  return numAffectedRows === 1n;
}

/**
 * A call failed, made by somebody who saw the connection like this before it: those who fail together count once. Returns
 * since when nothing was answered, milliseconds; undefined: a person opened the account anew since, and nothing is noted.
 */
export async function noteFailure(
  trx: WorkspaceTransaction,
  {
    connectionId,
    accessVersion,
    failedAttempts: seen,
  }: Pick<ConnectionRow, 'connectionId' | 'accessVersion' | 'failedAttempts'>,
  failure: { at: number; nextCallAt: number; message: string; blocked: boolean },
): Promise<number | undefined> {
  const { at, nextCallAt, message, blocked } = failure;
  const { rows } = await sql<{ failingSince: number }>`
    update crm_connections
    set failed_attempts = case when failed_attempts < ${seen} then 1
                               else greatest(failed_attempts, ${seen}::int + 1) end,
        next_call_at = case when failed_attempts = ${seen} then ${nextCallAt}::bigint
                            else greatest(next_call_at, ${nextCallAt}::bigint) end,
        failing_since = case when failed_attempts = 0 then ${at}::bigint
                             else coalesce(failing_since, ${at}::bigint) end,
        last_failure = ${message}, blocked_reason = ${blocked ? sql`${message}` : sql`blocked_reason`}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and access_version = ${accessVersion}
    returning failing_since as "failingSince"`.execute(trx);
  const failingSince = rows[0]?.failingSince;
  if (failingSince !== undefined) trx.due.add('silence', trx.workspaceId, failingSince + silentMs);
  return failingSince;
}

/** Who calls an account: those who bring records, write timelines, or look at what is there. */
export type CallerLane = 'records' | 'timeline' | 'scan';

/** So long the lane whose turn it is has for taking a probe, before any other may. */
const probeMs = 5_000;

/**
 * Whether this caller is the one who tries an account whose calls failed: nobody else has since `seen`. While consent that
 * may be written waits, only records may; else records and timelines take turns, by how often it failed, so that what always
 * fails in one lane does not keep the other from finding that the account answers.
 */
export async function claimProbe(
  trx: WorkspaceTransaction,
  connectionId: string,
  { lane, seen, until, now }: { lane: CallerLane; seen: number; until: number; now: number },
): Promise<boolean> {
  const due = (table: string, which: ReturnType<typeof sql>) => sql`
    exists (select 1 from ${sql.table(table)} w
            where w.workspace_id = ${trx.workspaceId} and w.connection_id = ${connectionId} and w.due_at <= ${now}
              and ${which})`;
  const mark = sql`w.held is null and ${mayWriteMark(trx)}`;
  const consent = due('dirty_records', sql`w.priority = ${markPriority.consent} and ${mark}`);
  const isProbedByOther = {
    records: sql`failed_attempts % 2 = 1 and ${due('timeline_entries', mayWriteEntry(trx))} and not ${consent}`,
    timeline: sql`failed_attempts % 2 = 0 and ${due('dirty_records', mark)}`,
    scan: sql`false`,
  }[lane];
  const { numAffectedRows } = await sql`
    update crm_connections c set next_call_at = ${until}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and next_call_at = ${seen} and failed_attempts > 0
      and not (next_call_at > ${now - probeMs} and ${isProbedByOther})
      ${lane === 'records' ? sql`` : sql`and not ${consent}`}`.execute(trx);
  return numAffectedRows === 1n;
}

/** Gives a probe back that nobody took over since: all is as it was `seen` before. */
export async function releaseProbe(
  trx: WorkspaceTransaction,
  connectionId: string,
  { probe, seen }: { probe: number; seen: number },
): Promise<void> {
  await sql`
    update crm_connections set next_call_at = ${seen}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and next_call_at = ${probe}`.execute(trx);
  // Whoever rests until the probe is over may go now. Not whoever gives it back, which would take it again for nothing.
  const { rows } = await sql<{ queue: Queue }>`
    select queue from directory_due
    where workspace_id = ${trx.workspaceId} and target_id = ${connectionId} and due_at = ${probe}`.execute(
    trx,
  );
  for (const { queue } of rows) trx.due.add(queue, connectionId, seen);
}

/** Accounts that have something to be written and answered nothing since `since`, with what they said last. */
export async function unansweredAccounts(
  trx: WorkspaceTransaction,
  since: number,
  now: number,
): Promise<{ readonly connectionId: string; readonly lastFailure: string }[]> {
  const { rows } = await sql<{ connectionId: string; lastFailure: string }>`
    select c.connection_id as "connectionId", c.last_failure as "lastFailure" from crm_connections c
    where c.workspace_id = ${trx.workspaceId} and c.failed_attempts > 0 and c.failing_since <= ${since}
      and c.last_failure is not null and c.blocked_reason is null and c.disconnected_at is null
      and c.mode <> 'shadow'
      and (exists (select 1 from dirty_records w
                   where w.workspace_id = ${trx.workspaceId} and w.connection_id = c.connection_id
                     and w.held is null and w.due_at <= ${now} and ${mayWriteMark(trx)})
        or exists (select 1 from timeline_entries w
                   where w.workspace_id = ${trx.workspaceId} and w.connection_id = c.connection_id
                     and w.due_at <= ${now} and ${mayWriteEntry(trx)}))`.execute(trx);
  return rows;
}

/** Notes that the account's webhooks arrive. */
export async function touchWebhook(
  trx: WorkspaceTransaction,
  connectionId: string,
  now: number,
): Promise<void> {
  await sql`
    update crm_connections set last_webhook_at = ${now}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
}
