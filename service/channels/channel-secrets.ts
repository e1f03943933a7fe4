import { channelSecretsOf, type Store } from '@sangam/core/store';
import type { Directory } from '@sangam/core/pipeline';
import type { Clock } from '@sangam/core/clock';
import { createRemembered, type Remembered } from '../secrets/remembered.ts';
import type { SecretBox } from '../secrets/secrets.ts';

/** What a tenant's own Meta app signs and shakes hands with. */
interface ChannelSecret {
  readonly workspaceId: string;
  /** The current app secret, and during a rotation the one before. */
  readonly appSecrets: readonly string[];
  readonly verifyToken: string | undefined;
}

/** By channel. Undefined: no such channel, or it is served by the service's own app. */
export type ChannelSecrets = Remembered<ChannelSecret>;

export function createChannelSecrets(
  store: Store,
  directory: Directory,
  box: SecretBox,
  clock: Clock,
): ChannelSecrets {
  return createRemembered(async (channelId) => {
    const channel = await directory.channelById(channelId);
    if (channel === undefined || channel.app !== 'own') return undefined;
    const { workspaceId } = channel;
    const sealed = await store.transact(workspaceId, (trx) => channelSecretsOf(trx, channelId));
    if (sealed === undefined) return undefined;
    const { appSecret, previousAppSecret, previousAppSecretUntil, verifyToken } = sealed;
    const previousLives = (previousAppSecretUntil ?? 0) > clock.now();
    return {
      workspaceId,
      appSecrets: [appSecret, previousLives ? previousAppSecret : null]
        .filter((secret) => secret !== null)
        .map((secret) => box.open(secret)),
      verifyToken: verifyToken === null ? undefined : box.open(verifyToken),
    };
  });
}
