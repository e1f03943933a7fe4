import type { CrmAccount, CrmRequest, CrmSite, Grant } from '@sangam/connectors/registry';
import type { Clock } from '@sangam/core/clock';
import { connectionSettings } from '@sangam/core/crm';
import { noSuch, Refusal, SangamError } from '@sangam/core/errors';
import type { Connectors } from '@sangam/core/work';
import {
  type Actor,
  type AuthKind,
  closeAlertsOf,
  closeBlockAlerts,
  closeConnection,
  connectionOf,
  type ConnectionRow,
  connectionsAt,
  holderOfAccount,
  insertConnection,
  isSandbox,
  leaveAccount,
  openConnection,
  operatorId,
  type Store,
  toJson,
  writeAudit,
} from '@sangam/core/store';
import { claimAccount } from './claim-account.ts';
import type { CrmApps } from './crm-apps.ts';
import type { Crms } from './crms.ts';
import { codeChallengeOf, codeVerifierOf, type OauthState, type OauthStates } from './oauth-states.ts';
import type { SecretBox } from '../secrets/secrets.ts';
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

/** Connecting a CRM's account and letting it go. Throws a `Refusal`, or the connector's errors. */
export interface Connecting {
  /** Where an admin is sent to agree, and what has to come back with them. */
  authorize(actor: Actor, crm: string): Promise<{ readonly url: string } & OauthState>;
  /** After the admin agreed; `query`: all that they came back with. */
  finish(
    crm: string,
    state: OauthState,
    query: { readonly code: string } & Readonly<Record<string, string>>,
  ): Promise<Connected>;
  /** By what an admin typed in, as the CRM's form has it. */
  connectByForm(actor: Actor, crm: string, typed: Readonly<Record<string, string>>): Promise<Connected>;
  /** Data and links stay. */
  disconnect(actor: Actor, connectionId: string): Promise<Disconnected>;
  /** The CRM says that our app was taken out of an account there. False: it was not the CRM who says so. */
  uninstalled(crm: string, request: CrmRequest): Promise<boolean>;
}

export function createConnecting(dependencies: {
  store: Store;
  clock: Clock;
  box: SecretBox;
  crms: Crms;
  crmApps: CrmApps;
  states: OauthStates;
  crmTokens: CrmTokens;
  connectors: Connectors;
  publicUrl: () => string;
}): Connecting {
  const { store, clock, box, crms, crmApps, states, crmTokens, connectors, publicUrl } = dependencies;

  const redirectUri = (crm: string): string => `${publicUrl()}/oauth/${crm}/callback`;
  const siteOf = async (crm: string, workspaceId: string): Promise<CrmSite> => {
    return crmApps.of(crm, { sandbox: await store.transact(workspaceId, isSandbox) });
  };
  /** Where our app stands. */
  const appSiteOf = async (name: string, workspaceId: string) => {
    const { oauth, form, traits } = crms.get(name);
    if (oauth === undefined) {
      const instead = form === undefined ? '' : `: ${form.help}`;
      throw new Refusal('conflict', 'no_oauth', `${traits.label} is not connected by OAuth${instead}.`);
    }
    const site = await siteOf(name, workspaceId);
    const { app } = site;
    if (app === undefined) {
      const other = form === undefined ? '' : `, or ${form.help}`;
      throw new Refusal(
        'conflict',
        'no_oauth_app',
        `This installation has no ${traits.label} app. Set ${oauth.appVariables.join(' and ')}${other}.`,
      );
    }
    return { oauth, site: { ...site, app } };
  };

  const find = (workspaceId: string, connectionId: string): Promise<ConnectionRow | undefined> =>
    store.transact(workspaceId, (trx) => connectionOf(trx, connectionId));

  /** So that what it tells from now on is understood. An account that cannot be reached now is asked before its first call. */
  const learnFacts = async (workspaceId: string, connectionId: string): Promise<void> => {
    const connection = await find(workspaceId, connectionId);
    if (connection === undefined) return;
    await connectors.of(connection).catch((error: unknown) => {
      if (!(error instanceof SangamError)) throw error;
    });
  };

  const keep = async (
    actor: Actor,
    { crm, kind, account }: { readonly crm: string; readonly kind: AuthKind; readonly account: CrmAccount },
    grant: Grant,
  ): Promise<Connected> => {
    const { workspaceId, memberId } = actor;
    const now = clock.now();
    const sealed = (text: string | undefined): Buffer | null => (text === undefined ? null : box.seal(text));
    const accessToken = box.seal(grant.accessToken);
    const told = connectionSettings.safeParse({ timeZone: account.timeZone });
    const settings = toJson(told.success ? told.data : {});
    const connected = await store.transact(workspaceId, async (trx) => {
      const known = (await connectionsAt(trx, crm)).find((one) => one.account === account.account);
      const connectionId =
        known?.connectionId ?? (await insertConnection(trx, { crm, settings, accessToken }, now));
      await openConnection(trx, connectionId, {
        authKind: kind,
        accessToken,
        refreshToken: sealed(grant.refreshToken),
        secret: sealed(grant.secret === undefined ? undefined : JSON.stringify(grant.secret)),
        tokenExpiresAt: grant.expiresAt ?? null,
        apiBase: grant.apiBase ?? null,
      });
      await closeBlockAlerts(trx, connectionId, now);
      await claimAccount(trx, { crm, account: account.account, connectionId });
      await writeAudit(trx, {
        memberId,
        action: known === undefined ? 'connect account' : 'reconnect account',
        subject: `${connectionId} ${crm} ${account.account}`,
        at: now,
      });
      return { connectionId, account: account.account, fresh: known === undefined };
    });
    connectors.forget(connected.connectionId);
    if (connected.fresh) await learnFacts(workspaceId, connected.connectionId);
    return connected;
  };

  /** Our side lets go; the data stays. */
  const letGo = async (connection: ConnectionRow, memberId: string, why = ''): Promise<void> => {
    const { workspaceId, connectionId } = connection;
    const now = clock.now();
    await store.transact(workspaceId, async (trx) => {
      // The secret a sandbox signs with is the sandbox's own.
      await closeConnection(trx, connectionId, { keepWebhookSecret: connection.sandbox, now });
      await leaveAccount(trx, connectionId);
      await closeBlockAlerts(trx, connectionId, now);
      for (const kind of ['webhooks ended', 'webhooks silent'] as const)
        await closeAlertsOf(trx, connectionId, kind, now);
      const subject = `${connectionId} ${why}`.trim();
      await writeAudit(trx, { memberId, action: 'disconnect account', subject, at: now });
    });
    connectors.forget(connectionId);
  };

  return {
    async authorize(actor, crm) {
      const { oauth, site } = await appSiteOf(crm, actor.workspaceId);
      const made = await states.make(crm, actor);
      const url = oauth.authorizeUrl(site, {
        redirectUri: redirectUri(crm),
        state: made.state,
        ...(oauth.pkce ? { codeChallenge: codeChallengeOf(codeVerifierOf(made)) } : {}),
      });
      return { ...made, url };
    },

    async finish(crm, state, query) {
      const actor = await states.take(crm, state);
      if (actor === undefined) {
        throw new Refusal(
          'invalid',
          'state_unknown',
          'This was not begun in this browser within the last ten minutes, or is finished already. Connect again.',
        );
      }
      const { oauth, site } = await appSiteOf(crm, actor.workspaceId);
      const grant = await oauth.exchange(site, query, {
        redirectUri: redirectUri(crm),
        ...(oauth.pkce ? { codeVerifier: codeVerifierOf(state) } : {}),
      });
      const account = await crms.get(crm).accountOf(site, grant);
      return keep(actor, { crm, kind: 'oauth', account }, grant);
    },

    async connectByForm(actor, crm, typed) {
      const { form, traits } = crms.get(crm);
      if (form === undefined) {
        throw new Refusal('conflict', 'no_form', `${traits.label} is connected by OAuth alone.`);
      }
      const { grant, account } = await form.connect(await siteOf(crm, actor.workspaceId), typed);
      return keep(actor, { crm, kind: form.kind, account }, grant);
    },

    async disconnect(actor, connectionId) {
      const connection = await find(actor.workspaceId, connectionId);
      if (connection === undefined) throw noSuch('connection');
      let uninstalled = false;
      const { oauth } = crms.get(connection.crm);
      if (connection.authKind === 'oauth' && oauth?.uninstall !== undefined) {
        try {
          const site = await crmApps.of(connection.crm, connection);
          const accessToken = await crmTokens.credentialsOf(connection).accessToken();
          const held = await crmTokens.heldOf(connection);
          await oauth.uninstall(site, { accessToken, apiBase: connection.apiBase ?? undefined }, held);
          uninstalled = true;
        } catch (error) {
          // Our side lets go in any case; the answer says that theirs may not have.
          if (!(error instanceof SangamError)) throw error;
        }
      }
      await letGo(connection, actor.memberId);
      return { uninstalled };
    },

    async uninstalled(crm, request) {
      const { oauth } = crms.get(crm);
      const told = crmApps.apps(crm).flatMap(({ sandbox, app }) => {
        const account = oauth?.uninstalled?.(app, request);
        return account === undefined ? [] : [{ sandbox, account }];
      });
      const [first] = told;
      if (first === undefined) return false;
      const { sandbox, account } = first;
      const holder = await holderOfAccount(store, crm, account);
      const connection =
        holder === undefined ? undefined : await find(holder.workspaceId, holder.connectionId);
      // An app speaks for its own place only.
      if (connection !== undefined && connection.sandbox === sandbox && connection.authKind === 'oauth') {
        await letGo(connection, operatorId, 'uninstalled');
      }
      return true;
    },
  };
}
