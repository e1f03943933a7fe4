import type { ContactSource, FieldPolicy } from '@sangam/core/crm';

/** The contact properties Sangam brings to a portal. Shapes: docs/vendors/hubspot.md §4.4. */

interface PropertyOption {
  readonly label: string;
  readonly value: string;
  readonly displayOrder?: number;
  readonly hidden?: boolean;
}

export interface PropertyDefinition {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: 'string' | 'datetime' | 'bool' | 'enumeration';
  readonly fieldType: 'text' | 'textarea' | 'date' | 'booleancheckbox' | 'select' | 'checkbox';
  /** Cannot be changed once the property exists. docs/vendors/hubspot.md §4.2. */
  readonly hasUniqueValue?: true;
  readonly options?: readonly PropertyOption[];
}

/** The unique property records are keyed by: our opaque contact id, never the phone (docs/design.md §4). */
export const contactIdProperty = 'sangam_contact_id';

/** The checkbox property whose options grow with the tags in use. */
export const tagsProperty = 'wa_tags';

export const propertyGroup = {
  name: 'sangam_whatsapp',
  label: 'WhatsApp (Sangam)',
  displayOrder: -1,
} as const;

const idProperty: PropertyDefinition = {
  name: contactIdProperty,
  label: 'Sangam contact ID',
  description: 'The key by which Sangam finds this contact again. Please leave it as it is.',
  type: 'string',
  fieldType: 'text',
  hasUniqueValue: true,
};

/** What each takes of a contact, and who decides it (docs/design.md §1). */
export const mappedProperties: readonly {
  readonly source: ContactSource;
  readonly policy: FieldPolicy;
  readonly property: PropertyDefinition;
}[] = [
  {
    // Emptied when the number is no longer theirs: numbers change hands.
    source: 'phone',
    policy: 'ours',
    property: {
      name: 'wa_phone_e164',
      label: 'WhatsApp phone',
      description: 'The phone number of the WhatsApp account, in international form.',
      type: 'string',
      fieldType: 'text',
    },
  },
  {
    source: 'bsuid',
    policy: 'ours',
    property: {
      name: 'wa_bsuid',
      label: 'WhatsApp user ID',
      description: 'The business-scoped user id by which WhatsApp knows this person.',
      type: 'string',
      fieldType: 'text',
    },
  },
  {
    source: 'username',
    policy: 'ours',
    property: {
      name: 'wa_username',
      label: 'WhatsApp username',
      description: 'The name this person chose on WhatsApp, without the @.',
      type: 'string',
      fieldType: 'text',
    },
  },
  {
    source: 'lead source',
    policy: 'once',
    property: {
      name: 'wa_lead_source',
      label: 'WhatsApp lead source',
      description: 'How this person first came in: WhatsApp CTWA (from an ad), WhatsApp Inbound or WhatsApp.',
      type: 'string',
      fieldType: 'text',
    },
  },
  {
    source: 'opt-in time',
    policy: 'once',
    property: {
      name: 'wa_opt_in_at',
      label: 'WhatsApp opt-in time',
      description: 'When this person agreed to receive messages.',
      type: 'datetime',
      fieldType: 'date',
    },
  },
  {
    source: 'first message',
    policy: 'once',
    property: {
      name: 'wa_first_message',
      label: 'WhatsApp first message',
      description: 'The first message this person sent.',
      type: 'string',
      fieldType: 'textarea',
    },
  },
  {
    source: 'first message time',
    policy: 'once',
    property: {
      name: 'wa_first_message_at',
      label: 'WhatsApp first message time',
      description: 'When this person sent their first message.',
      type: 'datetime',
      fieldType: 'date',
    },
  },
  {
    source: 'last activity',
    policy: 'ours',
    property: {
      name: 'wa_last_activity_at',
      label: 'WhatsApp last activity',
      description: 'When this conversation last had a message.',
      type: 'datetime',
      fieldType: 'date',
    },
  },
  {
    source: 'window state',
    policy: 'ours',
    property: {
      name: 'wa_window_state',
      label: 'WhatsApp service window',
      description: 'Open while a free reply is possible: 24 hours from the last message of this person.',
      type: 'enumeration',
      fieldType: 'select',
      options: [
        { label: 'Open', value: 'open', displayOrder: 0, hidden: false },
        { label: 'Closed', value: 'closed', displayOrder: 1, hidden: false },
      ],
    },
  },
  {
    source: 'window closes at',
    policy: 'ours',
    property: {
      name: 'wa_window_closes_at',
      label: 'WhatsApp service window closes',
      description: 'When the service window closes, or closed.',
      type: 'datetime',
      fieldType: 'date',
    },
  },
  {
    source: 'waiting since',
    policy: 'ours',
    property: {
      name: 'wa_waiting_since',
      label: 'WhatsApp waiting since',
      description: 'The first message of this person after the last reply; empty once they are answered.',
      type: 'datetime',
      fieldType: 'date',
    },
  },
  {
    source: 'opt-out',
    policy: 'both',
    property: {
      name: 'wa_opt_out',
      label: 'WhatsApp opted out',
      description: 'Yes when this person asked for no more messages.',
      type: 'bool',
      fieldType: 'booleancheckbox',
      options: [
        { label: 'Yes', value: 'true', displayOrder: 0, hidden: false },
        { label: 'No', value: 'false', displayOrder: 1, hidden: false },
      ],
    },
  },
  {
    source: 'opt-out time',
    policy: 'ours',
    property: {
      name: 'wa_opt_out_at',
      label: 'WhatsApp opt-out time',
      description: 'When this person asked for no more messages.',
      type: 'datetime',
      fieldType: 'date',
    },
  },
  {
    source: 'tags',
    policy: 'both',
    property: {
      name: tagsProperty,
      label: 'WhatsApp tags',
      description: 'Tags of the conversation. What is checked or cleared here holds for WhatsApp too.',
      type: 'enumeration',
      fieldType: 'checkbox',
      // Whether HubSpot creates a list without any option is not known; with one it does.
      options: [{ label: 'WhatsApp', value: 'WhatsApp', displayOrder: 0, hidden: false }],
    },
  },
];

export const properties: readonly PropertyDefinition[] = [
  idProperty,
  ...mappedProperties.map(({ property }) => property),
];
