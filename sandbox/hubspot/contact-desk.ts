import type { RecordDesk, Refused, UserRecord } from '../crm.ts';
import { isError } from './catalogue.ts';
import type { Contact, Contacts, Seen } from './contacts.ts';

/** Contacts as a user of HubSpot handles them. */
export function contactDesk(contacts: Contacts): RecordDesk {
  const write = (
    target: Contact | undefined,
    properties: Readonly<Record<string, unknown>>,
  ): UserRecord | Refused => {
    const writing = contacts.writing();
    const draft = writing.draft(target, properties);
    if (isError(draft)) return { refused: { status: draft.status, message: draft.message } };
    writing.commit();
    return toUserRecord(
      contacts.find('hs_object_id', draft.id) ?? { id: draft.id, properties: draft.values },
    );
  };

  return {
    list: (page) => contacts.list(page, undefined).map(toUserRecord),
    get(id) {
      const contact = contacts.find('hs_object_id', id);
      return contact === undefined ? undefined : toUserRecord(contact);
    },
    create: (properties) => write(undefined, properties),
    update(id, properties) {
      const target = contacts.find('hs_object_id', id);
      return target === undefined ? undefined : write(target, properties);
    },
    remove(id) {
      if (contacts.find('hs_object_id', id) === undefined) return false;
      contacts.archive(id);
      return true;
    },
  };
}

/** The timeline is empty: nothing HubSpot's API offers here writes to it yet. */
function toUserRecord({ id, properties }: Seen): UserRecord {
  return { id, properties, timeline: [] };
}
