import {
  channelSending,
  endAttempts,
  lockSends,
  reachedAgain,
  saveSends,
  sendPriority,
  type SendRow,
  sendsOfStatuses,
  type SendState,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { sendErrorOf } from '../../whatsapp/index.ts';
import { tellMessages } from './tell.ts';

/** What WhatsApp tells of a message, as far as a send of ours is concerned. Milliseconds. */
export interface SendStatus {
  readonly channelId: string;
  readonly wamid: string;
  readonly status: 'accepted' | 'sent' | 'failed' | 'delivered' | 'read' | 'played';
  /** What we gave along, where it comes back. */
  readonly opaque: string | undefined;
  readonly errorCode: number | null;
  /** WhatsApp's own words of the error. */
  readonly errorDetails: string | null;
}

/** How far a send is; a status takes it forward, never back. */
const ladder: readonly SendState[] = [
  'dispatched',
  'unknown',
  'accepted',
  'unconfirmed',
  'sent',
  'failed',
  'delivered',
  'read',
];

const stateOf = {
  accepted: 'accepted',
  sent: 'sent',
  failed: 'failed',
  delivered: 'delivered',
  read: 'read',
  played: 'read',
} as const satisfies Readonly<Record<SendStatus['status'], SendState>>;

/** WhatsApp gave no code. */
export const noReason = -1;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Brings statuses to the sends they speak of, however late and in whatever order; also where nobody knew what became of one.
 * What failed falls due, for what its error says to be done.
 */
export async function noteSendStatuses(
  trx: WorkspaceTransaction,
  statuses: readonly SendStatus[],
  now: number,
): Promise<void> {
  const isOurs = ({ opaque, status }: SendStatus): boolean =>
    opaque === undefined ? status === 'failed' : uuid.test(opaque);
  const told = statuses.filter(isOurs);
  if (told.length === 0) return;
  const known = await sendsOfStatuses(
    trx,
    told.flatMap(({ opaque }) => opaque ?? []),
    told.flatMap(({ opaque, wamid }) => (opaque === undefined ? [wamid] : [])),
  );
  if (known.length === 0) return;
  const attempts = new Map(
    known.flatMap((one) => [
      [one.attemptId, one] as const,
      ...(one.wamid === null ? [] : [[one.wamid, one] as const]),
    ]),
  );
  const rows = new Map(
    (
      await lockSends(
        trx,
        known.map(({ sendId }) => sendId),
      )
    ).map((row) => [row.sendId, row]),
  );
  const changed = new Map<string, SendRow>();
  const found = new Map<string, { attemptId: string; sendId: string; beganAt: number; wamid: string }>();
  for (const { status, wamid, opaque, errorCode, errorDetails, channelId } of told) {
    const attempt = attempts.get(opaque ?? wamid);
    const row = attempt === undefined ? undefined : (changed.get(attempt.sendId) ?? rows.get(attempt.sendId));
    if (attempt === undefined || row === undefined || row.channelId !== channelId) continue;
    if (attempt.wamid === null) found.set(attempt.attemptId, { ...attempt, wamid });
    const state = stateOf[status];
    // Of a try before the last one nothing counts but that it arrived; that counts whatever was decided since.
    const arrived = state === 'delivered' || state === 'read';
    const from = ladder.indexOf(row.state);
    if (!arrived && (from === -1 || attempt.number !== row.attempts)) continue;
    if (ladder.indexOf(state) <= from) continue;
    changed.set(row.sendId, moved(row, state, { wamid, errorCode, errorDetails }, now));
  }
  await saveSends(trx, [...changed.values()]);
  await endAttempts(
    trx,
    [...found.values()].map(({ attemptId, wamid }) => ({
      attemptId,
      outcome: 'accepted',
      errorCode: null,
      details: null,
      wamid,
      endedAt: now,
    })),
  );
  // Whose answer never came has not been told in its conversation.
  const sent = [...found.values()].flatMap(({ sendId, wamid, beganAt }) => {
    const send = rows.get(sendId);
    return send === undefined ? [] : [{ send, wamid, beganAt }];
  });
  for (const [channelId, some] of Map.groupBy(sent, ({ send }) => send.channelId)) {
    const channel = await channelSending(trx, channelId);
    if (channel !== undefined) await tellMessages(trx, channel, some, now);
  }
  await reachedAgain(
    trx,
    [...changed.values()].filter(({ state }) => state === 'delivered' || state === 'read'),
  );
}

function moved(
  row: SendRow,
  state: SendState,
  { wamid, errorCode, errorDetails }: Pick<SendStatus, 'wamid' | 'errorCode' | 'errorDetails'>,
  now: number,
): SendRow {
  const failed = state === 'failed';
  return {
    ...row,
    state,
    wamid,
    reason: failed ? sendErrorOf(errorCode ?? noReason).action : null,
    // Until it is followed, which says the rest.
    explanation: failed ? errorDetails : null,
    errorCode: failed ? errorCode : null,
    priority: sendPriority.afterwards,
    dueAt: failed ? now : state === 'accepted' ? row.dueAt : null,
    lease: null,
    changedAt: now,
  };
}
