import type { Clock } from '../../clock.ts';
import { SangamError } from '../../errors.ts';
import {
  channelAnswered,
  channelSending,
  type ChannelSending,
  nextDueSend,
  restChannel,
  type SendRow,
  type Store,
} from '../../store/index.ts';
import type { Provider, SendAnswer } from '../../whatsapp/index.ts';
import {
  breakerWaitMs,
  callPlaceMs,
  type Dispatcher,
  QueueWorker,
  type TickFailed,
  type TickOutcome,
} from '../../work/index.ts';
import type { MediaPlaces } from '../media/places.ts';
import { GroupCommit } from '../receive/group-commit.ts';
import { type Claimed, type ClaimedBatch, claimSends, leaseMs } from './claim.ts';
import { endReleased } from './released.ts';
import { type Departing, departSends, recheckDepartures, takeBack } from './depart.ts';
import { type Answered, followErrors, settleSends, stopChannel } from './settle.ts';
import { noReason } from './statuses.ts';
import { nameProblems, renewTemplates } from './templates.ts';
import { uploadMedia } from './uploads.ts';

/** Who carries a channel's messages; undefined: it has no access token. */
export interface Providers {
  of(workspaceId: string, channel: ChannelSending): Promise<Provider | undefined>;
}

export interface SendCounts {
  sent(
    channel: { readonly workspaceId: string; readonly channelId: string },
    outcome: SendAnswer['outcome'],
  ): void;
  readonly failed: TickFailed;
}

/** Sends what is due, until stopped. */
export interface Sender {
  start(): void;
  /** Ends after the calls under way. */
  stop(): Promise<void>;
}

/** Sends claimed at a time, and calls of one channel under way at once. */
const mostClaimed = 200;
const mostUnderWay = 200;
const sliceSize = 50;
/** A look at who may be written to holds for so long: then whoever has not been called yet is looked at anew (docs/design.md §3.5). */
export const freshMs = 500;
/** A call whose connection takes longer to be made says nothing: a STOP answered before may not be followed by more than 1 s. */
const begunMs = 900;
const largestGroup = { items: 200, weight: 200 };
/** How soon a channel is looked at again whose calls are all under way. */
const busyMs = 50;

export function createSender(dependencies: {
  store: Store;
  clock: Clock;
  dispatcher: Dispatcher;
  providers: Providers;
  places: MediaPlaces;
  counts: SendCounts;
}): Sender {
  const { store, clock, dispatcher, providers, places, counts } = dependencies;
  const underWay = new Map<string, Set<Promise<void>>>();
  /** By who carries the channel: with another token it is another. */
  const settling = new WeakMap<Provider, GroupCommit<Answered>>();
  const uploading = new Map<string, Promise<void>>();

  const callsOf = (channelId: string): Set<Promise<void>> => {
    const calls = underWay.get(channelId) ?? new Set();
    underWay.set(channelId, calls);
    return calls;
  };

  /** One call and what became of it. */
  const call = async (
    workspaceId: string,
    channel: ChannelSending,
    provider: Provider,
    departing: Departing,
    checkedAt: number,
  ): Promise<void> => {
    const { claimed, attemptId } = departing;
    const answer = await provider.send({
      ...(claimed.waId === undefined ? {} : { waId: claimed.waId }),
      ...(claimed.bsuid === undefined ? {} : { bsuid: claimed.bsuid }),
      content: claimed.content,
      opaque: attemptId,
      mediaIds: claimed.mediaIds,
      asMarketing: claimed.send.asMarketing,
      ...(claimed.send.category === 'marketing' ? { beginBy: checkedAt + begunMs } : {}),
    });
    counts.sent({ workspaceId, channelId: channel.channelId }, answer.outcome);
    await settlingOf(workspaceId, channel, provider).add({ departing, answer }, 1);
  };

  /** What answers of a channel come to, those that came together in one transaction. */
  const settlingOf = (
    workspaceId: string,
    channel: ChannelSending,
    provider: Provider,
  ): GroupCommit<Answered> => {
    const known = settling.get(provider);
    if (known !== undefined) return known;
    const commit = new GroupCommit<Answered>(async (group) => {
      const now = clock.now();
      const isUnknown = group.some(({ answer }) => answer.outcome === 'unknown');
      const isHeard = group.some(({ answer }) => answer.outcome !== 'unknown');
      await store.transact(workspaceId, async (trx) => {
        const current = (await channelSending(trx, channel.channelId)) ?? channel;
        await settleSends(trx, current, group, now);
        if (isUnknown) {
          const noAnswer = { code: 'timeout', retry: 'later' } as const;
          await restChannel(
            trx,
            channel.channelId,
            now + breakerWaitMs(noAnswer, current.failedAttempts + 1),
          );
        } else if (isHeard && current.failedAttempts > 0) await channelAnswered(trx, channel.channelId);
      });
      const refused = group.flatMap(({ answer, departing }) =>
        answer.outcome === 'refused' ? [departing.claimed.send.sendId] : [],
      );
      if (refused.length > 0) await nameProblems(store, workspaceId, channel, provider, refused, clock);
    }, largestGroup);
    settling.set(provider, commit);
    return commit;
  };

  /** Lets a slice go: looked at once more, then called. */
  const depart = async (
    workspaceId: string,
    channel: ChannelSending,
    provider: Provider,
    slice: readonly Claimed[],
  ): Promise<void> => {
    let checkedAt = performance.now();
    let left = await store.transact(workspaceId, (trx) =>
      departSends(trx, channel.channelId, slice, clock.now()),
    );
    const calls = callsOf(channel.channelId);
    while (left.length > 0) {
      const [next, ...others] = left;
      if (next === undefined) return;
      if (performance.now() - next.claimed.heldAt > holdsMs) {
        const late = left;
        await store.transact(workspaceId, (trx) => takeBack(trx, late, clock.now()));
        return;
      }
      if (performance.now() - checkedAt > freshMs) {
        checkedAt = performance.now();
        const again = left;
        left = await store.transact(workspaceId, (trx) =>
          recheckDepartures(trx, channel.channelId, again, clock.now()),
        );
        continue;
      }
      left = others;
      const one = call(workspaceId, channel, provider, next, checkedAt)
        .catch((error: unknown) => counts.failed(error, { workspaceId, failures: 1 }))
        .finally(() => calls.delete(one));
      calls.add(one);
    }
  };

  /** Undefined: it cannot be, now or until somebody acts, which is written down. */
  const opened = async (workspaceId: string, channel: ChannelSending): Promise<Provider | undefined> => {
    try {
      const provider = await providers.of(workspaceId, channel);
      if (provider === undefined) {
        await store.transact(workspaceId, (trx) => stopChannel(trx, channel, noToken, clock.now()));
      }
      return provider;
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      const until = clock.now() + breakerWaitMs(error, channel.failedAttempts + 1);
      await store.transact(workspaceId, (trx) => restChannel(trx, channel.channelId, until));
      return undefined;
    }
  };

  /** Templates nobody has looked for yet, and those WhatsApp said are otherwise. */
  const lookUp = async (
    workspaceId: string,
    channel: ChannelSending,
    provider: Provider,
    { unknownTemplates, failed }: ClaimedBatch,
  ): Promise<void> => {
    await nameProblems(
      store,
      workspaceId,
      channel,
      provider,
      failed.map(({ sendId }) => sendId),
      clock,
    );
    try {
      await renewTemplates(store, workspaceId, channel, provider, unknownTemplates, clock);
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      await store.transact(workspaceId, async (trx) => {
        const now = clock.now();
        if (curedByAdmin.has(error.code)) await stopChannel(trx, channel, error.message, now);
        else
          await restChannel(trx, channel.channelId, now + breakerWaitMs(error, channel.failedAttempts + 1));
      });
    }
  };

  const claimed = (
    workspaceId: string,
    channel: ChannelSending,
    most: number,
    heldAt: number,
  ): Promise<ClaimedBatch> =>
    store.transact(workspaceId, async (trx) => {
      const at = { now: clock.now(), heldAt };
      const batch = await claimSends(trx, channel, most, at);
      await followErrors(trx, channel, batch.failed.map(failedOf), at.now);
      return batch;
    });

  /** One after the other of a channel, while what needs no medium leaves. */
  const upload = (
    workspaceId: string,
    channel: ChannelSending,
    provider: Provider,
    mediaIds: readonly string[],
  ): void => {
    const { channelId } = channel;
    if (mediaIds.length === 0) return;
    const after = uploading.get(channelId) ?? Promise.resolve();
    const one = after
      .then(() => uploadMedia({ store, clock, places }, workspaceId, channel, provider, mediaIds))
      .catch((error: unknown) => counts.failed(error, { workspaceId, failures: 1 }))
      .finally(() => {
        if (uploading.get(channelId) === one) uploading.delete(channelId);
      });
    uploading.set(channelId, one);
  };

  const tick = async (workspaceId: string, channelId: string): Promise<TickOutcome> => {
    const { channel, nextAt } = await store.transact(workspaceId, async (trx) => ({
      channel: await channelSending(trx, channelId),
      nextAt: await nextDueSend(trx, channelId),
    }));
    // A number nobody sends from is not found to lack anything.
    if (nextAt > clock.now()) return 'done';
    if (channel === undefined) {
      const most = await store.transact(workspaceId, (trx) =>
        endReleased(trx, channelId, mostClaimed, clock.now()),
      );
      return most ? 'more' : 'done';
    }
    if (channel.paused || channel.blockedReason !== null) {
      const { full } = await claimed(workspaceId, channel, mostClaimed, performance.now());
      return full ? 'more' : 'done';
    }
    if (channel.nextCallAt > clock.now()) return { notBefore: channel.nextCallAt };
    const calls = callsOf(channelId);
    const room = mostUnderWay - calls.size;
    if (room < sliceSize) return { notBefore: clock.now() + busyMs };
    const provider = await opened(workspaceId, channel);
    if (provider === undefined) return 'done';
    const heldAt = performance.now();
    const batch = await claimed(workspaceId, channel, Math.min(mostClaimed, room), heldAt);
    await lookUp(workspaceId, channel, provider, batch);
    for (let from = 0; from < batch.claimed.length; from += sliceSize) {
      await depart(workspaceId, channel, provider, batch.claimed.slice(from, from + sliceSize));
    }
    upload(workspaceId, channel, provider, batch.missingMedia);
    if (batch.moreAt !== undefined) return { notBefore: batch.moreAt };
    return batch.full || batch.unknownTemplates.length > 0 ? 'more' : 'done';
  };

  const worker = new QueueWorker(dispatcher, {
    queue: 'sends',
    failed: counts.failed,
    placeMs: callPlaceMs,
    tick: ({ workspaceId, targetId }) => tick(workspaceId, targetId),
  });
  return {
    start: () => worker.start(),
    async stop() {
      await worker.stop();
      await Promise.all([...underWay.values()].flatMap((calls) => [...calls]));
      await Promise.all(uploading.values());
    },
  };
}

/** A claim is good for so long: a call may take the rest of its lease. */
const holdsMs = leaseMs - 20_000;

function failedOf(send: SendRow): Parameters<typeof followErrors>[2][number] {
  return {
    send,
    code: send.errorCode ?? noReason,
    details: send.explanation ?? undefined,
    afterMs: undefined,
    atOnce: false,
    beganAt: send.triedAt ?? 0,
  };
}

/** Why an account's templates cannot be looked at, whoever asks and however often. */
const curedByAdmin: ReadonlySet<string> = new Set(['token_refused', 'permission_missing']);

const noToken = 'It has no access token. Enter one for a system user of your business at the number.';
