import {
  abandonAttempts,
  lockDueSends,
  saveSends,
  type SendRow,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { unknownOutcome } from './claim.ts';
import { parkEnded } from './ended.ts';

/** What is due of a number that was let go ends: nothing is sent by it any more, nor told of what was. True: there may be more. */
export async function endReleased(
  trx: WorkspaceTransaction,
  channelId: string,
  most: number,
  now: number,
): Promise<boolean> {
  const due = await lockDueSends(trx, channelId, now, most);
  const ended = due.map((send) => endedBy(send, now));
  await abandonAttempts(
    trx,
    due.flatMap(({ state, sendId }) => (state === 'dispatched' ? [sendId] : [])),
    now,
  );
  await saveSends(trx, ended);
  await parkEnded(trx, ended, now);
  return due.length === most;
}

function endedBy(send: SendRow, now: number): SendRow {
  const over = { ...send, dueAt: null, lease: null, changedAt: now };
  switch (send.state) {
    case 'held':
    case 'queued':
    case 'claimed':
      return {
        ...over,
        state: 'refused',
        reason: 'number let go',
        explanation:
          'Its WhatsApp number was let go before it left. Connect the number anew and try again, or send by another.',
      };
    case 'dispatched':
      return unknownOutcome(send, 'Its WhatsApp number was let go before an answer was known.', now);
    case 'accepted':
      return {
        ...over,
        state: 'unconfirmed',
        reason: 'no status',
        explanation: 'WhatsApp accepted it. Its number was let go, so that nothing more is told of it.',
      };
    default:
      return over;
  }
}
