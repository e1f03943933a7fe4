import { hash, randomUUID } from 'node:crypto';
import { fileTypeFromBuffer } from 'file-type';
import type { Clock } from '../../clock.ts';
import { SangamError } from '../../errors.ts';
import {
  channelSending,
  type ClaimedMedium,
  claimMedia,
  type MediumOutcome,
  settleMedium,
  type Store,
} from '../../store/index.ts';
import { largestMedium, type Provider, typeOfMedium } from '../../whatsapp/index.ts';
import {
  callPlaceMs,
  type Dispatcher,
  itemWaitMs,
  QueueWorker,
  type TickFailed,
  type TickOutcome,
} from '../../work/index.ts';
import type { Providers } from '../send/send.ts';
import type { MediaPlace, MediaPlaces } from './places.ts';

/** Longer than asking where it is, getting it and putting it away may take. */
const leaseMs = 5 * 60_000;
/** Of this process at once: each may be held in memory, up to the largest there is. */
const mostUnderWay = 2;
const busyMs = 250;
/** Meta keeps what people send for so long (docs/vendors/whatsapp.md §3.2). */
const keptByWhatsappMs = 7 * 24 * 60 * 60_000;
const longestWaitMs = 12 * 60 * 60_000;
/** Bytes that are not what was announced may have been cut off on their way. */
const triesOfOtherBytes = 5;
const headBytes = 4100;

/** Gets what people sent besides words, before WhatsApp forgets it. */
export function createMediaCopier(dependencies: {
  store: Store;
  clock: Clock;
  dispatcher: Dispatcher;
  providers: Providers;
  places: MediaPlaces;
  failed: TickFailed;
}): QueueWorker {
  const { store, clock, dispatcher, providers, places, failed } = dependencies;
  let underWay = 0;

  const copy = async (
    provider: Provider,
    place: MediaPlace,
    medium: ClaimedMedium,
  ): Promise<MediumOutcome> => {
    try {
      return await copied(provider, place, medium, clock.now());
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      return afterFailure(error, medium, clock.now());
    }
  };

  const tick = async (workspaceId: string, channelId: string): Promise<TickOutcome> => {
    const room = mostUnderWay - underWay;
    if (room <= 0) return { notBefore: clock.now() + busyMs };
    underWay += room;
    try {
      const place = await places.current();
      const lease = randomUUID();
      const { channel, claimed } = await store.transact(workspaceId, async (trx) => {
        const claim = { lease, place: place.name, most: room, now: clock.now(), leaseMs };
        return {
          channel: await channelSending(trx, channelId),
          claimed: await claimMedia(trx, channelId, claim),
        };
      });
      if (claimed.length === 0) return 'done';
      const provider = channel === undefined ? undefined : await providers.of(workspaceId, channel);
      const settled = await Promise.allSettled(
        claimed.map(async (medium) => {
          const outcome =
            provider === undefined
              ? afterFailure(noToken, medium, clock.now())
              : await copy(provider, place, medium);
          const { mediaId } = medium;
          const isOurs = await store.transact(workspaceId, (trx) =>
            settleMedium(trx, { mediaId, lease }, outcome),
          );
          // Whoever erased its person, or took it over, has these bytes deleted as well.
          if (!isOurs && outcome.state === 'kept') await place.delete(medium.key);
        }),
      );
      const failure = settled.find((one) => one.status === 'rejected');
      if (failure !== undefined) throw failure.reason;
      return 'more';
    } finally {
      underWay -= room;
    }
  };

  return new QueueWorker(dispatcher, {
    queue: 'media',
    failed,
    placeMs: callPlaceMs,
    tick: ({ workspaceId, targetId }) => tick(workspaceId, targetId),
  });
}

async function copied(
  provider: Provider,
  place: MediaPlace,
  { providerId, key, claimedType, saidSha256, attempts }: ClaimedMedium,
  now: number,
): Promise<MediumOutcome> {
  const { bytes, mimeType, sha256: announced } = await provider.fetchMedia(providerId, largestMedium);
  const sha256 = hash('sha256', bytes, 'hex');
  if (sha256 !== (saidSha256 ?? announced ?? sha256)) {
    const reason = 'What WhatsApp gave is not what the message announced: its hash differs.';
    const waitMs = itemWaitMs('later', attempts);
    return attempts >= triesOfOtherBytes || waitMs === undefined
      ? { state: 'refused', reason }
      : { state: 'waiting', reason, dueAt: now + waitMs };
  }
  const shown = await fileTypeFromBuffer(bytes);
  await place.put(key, new Blob([new Uint8Array(bytes)]), sha256);
  return {
    state: 'kept',
    mimeType: typeOfMedium(shown?.mime, claimedType ?? mimeType, bytes.subarray(0, headBytes)),
    size: bytes.length,
    sha256,
  };
}

function afterFailure(
  error: SangamError,
  { attempts, createdAt }: ClaimedMedium,
  now: number,
): MediumOutcome {
  const { code, message, retry } = error;
  if (code === 'media_gone') return { state: 'gone', reason: `${message}.` };
  if (code === 'media_too_large') return { state: 'refused', reason: `${message}.` };
  const dueAt = now + (itemWaitMs(retry, attempts) ?? longestWaitMs);
  if (dueAt < createdAt + keptByWhatsappMs) return { state: 'waiting', reason: `${message}.`, dueAt };
  return {
    state: 'gone',
    reason: `${message}. WhatsApp keeps a medium for 7 days, and it could not be got in them.`,
  };
}

const noToken = new SangamError({
  code: 'no_token',
  origin: 'us',
  retry: 'later',
  message: 'The number has no access token, or was let go: media are got with its token',
});
