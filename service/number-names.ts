import type { Clock } from '@sangam/core/clock';
import { SangamError } from '@sangam/core/errors';
import { accessTokenOf, channelOfId, listChannels, renameNumber, type Store } from '@sangam/core/store';
import type { Logger } from 'pino';
import { type OwnNumberReader, regionOfNumber } from './own-number.ts';
import type { SecretBox } from './secrets.ts';

const hour = 60 * 60 * 1000;
const restMs = 24 * hour;
/** After a read that failed. */
const retryMs = hour;

/**
 * Reads at each start and daily how Meta writes the numbers of a workspace that gave their tokens: a business may change the
 * number behind a phone number id. To be called for each workspace again and again.
 */
export function createNumberNames(dependencies: {
  store: Store;
  box: SecretBox;
  clock: Clock;
  readOwnNumber: OwnNumberReader;
  logger: Logger;
}): (workspaceId: string) => Promise<void> {
  const { store, box, clock, readOwnNumber, logger } = dependencies;
  const restsUntil = new Map<string, number>();

  const readAnew = async (workspaceId: string, channelId: string): Promise<void> => {
    const known = await store.transact(workspaceId, async (trx) => ({
      channel: await channelOfId(trx, channelId),
      token: await accessTokenOf(trx, channelId),
      workspace: await trx
        .selectFrom('workspaces')
        .select('sandbox')
        .where('workspace_id', '=', workspaceId)
        .executeTakeFirstOrThrow(),
    }));
    const { channel, token, workspace } = known;
    if (channel === undefined || token === null) return;
    const { phoneNumberId, wabaId } = channel;
    const { displayPhoneNumber } = await readOwnNumber(workspace, {
      phoneNumberId,
      wabaId,
      accessToken: box.open(token),
    });
    const region = regionOfNumber(displayPhoneNumber);
    if (region === undefined) {
      logger.warn({ channelId }, 'Meta shows a number without a known country: the one before stays');
      return;
    }
    await store.transact(workspaceId, (trx) => renameNumber(trx, channelId, { displayPhoneNumber, region }));
  };

  return async (workspaceId) => {
    const channels = await store.transact(workspaceId, listChannels);
    for (const { channelId, proven, releasedAt } of channels) {
      if (!proven || releasedAt !== null || (restsUntil.get(channelId) ?? -Infinity) > clock.now()) continue;
      try {
        await readAnew(workspaceId, channelId);
        restsUntil.set(channelId, clock.now() + restMs);
      } catch (error) {
        if (!(error instanceof SangamError)) throw error;
        restsUntil.set(channelId, clock.now() + retryMs);
        logger.warn(
          { channelId, code: error.code },
          'a number was not read at Meta; trying again in an hour',
        );
      }
    }
  };
}
