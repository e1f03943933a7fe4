import { buffer } from 'node:stream/consumers';
import type { Clock } from '../../clock.ts';
import { SangamError } from '../../errors.ts';
import {
  type ChannelSending,
  mediumById,
  restChannel,
  saveSends,
  saveUpload,
  sendableMedia,
  type SendRow,
  type Store,
  waitingForMedium,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import type { Provider } from '../../whatsapp/index.ts';
import { breakerWaitMs } from '../../work/index.ts';
import { alertElsewhere } from '../media/elsewhere.ts';
import type { MediaPlaces } from '../media/places.ts';
import { parkEnded } from './ended.ts';
import { uploadsStandMs } from './facts.ts';

/** Another process may have what this one does not reach. */
const elsewhereMs = 30_000;

interface Uploading {
  readonly store: Store;
  readonly clock: Clock;
  readonly places: MediaPlaces;
}

/**
 * Gives the provider these media of ours, one after the other, for each may be held in memory whole. What cannot be given keeps
 * back, or ends, what waits to leave with it, and nothing else.
 */
export async function uploadMedia(
  { store, clock, places }: Uploading,
  workspaceId: string,
  channel: ChannelSending,
  provider: Provider,
  mediaIds: readonly string[],
): Promise<void> {
  const { channelId } = channel;
  const waiting = (
    mediaId: string,
    become: (send: SendRow, now: number) => Partial<SendRow>,
    also?: (trx: WorkspaceTransaction, now: number) => Promise<void>,
  ): Promise<void> =>
    store.transact(workspaceId, async (trx) => {
      const now = clock.now();
      const rows = await waitingForMedium(trx, channelId, mediaId);
      const changed = rows.map((send): SendRow => ({ ...send, ...become(send, now), changedAt: now }));
      await saveSends(trx, changed);
      await parkEnded(trx, changed, now);
      await also?.(trx, now);
    });

  for (const mediaId of mediaIds) {
    const { medium, uploadId } = await store.transact(workspaceId, async (trx) => {
      const sendable = await sendableMedia(trx, channelId, [mediaId], clock.now() - uploadsStandMs);
      return { medium: await mediumById(trx, mediaId), uploadId: sendable.get(mediaId)?.uploadId ?? null };
    });
    // The gate says so of one that is not here any more; one that was asked for twice is there by now.
    if (medium === undefined || medium.place === null || medium.key === null || uploadId !== null) {
      await waiting(mediaId, (_send, now) => ({ dueAt: now }));
      continue;
    }
    const { place: name, key, mimeType, filename } = medium;
    const place = await places.named(name);
    if (place === undefined) {
      await waiting(
        mediaId,
        ({ expiresAt }, now) => ({
          reason: 'media elsewhere',
          explanation: 'Its medium lies with a process that does not answer here: see the alerts.',
          dueAt: Math.min(now + elsewhereMs, expiresAt),
        }),
        (trx, now) => alertElsewhere(trx, name, now),
      );
      continue;
    }
    const lies = await place.get(key);
    if (lies === undefined) {
      await waiting(mediaId, () => ({
        state: 'refused',
        reason: 'media unknown',
        explanation: `Its bytes are not in ${name} any more. Give the medium to Sangam once more.`,
        dueAt: null,
      }));
      continue;
    }
    try {
      const providerId = await provider.uploadMedia({
        mimeType: mimeType ?? '',
        filename: filename ?? mediaId,
        bytes: new Uint8Array(await buffer(lies)),
      });
      await waiting(
        mediaId,
        (_send, now) => ({ dueAt: now }),
        (trx, uploadedAt) => saveUpload(trx, { mediaId, channelId, providerId, uploadedAt }),
      );
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      if (error.code === 'whatsapp_refused') {
        await waiting(mediaId, () => ({
          state: 'refused',
          reason: 'media refused',
          explanation: `WhatsApp did not take its medium. ${error.message}.`,
          dueAt: null,
        }));
        continue;
      }
      const until = clock.now() + breakerWaitMs(error, channel.failedAttempts + 1);
      await store.transact(workspaceId, (trx) => restChannel(trx, channelId, until));
      return;
    }
  }
}
