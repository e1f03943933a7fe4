import type { Clock } from '@sangam/core/clock';
import { holderOfConnection, type Store, webhookSecretsOf } from '@sangam/core/store';
import { z } from 'zod';
import { createRemembered } from '../secrets/remembered.ts';
import type { SecretBox } from '../secrets/secrets.ts';

/** What the app of one CRM account signs its webhooks with. */
interface ConnectionSecret {
  readonly workspaceId: string;
  /** The current one, and during a change the one before. */
  readonly secrets: readonly string[];
}

export interface ConnectionSecrets {
  /** Undefined: this CRM has no such connection, it is disconnected, or the service's own app signs for it. */
  of(crm: string, connectionId: string): Promise<ConnectionSecret | undefined>;
  refresh(): void;
}

export function createConnectionSecrets(store: Store, box: SecretBox, clock: Clock): ConnectionSecrets {
  const secrets = createRemembered(async (name) => {
    const [crm = '', connectionId = ''] = name.split(' ');
    if (!z.uuid().safeParse(connectionId).success) return undefined;
    const holder = await holderOfConnection(store, crm, connectionId);
    if (holder === undefined) return undefined;
    const { workspaceId } = holder;
    const kept = await store.transact(workspaceId, (trx) => webhookSecretsOf(trx, connectionId));
    if (kept === undefined || kept.current === null) return undefined;
    const previousLives = (kept.previousUntil ?? 0) > clock.now();
    return {
      workspaceId,
      secrets: [kept.current, previousLives ? kept.previous : null]
        .filter((sealed) => sealed !== null)
        .map((sealed) => box.open(sealed)),
    };
  });
  return {
    of: (crm, connectionId) => secrets.of(`${crm} ${connectionId}`),
    refresh: () => secrets.refresh(),
  };
}
