import type { CrmField, FieldMapping, FieldPolicy, MappingSource } from '@sangam/core/crm';
import { toCrmField } from './fields.ts';
import { mappedProperties, properties } from './properties.ts';

/** HubSpot's own properties of every portal that we fill. docs/vendors/hubspot.md §4.2. */
const standardFields: readonly CrmField[] = [
  { name: 'firstname', label: 'First Name', kind: 'text', writable: true },
  { name: 'lastname', label: 'Last Name', kind: 'text', writable: true },
  { name: 'phone', label: 'Phone Number', kind: 'phone', writable: true },
  {
    name: 'lifecyclestage',
    label: 'Lifecycle Stage',
    kind: 'choice',
    writable: true,
    options: [{ value: 'lead', label: 'Lead' }],
  },
  {
    name: 'hs_lead_status',
    label: 'Lead Status',
    kind: 'choice',
    writable: true,
    options: [{ value: 'NEW', label: 'New' }],
  },
];

const fields = new Map(
  [...standardFields, ...properties.map((one) => toCrmField(one))].map((field) => [field.name, field]),
);

/** Which HubSpot property takes which of our fields, and who decides it. Owners: docs/design.md §1. */
export const defaultMapping: readonly FieldMapping[] = [
  {
    ...line('first name', 'firstname', 'if-empty'),
    // A new contact needs an e-mail, a first or a last name (docs/vendors/hubspot.md §4.2); many people come without
    // any.
    standIns: ['phone', 'username', "'WhatsApp contact'"],
  },
  line('last name', 'lastname', 'if-empty'),
  line('phone', 'phone', 'if-empty'),
  line({ constant: 'lead' }, 'lifecyclestage', 'once'),
  line({ constant: 'NEW' }, 'hs_lead_status', 'once'),
  ...mappedProperties.map(({ source, policy, property }) => line(source, property.name, policy)),
];

function line(source: MappingSource, name: string, policy: FieldPolicy): FieldMapping {
  const field = fields.get(name);
  if (field === undefined) throw new RangeError(`There is no property ${name} to map.`);
  return { source, field, policy, transform: 'as is' };
}
