export { Backoff } from './backoff.ts';
export {
  type AccountQueue,
  type Batch,
  createAccountWorker,
  type Failed,
  type Taken,
  type Written,
} from './account-worker.ts';
export { callPlaceMs, ofConnection } from './of-connection.ts';
export { Dispatcher } from './dispatcher.ts';
export { type TickFailed, type TickFailure, type TickOutcome, QueueWorker } from './worker.ts';
export { alertSilentAccounts } from './breaker.ts';
export { callAccount } from './call-account.ts';
export { Calls, type InParts } from './calls.ts';
export { withinLease } from './within-lease.ts';
export { holdFacts, type HeldFacts } from './known-facts.ts';
export { type Connectors, type TraitsOf, wasDisconnected } from './connectors.ts';
export { inHalves } from './in-halves.ts';
export * from './limiter.ts';
export { itemWaitMs } from './retry-schedule.ts';
export { traceBatch, traceUnderWay } from './tracing.ts';
export type { OfConnection, ScanCounts, WrittenBatch } from './written-batch.ts';
