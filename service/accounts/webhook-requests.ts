import { randomBytes } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import type { Connector } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import {
  askWebhooksAt,
  claimAsking,
  closeAlertsOf,
  type ConnectionRow,
  raiseAlert,
  signWebhooksWith,
  type Store,
  webhooksComeUntil,
  webhookSecretsOf,
} from '@sangam/core/store';
import { callAccount, type Connectors } from '@sangam/core/work';
import type { ConnectionSecrets } from './connection-secrets.ts';
import type { SecretBox } from '../secrets/secrets.ts';

const minute = 60_000;
const hour = 60 * minute;

/** Codes of refusals that leave the account's other calls as they are. */
const ofWebhooksAlone: ReadonlySet<string> = new Set(['missing_scope', 'not_reachable', 'webhooks_refused']);

/** Longer than asking may take: whoever dies over it is overtaken then. */
const askingMs = 3 * minute;
/** After a call that may succeed in time. */
const laterMs = 5 * minute;
/** After what only a person mends, who may have done it meanwhile. */
const refusedMs = 6 * hour;

interface Asked {
  /** What people call the CRM. */
  readonly label: string;
  readonly subscribe: NonNullable<Connector['subscribe']>;
}

/**
 * Asks accounts for webhooks where they end unless somebody asks anew, at half their time. While they do not come, changes are
 * found by polls, and an alert says why.
 */
export function createWebhookRequests(dependencies: {
  store: Store;
  clock: Clock;
  box: SecretBox;
  connectors: Connectors;
  connectionSecrets: ConnectionSecrets;
  publicUrl: () => string;
  counts: {
    callFailed(
      connection: Pick<ConnectionRow, 'workspaceId' | 'connectionId' | 'crm'>,
      error: SangamError,
    ): void;
  };
}): (connection: ConnectionRow) => Promise<void> {
  const { store, clock, box, connectors, connectionSecrets, publicUrl } = dependencies;

  const ask = async (
    { workspaceId, connectionId, crm, sandbox }: ConnectionRow,
    { label, subscribe }: Asked,
    secret: string,
    claimed: number,
  ): Promise<void> => {
    const url = `${publicUrl()}/webhooks/${crm}/${connectionId}`;
    if (!sandbox && !url.startsWith('https://')) throw unreachable(label);
    const now = clock.now();
    const { until } = await subscribe({ url, secret, now });
    await store.transact(workspaceId, async (trx) => {
      const againAt = now + Math.max(minute, Math.floor((until - now) / 2));
      if (!(await webhooksComeUntil(trx, connectionId, claimed, { url, until, againAt, now }))) return;
      await closeAlertsOf(trx, connectionId, 'webhooks ended', now);
    });
  };

  /**
   * What the account shows with each of its webhooks, drawn when it is first needed; undefined: another process asks, or what is
   * to be asked for is another by now.
   */
  const claim = async (
    { workspaceId, connectionId }: ConnectionRow,
    asking: { readonly seen: number; readonly until: number },
  ): Promise<string | undefined> => {
    const current = await store.transact(workspaceId, async (trx) => {
      await signWebhooksWith(trx, connectionId, box.seal(randomBytes(24).toString('base64url')));
      const mine = await claimAsking(trx, connectionId, asking);
      return mine ? (await webhookSecretsOf(trx, connectionId))?.current : undefined;
    });
    if (current === undefined || current === null) return undefined;
    connectionSecrets.refresh();
    return box.open(current);
  };

  const notAsked = async (
    { workspaceId, connectionId, webhooksUntil, askWebhooksAt: seen }: ConnectionRow,
    claimed: number,
    error: SangamError,
  ): Promise<void> => {
    const now = clock.now();
    const refused = error.retry === 'never';
    const againAt = now + (refused ? refusedMs : laterMs);
    await store.transact(workspaceId, async (trx) => {
      if (!(await claimAsking(trx, connectionId, { seen: claimed, until: againAt }))) return;
      const stillCome = webhooksUntil !== null && webhooksUntil > now;
      const firstAsked = webhooksUntil === null && seen === 0;
      // What passes is no news while nobody misses anything, nor the first time.
      if (!refused && (stillCome || firstAsked)) return;
      const message = `${error.message} Until they come again, changes made there are found by polls, minutes later.`;
      await raiseAlert(trx, { connectionId, kind: 'webhooks ended', message }, now);
    });
  };

  return async (connection) => {
    const { workspaceId, connectionId, askWebhooksAt: at } = connection;
    if (at === null || at > clock.now()) return;
    let held = at;
    const ended = await callAccount(dependencies, connection, 'scan', async () => {
      const connector = await connectors.of(connection);
      const subscribe = connector.subscribe?.bind(connector);
      if (subscribe === undefined) {
        await store.transact(workspaceId, (trx) => askWebhooksAt(trx, connectionId, null));
        return false;
      }
      const until = clock.now() + askingMs;
      const secret = await claim(connection, { seen: at, until });
      if (secret === undefined) return false;
      held = until;
      try {
        await ask(connection, { label: connector.traits.label, subscribe }, secret, until);
      } catch (error) {
        // What is refused of webhooks alone is no matter of the account's other calls.
        if (!(error instanceof SangamError) || !ofWebhooksAlone.has(error.code)) throw error;
        await notAsked(connection, until, error);
      }
      return true;
    });
    if (ended instanceof SangamError && ended.retry !== 'never') await notAsked(connection, held, ended);
  };
}

function unreachable(label: string): SangamError {
  return new SangamError({
    code: 'not_reachable',
    origin: 'us',
    retry: 'never',
    message: `${label} sends webhooks to an https address alone: set PUBLIC_URL to the one this installation is reached at.`,
  });
}
