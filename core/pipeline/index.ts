export * from './directory.ts';
export * from './receive/receive.ts';
export * from './apply/applier.ts';
export * from './dead-letter-office.ts';
export * from './reconcile/reconcile.ts';
export { contactFields } from './reconcile/contact-fields.ts';
export { type TagChangePayload } from './apply/read-event.ts';
export type { Applied } from './apply/apply-batch.ts';
export type { TurnTaker } from './turns.ts';
