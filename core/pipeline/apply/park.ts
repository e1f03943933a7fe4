import {
  type DeadLetter,
  parkDeadLetters,
  raiseAlert,
  stopsAmong,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { optOutUnapplied } from '../opt-out-letters.ts';

/** Parks events that could not be applied. Of an opt-out among them a person is told: records do not show it. */
export async function parkEvents(
  trx: WorkspaceTransaction,
  letters: readonly DeadLetter[],
  now: number,
): Promise<void> {
  if (letters.length === 0) return;
  const stops = await stopsAmong(
    trx,
    letters.flatMap(({ eventKey }) => eventKey ?? []),
  );
  const marked = letters.map((letter) => ({
    ...letter,
    optOut: letter.eventKey !== undefined && stops.has(letter.eventKey.toString('hex')),
  }));
  await parkDeadLetters(trx, marked, now);
  if (stops.size === 0) return;
  await raiseAlert(trx, optOutUnapplied, now);
}
