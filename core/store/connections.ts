import { sql } from 'kysely';
import { type ConnectionSettings, connectionSettings, type FieldMapping } from '../crm/index.ts';
import { fromJson, toJson } from './json.ts';
import type { ConnectionMode } from './schema.ts';
import type { WorkspaceTransaction } from './store.ts';

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
  /** ISO 3166 alpha-2 by which phones without a country code are read; undefined: nobody has said. */
  readonly region: string | undefined;
  /** Undefined: the connector's default. */
  readonly mapping: readonly FieldMapping[] | undefined;
  readonly parkedFields: Readonly<Record<string, ParkedField>>;
  readonly accessToken: Buffer | null;
  readonly refreshToken: Buffer | null;
  readonly tokenExpiresAt: number | null;
  /** The workspace is a sandbox: it may only ever reach sandbox hosts. */
  readonly sandbox: boolean;
  /** Why nothing is written until an admin acts. */
  readonly blockedReason: string | null;
  readonly disconnectedAt: number | null;
  readonly failedAttempts: number;
  readonly nextCallAt: number;
  /**
   * When a look through the whole account ended that read its phones by this region: from then on a miss in the phone
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

type StoredConnection = Omit<ConnectionRow, 'settings' | 'mapping' | 'parkedFields' | 'region'> & {
  settings: Buffer;
  mapping: Buffer | null;
  parkedFields: Buffer;
  channelRegion: string | null;
  indexedRegion: string | null;
};

export async function connectionsOf(trx: WorkspaceTransaction): Promise<ConnectionRow[]> {
  const { rows } = await sql<StoredConnection>`
    select c.connection_id as "connectionId", c.workspace_id as "workspaceId", c.crm, c.account, c.mode,
           c.test_phones as "testPhones", c.settings, c.mapping, c.parked_fields as "parkedFields",
           c.access_token as "accessToken", c.refresh_token as "refreshToken", c.token_expires_at as "tokenExpiresAt",
           w.sandbox, c.blocked_reason as "blockedReason", c.disconnected_at as "disconnectedAt",
           c.failed_attempts as "failedAttempts", c.next_call_at as "nextCallAt", c.indexed_at as "indexedAt",
           c.indexed_region as "indexedRegion",
           (select region from directory_channels d where d.workspace_id = ${trx.workspaceId}
            order by d.created_at, d.channel_id limit 1) as "channelRegion",
           c.polled_until as "polledUntil", c.next_poll_at as "nextPollAt", c.poll_cursor as "pollCursor",
           c.last_webhook_at as "lastWebhookAt", c.rush_released_until as "rushReleasedUntil"
    from crm_connections c join workspaces w using (workspace_id)
    where c.workspace_id = ${trx.workspaceId}
    order by c.created_at, c.connection_id`.execute(trx);
  return rows.map(({ channelRegion, indexedRegion, indexedAt, ...row }) => {
    const settings = connectionSettings.parse(fromJson(row.settings));
    const region = settings.phoneRegion ?? channelRegion ?? undefined;
    return {
      ...row,
      settings,
      region,
      indexedAt: indexedRegion === (region ?? '') ? indexedAt : null,
      mapping: row.mapping === null ? undefined : (fromJson(row.mapping) as FieldMapping[]),
      parkedFields: fromJson(row.parkedFields) as Record<string, ParkedField>,
    };
  });
}

export async function connectionOf(
  trx: WorkspaceTransaction,
  connectionId: string,
): Promise<ConnectionRow | undefined> {
  return (await connectionsOf(trx)).find((connection) => connection.connectionId === connectionId);
}

/** Parks fields of a mapping beside those that are. */
export async function parkFields(
  trx: WorkspaceTransaction,
  connection: ConnectionRow,
  fields: readonly string[],
  parked: ParkedField,
): Promise<void> {
  const all = { ...connection.parkedFields, ...Object.fromEntries(fields.map((field) => [field, parked])) };
  await trx
    .updateTable('crm_connections')
    .set({ parked_fields: toJson(all) })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connection.connectionId)
    .execute();
}

/** Remembers how the last call to a connection went. */
export async function recordCall(
  trx: WorkspaceTransaction,
  connectionId: string,
  outcome: { failedAttempts: number; nextCallAt: number; blockedReason: string | null },
): Promise<void> {
  await sql`
    update crm_connections
    set failed_attempts = ${outcome.failedAttempts}, next_call_at = ${outcome.nextCallAt},
        blocked_reason = ${outcome.blockedReason}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}`.execute(trx);
}

/** Whether this caller is the one who tries an account whose calls failed: nobody else has since `seen`. */
export async function claimProbe(
  trx: WorkspaceTransaction,
  connectionId: string,
  probe: { seen: number; until: number },
): Promise<boolean> {
  const { numAffectedRows } = await sql`
    update crm_connections set next_call_at = ${probe.until}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and next_call_at = ${probe.seen} and failed_attempts > 0`.execute(trx);
  return numAffectedRows === 1n;
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
