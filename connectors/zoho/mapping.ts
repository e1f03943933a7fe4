import type { CrmField, FieldMapping, FieldPolicy, MappingSource } from '@sangam/core/crm';
import { kindOfType, mappedFields } from './our-fields.ts';

/** Zoho's own fields of every account that we fill. docs/vendors/zoho.md §4.1. */
const standardFields = {
  First_Name: { label: 'First Name', kind: 'text' },
  Last_Name: { label: 'Last Name', kind: 'text' },
  Phone: { label: 'Phone', kind: 'phone' },
  Lead_Source: {
    label: 'Lead Source',
    kind: 'choice',
    // A value that is in no list is taken. docs/vendors/zoho.md §3.1
    options: [{ value: 'WhatsApp', label: 'WhatsApp' }],
  },
  Lead_Status: {
    label: 'Lead Status',
    kind: 'choice',
    on: ['Leads'],
    options: [{ value: 'Not Contacted', label: 'Not Contacted' }],
  },
  Company: { label: 'Company', kind: 'text', on: ['Leads'] },
} as const satisfies Readonly<Record<string, Omit<CrmField, 'name' | 'writable'>>>;

/** Which field takes which of ours, and who decides it. Owners: docs/design.md §1. */
export const defaultMapping: readonly FieldMapping[] = [
  standard('first name', 'First_Name', 'if-empty'),
  {
    ...standard('last name', 'Last_Name', 'if-empty'),
    // Without one there is no lead and no contact (docs/vendors/zoho.md §4.1); many people come without.
    standIns: ['phone', 'username', "'WhatsApp contact'"],
  },
  standard('phone', 'Phone', 'if-empty'),
  standard({ constant: 'WhatsApp' }, 'Lead_Source', 'once'),
  standard({ constant: 'Not Contacted' }, 'Lead_Status', 'once'),
  // Layouts want one of a lead, and who edits it next in Zoho would have to make one up.
  standard({ constant: '[not provided]' }, 'Company', 'once'),
  ...mappedFields.map(({ source, policy, field: { name, label, type, options } }): FieldMapping => {
    const choices =
      options === undefined ? {} : { options: options.map((value) => ({ value, label: value })) };
    return line(source, { name, label, kind: kindOfType[type], writable: true, ...choices }, policy);
  }),
];

function standard(
  source: MappingSource,
  name: keyof typeof standardFields,
  policy: FieldPolicy,
): FieldMapping {
  return line(source, { name, writable: true, ...standardFields[name] }, policy);
}

function line(source: MappingSource, field: CrmField, policy: FieldPolicy): FieldMapping {
  return { source, field, policy, transform: 'as is' };
}
