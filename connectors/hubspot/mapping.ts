import type { ContactSource, CrmField, FieldMapping, FieldOwner } from '@sangam/core/crm';
import { toCrmField } from './fields.ts';
import { properties, tagsProperty } from './properties.ts';

/** HubSpot's own properties of every portal that we fill. facts/hubspot.md §4.2. */
const standardFields: readonly CrmField[] = [
  { name: 'firstname', label: 'First Name', kind: 'text', writable: true },
  { name: 'lastname', label: 'Last Name', kind: 'text', writable: true },
  { name: 'phone', label: 'Phone Number', kind: 'phone', writable: true },
];

const fields = new Map(
  [...standardFields, ...properties.map((one) => toCrmField(one))].map((field) => [field.name, field]),
);

/** Which HubSpot property takes which of our fields, and who decides it. Owners: design.md §1. */
export const defaultMapping: readonly FieldMapping[] = [
  {
    ...line('first name', 'firstname', 'if-empty'),
    // A new contact needs an e-mail, a first or a last name (facts/hubspot.md §4.2); many people come without any.
    standIns: ['phone', 'username', "'WhatsApp contact'"],
  },
  line('last name', 'lastname', 'if-empty'),
  line('phone', 'phone', 'if-empty'),
  // Emptied when the number is no longer theirs: numbers change hands.
  line('phone', 'wa_phone_e164', 'ours'),
  line('bsuid', 'wa_bsuid', 'ours'),
  line('username', 'wa_username', 'ours'),
  line('lead source', 'wa_lead_source', 'once'),
  line('opt-in time', 'wa_opt_in_at', 'once'),
  line('first message', 'wa_first_message', 'once'),
  line('last activity', 'wa_last_activity_at', 'ours'),
  line('window state', 'wa_window_state', 'ours'),
  line('window closes at', 'wa_window_closes_at', 'ours'),
  line('waiting since', 'wa_waiting_since', 'ours'),
  line('opt-out', 'wa_opt_out', 'both'),
  line('opt-out time', 'wa_opt_out_at', 'ours'),
  line('tags', tagsProperty, 'both'),
];

function line(source: ContactSource, name: string, owner: FieldOwner): FieldMapping {
  const field = fields.get(name);
  if (field === undefined) throw new RangeError(`There is no property ${name} to map.`);
  return { source, field, owner, transform: 'as is' };
}
