import {
  areStops,
  type DeadLetter,
  parkDeadLetters,
  raiseAlert,
  type WorkspaceTransaction,
} from '../../store/index.ts';

/** Parks events that could not be applied. Of an opt-out among them a person is told: records do not show it. */
export async function parkEvents(
  trx: WorkspaceTransaction,
  letters: readonly DeadLetter[],
  now: number,
): Promise<void> {
  if (letters.length === 0) return;
  await parkDeadLetters(trx, letters, now);
  const keys = letters.flatMap(({ eventKey }) => eventKey ?? []);
  if (!(await areStops(trx, keys))) return;
  await raiseAlert(
    trx,
    {
      kind: 'opt-out not applied',
      message:
        'Somebody opted out, and it could not be applied: it is a dead letter. Nothing is sent to them, but their record ' +
        'does not show it. Replay the dead letter once its cause is mended.',
    },
    now,
  );
}
