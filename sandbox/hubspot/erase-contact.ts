import type { ChangeSource } from './changes.ts';
import type { Portal } from './record-context.ts';

/** A person is forgotten, with all that stands on their timeline. False = there is nothing under this id to forget. */
export function eraseContact(
  { contacts, communications, associations }: Portal,
  id: string,
  source: ChangeSource,
): boolean {
  const record = contacts.records.exact(id);
  if (record === undefined || record.erased || record.mergedInto !== undefined) return false;
  communications.records.erase([...associations.communicationsOf(id)], source);
  contacts.records.erase([id], source);
  return true;
}
