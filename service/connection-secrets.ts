import type { Clock } from '@sangam/core/clock';
import type { Store } from '@sangam/core/store';
import { z } from 'zod';
import { createRemembered } from './remembered.ts';
import type { SecretBox } from './secrets.ts';

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
    const entry = await store.directory
      .selectFrom('directory_accounts')
      .select('directory_accounts.workspace_id')
      .where('connection_id', '=', connectionId)
      .where('crm', '=', crm)
      .executeTakeFirst();
    if (entry === undefined) return undefined;
    const workspaceId = entry.workspace_id;
    const row = await store.transact(workspaceId, (trx) =>
      trx
        .selectFrom('crm_connections')
        .select(['webhook_secret', 'previous_webhook_secret', 'previous_webhook_secret_until'])
        .where('workspace_id', '=', workspaceId)
        .where('connection_id', '=', connectionId)
        .executeTakeFirst(),
    );
    if (row === undefined || row.webhook_secret === null) return undefined;
    const previousLives = (row.previous_webhook_secret_until ?? 0) > clock.now();
    return {
      workspaceId,
      secrets: [row.webhook_secret, previousLives ? row.previous_webhook_secret : null]
        .filter((sealed) => sealed !== null)
        .map((sealed) => box.open(sealed)),
    };
  });
  return {
    of: (crm, connectionId) => secrets.of(`${crm} ${connectionId}`),
    refresh: () => secrets.refresh(),
  };
}
