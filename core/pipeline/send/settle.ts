import { bsuidOf } from '../../identity/index.ts';
import { afterError, type Aftermath, type Effect } from '../../sending/index.ts';
import {
  blockChannel,
  type ChannelSending,
  type EndedAttempt,
  endAttempts,
  forgetUpload,
  lockGates,
  lockSends,
  pauseTemplate,
  putSuppressions,
  raiseAlert,
  saveGates,
  saveSends,
  sendPriority,
  type SendRow,
  slowChannel,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { type SendAnswer, sendErrorOf, type WebhookSlice } from '../../whatsapp/index.ts';
import { priorityOf, unconfirmedMs, unknownOutcome } from './claim.ts';
import type { Departing } from './depart.ts';
import { parkEnded } from './ended.ts';
import { eventKeyOf, type Sent, tell, tellMessages } from './tell.ts';

/** What WhatsApp answered to one call. */
export interface Answered {
  readonly departing: Departing;
  readonly answer: SendAnswer;
}

/** States of a send nobody has told anything about yet. */
const untold: ReadonlySet<SendRow['state']> = new Set(['dispatched', 'unknown']);

/** Held back by WhatsApp until it has seen how the first are received: usually within the hour. */
const heldByWhatsappMs = 24 * 60 * 60_000;

/** Waits for a paused template, the first time and each later one (docs/vendors/whatsapp.md §3.8). */
const templatePausesMs = [3, 6].map((hours) => hours * 60 * 60_000);

/** Writes down what was answered: the attempt, the send, its message, and what else follows from an error. */
export async function settleSends(
  trx: WorkspaceTransaction,
  channel: ChannelSending,
  answered: readonly Answered[],
  now: number,
): Promise<void> {
  const rows = new Map(
    (
      await lockSends(
        trx,
        answered.map(({ departing }) => departing.claimed.send.sendId),
      )
    ).map((row) => [row.sendId, row]),
  );
  await endAttempts(
    trx,
    answered.map(({ departing: { attemptId }, answer }) => endedOf(attemptId, answer, now)),
  );
  const saved: SendRow[] = [];
  const refused: Failed[] = [];
  const accepted: Sent[] = [];
  for (const { departing, answer } of answered) {
    const row = rows.get(departing.claimed.send.sendId);
    // What is answered to a try before the last one is written down with that try, and says nothing of the next.
    if (row === undefined || row.attempts !== departing.claimed.send.attempts + 1) continue;
    if (answer.outcome === 'accepted') {
      const send = acceptedBy(row, answer, now);
      saved.push(send);
      accepted.push({ send, wamid: answer.wamid, beganAt: departing.beganAt });
    } else if (untold.has(row.state)) {
      if (answer.outcome === 'unknown') saved.push(unknownOutcome(row, answer.why, now));
      else
        refused.push({
          send: row,
          code: answer.error.code,
          details: answer.error.details,
          afterMs: answer.error.afterMs,
          atOnce: true,
          beganAt: departing.beganAt,
        });
    }
  }
  await saveSends(trx, saved);
  await tellMessages(trx, channel, accepted, now);
  await followErrors(trx, channel, refused, now);
}

function endedOf(attemptId: string, answer: SendAnswer, now: number): EndedAttempt {
  return {
    attemptId,
    outcome: answer.outcome,
    errorCode: answer.outcome === 'refused' ? answer.error.code : null,
    details:
      answer.outcome === 'refused'
        ? (answer.error.details ?? null)
        : answer.outcome === 'unknown'
          ? answer.why
          : null,
    wamid: answer.outcome === 'accepted' ? answer.wamid : null,
    endedAt: now,
  };
}

function acceptedBy(
  row: SendRow,
  { wamid, held }: Extract<SendAnswer, { outcome: 'accepted' }>,
  now: number,
): SendRow {
  // A status may have come before the answer.
  if (!untold.has(row.state)) return { ...row, wamid };
  return {
    ...row,
    wamid,
    state: 'accepted',
    reason: held ? 'held by WhatsApp' : null,
    explanation: held ? 'WhatsApp holds it back until it has seen how others receive this template.' : null,
    priority: sendPriority.afterwards,
    dueAt: now + (held ? heldByWhatsappMs : unconfirmedMs),
    lease: null,
    changedAt: now,
  };
}

/** A send WhatsApp did not take, or did not deliver. */
export interface Failed {
  readonly send: SendRow;
  readonly code: number;
  readonly details: string | undefined;
  readonly afterMs: number | undefined;
  readonly atOnce: boolean;
  /** Of the call, in milliseconds. */
  readonly beganAt: number;
}

/** Sends, locked, that failed: each goes again or has ended, and what its error says of others is done. */
export async function followErrors(
  trx: WorkspaceTransaction,
  channel: ChannelSending,
  failed: readonly Failed[],
  now: number,
): Promise<void> {
  if (failed.length === 0) return;
  const gates = new Map(
    await lockGates(
      trx,
      channel.channelId,
      failed.flatMap(({ send }) => send.phone ?? send.bsuidKey ?? []),
    ),
  );
  const saved: SendRow[] = [];
  for (const { send, code, details, afterMs, atOnce, beganAt } of failed) {
    const address = send.phone ?? send.bsuidKey ?? '';
    const gate = gates.get(address);
    const aftermath = afterError({
      now,
      code,
      rule: sendErrorOf(code),
      details,
      afterMs,
      atOnce,
      attempts: send.attempts,
      triedAt: send.triedAt ?? now,
      cappedAt: send.cappedAt,
      asMarketing: send.asMarketing,
      mediumRenewed: send.mediumRenewed,
      rests: gate?.rests ?? 0,
    });
    saved.push(becomes(send, aftermath, code, atOnce, now));
    for (const effect of aftermath.effects) {
      if (gate !== undefined) gates.set(address, gateAfter(gates.get(address) ?? gate, effect, now));
      await followEffect(trx, channel, { send, beganAt }, effect, now);
    }
  }
  await saveGates(trx, channel.channelId, [...gates.values()]);
  await saveSends(trx, saved);
  await parkEnded(trx, saved, now);
}

function becomes(
  send: SendRow,
  { next, reason, explanation, dueAt, cappedAt, asMarketing }: Aftermath,
  code: number,
  atOnce: boolean,
  now: number,
): SendRow {
  const common = { ...send, reason, explanation, errorCode: code, lease: null, changedAt: now };
  if (next === 'ended') return { ...common, state: atOnce ? 'refused' : 'failed', dueAt: null };
  return {
    ...common,
    state: 'queued',
    priority: priorityOf(send.category),
    dueAt,
    wamid: null,
    cappedAt: cappedAt ?? send.cappedAt,
    // What is tried a day later has its hour anew.
    triedAt: cappedAt === undefined ? send.triedAt : null,
    asMarketing: asMarketing ?? send.asMarketing,
    mediumRenewed: send.mediumRenewed || reason === 'medium again',
  };
}

type Gate = Parameters<typeof saveGates>[2][number];

function gateAfter(gate: Gate, effect: Effect, now: number): Gate {
  switch (effect.kind) {
    case 'window denied':
      return { ...gate, windowDeniedAt: now };
    case 'unreachable':
      return { ...gate, unreachable: gate.unreachable + 1, unreachableAt: now };
    case 'person rests':
      return { ...gate, restUntil: effect.until, rests: gate.rests + 1 };
    default:
      return gate;
  }
}

async function followEffect(
  trx: WorkspaceTransaction,
  channel: ChannelSending,
  { send, beganAt }: Pick<Failed, 'send' | 'beganAt'>,
  effect: Effect,
  now: number,
): Promise<void> {
  const { channelId, phoneNumberId, wabaId } = channel;
  switch (effect.kind) {
    case 'slow channel':
      await slowChannel(trx, channelId, { beganAt, now, until: effect.until });
      return;
    case 'block channel':
      await stopChannel(trx, channel, effect.reason, now);
      return;
    case 'block marketing':
      await blockChannel(trx, channelId, 'marketing', effect.reason);
      await raiseAlert(
        trx,
        {
          kind: 'channel marketing stopped',
          subject: phoneNumberId,
          message: `No marketing is sent from number ${phoneNumberId}. ${effect.reason}`,
        },
        now,
      );
      return;
    case 'pause template':
      if (send.templateName === null) return;
      await pauseTemplate(
        trx,
        wabaId,
        { name: send.templateName, language: send.templateLanguage ?? '' },
        templatePausesMs,
        now,
      );
      return;
    case 'renew media':
      if (send.mediaId !== null) await forgetUpload(trx, send.mediaId, channelId);
      return;
    case 'opted out':
      await tellOptOut(trx, channel, send, now);
      return;
    default:
      return;
  }
}

/** Nothing is sent by it until an admin acts, who is told. */
export async function stopChannel(
  trx: WorkspaceTransaction,
  { channelId, phoneNumberId }: ChannelSending,
  reason: string,
  now: number,
): Promise<void> {
  await blockChannel(trx, channelId, 'everything', reason);
  await raiseAlert(
    trx,
    {
      kind: 'channel stopped',
      subject: phoneNumberId,
      message: `Nothing is sent from number ${phoneNumberId}. ${reason}`,
    },
    now,
  );
}

/** They stopped marketing by WhatsApp's own control, as its refusal says: their will, like a webhook's. */
async function tellOptOut(
  trx: WorkspaceTransaction,
  channel: ChannelSending,
  { sendId, phone, bsuidKey }: SendRow,
  now: number,
): Promise<void> {
  const key = `opted out:${sendId}`;
  const value = phone ?? bsuidKey;
  if (value === null) return;
  await putSuppressions(trx, [{ value, eventKey: eventKeyOf(channel.channelId, key), at: now }]);
  const slice: WebhookSlice = {
    field: 'user_preferences',
    part: 'preference',
    phoneNumberId: channel.phoneNumberId,
    item: {
      ...(phone === null ? { user_id: bsuidOf(value) } : { wa_id: phone.slice(1) }),
      category: 'marketing_messages',
      value: 'stop',
      timestamp: Math.floor(now / 1000),
    },
  };
  await tell(trx, channel, [{ key, slice }], now);
}
