import type { PropertyDefinition, PropertyGroup } from './property.ts';

/**
 * The part of a new portal's contact properties a WhatsApp integration meets. Names: docs/vendors/hubspot.md §4.2
 * and §4.3.
 */

export const standardGroups: readonly PropertyGroup[] = [
  { name: 'contactinformation', label: 'Contact information', displayOrder: 0, archived: false },
  { name: 'whatsapp', label: 'WhatsApp', displayOrder: 1, archived: false },
];

type Kind = Pick<PropertyDefinition, 'type' | 'fieldType'>;

const text: Kind = { type: 'string', fieldType: 'text' };
const phone: Kind = { type: 'string', fieldType: 'phonenumber' };
const time: Kind = { type: 'datetime', fieldType: 'date' };

const calculated: Partial<PropertyDefinition> = {
  readOnly: true,
  calculated: true,
  hidden: true,
  formField: false,
};

/** Values: docs/vendors/hubspot.md §4.2. */
const lifecycleStages = {
  subscriber: 'Subscriber',
  lead: 'Lead',
  marketingqualifiedlead: 'Marketing Qualified Lead',
  salesqualifiedlead: 'Sales Qualified Lead',
  opportunity: 'Opportunity',
  customer: 'Customer',
  evangelist: 'Evangelist',
  other: 'Other',
};

/** Values: docs/vendors/hubspot.md §4.2 [M]. */
const leadStatuses = {
  NEW: 'New',
  OPEN: 'Open',
  IN_PROGRESS: 'In Progress',
  OPEN_DEAL: 'Open Deal',
  UNQUALIFIED: 'Unqualified',
  ATTEMPTED_TO_CONTACT: 'Attempted to Contact',
  CONNECTED: 'Connected',
  BAD_TIMING: 'Bad Timing',
};

export const standardProperties: readonly PropertyDefinition[] = [
  standard('email', 'Email', text),
  standard('firstname', 'First Name', text),
  standard('lastname', 'Last Name', text),
  standard('phone', 'Phone Number', phone),
  standard('mobilephone', 'Mobile Phone Number', phone),
  standard('hs_whatsapp_phone_number', 'WhatsApp Phone Number', phone, { groupName: 'whatsapp' }),
  standard('company', 'Company Name', text),
  standard('jobtitle', 'Job Title', text),
  standard('website', 'Website URL', text),
  standard('address', 'Street Address', text),
  standard('city', 'City', text),
  standard('state', 'State/Region', text),
  standard('zip', 'Postal Code', text),
  standard('country', 'Country/Region', text),
  standard('message', 'Message', { type: 'string', fieldType: 'textarea' }),
  standard(
    'lifecyclestage',
    'Lifecycle Stage',
    { type: 'enumeration', fieldType: 'radio' },
    choices(lifecycleStages),
  ),
  standard(
    'hs_lead_status',
    'Lead Status',
    { type: 'enumeration', fieldType: 'radio' },
    choices(leadStatuses),
  ),
  standard(
    'hubspot_owner_id',
    'Contact owner',
    { type: 'enumeration', fieldType: 'select' },
    { externalOptions: true },
  ),
  standard('hs_searchable_calculated_phone_number', 'Searchable phone number', text, calculated),
  standard('hs_searchable_calculated_mobile_number', 'Searchable mobile number', text, calculated),
  standard('hs_additional_emails', 'Additional email addresses', text, { readOnly: true }),
  standard('hs_merged_object_ids', 'Merged record IDs', text, { readOnly: true }),
  standard('createdate', 'Create Date', time, { readOnly: true }),
  standard('lastmodifieddate', 'Last Modified Date', time, { readOnly: true }),
  standard('hs_object_id', 'Record ID', { type: 'number', fieldType: 'number' }, { readOnly: true }),
];

export function standard(
  name: string,
  label: string,
  kind: Kind,
  rest: Partial<PropertyDefinition> = {},
): PropertyDefinition {
  return {
    name,
    label,
    ...kind,
    groupName: 'contactinformation',
    description: '',
    options: [],
    displayOrder: -1,
    hasUniqueValue: false,
    hidden: false,
    formField: true,
    hubspotDefined: true,
    externalOptions: false,
    readOnly: false,
    calculated: false,
    ...rest,
  };
}

export function choices(labels: Readonly<Record<string, string>>): Pick<PropertyDefinition, 'options'> {
  return {
    options: Object.entries(labels).map(([value, label], displayOrder) => ({
      value,
      label,
      displayOrder,
      hidden: false,
    })),
  };
}
