import type { ContactSource, FieldKind, FieldPolicy } from '@sangam/core/crm';

/** The fields Sangam brings to Leads and to Contacts. Shapes: docs/vendors/zoho.md §3.1. */

export interface FieldDefinition {
  /** What Zoho makes of the label: it is read back, an extension's has a prefix. */
  readonly name: string;
  /** At most 25 characters. */
  readonly label: string;
  readonly type: 'text' | 'textarea' | 'datetime' | 'boolean' | 'picklist' | 'lookup';
  readonly length?: number;
  readonly unique?: true;
  readonly options?: readonly string[];
  /** Of a lookup: the module it points to. */
  readonly looksUp?: string;
  /** Seen when somebody points at it. */
  readonly tip?: string;
}

export const kindOfType: Readonly<Record<Exclude<FieldDefinition['type'], 'lookup'>, FieldKind>> = {
  text: 'text',
  textarea: 'long text',
  datetime: 'time',
  boolean: 'flag',
  picklist: 'choice',
};

/** Our own ids are short. */
const idLength = 100;

/** The unique field records are keyed by: our opaque contact id, never the phone (docs/design.md §4). */
export const contactIdField: FieldDefinition = {
  name: 'Sangam_Contact_ID',
  label: 'Sangam Contact ID',
  type: 'text',
  length: idLength,
  unique: true,
  tip: 'The key by which Sangam finds this person again. Please leave it as it is.',
};

/** What each takes of a contact, and who decides it (docs/design.md §1). */
export const mappedFields: readonly {
  readonly source: ContactSource;
  readonly policy: FieldPolicy;
  readonly field: FieldDefinition & { readonly type: keyof typeof kindOfType };
}[] = [
  {
    // Emptied when the number is no longer theirs: numbers change hands.
    source: 'phone',
    policy: 'ours',
    field: { name: 'WhatsApp_Number', label: 'WhatsApp Number', type: 'text', length: 30 },
  },
  {
    source: 'bsuid',
    policy: 'ours',
    field: { name: 'WhatsApp_User_ID', label: 'WhatsApp User ID', type: 'text', length: 150 },
  },
  {
    source: 'username',
    policy: 'ours',
    field: { name: 'WhatsApp_Username', label: 'WhatsApp Username', type: 'text', length: 100 },
  },
  {
    source: 'lead source',
    policy: 'once',
    field: { name: 'WhatsApp_Lead_Source', label: 'WhatsApp Lead Source', type: 'text', length: 50 },
  },
  {
    source: 'opt-in time',
    policy: 'once',
    field: { name: 'WhatsApp_Opt_In_Time', label: 'WhatsApp Opt In Time', type: 'datetime' },
  },
  {
    source: 'first message',
    policy: 'once',
    field: { name: 'WhatsApp_First_Message', label: 'WhatsApp First Message', type: 'textarea' },
  },
  {
    source: 'first message time',
    policy: 'once',
    field: { name: 'WhatsApp_First_Message_At', label: 'WhatsApp First Message At', type: 'datetime' },
  },
  {
    source: 'last activity',
    policy: 'ours',
    field: { name: 'WhatsApp_Last_Activity', label: 'WhatsApp Last Activity', type: 'datetime' },
  },
  {
    source: 'window state',
    policy: 'ours',
    field: {
      name: 'WhatsApp_Window',
      label: 'WhatsApp Window',
      type: 'picklist',
      options: ['open', 'closed'],
      tip: 'Open while a free reply is possible: 24 hours from their last message.',
    },
  },
  {
    source: 'window closes at',
    policy: 'ours',
    field: { name: 'WhatsApp_Window_Closes', label: 'WhatsApp Window Closes', type: 'datetime' },
  },
  {
    source: 'waiting since',
    policy: 'ours',
    field: { name: 'WhatsApp_Waiting_Since', label: 'WhatsApp Waiting Since', type: 'datetime' },
  },
  {
    source: 'opt-out',
    policy: 'both',
    field: {
      name: 'WhatsApp_Opted_Out',
      label: 'WhatsApp Opted Out',
      type: 'boolean',
      tip: 'Checked when they asked for no more messages.',
    },
  },
  {
    source: 'opt-out time',
    policy: 'ours',
    field: { name: 'WhatsApp_Opt_Out_Time', label: 'WhatsApp Opt Out Time', type: 'datetime' },
  },
  {
    source: 'tags',
    policy: 'both',
    field: {
      name: 'WhatsApp_Tags',
      label: 'WhatsApp Tags',
      type: 'textarea',
      tip: 'Tags of the conversation, parted by commas. What is added or taken off here holds for WhatsApp too.',
    },
  },
];

export const ourFields: readonly FieldDefinition[] = [
  contactIdField,
  ...mappedFields.map(({ field }) => field),
];

/** The module of conversations: one row a conversation-day, on the person's record as a related list. */
export const conversationModule = {
  name: 'WhatsApp_Conversations',
  singular: 'WhatsApp Conversation',
  plural: 'WhatsApp Conversations',
  /** A custom module calls each row by it. */
  titleField: 'Name',
} as const;

export const conversationFields = {
  key: { name: 'Entry_Key', label: 'Entry Key', type: 'text', length: 100, unique: true },
  text: { name: 'Conversation', label: 'Conversation', type: 'textarea', length: 32_000 },
  startedAt: { name: 'Started_At', label: 'Started At', type: 'datetime' },
  lead: { name: 'Lead', label: 'Lead', type: 'lookup', looksUp: 'Leads' },
  contact: { name: 'Contact', label: 'Contact', type: 'lookup', looksUp: 'Contacts' },
} as const satisfies Readonly<Record<string, FieldDefinition>>;
