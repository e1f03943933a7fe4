import type { SangamError } from '../errors.ts';
import type { ConnectionRow } from '../store/index.ts';
import { traceBatch, type TracedBatch } from './tracing.ts';

/** Which connection a batch or a call was for. */
export type OfConnection = Pick<ConnectionRow, 'workspaceId' | 'connectionId' | 'crm'>;

/** A batch of records or timeline entries that was written to a CRM. */
export interface WrittenBatch<Outcome extends string> extends OfConnection {
  /** How many came to what. */
  readonly outcomes: ReadonlyMap<Outcome, number>;
  readonly ms: number;
}

/** What is told of scans of a CRM's records. */
export interface ScanCounts {
  scanned(page: OfConnection & { readonly records: number; readonly ms: number }): void;
  callFailed(connection: OfConnection, error: SangamError): void;
}

/** Tells traces of a batch for a CRM that was begun at `since` of the monotonic clock. */
export function traceWrites(
  step: TracedBatch['step'],
  { workspaceId, connectionId, crm }: OfConnection,
  items: readonly { readonly traceparents: readonly string[] | null }[],
  since: number,
  failed?: string,
): void {
  traceBatch({
    step,
    traceparents: items.flatMap(({ traceparents }) => traceparents ?? []),
    startedAt: Date.now() - (performance.now() - since),
    attributes: {
      'sangam.workspace_id': workspaceId,
      'sangam.connection_id': connectionId,
      'sangam.crm': crm,
      'messaging.batch.message_count': items.length,
    },
    failed,
  });
}
