import type { UserRecords, Refused, UserRecord } from '../crm.ts';
import { isError } from './catalogue.ts';
import { byUser } from './changes.ts';
import { isLive, type Seen, type StoredRecord } from '../shared/record.ts';
import type { HubspotError } from './errors.ts';
import type { Portal, RecordContext } from './record-context.ts';

/** HubSpot's portals hold one type of person's record; what is logged is neither merged nor restored by itself here. */
const nothingConverts = 'HubSpot has no leads that become contacts: a contact is one from the start.';
const onlyContacts = 'Only contacts are merged and restored: what is logged on them goes along.';

/** Records of one type as a user of HubSpot handles them. `timelineOf` tells what stands on a record, by its id. */
export function userRecords(
  { records, objectType }: RecordContext,
  timelineOf: (id: string) => UserRecord['timeline'],
): UserRecords {
  const told = ({ id, properties }: Seen): UserRecord => ({ id, properties, timeline: timelineOf(id) });

  const write = (
    target: StoredRecord | undefined,
    properties: Readonly<Record<string, unknown>>,
  ): UserRecord | Refused => {
    const writing = records.writing(byUser);
    const draft = writing.draft(target, properties);
    if (isError(draft)) return refused(draft);
    writing.commit();
    return told(records.exact(draft.id) ?? { id: draft.id, properties: draft.values });
  };

  const outcome = (made: StoredRecord | HubspotError): UserRecord | Refused | undefined => {
    if (!isError(made)) return told(made);
    return made.status === 404 ? undefined : refused(made);
  };
  const isContacts = objectType.name === 'contacts';

  return {
    list: (page) => records.list(page, undefined).map(told),
    get(id) {
      const record = records.find('hs_object_id', id);
      return record === undefined ? undefined : told(record);
    },
    create: (properties) => write(undefined, properties),
    update(id, properties) {
      const target = records.find('hs_object_id', id);
      return target === undefined ? undefined : write(target, properties);
    },
    remove(id) {
      if (!isLive(records.exact(id))) return false;
      records.archive([id], byUser);
      return true;
    },
    merge: isContacts
      ? (primaryId, mergedId) => outcome(records.merge(primaryId, mergedId, byUser))
      : onlyContacts,
    restore: isContacts ? (id) => outcome(records.restore(id, byUser)) : onlyContacts,
    convert: nothingConverts,
  };
}

function refused({ status, message }: HubspotError): Refused {
  return { refused: { status, message } };
}

/** What a user sees on a contact: its communications by `hs_timestamp`. docs/vendors/hubspot.md §4.5. */
export function timelineOf(
  { associations, communications }: Portal,
  contactId: string,
): UserRecord['timeline'] {
  return [...associations.communicationsOf(contactId)]
    .map((id) => communications.records.exact(id))
    .filter((record) => record !== undefined)
    .filter(isLive)
    .map(({ id, properties }) => ({
      id,
      at: properties['hs_timestamp'] ?? '',
      text: properties['hs_communication_body'] ?? '',
    }))
    .toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at) || Number(a.id) - Number(b.id));
}
