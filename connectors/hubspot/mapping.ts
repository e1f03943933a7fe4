import type { ContactFields, FieldMapping } from '@sangam/core/crm';
import { addedTags, writtenTags } from './tags.ts';
import { tagsProperty } from './properties.ts';
import { sameInstant, writtenText, writtenTime } from './values.ts';

/** Which HubSpot property takes which of our fields, and who decides it. Owners: design.md §1. */
export const defaultMapping: readonly FieldMapping[] = [
  {
    crmField: 'firstname',
    owner: 'if-empty',
    value: (contact) => writtenText(contact.firstName),
    // A new contact needs an e-mail, a first or a last name (facts/hubspot.md §4.2); many people come without any.
    standIns: (contact) => [
      ...(contact.phone === undefined ? [] : [contact.phone]),
      ...(contact.username === undefined ? [] : [`@${writtenText(contact.username)}`]),
      'WhatsApp contact',
    ],
  },
  { crmField: 'lastname', owner: 'if-empty', value: (contact) => writtenText(contact.lastName) },
  { crmField: 'phone', owner: 'if-empty', value: (contact) => contact.phone },
  // Emptied when the number is no longer theirs: numbers change hands.
  { crmField: 'wa_phone_e164', owner: 'ours', value: (contact) => contact.phone ?? '' },
  { crmField: 'wa_bsuid', owner: 'ours', value: (contact) => writtenText(contact.bsuid ?? '') },
  { crmField: 'wa_username', owner: 'ours', value: (contact) => writtenText(contact.username ?? '') },
  { crmField: 'wa_lead_source', owner: 'once', value: (contact) => contact.leadSource },
  time('wa_opt_in_at', 'once', (contact) => contact.optInAt),
  {
    crmField: 'wa_first_message',
    owner: 'once',
    value: (contact) => writtenText(contact.firstMessage ?? ''),
  },
  time('wa_last_activity_at', 'ours', (contact) => contact.lastActivityAt),
  { crmField: 'wa_window_state', owner: 'ours', value: (contact) => contact.windowState },
  time('wa_window_closes_at', 'ours', (contact) => contact.windowClosesAt),
  {
    crmField: 'wa_opt_out',
    owner: 'both',
    value: (contact) => String(contact.optOut),
    merge: mergeOptOut,
  },
  time('wa_opt_out_at', 'ours', (contact) => contact.optOutAt),
  { crmField: tagsProperty, owner: 'both', value: (contact) => writtenTags(contact.tags), merge: addedTags },
];

/**
 * An opt-out is written whenever it is missing. A standing one is lifted only where we wrote it and the person has
 * come back since: one a rep entered, who heard it on the phone, is never lifted. A message too few, never one too many.
 */
function mergeOptOut(ours: string, theirs: string, base: string | undefined): string | undefined {
  if (theirs === ours) return undefined;
  return theirs === 'true' && base !== 'true' ? undefined : ours;
}

function time(
  crmField: string,
  owner: 'once' | 'ours',
  read: (contact: ContactFields) => number | undefined,
): FieldMapping {
  return {
    crmField,
    owner,
    value: (contact) => {
      const at = read(contact);
      return at === undefined ? undefined : writtenTime(at);
    },
    same: sameInstant,
  };
}
