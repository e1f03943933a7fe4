import { randomUUID } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import { connectionSettings } from '@sangam/core/crm';
import { noSuch, Refusal, SangamError } from '@sangam/core/errors';
import type { Connectors } from '@sangam/core/pipeline';
import {
  type Actor,
  closeAlertsOf,
  connectionOf,
  isSandbox,
  type Store,
  toJson,
  type WorkspaceTransaction,
  writeAudit,
} from '@sangam/core/store';
import { claimAccount } from './account-book.ts';
import type { HubspotSites } from './hubspot-sites.ts';
import type { OauthState, OauthStates } from './oauth-states.ts';
import type { SecretBox } from './secrets.ts';
import type { CrmTokens } from './crm-tokens.ts';

interface Connected {
  readonly connectionId: string;
  readonly account: string;
  /** False: it was known; its mode, settings and links are as they were. */
  readonly fresh: boolean;
}

interface Disconnected {
  /** Whether the CRM took our app out of the account as well; false too where there is no app to take out. */
  readonly uninstalled: boolean;
}

/** Connecting a HubSpot account and letting it go. Throws a `Refusal`, or the connector's errors. */
export interface Connecting {
  /** Where an admin is sent to agree, and what has to come back with them. */
  authorize(asker: Actor): Promise<{ readonly url: string } & OauthState>;
  /** After the admin agreed. */
  finish(state: OauthState, code: string): Promise<Connected>;
  /** By the token of a private app. */
  connectByToken(asker: Actor, accessToken: string): Promise<Connected>;
  /** Data and links stay. */
  disconnect(asker: Actor, connectionId: string): Promise<Disconnected>;
}

interface Tokens {
  readonly accessToken: string;
  readonly refreshToken?: string;
  readonly expiresAt?: number;
}

export function createConnecting(dependencies: {
  store: Store;
  clock: Clock;
  box: SecretBox;
  sites: HubspotSites;
  states: OauthStates;
  crmTokens: CrmTokens;
  connectors: Connectors;
  publicUrl: () => string;
  wake: (workspaceId: string) => void;
}): Connecting {
  const { store, clock, box, sites, states, crmTokens, connectors, publicUrl, wake } = dependencies;

  const redirectUri = (): string => `${publicUrl()}/oauth/hubspot/callback`;
  const siteOf = async (workspaceId: string) => {
    return sites.of({ sandbox: await store.transact(workspaceId, isSandbox) });
  };

  const keep = async (
    asker: Actor,
    account: { readonly account: string; readonly timeZone?: string | undefined },
    tokens: Tokens,
  ): Promise<Connected> => {
    const { workspaceId, memberId } = asker;
    const now = clock.now();
    const opens = {
      access_token: box.seal(tokens.accessToken),
      refresh_token: tokens.refreshToken === undefined ? null : box.seal(tokens.refreshToken),
      token_expires_at: tokens.expiresAt ?? null,
      refresh_lease: null,
      refresh_leased_until: null,
      blocked_reason: null,
      failed_attempts: 0,
      next_call_at: 0,
    };
    const connected = await store.transact(workspaceId, async (trx) => {
      const known = await knownAs(trx, account.account);
      const connectionId = known?.connection_id ?? randomUUID();
      if (known === undefined) {
        const settings = connectionSettings.safeParse({ timeZone: account.timeZone });
        await trx
          .insertInto('crm_connections')
          .values({
            workspace_id: workspaceId,
            connection_id: connectionId,
            crm: 'hubspot',
            account: account.account,
            settings: toJson(settings.success ? settings.data : {}),
            created_at: now,
            ...opens,
          })
          .execute();
      } else {
        // What a person let go starts over as a new one does: it shows before it writes.
        const again =
          known.disconnected_at === null ? {} : { mode: 'shadow' as const, disconnected_at: null };
        await trx
          .updateTable('crm_connections')
          .set({ ...opens, ...again })
          .where('workspace_id', '=', workspaceId)
          .where('connection_id', '=', connectionId)
          .execute();
        await closeAlertsOf(trx, connectionId, 'connection blocked', now);
      }
      await claimAccount(trx, { crm: 'hubspot', account: account.account, connectionId });
      await writeAudit(trx, {
        memberId,
        action: known === undefined ? 'connect account' : 'reconnect account',
        subject: `${connectionId} hubspot ${account.account}`,
        at: now,
      });
      return { connectionId, account: account.account, fresh: known === undefined };
    });
    connectors.forget(connected.connectionId);
    wake(workspaceId);
    return connected;
  };

  return {
    async authorize(asker) {
      const { app, oauth } = await siteOf(asker.workspaceId);
      if (app === undefined) {
        throw new Refusal(
          'conflict',
          'no_oauth_app',
          'This installation has no HubSpot app. Set HUBSPOT_CLIENT_ID and HUBSPOT_CLIENT_SECRET, or connect with the ' +
            'access token of a private app.',
        );
      }
      const made = await states.make(asker);
      return { ...made, url: oauth.authorizeUrl({ redirectUri: redirectUri(), state: made.state }) };
    },

    async finish(state, code) {
      const asker = await states.take(state);
      if (asker === undefined) {
        throw new Refusal(
          'invalid',
          'state_unknown',
          'This was not begun in this browser within the last ten minutes, or is finished already. Connect again.',
        );
      }
      const { oauth } = await siteOf(asker.workspaceId);
      const grant = await oauth.exchange(code, redirectUri());
      return keep(asker, await oauth.accountOf(grant.accessToken), grant);
    },

    async connectByToken(asker, accessToken) {
      const { oauth } = await siteOf(asker.workspaceId);
      const account = await oauth.accountOf(accessToken).catch((error: unknown) => {
        if (!(error instanceof SangamError) || error.code !== 'reconnect') throw error;
        const { message } = error;
        throw new Refusal('invalid', 'token_refused', message, [{ path: 'accessToken', message }]);
      });
      return keep(asker, account, { accessToken });
    },

    async disconnect(asker, connectionId) {
      const { workspaceId, memberId } = asker;
      const connection = await store.transact(workspaceId, (trx) => connectionOf(trx, connectionId));
      if (connection === undefined) throw noSuch('connection');
      let uninstalled = false;
      if (connection.refreshToken !== null) {
        try {
          const { oauth } = await sites.of(connection);
          await oauth.uninstall(await crmTokens.credentialsOf(connection).accessToken());
          uninstalled = true;
        } catch (error) {
          // Our side lets go in any case; the answer says that theirs may not have.
          if (!(error instanceof SangamError)) throw error;
        }
      }
      const now = clock.now();
      await store.transact(workspaceId, async (trx) => {
        // The secret a sandbox signs with is the sandbox's own, and outlives the connection.
        const secrets = connection.sandbox
          ? {}
          : { webhook_secret: null, previous_webhook_secret: null, previous_webhook_secret_until: null };
        await trx
          .updateTable('crm_connections')
          .set({
            access_token: null,
            refresh_token: null,
            token_expires_at: null,
            blocked_reason: null,
            disconnected_at: now,
            ...secrets,
          })
          .where('workspace_id', '=', workspaceId)
          .where('connection_id', '=', connectionId)
          .execute();
        await trx
          .deleteFrom('directory_accounts')
          .where('connection_id', '=', connectionId)
          .where('directory_accounts.workspace_id', '=', workspaceId)
          .execute();
        await closeAlertsOf(trx, connectionId, 'connection blocked', now);
        await writeAudit(trx, { memberId, action: 'disconnect account', subject: connectionId, at: now });
      });
      connectors.forget(connectionId);
      return { uninstalled };
    },
  };
}

function knownAs(
  trx: WorkspaceTransaction,
  account: string,
): Promise<{ connection_id: string; disconnected_at: number | null } | undefined> {
  return trx
    .selectFrom('crm_connections')
    .select(['connection_id', 'disconnected_at'])
    .where('workspace_id', '=', trx.workspaceId)
    .where('crm', '=', 'hubspot')
    .where('account', '=', account)
    .executeTakeFirst();
}
