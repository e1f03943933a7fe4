import { randomBytes } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import type { Connector } from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import {
  askWebhooksAt,
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

/** After a call that may succeed in time. */
const laterMs = 5 * minute;
/** After what only a person mends, who may have done it meanwhile. */
const refusedMs = 6 * hour;

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

  const ask = async (connection: ConnectionRow, connector: Connector): Promise<void> => {
    const { workspaceId, connectionId, crm, sandbox } = connection;
    const url = `${publicUrl()}/webhooks/${crm}/${connectionId}`;
    if (!sandbox && !url.startsWith('https://')) throw unreachable(connector.traits.label);
    const secret = await secretOf(connection);
    const now = clock.now();
    const { until } = (await connector.subscribe?.({ url, secret, now })) ?? { until: now };
    await store.transact(workspaceId, async (trx) => {
      const againAt = now + Math.max(minute, Math.floor((until - now) / 2));
      await webhooksComeUntil(trx, connectionId, { url, until, againAt, now });
      await closeAlertsOf(trx, connectionId, 'webhooks ended', now);
    });
  };

  /** What the account shows with each of its webhooks; drawn when it is first needed. */
  const secretOf = async ({ workspaceId, connectionId }: ConnectionRow): Promise<string> => {
    const current = await store.transact(workspaceId, async (trx) => {
      await signWebhooksWith(trx, connectionId, box.seal(randomBytes(24).toString('base64url')));
      return (await webhookSecretsOf(trx, connectionId))?.current;
    });
    if (current === undefined || current === null)
      throw new RangeError(`Connection ${connectionId} has no secret for its webhooks.`);
    connectionSecrets.refresh();
    return box.open(current);
  };

  const notAsked = async (
    { workspaceId, connectionId, webhooksUntil }: ConnectionRow,
    error: SangamError,
  ): Promise<void> => {
    const now = clock.now();
    const refused = error.retry === 'never';
    await store.transact(workspaceId, async (trx) => {
      await askWebhooksAt(trx, connectionId, now + (refused ? refusedMs : laterMs));
      if (!refused && webhooksUntil !== null && webhooksUntil > now) return;
      const message = `${error.message} Until they come again, changes made there are found by polls, minutes later.`;
      await raiseAlert(trx, { connectionId, kind: 'webhooks ended', message }, now);
    });
  };

  return async (connection) => {
    const { workspaceId, connectionId, askWebhooksAt: at } = connection;
    if (at === null || at > clock.now()) return;
    const ended = await callAccount(dependencies, connection, 'scan', async () => {
      const connector = await connectors.of(connection);
      if (connector.subscribe === undefined) {
        await store.transact(workspaceId, (trx) => askWebhooksAt(trx, connectionId, null));
        return false;
      }
      try {
        await ask(connection, connector);
      } catch (error) {
        // What is refused of webhooks alone is no matter of the account's other calls.
        if (!(error instanceof SangamError) || !ofWebhooksAlone.has(error.code)) throw error;
        await notAsked(connection, error);
      }
      return true;
    });
    if (ended instanceof SangamError && ended.retry !== 'never') await notAsked(connection, ended);
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
