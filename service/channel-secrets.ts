import { type Store } from '@sangam/core/store';
import type { Directory } from '@sangam/core/pipeline';
import type { Clock } from '@sangam/core/clock';
import type { SecretBox } from './secrets.ts';

/** What a tenant's own Meta app signs and shakes hands with. */
interface ChannelSecret {
  readonly workspaceId: string;
  /** The current app secret, and during a rotation the one before. */
  readonly appSecrets: readonly string[];
  readonly verifyToken: string | undefined;
}

export interface ChannelSecrets {
  /** Undefined: no such channel, or it is served by the service's own app. */
  of(channelId: string): Promise<ChannelSecret | undefined>;
  refresh(): void;
}

const rememberedMs = 5_000;

export function createChannelSecrets(
  store: Store,
  directory: Directory,
  box: SecretBox,
  clock: Clock,
): ChannelSecrets {
  const remembered = new Map<string, { at: number; secret: Promise<ChannelSecret | undefined> }>();

  const read = async (channelId: string): Promise<ChannelSecret | undefined> => {
    const channel = await directory.channelById(channelId);
    if (channel === undefined || channel.app !== 'own') return undefined;
    const { workspaceId } = channel;
    const row = await store.transact(workspaceId, (trx) =>
      trx
        .selectFrom('channels')
        .select(['app_secret', 'previous_app_secret', 'previous_app_secret_until', 'verify_token'])
        .where('workspace_id', '=', workspaceId)
        .where('channel_id', '=', channelId)
        .executeTakeFirst(),
    );
    if (row === undefined) return undefined;
    const previousLives = (row.previous_app_secret_until ?? 0) > clock.now();
    return {
      workspaceId,
      appSecrets: [row.app_secret, previousLives ? row.previous_app_secret : null]
        .filter((sealed) => sealed !== null)
        .map((sealed) => box.open(sealed)),
      verifyToken: row.verify_token === null ? undefined : box.open(row.verify_token),
    };
  };

  return {
    of(channelId) {
      const known = remembered.get(channelId);
      if (known !== undefined && performance.now() - known.at < rememberedMs) return known.secret;
      // Only channels of the directory are remembered: made-up ids must not fill the memory.
      const secret = read(channelId);
      remembered.set(channelId, { at: performance.now(), secret });
      const forget = (): void => void remembered.delete(channelId);
      secret.then((found) => found ?? forget(), forget);
      return secret;
    },
    refresh() {
      remembered.clear();
    },
  };
}
