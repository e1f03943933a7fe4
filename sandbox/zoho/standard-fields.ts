import { type Field, fieldSchema, lengths } from './field.ts';
import { metadataId } from './org.ts';

/** Fields Zoho has from the start, as far as the sandbox plays them. docs/vendors/zoho.md §3.1, §4.1, §4.3. */

type Part = Partial<Omit<Field, 'id' | 'api_name' | 'data_type' | 'pick_list_values'>> & {
  readonly options?: readonly string[];
};
type Line = readonly [apiName: string, dataType: string, part?: Part];

const readOnly = { read_only: true } as const;

/** Every module's. */
const common: readonly Line[] = [
  ['Owner', 'ownerlookup'],
  ['Created_By', 'ownerlookup', readOnly],
  ['Modified_By', 'ownerlookup', readOnly],
  ['Created_Time', 'datetime', readOnly],
  ['Modified_Time', 'datetime', readOnly],
];

const person: readonly Line[] = [
  ['First_Name', 'text', { length: 40 }],
  ['Last_Name', 'text', { length: 80, system_mandatory: true }],
  ['Full_Name', 'text', { length: 121, ...readOnly }],
  ['Email', 'email', { finds_duplicates: true }],
  ['Phone', 'phone'],
  ['Mobile', 'phone'],
  [
    'Lead_Source',
    'picklist',
    { options: ['Advertisement', 'Cold Call', 'Employee Referral', 'Web Research', 'Chat'] },
  ],
  ['Email_Opt_Out', 'boolean'],
  ['Description', 'textarea', { length: 32_000 }],
];

const leadStatuses = [
  'Attempted to Contact',
  'Contact in Future',
  'Contacted',
  'Junk Lead',
  'Lost Lead',
  'Not Contacted',
  'Pre-Qualified',
  'Not Qualified',
];

const stages = [
  'Qualification',
  'Needs Analysis',
  'Value Proposition',
  'Proposal/Price Quote',
  'Negotiation/Review',
  'Closed Won',
  'Closed Lost',
];

const lines: Readonly<Record<string, readonly Line[]>> = {
  Leads: [
    ...person,
    ['Company', 'text', { length: 200, layout_mandatory: true }],
    ['Lead_Status', 'picklist', { options: leadStatuses }],
    ['City', 'text', { length: 100 }],
    ['Country', 'text', { length: 100 }],
    ['No_of_Employees', 'integer', { field_label: 'No. of Employees' }],
    ['Annual_Revenue', 'currency'],
    ['Converted__s', 'boolean', { field_label: 'Converted', ...readOnly }],
    ['Converted_Date_Time', 'datetime', readOnly],
    ['Converted_Contact', 'lookup', { looks_up: 'Contacts', ...readOnly }],
    ['Converted_Account', 'lookup', { looks_up: 'Accounts', ...readOnly }],
    ['Converted_Deal', 'lookup', { looks_up: 'Deals', ...readOnly }],
  ],
  Contacts: [
    ...person,
    ['Account_Name', 'lookup', { looks_up: 'Accounts' }],
    ['Mailing_City', 'text', { length: 100 }],
    ['Mailing_Country', 'text', { length: 100 }],
  ],
  Accounts: [
    ['Account_Name', 'text', { length: 200, system_mandatory: true, finds_duplicates: true }],
    ['Phone', 'phone'],
    ['Website', 'website'],
  ],
  Deals: [
    ['Deal_Name', 'text', { length: 120, system_mandatory: true, finds_duplicates: true }],
    ['Stage', 'picklist', { system_mandatory: true, options: stages }],
    ['Pipeline', 'picklist', { options: ['Standard (Standard)'] }],
    ['Amount', 'currency'],
    ['Closing_Date', 'date'],
    ['Contact_Name', 'lookup', { looks_up: 'Contacts' }],
    ['Account_Name', 'lookup', { looks_up: 'Accounts' }],
  ],
  Notes: [
    ['Note_Title', 'text', { length: 120 }],
    ['Note_Content', 'textarea', { length: 65_535 }],
    ['Parent_Id', 'multi_module_lookup', { system_mandatory: true }],
  ],
};

export type StandardModule = 'Leads' | 'Contacts' | 'Accounts' | 'Deals' | 'Notes';
export const standardModules: readonly StandardModule[] = ['Leads', 'Contacts', 'Accounts', 'Deals', 'Notes'];

/** Standard ids end where custom ones begin. */
export const firstCustomId = 500_000;

export function standardFields(module: StandardModule): Field[] {
  const first = 1_000 * (standardModules.indexOf(module) + 1);
  return toFields([...(lines[module] ?? []), ...common], (index) => metadataId(first + 20 * index));
}

/** What a custom module has from the start. */
export function customModuleFields(label: string, idOf: (index: number) => string): Field[] {
  const name: Line = ['Name', 'text', { field_label: label, length: 120, system_mandatory: true }];
  return toFields([name, ...common], idOf);
}

function toFields(all: readonly Line[], idOf: (index: number) => string): Field[] {
  return all.map(([apiName, dataType, { options = [], ...part } = {}], index) => {
    const id = idOf(index);
    return fieldSchema.parse({
      id,
      api_name: apiName,
      field_label: apiName.replaceAll('_', ' '),
      data_type: dataType,
      length: lengths[dataType] ?? 120,
      pick_list_values: options.map((value, at) => ({
        id: String(BigInt(id) + BigInt(10_000_000 + at)),
        display_value: value,
        actual_value: value,
      })),
      ...part,
    });
  });
}
