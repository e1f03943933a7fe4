import type { Clock } from '@sangam/core/clock';
import type { Store } from '@sangam/core/store';
import { z } from 'zod';
import type { SecretBox } from './secrets.ts';

/** What the app of one CRM account signs its webhooks with. */
interface ConnectionSecret {
  readonly workspaceId: string;
  /** The current one, and during a change the one before. */
  readonly secrets: readonly string[];
}

export interface ConnectionSecrets {
  /** Undefined: no such connection, it is disconnected, or the service's own app signs for it. */
  of(connectionId: string): Promise<ConnectionSecret | undefined>;
  refresh(): void;
}

const rememberedMs = 5_000;

export function createConnectionSecrets(store: Store, box: SecretBox, clock: Clock): ConnectionSecrets {
  const remembered = new Map<string, { at: number; secret: Promise<ConnectionSecret | undefined> }>();

  const read = async (connectionId: string): Promise<ConnectionSecret | undefined> => {
    const entry = await store.directory
      .selectFrom('directory_accounts')
      .select('directory_accounts.workspace_id')
      .where('connection_id', '=', connectionId)
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
  };

  return {
    of(connectionId) {
      const known = remembered.get(connectionId);
      if (known !== undefined && performance.now() - known.at < rememberedMs) return known.secret;
      if (!z.uuid().safeParse(connectionId).success) return Promise.resolve(undefined);
      const secret = read(connectionId);
      remembered.set(connectionId, { at: performance.now(), secret });
      // Only connections that are there are remembered: made-up ids must not fill the memory.
      const forget = (): void => void remembered.delete(connectionId);
      secret.then((found) => found ?? forget(), forget);
      return secret;
    },
    refresh() {
      remembered.clear();
    },
  };
}
