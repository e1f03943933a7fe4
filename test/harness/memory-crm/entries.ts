import { randomUUID } from 'node:crypto';
import type { EntryOutcome, EntryWrite } from '@sangam/core/crm';
import type { MemoryCrmRules } from './rules.ts';

interface MemoryEntry {
  readonly entryId: string;
  readonly entryKey: string;
  recordId: string;
  /** Where it stands, milliseconds. */
  at: number;
  text: string;
}

/** What the records of one account show of conversations. */
export interface MemoryEntries {
  /** `stands`: whether there is such a record. */
  write(write: EntryWrite, stands: (recordId: string) => boolean): EntryOutcome;
  of(recordIds: readonly string[]): MemoryEntry[];
  remove(entryIds: readonly string[]): void;
  move(from: string, to: string): void;
}

export function openEntries({
  entries: entryClass = 'findable',
  wholeLines = false,
}: MemoryCrmRules): MemoryEntries {
  const entries = new Map<string, MemoryEntry>();
  return {
    write({ entry, entryId }, stands) {
      if (!stands(entry.recordId)) return { entryKey: entry.entryKey, outcome: 'gone' };
      const text = entry.lines
        .map(({ sender, text: said, status, replied }) => {
          const became = [status ?? [], wholeLines && replied ? 'replied' : []].flat().join(', ');
          return `${wholeLines ? `${sender}: ` : ''}${said}${became === '' ? '' : ` (${became})`}`;
        })
        .join('\n');
      const known =
        entryId === undefined && entryClass === 'findable'
          ? undefined
          : [...entries.values()].find((one) =>
              entryClass === 'keyed' ? one.entryKey === entry.entryKey : one.entryId === entryId,
            );
      if (known !== undefined) {
        // A findable entry stays where it was made.
        Object.assign(known, {
          text,
          at: entry.at,
          ...(entryClass === 'keyed' ? { recordId: entry.recordId } : {}),
        });
        return { entryKey: entry.entryKey, outcome: 'written', entryId: known.entryId };
      }
      if (entryId !== undefined) return { entryKey: entry.entryKey, outcome: 'gone' };
      const made = {
        entryId: `e-${randomUUID()}`,
        entryKey: entry.entryKey,
        recordId: entry.recordId,
        at: entry.at,
        text,
      };
      entries.set(made.entryId, made);
      return { entryKey: entry.entryKey, outcome: 'written', entryId: made.entryId };
    },
    of: (recordIds) => [...entries.values()].filter(({ recordId }) => recordIds.includes(recordId)),
    remove(entryIds) {
      for (const entryId of entryIds) entries.delete(entryId);
    },
    move(from, to) {
      for (const entry of entries.values()) if (entry.recordId === from) entry.recordId = to;
    },
  };
}
