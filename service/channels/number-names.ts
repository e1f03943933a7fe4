import type { Clock } from '@sangam/core/clock';
import { SangamError } from '@sangam/core/errors';
import {
  accessTokenOf,
  type ChannelRow,
  isSandbox,
  provenChannels,
  renameNumber,
  type Store,
} from '@sangam/core/store';
import type { Logger } from 'pino';
import { type OwnNumberReader, regionOfNumber } from './own-number.ts';
import type { SecretBox } from '../secrets/secrets.ts';

const hour = 60 * 60 * 1000;
const restMs = 24 * hour;
/** After a read that failed. */
const retryMs = hour;

/**
 * Reads at each start and daily how Meta writes the numbers of a workspace that gave their tokens: a business may change the
 * number behind a phone number id. Returns when that is to be done again, milliseconds.
 */
export function createNumberNames(dependencies: {
  store: Store;
  box: SecretBox;
  clock: Clock;
  readOwnNumber: OwnNumberReader;
  logger: Logger;
}): (workspaceId: string) => Promise<number> {
  const { store, box, clock, readOwnNumber, logger } = dependencies;

  const readAnew = async (channel: ChannelRow): Promise<void> => {
    const { workspace_id: workspaceId, channel_id: channelId } = channel;
    const { token, sandbox } = await store.transact(workspaceId, async (trx) => ({
      token: await accessTokenOf(trx, channelId),
      sandbox: await isSandbox(trx),
    }));
    if (token === null) return;
    const { displayPhoneNumber } = await readOwnNumber(
      { sandbox },
      { phoneNumberId: channel.phone_number_id, wabaId: channel.waba_id, accessToken: box.open(token) },
    );
    const region = regionOfNumber(displayPhoneNumber);
    if (region === undefined) {
      logger.warn({ channelId }, 'Meta shows a number without a known country: the one before stays');
      return;
    }
    await store.transact(workspaceId, (trx) => renameNumber(trx, channelId, { displayPhoneNumber, region }));
  };

  return async (workspaceId) => {
    let rest = restMs;
    for (const channel of await provenChannels(store, workspaceId)) {
      try {
        await readAnew(channel);
      } catch (error) {
        if (!(error instanceof SangamError)) throw error;
        rest = retryMs;
        logger.warn(
          { channelId: channel.channel_id, code: error.code },
          'a number was not read at Meta; trying again in an hour',
        );
      }
    }
    return clock.now() + rest;
  };
}
