import type { Clock } from '../../clock.ts';
import type { Connector, CrmValues, FieldMapping, Spelling, WriteOutcome } from '../../crm/index.ts';
import type { ConnectionRow, DeadLetter, DirtyRecord, Store } from '../../store/index.ts';
import type { ErasureKeyOf } from '../erased.ts';
import { type Calls, itemWaitMs } from '../../work/index.ts';
import type { Finding } from './findings.ts';
import type { DirtyBatch } from './load-batch.ts';
import type { LeftOut } from './write-records.ts';

/** One leased batch and all it takes to write it. */
export interface BatchWork {
  readonly store: Store;
  readonly clock: Clock;
  readonly connection: ConnectionRow;
  readonly connector: Connector;
  readonly mapping: readonly FieldMapping[];
  readonly batch: DirtyBatch;
  readonly lease: string;
  readonly calls: Calls;
  readonly erasureKeyOf: ErasureKeyOf;
}

/**
 * What we wrote in the form the CRM answered it. Where a field both sides change was answered otherwise, as after a rule of the
 * account's own, nothing is agreed on it: what stands there is read, and is theirs.
 */
export function asAnswered(
  base: CrmValues,
  written: CrmValues,
  answered: CrmValues,
  mapping: readonly FieldMapping[],
  spelling: Spelling,
): CrmValues {
  const shared = new Map(
    mapping.filter(({ policy }) => policy === 'both').map(({ field }) => [field.name, field]),
  );
  const agreed = new Map(Object.entries(base));
  for (const [name, sent] of Object.entries(written)) {
    const value = answered[name];
    if (value === undefined || !agreed.has(name)) continue;
    const field = shared.get(name);
    if (field === undefined || spelling.same(base[name] ?? sent, value, field)) agreed.set(name, value);
    else agreed.delete(name);
  }
  return Object.fromEntries(agreed);
}

/** Tells what was left out: a value another record holds is a conflict, any other can be replayed. */
export function tellLeftOut(
  { connectionId }: ConnectionRow,
  { contactId, recordId }: { readonly contactId: string | undefined; readonly recordId: string },
  leftOut: readonly LeftOut[],
  now: number,
): Finding {
  if (contactId === undefined) return {};
  return {
    conflicts: leftOut.flatMap(({ holder, explanation }) =>
      holder === undefined
        ? []
        : [{ connectionId, kind: 'taken by another record', contactId, recordIds: [holder], explanation }],
    ),
    letters: leftOut.flatMap(({ holder, values, code, explanation, named }) => {
      if (holder !== undefined) return [];
      const written = named ? `All but ${Object.keys(values).join(', ')}` : 'The opt-out alone';
      return [
        {
          reason: code,
          explanation: `${explanation} ${written} was written. Replay it once the cause is mended.`,
          source: 'crm',
          connectionId,
          contactId,
          recordId,
          receivedAt: now,
        },
      ];
    }),
  };
}

/** What was tried often enough is tried daily. */
export const lastWaitMs = 24 * 60 * 60 * 1000;

/**
 * One item that cannot be written now, or of which nobody knows: its mark alone goes back, and a dead letter is parked
 * once it was tried often enough. `notBefore`: until then what was tried may still be made.
 */
export function comeBack(
  { connection, now }: { readonly connection: ConnectionRow; readonly now: number },
  dirty: DirtyRecord,
  contactId: string | undefined,
  outcome: Extract<WriteOutcome, { outcome: 'later' | 'unknown' }>,
  notBefore?: number,
): Finding {
  const tries = dirty.attempts + 1;
  const waitMs = itemWaitMs(outcome.outcome === 'later' ? outcome.retry : 'later', tries);
  const letter = (): DeadLetter => ({
    reason: outcome.code,
    explanation: `${outcome.explanation} It was tried ${String(tries)} times. Replay it once the cause is mended.`,
    source: 'crm',
    connectionId: connection.connectionId,
    ...(contactId === undefined ? {} : { contactId }),
    recordId: dirty.recordId ?? undefined,
    receivedAt: now,
  });
  const back = {
    dirty,
    retryAt: now + (waitMs ?? lastWaitMs),
    ...(notBefore === undefined ? {} : { notBefore }),
    // What an earlier try came to is still not known.
    untried: outcome.outcome === 'later' && !dirty.tried,
  };
  return { returned: [[dirty, back]], letters: waitMs === undefined ? [letter()] : [] };
}

/** One item of which nothing was written. */
export function refusedAsWhole(
  { connection, now }: { readonly connection: ConnectionRow; readonly now: number },
  dirty: DirtyRecord,
  whose: { readonly contactId: string | undefined; readonly recordId?: string },
  outcome: Exclude<WriteOutcome, { outcome: 'written' }>,
): Finding {
  return { letters: [letterOf(connection, whose, outcome, now)], outcomes: [[dirty, 'refused']] };
}

function letterOf(
  { connectionId }: ConnectionRow,
  { contactId, recordId }: { readonly contactId: string | undefined; readonly recordId?: string },
  outcome: Exclude<WriteOutcome, { outcome: 'written' }>,
  now: number,
): DeadLetter {
  return {
    ...(outcome.outcome === 'refused'
      ? { reason: outcome.code, explanation: outcome.explanation }
      : {
          reason: outcome.outcome,
          explanation: 'explanation' in outcome ? outcome.explanation : 'The record is no longer there.',
        }),
    source: 'crm',
    connectionId,
    ...(contactId === undefined ? {} : { contactId }),
    recordId,
    receivedAt: now,
  };
}
