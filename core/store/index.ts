export * from './schema.ts';
export * from './migrate.ts';
export * from './reach-database.ts';
export * from './backup.ts';
export * from './sealed.ts';
export * from './store.ts';
export * from './text.ts';
export * from './page.ts';
export {
  connectionQueues,
  type DueTarget,
  dueConnection,
  type Queue,
  type RestUntil,
} from './due-notes.ts';
export * from './intake.ts';
export * from './turn.ts';
export { contactsOfPhones, subjectsOfPhones } from './writable.ts';
export { standingContacts, standingContactsAndTied, lockToErase } from './standing-people.ts';
export { homesOfEarlierHolders } from './earlier-holders.ts';
export { recordsOfStrayPhones } from './stray-phones.ts';
export * from './dead-letters.ts';
export * from './evidence.ts';
export * from './identities.ts';
export * from './messages.ts';
export * from './contacts.ts';
export * from './survivors.ts';
export * from './ledgers.ts';
export * from './contact-facts.ts';
export * from './dirty.ts';
export { seeksTwins, subjectOfContact, subjectOfRecord } from './mark-subjects.ts';
export * from './read-contacts.ts';
export * from './workspaces.ts';
export * from './channels.ts';
export * from './connections.ts';
export * from './crm-records.ts';
export * from './links.ts';
export * from './joined-links.ts';
export * from './give-homes.ts';
export * from './crm-writes.ts';
export * from './crm-limits.ts';
export * from './creations.ts';
export * from './attention.ts';
export * from './ended-conflicts.ts';
export * from './reassign-conflicts.ts';
export * from './occurrences.ts';
export * from './counts.ts';
export * from './kept-events.ts';
export * from './json.ts';
export * from './audit.ts';
export * from './find-contact.ts';
export * from './members.ts';
export * from './hand-links.ts';
export * from './timeline.ts';
export * from './timeline-moves.ts';
export * from './timeline-batch.ts';
export * from './timeline-sweep.ts';
export * from './sweep.ts';
export * from './check-findings.ts';
export * from './checks.ts';
export * from './polls.ts';
export * from './erase.ts';
export type { IsTheirs } from './erase-records.ts';
export * from './erasures.ts';
export * from './stored-payloads.ts';
export * from './statement.ts';
export * from './retention.ts';
export { type Gauges, waitingLanes } from './gauges.ts';
