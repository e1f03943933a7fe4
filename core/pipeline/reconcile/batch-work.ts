import type { Clock } from '../../clock.ts';
import { type Connector, type CrmValues, type FieldMapping } from '../../crm/index.ts';
import { type ConnectionRow, type DeadLetter, type Store } from '../../store/index.ts';
import type { ErasureKeyOf } from '../erased.ts';
import type { Findings } from './findings.ts';
import type { DirtyBatch } from './load-batch.ts';
import { type RecordOutcome } from './write-records.ts';

/** One leased batch and all it takes to write it. */
export interface BatchWork {
  readonly store: Store;
  readonly clock: Clock;
  readonly connection: ConnectionRow;
  readonly connector: Connector;
  readonly mapping: readonly FieldMapping[];
  readonly batch: DirtyBatch;
  readonly lease: string;
  readonly erasureKeyOf: ErasureKeyOf;
}

/** What we wrote in the form the CRM answered it. */
export function asAnswered(base: CrmValues, written: CrmValues, answered: CrmValues): CrmValues {
  const agreed: Record<string, string> = { ...base };
  for (const field of Object.keys(written)) {
    const value = answered[field];
    if (value !== undefined && field in base) agreed[field] = value;
  }
  return agreed;
}

export function noteLeftOut(
  findings: Findings,
  { connectionId }: ConnectionRow,
  contactId: string | undefined,
  { leftOut }: RecordOutcome,
): void {
  if (leftOut === undefined || contactId === undefined) return;
  findings.conflicts.push({
    connectionId,
    kind: 'taken by another record',
    contactId,
    recordIds: [leftOut.recordId],
    explanation: leftOut.explanation,
  });
}

export function letterOf(
  { connectionId }: ConnectionRow,
  contactId: string | undefined,
  outcome: Exclude<RecordOutcome, { outcome: 'written' }>,
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
    receivedAt: now,
  };
}
