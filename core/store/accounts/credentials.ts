import { randomUUID } from 'node:crypto';
import { dueConnection } from '../work/due-notes.ts';
import { closeAlertsOf } from '../corrections/attention.ts';
import type { AlertKind, AuthKind, ConnectionMode } from '../schema.ts';
import { leaveAccount } from './accounts.ts';
import { openCalls } from './call-state.ts';
import { askWebhooksAt } from './webhooks-asked.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** What opens a CRM account. Buffers are sealed. */
export interface StoredCredentials {
  readonly authKind: AuthKind;
  readonly accessToken: Buffer | null;
  readonly refreshToken: Buffer | null;
  /** What tokens are renewed with beside a refresh token or, where they are minted, in place of one. */
  readonly secret: Buffer | null;
  /** Milliseconds; null: it does not expire, or nobody said when. */
  readonly tokenExpiresAt: number | null;
  readonly blockedReason: string | null;
}

/** A connection by what connects it. */
export interface KnownConnection extends Pick<StoredCredentials, 'authKind' | 'accessToken'> {
  readonly connectionId: string;
  readonly account: string | null;
  /** Sealed; null: the service's app signs its webhooks. */
  readonly webhookSecret: Buffer | null;
  readonly disconnectedAt: number | null;
}

/** A CRM's connections, the first made first. */
export async function connectionsAt(trx: WorkspaceTransaction, crm: string): Promise<KnownConnection[]> {
  return trx
    .selectFrom('crm_connections as c')
    .innerJoin('crm_credentials as k', 'k.connection_id', 'c.connection_id')
    .select([
      'c.connection_id as connectionId',
      'c.account',
      'k.auth_kind as authKind',
      'k.access_token as accessToken',
      'k.webhook_secret as webhookSecret',
      'c.disconnected_at as disconnectedAt',
    ])
    .where('c.workspace_id', '=', trx.workspaceId)
    .where('k.workspace_id', '=', trx.workspaceId)
    .where('c.crm', '=', crm)
    .orderBy('c.created_at')
    .orderBy('c.connection_id')
    .execute();
}

/** In shadow unless said otherwise; returns its id. */
export async function insertConnection(
  trx: WorkspaceTransaction,
  connection: {
    readonly crm: string;
    readonly mode?: ConnectionMode;
    /** As stored. */
    readonly settings?: Buffer;
    readonly accessToken: Buffer | null;
  },
  now: number,
): Promise<string> {
  const connectionId = randomUUID();
  const ids = { workspace_id: trx.workspaceId, connection_id: connectionId };
  await trx
    .insertInto('crm_connections')
    .values({
      ...ids,
      crm: connection.crm,
      created_at: now,
      ...(connection.mode === undefined ? {} : { mode: connection.mode }),
      ...(connection.settings === undefined ? {} : { settings: connection.settings }),
    })
    .execute();
  await trx
    .insertInto('crm_credentials')
    .values({ ...ids, access_token: connection.accessToken })
    .execute();
  await trx.insertInto('crm_call_states').values(ids).execute();
  await trx.insertInto('crm_scan_states').values(ids).execute();
  dueConnection(trx, connectionId);
  return connectionId;
}

/**
 * Another way into the account: whatever failed or was refused with the one before is over. One that was let go is connected
 * again, in shadow.
 */
export async function openConnection(
  trx: WorkspaceTransaction,
  connectionId: string,
  opens: Omit<StoredCredentials, 'blockedReason'> & { readonly apiBase: string | null },
): Promise<void> {
  await trx
    .updateTable('crm_credentials')
    .set({
      auth_kind: opens.authKind,
      access_token: opens.accessToken,
      refresh_token: opens.refreshToken,
      secret: opens.secret,
      token_expires_at: opens.tokenExpiresAt,
      api_base: opens.apiBase,
      refresh_lease: null,
      refresh_leased_until: null,
    })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
  await trx
    .updateTable('crm_connections')
    .set((row) => ({
      mode: row
        .case()
        .when('disconnected_at', 'is', null)
        .then(row.ref('mode'))
        .else<ConnectionMode>('shadow')
        .end(),
      disconnected_at: null,
    }))
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
  await askWebhooksAt(trx, connectionId, 0);
  await openCalls(trx, connectionId);
}

/** A typed token in place of the one before; which account it opens shows at the first call. */
export async function replaceTypedToken(
  trx: WorkspaceTransaction,
  connectionId: string,
  accessToken: Buffer,
): Promise<void> {
  await trx
    .updateTable('crm_credentials')
    .set({ access_token: accessToken })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
  await trx
    .updateTable('crm_connections')
    .set({ account: null })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
  await openCalls(trx, connectionId);
}

/**
 * Nothing opens the account any more, and what was alerted of its calls and webhooks is over. `keepWebhookSecret`: what signs its
 * webhooks outlives the connection.
 */
export async function closeConnection(
  trx: WorkspaceTransaction,
  connectionId: string,
  { keepWebhookSecret, now }: { readonly keepWebhookSecret: boolean; readonly now: number },
): Promise<void> {
  await trx
    .updateTable('crm_credentials')
    .set({
      access_token: null,
      refresh_token: null,
      secret: null,
      token_expires_at: null,
      ...(keepWebhookSecret
        ? {}
        : { webhook_secret: null, previous_webhook_secret: null, previous_webhook_secret_until: null }),
    })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
  await trx
    .updateTable('crm_connections')
    .set({ disconnected_at: now })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
  await trx
    .updateTable('crm_scan_states')
    .set({
      webhooks_since: null,
      webhooks_until: null,
      webhooks_url: null,
      ask_webhooks_at: 0,
      last_webhook_at: null,
      untold_since: null,
      undelivered_until: null,
    })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
  await openCalls(trx, connectionId);
  await leaveAccount(trx, connectionId);
  for (const kind of alertsOfAccess) await closeAlertsOf(trx, connectionId, kind, now);
}

/** Of an account nobody calls, and that tells nothing, nobody else closes them. */
const alertsOfAccess: readonly AlertKind[] = [
  'account not answering',
  'connection blocked',
  'timeline blocked',
  'webhooks ended',
  'webhooks silent',
  'webhooks undelivered',
];

export async function storedCredentialsOf(
  trx: WorkspaceTransaction,
  connectionId: string,
): Promise<StoredCredentials | undefined> {
  return trx
    .selectFrom('crm_credentials as k')
    .innerJoin('crm_call_states as s', 's.connection_id', 'k.connection_id')
    .select([
      'k.auth_kind as authKind',
      'k.access_token as accessToken',
      'k.refresh_token as refreshToken',
      'k.secret',
      'k.token_expires_at as tokenExpiresAt',
      's.blocked_reason as blockedReason',
    ])
    .where('k.workspace_id', '=', trx.workspaceId)
    .where('s.workspace_id', '=', trx.workspaceId)
    .where('k.connection_id', '=', connectionId)
    .executeTakeFirst();
}

/** What a token is renewed with, as it was read: whoever comes second, after it was replaced, changes nothing. */
export interface RenewalKey {
  readonly kind: 'oauth' | 'mint';
  /** Sealed: the refresh token, or what tokens are minted with. */
  readonly key: Buffer;
}

/** A vendor may put another in its place. */
const keyColumn = { oauth: 'refresh_token', mint: 'secret' } as const;

/** True: this process alone may renew until then. Times are the machine's own, milliseconds. */
export async function leaseRenewal(
  trx: WorkspaceTransaction,
  connectionId: string,
  { kind, key }: RenewalKey,
  { now, until }: { readonly now: number; readonly until: number },
): Promise<boolean> {
  const { numUpdatedRows } = await trx
    .updateTable('crm_credentials')
    .set({ refresh_lease: randomUUID(), refresh_leased_until: until })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .where(keyColumn[kind], '=', key)
    .where((row) => row.or([row('refresh_lease', 'is', null), row('refresh_leased_until', '<', now)]))
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** Ends the lease with what renewing came to; what is left out stays. False: somebody was quicker, and nothing changed. */
export async function endRenewal(
  trx: WorkspaceTransaction,
  connectionId: string,
  { kind, key }: RenewalKey,
  renewed: {
    readonly accessToken?: Buffer | null;
    readonly refreshToken?: Buffer;
    readonly secret?: Buffer;
    readonly tokenExpiresAt?: number | null;
    readonly apiBase?: string;
  },
): Promise<boolean> {
  const { accessToken, refreshToken, secret, tokenExpiresAt, apiBase } = renewed;
  const { numUpdatedRows } = await trx
    .updateTable('crm_credentials')
    .set({
      refresh_lease: null,
      refresh_leased_until: null,
      ...(accessToken === undefined ? {} : { access_token: accessToken }),
      ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
      ...(secret === undefined ? {} : { secret }),
      ...(tokenExpiresAt === undefined ? {} : { token_expires_at: tokenExpiresAt }),
      ...(apiBase === undefined ? {} : { api_base: apiBase }),
    })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .where(keyColumn[kind], '=', key)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** What the app of one account signs its webhooks with, sealed; null: the service's app signs. */
export interface WebhookSecrets {
  readonly current: Buffer | null;
  readonly previous: Buffer | null;
  /** Milliseconds. */
  readonly previousUntil: number | null;
}

export async function webhookSecretsOf(
  trx: WorkspaceTransaction,
  connectionId: string,
): Promise<WebhookSecrets | undefined> {
  return trx
    .selectFrom('crm_credentials')
    .select([
      'webhook_secret as current',
      'previous_webhook_secret as previous',
      'previous_webhook_secret_until as previousUntil',
    ])
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .executeTakeFirst();
}

/** The one before lives on until then. */
export async function rotateWebhookSecret(
  trx: WorkspaceTransaction,
  connectionId: string,
  { secret, previousUntil }: { readonly secret: Buffer; readonly previousUntil: number },
): Promise<void> {
  await trx
    .updateTable('crm_credentials')
    .set((before) => ({
      previous_webhook_secret: before.ref('webhook_secret'),
      previous_webhook_secret_until: previousUntil,
      webhook_secret: secret,
    }))
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .execute();
}

/** Where nothing signs them yet. */
export async function signWebhooksWith(
  trx: WorkspaceTransaction,
  connectionId: string,
  secret: Buffer,
): Promise<void> {
  await trx
    .updateTable('crm_credentials')
    .set({ webhook_secret: secret })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', connectionId)
    .where('webhook_secret', 'is', null)
    .execute();
}
