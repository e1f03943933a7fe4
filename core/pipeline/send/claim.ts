import { randomUUID } from 'node:crypto';
import { decide, type GateFacts, pair } from '../../sending/index.ts';
import {
  abandonAttempts,
  type ChannelSending,
  type Gate,
  isAlertOpen,
  lockDueSends,
  lockGates,
  raiseAlert,
  saveGates,
  saveSends,
  type SendCategory,
  sendPriority,
  type SendRow,
  takeThroughput,
  toJson,
  unconfirmedShare,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import type { OutboundContent } from '../../whatsapp/index.ts';
import { type Asking, readFacts } from './facts.ts';
import { parkEnded } from './ended.ts';

/** Longer than a call may take, as every lease. */
export const leaseMs = 60_000;
/** Accepted, and not a word of it since: nobody knows what became of it. */
export const unconfirmedMs = 15 * 60_000;
/** A medium is with WhatsApp by then, or nobody is giving it any more. */
const uploadedByMs = 2 * 60_000;
const restsForgottenMs = 60 * 60_000;
const dayMs = 24 * 60 * 60_000;
/** From this share of a channel's messages on somebody is told. */
const unconfirmedAlarm = 0.05;

/** A send that may leave, with what it takes to send it. */
export interface Claimed {
  readonly send: SendRow;
  readonly lease: string;
  readonly content: OutboundContent;
  /** The provider's ids of the media it names. */
  readonly mediaIds: ReadonlyMap<string, string>;
  readonly waId: string | undefined;
  readonly bsuid: string | undefined;
  /** All the person is known by. */
  readonly values: readonly string[];
  /** Of theirs in the ledger when it was decided. */
  readonly withdrawals: number;
  /** On the monotonic clock, from when the claim is counted. */
  readonly heldAt: number;
}

/** The template of a send that was asked for then. */
export interface AskedTemplate {
  readonly name: string;
  readonly language: string;
  readonly askedAt: number;
}

export interface ClaimedBatch {
  readonly claimed: readonly Claimed[];
  /** Templates that have to be looked for before more is decided. */
  readonly unknownTemplates: readonly AskedTemplate[];
  /** Media that have to be uploaded before what names them leaves. */
  readonly missingMedia: readonly string[];
  /** Those WhatsApp failed by a status. */
  readonly failed: readonly SendRow[];
  /** As many as were asked for: more may be due. */
  readonly full: boolean;
  /** More may leave then; undefined: nothing was kept back by the throughput. */
  readonly moreAt: number | undefined;
}

/**
 * Decides what is due of a channel, in one transaction: what may leave is claimed, what may not says why. Where nothing may, what
 * left before is followed all the same.
 */
export async function claimSends(
  trx: WorkspaceTransaction,
  channel: ChannelSending,
  most: number,
  { now, heldAt }: { readonly now: number; readonly heldAt: number },
): Promise<ClaimedBatch> {
  const stands = channel.paused || channel.blockedReason !== null;
  const which = stands ? [sendPriority.afterwards] : undefined;
  const due = await lockDueSends(trx, channel.channelId, now, most, which);
  const isWaiting = ({ state }: SendRow): boolean =>
    state === 'held' || state === 'queued' || state === 'claimed';
  const abandoned = due.filter(({ state }) => state === 'dispatched');
  await abandonAttempts(
    trx,
    abandoned.map(({ sendId }) => sendId),
    now,
  );
  await saveSends(
    trx,
    abandoned.map((send) =>
      unknownOutcome(send, 'The process that sent it ended before WhatsApp answered.', now),
    ),
  );
  await confirmNone(
    trx,
    channel,
    due.filter(({ state }) => state === 'accepted'),
    now,
  );
  const waiting = due.filter(isWaiting);
  const full = due.length === most;
  const failed = due.filter(({ state }) => state === 'failed');
  if (waiting.length === 0) {
    return { claimed: [], unknownTemplates: [], missingMedia: [], failed, full, moreAt: undefined };
  }

  const facts = await readFacts(trx, channel, waiting, now, lockGates);
  const gates = new Map(facts.gates);
  let { dailyLeft } = facts;
  const saved: SendRow[] = [];
  const missingMedia = new Set<string>();
  const unknown = new Map<string, AskedTemplate>();
  const going: { asking: Asking; claimed: Claimed; before: Gate | undefined; outside: boolean }[] = [];
  for (const asking of facts.asking) {
    const { send, address = '' } = asking;
    const before = gates.get(address);
    const decision = decide(asking.asked, {
      now,
      channel,
      settings: facts.settings,
      person: asking.person,
      gate: before ?? nobodyYet,
      template: asking.template,
      medium: asking.medium,
      sentSomethingElse: asking.sentSomethingElse,
      dailyLeft,
    });
    const whose = { ...send, ...placeOf(asking), lease: null, changedAt: now };
    if (decision.outcome === 'sync') {
      const name = send.templateName ?? '';
      const language = send.templateLanguage ?? '';
      const named = `${name} ${language}`;
      const askedAt = Math.max(send.askedAt, unknown.get(named)?.askedAt ?? 0);
      unknown.set(named, { name, language, askedAt });
      saved.push({ ...whose, state: 'queued', dueAt: now });
    } else if (decision.outcome === 'go' && send.mediaId !== null && asking.uploadId === null) {
      missingMedia.add(send.mediaId);
      saved.push({
        ...whose,
        state: 'queued',
        reason: 'medium under way',
        explanation: 'Its medium is being given to WhatsApp first.',
        dueAt: Math.min(now + uploadedByMs, send.expiresAt),
      });
    } else if (decision.outcome === 'go') {
      const { leaves, shown, category, outside } = decision;
      if (before !== undefined) gates.set(address, enter(before, now, outside));
      if (outside && dailyLeft !== null) dailyLeft -= 1;
      const lease = randomUUID();
      const row: SendRow = {
        ...whose,
        state: 'claimed',
        reason: null,
        explanation: null,
        errorCode: null,
        category,
        priority: priorityOf(category),
        leaves: toJson(leaves),
        shown,
        lease,
        dueAt: now + leaseMs,
      };
      const { waId } = asking;
      const claimed = {
        send: row,
        lease,
        content: leaves,
        mediaIds: new Map(
          send.mediaId === null || asking.uploadId === null ? [] : [[send.mediaId, asking.uploadId]],
        ),
        waId,
        bsuid: asking.person.bsuid,
        values: asking.values,
        withdrawals: asking.withdrawals,
        heldAt,
      };
      going.push({ asking, claimed, before, outside });
    } else {
      const { outcome, reason, explanation, category, dueAt, would } = decision;
      saved.push({
        ...whose,
        state: outcome,
        reason,
        explanation,
        category,
        priority: priorityOf(category),
        dueAt,
        ...(would === undefined ? {} : { leaves: toJson(would.leaves), shown: would.shown }),
      });
    }
  }
  // While it is unknown whether the channel answers, one message finds out.
  const wanted = channel.failedAttempts > 0 ? Math.min(going.length, 1) : going.length;
  const { taken, moreAt } = await takeThroughput(trx, channel, wanted, now);
  for (const { asking, before } of going.slice(taken).toReversed()) {
    const { send, address = '' } = asking;
    if (before !== undefined) gates.set(address, before);
    saved.push({
      ...send,
      ...placeOf(asking),
      lease: null,
      state: 'queued',
      dueAt: Math.max(moreAt, send.dueAt ?? 0),
    });
  }
  const claimed = going.slice(0, taken).map((one) => one.claimed);
  await saveGates(
    trx,
    channel.channelId,
    [...gates.values()].filter((gate) => gate !== facts.gates.get(gate.address)),
  );
  await saveSends(trx, [...saved, ...claimed.map(({ send }) => send)]);
  await parkEnded(trx, saved, now);
  return {
    claimed,
    unknownTemplates: [...unknown.values()],
    missingMedia: [...missingMedia],
    failed,
    full,
    moreAt: taken < going.length ? moreAt : undefined,
  };
}

/** Of who was never sent anything. */
export const nobodyYet: GateFacts['gate'] = {
  restUntil: 0,
  filledUntil: 0,
  unreachable: 0,
  unreachableAt: null,
  windowDeniedAt: null,
  outsideAt: null,
};

/** Somebody's gate once one more message is on its way to them. */
function enter(gate: Gate, now: number, outside: boolean): Gate {
  const filledUntil = Math.max(gate.filledUntil, now) + pair.eachMs;
  // Who was long left alone starts anew.
  const rests = gate.restUntil < now - restsForgottenMs ? 0 : gate.rests;
  return { ...gate, filledUntil, rests, outsideAt: outside ? now : gate.outsideAt };
}

function placeOf({ contactId, address }: Asking): Pick<SendRow, 'contactId' | 'phone' | 'bsuidKey'> {
  const isPhone = address?.startsWith('+') === true;
  return {
    contactId,
    phone: isPhone ? address : null,
    bsuidKey: address === undefined || isPhone ? null : address,
  };
}

export function priorityOf(category: SendCategory): number {
  if (category === 'marketing') return sendPriority.marketing;
  return category === 'utility' ? sendPriority.utility : sendPriority.answer;
}

export function unknownOutcome(send: SendRow, why: string, now: number): SendRow {
  return {
    ...send,
    state: 'unknown',
    reason: 'no answer',
    explanation: `${why} It may have been sent: it is not repeated, and a status of WhatsApp tells.`,
    dueAt: null,
    lease: null,
    changedAt: now,
  };
}

/** What was accepted and never heard of again; where that is much of a channel's, somebody is told. */
async function confirmNone(
  trx: WorkspaceTransaction,
  { channelId, phoneNumberId }: ChannelSending,
  sends: readonly SendRow[],
  now: number,
): Promise<void> {
  if (sends.length === 0) return;
  await saveSends(
    trx,
    sends.map((send) => ({
      ...send,
      state: 'unconfirmed' as const,
      reason: 'no status',
      explanation:
        'WhatsApp accepted it and said nothing of it for 15 minutes. Without a payment method it drops messages without a word.',
      dueAt: null,
      changedAt: now,
    })),
  );
  // Whoever was told already is not told more by counting again.
  if (await isAlertOpen(trx, { kind: 'sends unconfirmed', subject: phoneNumberId })) return;
  const { all, unconfirmed } = await unconfirmedShare(trx, channelId, now - dayMs);
  if (unconfirmed < all * unconfirmedAlarm) return;
  await raiseAlert(
    trx,
    {
      kind: 'sends unconfirmed',
      subject: phoneNumberId,
      message:
        `Of the messages WhatsApp accepted from number ${phoneNumberId} in a day, ${String(unconfirmed)} of ${String(all)} had no ` +
        'status for 15 minutes. See whether the account has a payment method, and whether webhooks arrive.',
    },
    now,
  );
}
