import { z } from 'zod';
import type { SandboxClock } from './clock.ts';
import type { Append, JournalPart } from './journal.ts';

const entrySchema = z.number();

/** Keeps what the clock was advanced by: without it, a restart would put yesterday's records into the future. */
export function clockJournal(clock: SandboxClock, append: Append): { part: JournalPart; close: () => void } {
  const stop = clock.onAdvance(() => append(clock.offsetMs));
  const part: JournalPart = {
    name: 'clock',
    replay(entry) {
      const offsetMs = entrySchema.parse(entry);
      if (offsetMs > clock.offsetMs) clock.advance(offsetMs - clock.offsetMs);
    },
    snapshot: () => [clock.offsetMs],
  };
  return { part, close: stop };
}
