import { hash } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { AccountChanges, CrmChange } from '../../crm/index.ts';
import {
  type AccountHolder,
  holderOfAccount,
  holderOfConnection,
  serviceWorkspaceId,
  type Store,
  type StoredDeadLetter,
  touchWebhook,
  webhookNotedMs,
} from '../../store/index.ts';
import { lanes } from '../../whatsapp/index.ts';
import type { CrmChangePayload } from '../apply/crm-changes.ts';
import type { Receiver } from './receive.ts';

/** Whose signature a CRM's webhook carried: the service's own app, or that of one connection. */
export type ChangeRoute =
  | { readonly kind: 'service' }
  | { readonly kind: 'connection'; readonly workspaceId: string; readonly connectionId: string };

export interface ChangeReceiver {
  /**
   * Takes in changes whose signature has been checked. Resolves once they are durable; those of accounts the signer does
   * not own are durable as a dead letter. What names no account is of the connection that signed it. Rejects only when the
   * database cannot be reached.
   */
  receive(crm: string, accounts: readonly AccountChanges[], route: ChangeRoute, raw: Buffer): Promise<void>;
  /**
   * Takes in a dead letter `foreign account` once its account belongs to its signer; the workspace it went to.
   * Undefined: it still does not.
   */
  readmit(letter: StoredDeadLetter): Promise<string | undefined>;
}

export function createChangeReceiver(dependencies: {
  store: Store;
  receiver: Receiver;
  clock: Clock;
  /** What a CRM's webhook body says. */
  readChanges: (crm: string, body: Buffer) => readonly AccountChanges[];
}): ChangeReceiver {
  const { store, receiver, clock, readChanges } = dependencies;
  const notedAt = new Map<string, number>();

  const takeIn = async (
    workspaceId: string,
    connectionId: string,
    changes: readonly CrmChange[],
  ): Promise<void> => {
    await receiver.takeInAll(
      workspaceId,
      changes.map((change) => {
        const payload: CrmChangePayload = { field: 'crm', connectionId, change };
        return { key: keyOf(connectionId, change), lane: lanes.crm, payload };
      }),
    );
  };

  /** Whose account it is; undefined: nobody's, or not the signer's. Without an account, the signer's own. */
  const ownerOf = async (
    crm: string,
    account: string | undefined,
    signer: string,
  ): Promise<AccountHolder | undefined> => {
    if (account === undefined) {
      return signer === 'service' ? undefined : holderOfConnection(store, crm, signer);
    }
    const holder = await holderOfAccount(store, crm, account);
    return signer === 'service' || signer === holder?.connectionId ? holder : undefined;
  };

  const noteWebhook = async (workspaceId: string, connectionId: string): Promise<void> => {
    const now = clock.now();
    if (Math.abs(now - (notedAt.get(connectionId) ?? -Infinity)) < webhookNotedMs) return;
    notedAt.set(connectionId, now);
    await store.transact(workspaceId, (trx) => touchWebhook(trx, connectionId, now));
  };

  return {
    async receive(crm, accounts, route, raw) {
      const signer = route.kind === 'service' ? 'service' : route.connectionId;
      for (const { account, changes } of accounts) {
        const owner = await ownerOf(crm, account, signer);
        if (owner === undefined) {
          await receiver.park(route.kind === 'service' ? serviceWorkspaceId : route.workspaceId, {
            reason: 'foreign account',
            explanation: whyForeign(crm, account, route),
            source: 'crm',
            signer: `${signer} ${crm} ${account ?? ''}`,
            eventKey: hash('sha256', raw, 'buffer').subarray(0, 16),
            contentHash: hash('sha256', `${crm}:${account ?? ''}`, 'buffer').subarray(0, 8),
            payload: raw,
            receivedAt: clock.now(),
          });
          continue;
        }
        await takeIn(owner.workspaceId, owner.connectionId, changes);
        await noteWebhook(owner.workspaceId, owner.connectionId);
      }
    },
    async readmit(letter) {
      const [signer = '', crm = '', named = ''] = letter.signer?.split(' ') ?? [];
      const account = named === '' ? undefined : named;
      const owner = await ownerOf(crm, account, signer);
      if (owner === undefined || letter.payload === null) return undefined;
      const said = readChanges(crm, letter.payload).filter((one) => one.account === account);
      for (const { changes } of said) await takeIn(owner.workspaceId, owner.connectionId, changes);
      return owner.workspaceId;
    },
  };
}

function whyForeign(crm: string, account: string | undefined, route: ChangeRoute): string {
  if (account !== undefined) {
    return `The webhook speaks of the ${crm} account ${account}, which its signer has not connected here. Replay it once it is.`;
  }
  return route.kind === 'service'
    ? `The webhook names no ${crm} account: have ${crm} call the address of the connection instead.`
    : `The connection the webhook came to is disconnected. Replay it once it is connected again.`;
}

/** The same for every delivery of the same change. */
function keyOf(connectionId: string, change: CrmChange): string {
  const what = change.kind === 'field' ? `${change.of ?? ''}${change.field}:${change.value}` : '';
  return `crm:${connectionId}:${change.recordId}:${change.kind}:${String(change.at)}:${what}`;
}
