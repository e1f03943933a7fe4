export { Backoff } from './backoff.ts';
export { callPlaceMs, ofConnection } from './of-connection.ts';
export { Rounds } from './rounds.ts';
export { type TurnFailed, type TurnFailure, type TurnOutcome, TurnTaker } from './turns.ts';
