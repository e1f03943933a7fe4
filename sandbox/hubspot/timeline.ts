import type { UserRecord } from '../crm.ts';
import { isLive } from '../shared/record.ts';
import type { Portal } from './record-context.ts';

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
