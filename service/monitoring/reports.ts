import type { Logger } from 'pino';
import type { SangamError } from '@sangam/core/errors';
import type {
  ApplyCounts,
  BatchOutcome,
  EntryResult,
  ReceiveCounts,
  SendCounts,
} from '@sangam/core/pipeline';
import type { ScanCounts, OfConnection, WrittenBatch } from '@sangam/core/work';
import { fieldOfKept, type Metrics } from './metrics.ts';

/** What the pipeline tells of its work, as metrics and as log lines: at info one a batch, at debug one an event. */
export interface Reports {
  readonly receive: ReceiveCounts;
  readonly applied: ApplyCounts['applied'];
  readonly recordsWritten: (batch: WrittenBatch<BatchOutcome>) => void;
  readonly entriesWritten: (batch: WrittenBatch<EntryResult>) => void;
  readonly scanned: ScanCounts['scanned'];
  readonly sent: SendCounts['sent'];
  readonly callFailed: (connection: OfConnection, error: SangamError) => void;
}

export function createReports(metrics: Metrics, logger: Logger): Reports {
  return {
    receive: {
      received: (events) => metrics.received.inc(events),
      committed({ ms, ...group }) {
        metrics.fresh.inc(group.fresh);
        logger.info({ ...group, ms: rounded(ms) }, 'webhooks stored');
      },
      parked: (reason, letters) => metrics.parked.inc({ reason }, letters),
    },
    applied({ events, parked, kept, differing, newContacts, each }, { workspaceId, ms }) {
      metrics.applied.inc(events);
      for (const what of kept) metrics.kept.inc({ field: fieldOfKept(what) });
      metrics.differing.inc(differing);
      metrics.newContacts.inc(newContacts);
      for (const reason of parked) metrics.parked.inc({ reason });
      logger.info(
        {
          workspaceId,
          events,
          parked: parked.length,
          kept: kept.length,
          differing,
          newContacts,
          ms: rounded(ms),
        },
        'events applied',
      );
      if (!logger.isLevelEnabled('debug')) return;
      for (const event of each()) logger.debug({ workspaceId, ...event }, 'event applied');
    },
    recordsWritten(batch) {
      for (const [outcome, records] of batch.outcomes)
        metrics.crmRecords.inc({ crm: batch.crm, outcome }, records);
      logger.info(lineOf(batch), 'records written');
    },
    entriesWritten(batch) {
      for (const [outcome, entries] of batch.outcomes)
        metrics.crmEntries.inc({ crm: batch.crm, outcome }, entries);
      logger.info(lineOf(batch), 'timeline entries written');
    },
    sent: (_channel, outcome) => metrics.sendAttempts.inc({ outcome }),
    scanned({ workspaceId, connectionId, crm, records, ms }) {
      logger.info({ workspaceId, connectionId, crm, records, ms: rounded(ms) }, 'records scanned');
    },
    callFailed({ workspaceId, connectionId, crm }, { code, message: reason }) {
      metrics.crmFailures.inc({ crm, code });
      logger.warn({ workspaceId, connectionId, crm, code, reason }, 'a CRM call failed');
    },
  };
}

function lineOf<Outcome extends string>({
  workspaceId,
  connectionId,
  crm,
  outcomes,
  ms,
}: WrittenBatch<Outcome>): object {
  return { workspaceId, connectionId, crm, outcomes: Object.fromEntries(outcomes), ms: rounded(ms) };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}
