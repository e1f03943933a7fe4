export { Backoff } from './backoff.ts';
export { callPlaceMs, ofConnection } from './of-connection.ts';
export { Dispatcher } from './dispatcher.ts';
export { type TickFailed, type TickFailure, type TickOutcome, QueueWorker } from './worker.ts';
