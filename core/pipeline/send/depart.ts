import { v7 as uuidv7 } from 'uuid';
import { keptBack } from '../../sending/index.ts';
import {
  beginAttempts,
  channelSending,
  endAttempts,
  lockSends,
  saveSends,
  sendPriority,
  type SendRow,
  suppressedAmong,
  withdrawalsOf,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { type Claimed, leaseMs, priorityOf } from './claim.ts';
import { sumOf } from './facts.ts';

/** A call that may begin: its attempt is written down. */
export interface Departing {
  readonly claimed: Claimed;
  readonly attemptId: string;
  readonly beganAt: number;
}

/**
 * The last look before a slice leaves: STOPs that came meanwhile, agreements taken back, pauses. What stands in nobody's way
 * is written down as under way; the rest goes back to its gate.
 */
export async function departSends(
  trx: WorkspaceTransaction,
  channelId: string,
  slice: readonly Claimed[],
  now: number,
): Promise<Departing[]> {
  const rows = await lockClaimed(trx, slice);
  const barred = await barredAmong(trx, channelId, slice, now);
  const going = slice.filter((one) => rows.has(one) && !barred.has(one));
  const back = slice.filter((one) => rows.has(one) && barred.has(one));
  const departing = going.map((claimed) => ({ claimed, attemptId: uuidv7(), beganAt: now }));
  await beginAttempts(
    trx,
    departing.map(({ claimed: { send }, attemptId }) => ({
      attemptId,
      sendId: send.sendId,
      channelId,
      number: send.attempts + 1,
      beganAt: now,
    })),
  );
  await saveSends(trx, [
    ...going.map(({ send }): SendRow => ({
      ...send,
      state: 'dispatched',
      attempts: send.attempts + 1,
      priority: sendPriority.afterwards,
      triedAt: send.triedAt ?? now,
      dueAt: now + leaseMs,
      changedAt: now,
    })),
    ...back.map(({ send }) => backToGate(send, now)),
  ]);
  return departing;
}

/** Of calls that were let go and have not begun, those that may still; the others go back to their gate. */
export async function recheckDepartures(
  trx: WorkspaceTransaction,
  channelId: string,
  departing: readonly Departing[],
  now: number,
): Promise<Departing[]> {
  const barred = await barredAmong(
    trx,
    channelId,
    departing.map(({ claimed }) => claimed),
    now,
  );
  const back = departing.filter(({ claimed }) => barred.has(claimed));
  await takeBack(trx, back, now);
  return departing.filter(({ claimed }) => !barred.has(claimed));
}

/** Calls that were let go and never began. */
export async function takeBack(
  trx: WorkspaceTransaction,
  departing: readonly Departing[],
  now: number,
): Promise<void> {
  if (departing.length === 0) return;
  const leases = new Map(departing.map(({ claimed }) => [claimed.send.sendId, claimed.lease]));
  const attempts = new Map(departing.map(({ claimed: { send } }) => [send.sendId, send.attempts + 1]));
  const rows = await lockSends(trx, [...leases.keys()]);
  await endAttempts(
    trx,
    departing.map(({ attemptId }) => ({
      attemptId,
      outcome: 'not begun',
      errorCode: null,
      details: null,
      wamid: null,
      endedAt: now,
    })),
  );
  // One whose lease ran out was taken for unknown meanwhile: here it is known that it never began.
  const own = rows.filter(
    (row) =>
      (row.state === 'dispatched' && row.lease === leases.get(row.sendId)) ||
      (row.state === 'unknown' && row.attempts === attempts.get(row.sendId)),
  );
  await saveSends(
    trx,
    own.map((row) => backToGate(row, now)),
  );
}

function backToGate(send: SendRow, now: number): SendRow {
  return {
    ...send,
    state: 'queued',
    priority: priorityOf(send.category),
    dueAt: now,
    lease: null,
    changedAt: now,
  };
}

/** Those whose claim still stands, locked. */
async function lockClaimed(
  trx: WorkspaceTransaction,
  slice: readonly Claimed[],
): Promise<ReadonlyMap<Claimed, SendRow>> {
  const locked = await lockSends(
    trx,
    slice.map(({ send }) => send.sendId),
  );
  const byId = new Map(locked.map((row) => [row.sendId, row]));
  return new Map(
    slice.flatMap((one) => {
      const row = byId.get(one.send.sendId);
      return row?.state === 'claimed' && row.lease === one.lease ? [[one, row] as const] : [];
    }),
  );
}

async function barredAmong(
  trx: WorkspaceTransaction,
  channelId: string,
  slice: readonly Claimed[],
  now: number,
): Promise<ReadonlySet<Claimed>> {
  const channel = await channelSending(trx, channelId);
  if (channel === undefined || channel.paused || channel.blockedReason !== null || channel.nextCallAt > now)
    return new Set(slice);
  const values = slice.flatMap((one) => one.values);
  // In this order, as where it was decided: a STOP goes from the one over into the other.
  const suppressed = await suppressedAmong(trx, values);
  const withdrawals = await withdrawalsOf(trx, values);
  return new Set(
    slice.filter(
      (one) =>
        one.values.some((value) => suppressed.has(value)) ||
        sumOf(withdrawals, one.values) !== one.withdrawals ||
        (one.send.category === 'marketing' && channel.marketingBlockedReason !== null) ||
        keptBack({ channel, person: { phone: one.send.phone ?? undefined } }) !== undefined,
    ),
  );
}
