import { parkDeadLetters, type SendRow, type WorkspaceTransaction } from '../../store/index.ts';

/** What could not be sent lies where everything lies that could not, to be tried again by a person. */
export async function parkEnded(
  trx: WorkspaceTransaction,
  sends: readonly SendRow[],
  now: number,
): Promise<void> {
  await parkDeadLetters(
    trx,
    sends
      .filter(
        ({ state, reason }) => (state === 'failed' || state === 'refused') && !ownWill.has(reason ?? ''),
      )
      .map((send) => ({
        reason: 'not sent',
        explanation: send.explanation ?? 'It could not be sent.',
        source: 'us' as const,
        channelId: send.channelId,
        sendId: send.sendId,
        receivedAt: send.askedAt,
      })),
    now,
  );
}

/** Somebody wanted it so: the person, or whoever keeps the number from sending. */
const ownWill: ReadonlySet<string> = new Set([
  'opted out',
  'shadow',
  'not listed',
  'marketing cap',
  'something else was sent',
]);
