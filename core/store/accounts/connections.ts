import { sql } from 'kysely';
import {
  type AccountFacts,
  type ConnectionSettings,
  type FieldMapping,
  readStoredFacts,
  readStoredSettings,
} from '../../crm/index.ts';
import { raiseAlerts } from '../corrections/attention.ts';
import { dueConnection } from '../work/due-notes.ts';
import { fromJson, toJson } from '../json.ts';
import type { AuthKind, ConnectionMode } from '../schema.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** One installed CRM account, as the way out needs it. */
export interface ConnectionRow {
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
  /** What is known of the account. */
  readonly facts: Partial<AccountFacts>;
  /** How often it came to be known anew: of two rows, the higher is the newer. */
  readonly factsVersion: number;
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
  /** Somebody polls it. */
  readonly pollLeasedUntil: number | null;
  readonly lastWebhookAt: number | null;
  /** Where webhooks have to be asked for: since when and until when the account sends them. */
  readonly webhooksSince: number | null;
  readonly webhooksUntil: number | null;
  /** Null: nothing is to be asked for. */
  readonly askWebhooksAt: number | null;
  /** What the account's own automation could not deliver is known up to here. */
  readonly undeliveredUntil: number | null;
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
           c.account_facts as facts, c.facts_version as "factsVersion",
           c.disconnected_at as "disconnectedAt", c.rush_released_until as "rushReleasedUntil", w.sandbox,
           k.auth_kind as "authKind", k.access_token as "accessToken", k.token_expires_at as "tokenExpiresAt",
           k.api_base as "apiBase",
           s.blocked_reason as "blockedReason", s.timeline_blocked_reason as "timelineBlockedReason",
           s.access_version as "accessVersion", s.failed_attempts as "failedAttempts", s.next_call_at as "nextCallAt",
           p.indexed_at as "indexedAt", p.indexed_region as "indexedRegion", p.polled_until as "polledUntil",
           p.next_poll_at as "nextPollAt", p.poll_cursor as "pollCursor", p.poll_leased_until as "pollLeasedUntil", p.last_webhook_at as "lastWebhookAt",
           p.webhooks_since as "webhooksSince", p.webhooks_until as "webhooksUntil", p.ask_webhooks_at as "askWebhooksAt",
           p.undelivered_until as "undeliveredUntil",
           (select region from directory_channels d where d.workspace_id = ${trx.workspaceId}
            order by d.released_at is not null, d.created_at, d.channel_id limit 1) as "channelRegion"
    from crm_connections c
    join workspaces w using (workspace_id)
    join crm_credentials k using (workspace_id, connection_id)
    join crm_call_states s using (workspace_id, connection_id)
    join crm_scan_states p using (workspace_id, connection_id)
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

export function factsIn(stored: Buffer | null): Partial<AccountFacts> {
  return stored === null ? {} : readStoredFacts(fromJson(stored));
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

/** Notes that the account's webhooks arrive. */
export async function touchWebhook(
  trx: WorkspaceTransaction,
  connectionId: string,
  now: number,
): Promise<void> {
  await sql`
    update crm_scan_states set last_webhook_at = ${now}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
}
