import type { CrmField, FieldMapping } from '@sangam/core/crm';

export const memoryFields = {
  key: 'Key',
  phone: 'Phone',
  mobile: 'Mobile',
  stage: 'Stage',
  /** Only so many texts are taken, once a test says which. */
  size: 'Size',
  /** A lead's alone. */
  leadActivity: 'LeadActivity',
} as const;

/** A field as the CRM describes it. */
export const field = (
  name: string,
  kind: CrmField['kind'] = 'text',
  options: readonly string[] = [],
  on?: readonly string[],
): CrmField => ({
  name,
  label: name,
  kind,
  writable: true,
  ...(on === undefined ? {} : { on }),
  ...(options.length === 0 ? {} : { options: options.map((value) => ({ value, label: value })) }),
});

/** Its times are texts without a zone, its flags a choice of two. */
export const standardMapping: readonly FieldMapping[] = (
  [
    ['first name', field('FirstName'), 'if-empty'],
    ['last name', field('LastName'), 'if-empty'],
    ['full name', field('Name'), 'if-empty'],
    ['phone', field(memoryFields.phone, 'phone'), 'if-empty'],
    ['bsuid', field('Bsuid'), 'ours'],
    ['username', field('Username'), 'ours'],
    ['lead source', field('LeadSource', 'choice', ['Advertisement', 'Messenger']), 'once'],
    [{ constant: 'Not Contacted' }, field('Status', 'text', [], ['lead']), 'once'],
    ['opt-in time', field('OptInAt'), 'once'],
    ['first message', field('FirstMessage', 'long text'), 'once'],
    ['first message time', field('FirstMessageAt'), 'once'],
    ['last activity', field('LastActivity'), 'ours'],
    ['window state', field('WindowState'), 'ours'],
    ['window closes at', field('WindowClosesAt'), 'ours'],
    ['waiting since', field('WaitingSince'), 'ours'],
    ['opt-out', field('OptOut', 'choice', ['Yes', 'No']), 'both'],
    ['opt-out time', field('OptOutAt'), 'ours'],
    ['tags', field('Tags'), 'both'],
  ] as const
).map(([source, crmField, policy]) => ({
  source,
  field: crmField,
  policy,
  transform: 'as is',
  ...(source === 'first name' ? { standIns: ['phone', 'username', "'WhatsApp contact'"] as const } : {}),
  ...(source === 'lead source'
    ? {
        values: {
          'WhatsApp CTWA': 'Advertisement',
          'WhatsApp Inbound': 'Messenger',
          WhatsApp: 'Messenger',
        },
      }
    : {}),
}));

/** Deals have fields that are called as people's are. */
export const dealFields = [memoryFields.stage, 'LeadSource'];

/** Mapped by nobody from the start. */
export const leadActivity = field(memoryFields.leadActivity, 'text', [], ['lead']);

/** Where accounts name fields and options each in its own way: what is there before ours are made. */
export const namedByAccounts = {
  vendorFields: ['FirstName', 'LastName', 'Name', memoryFields.phone],
  ownFields: [memoryFields.mobile, memoryFields.stage, memoryFields.size, memoryFields.leadActivity],
  options: {
    LeadSource: { several: false, labels: ['Advertisement', 'Messenger'] },
    OptOut: { several: false, labels: ['Yes', 'No'] },
    [memoryFields.stage]: { several: false, labels: ['new', 'qualified'] },
    Tags: { several: true, labels: [] },
  },
};
