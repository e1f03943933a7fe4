import { z } from 'zod';

/** A property definition. Shapes: facts/hubspot.md §4.4. */
export const propertyDefinition = z.looseObject({
  name: z.string().regex(/^[a-z][a-z0-9_]*$/),
  label: z.string(),
  groupName: z.string(),
  type: z.enum(['string', 'number', 'date', 'datetime', 'bool', 'enumeration']),
  fieldType: z.string(),
  hasUniqueValue: z.boolean().default(false),
  options: z
    .array(z.looseObject({ label: z.string(), value: z.string(), displayOrder: z.number().default(-1), hidden: z.boolean().default(false) }))
    .default([]),
});
export type PropertyDefinition = z.infer<typeof propertyDefinition>;

function standard(
  name: string,
  type: PropertyDefinition['type'],
  fieldType: string,
  options: readonly string[] = [],
): PropertyDefinition {
  return {
    name,
    label: name,
    groupName: 'contactinformation',
    type,
    fieldType,
    hasUniqueValue: name === 'email',
    options: options.map((value, displayOrder) => ({ label: value, value, displayOrder, hidden: false })),
  };
}

/** What every portal has and we touch. facts/hubspot.md §4.2. */
export const standardProperties: readonly PropertyDefinition[] = [
  standard('email', 'string', 'text'),
  standard('firstname', 'string', 'text'),
  standard('lastname', 'string', 'text'),
  standard('phone', 'string', 'phonenumber'),
  standard('mobilephone', 'string', 'phonenumber'),
  standard('hs_whatsapp_phone_number', 'string', 'phonenumber'),
  standard('company', 'string', 'text'),
  standard('hubspot_owner_id', 'enumeration', 'select'),
  standard('lifecyclestage', 'enumeration', 'radio', [
    'subscriber',
    'lead',
    'marketingqualifiedlead',
    'salesqualifiedlead',
    'opportunity',
    'customer',
    'evangelist',
    'other',
  ]),
  standard('hs_lead_status', 'enumeration', 'radio', ['NEW', 'OPEN', 'IN_PROGRESS', 'CONNECTED', 'UNQUALIFIED']),
  standard('createdate', 'datetime', 'date'),
  standard('lastmodifieddate', 'datetime', 'date'),
  standard('hs_object_id', 'number', 'number'),
];

/** Longest text of a property. */
const longestText = 65_536;

/** A value as HubSpot keeps and reads it back, or what is wrong with it. facts/hubspot.md §4.2, §4.4. */
export function normalise(
  definition: PropertyDefinition,
  value: string,
): { value: string } | { error: string; message: string } {
  if (value === '') return { value };
  switch (definition.type) {
    case 'datetime':
    case 'date': {
      const ms = /^-?\d+$/.test(value) ? Number(value) : Date.parse(value);
      if (Number.isNaN(ms)) return { error: 'INVALID_DATE', message: `${value} was not a valid date.` };
      const iso = new Date(ms).toISOString();
      return { value: iso.endsWith('.000Z') ? iso.replace('.000Z', 'Z') : iso };
    }
    case 'number':
      return Number.isNaN(Number(value))
        ? { error: 'INVALID_INTEGER', message: `${value} was not a valid number.` }
        : { value: String(Number(value)) };
    case 'bool':
      return value === 'true' || value === 'false'
        ? { value }
        : { error: 'INVALID_OPTION', message: `${value} was not one of the allowed options: [true, false]` };
    case 'enumeration': {
      if (definition.options.length === 0 && definition.name === 'hubspot_owner_id') return { value };
      const known = new Set(definition.options.map((option) => option.value));
      const unknown = value.split(';').filter((part) => part !== '' && !known.has(part));
      return unknown.length === 0
        ? { value }
        : {
            error: 'INVALID_OPTION',
            message: `${unknown.join(';')} was not one of the allowed options: [${[...known].join(', ')}]`,
          };
    }
    default:
      return value.length > longestText
        ? { error: 'PROPERTY_VALUE_TOO_LONG', message: `The value is longer than ${String(longestText)} characters.` }
        : { value };
  }
}
