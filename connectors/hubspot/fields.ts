import type { CrmField, FieldKind } from '@sangam/core/crm';
import type { HubspotClient } from './client.ts';
import { properties } from './properties.ts';
import { type ExistingProperty, listProperties } from './property-api.ts';

/** HubSpot's properties as the port's fields. docs/vendors/hubspot.md §4.4. */

type Described = Pick<ExistingProperty, 'name' | 'type' | 'fieldType'> & {
  readonly label?: string | undefined;
  readonly externalOptions?: boolean | undefined;
  readonly options?: readonly { readonly value: string; readonly label?: string | undefined }[] | undefined;
};

const ours: ReadonlySet<string> = new Set(properties.map(({ name }) => name));

/** Where the kind does not follow from the type alone: by type, then fieldType. */
const kindsByFieldType: Readonly<Record<string, Readonly<Record<string, FieldKind>>>> = {
  string: { text: 'text', textarea: 'long text', phonenumber: 'phone' },
  enumeration: { booleancheckbox: 'flag', checkbox: 'choices', select: 'choice', radio: 'choice' },
};

const kindsByType: Readonly<Record<string, FieldKind>> = {
  phone_number: 'phone',
  datetime: 'time',
  date: 'date',
  bool: 'flag',
  number: 'number',
};

export function toCrmField(property: Described, writable = true): CrmField {
  const { name, label = name, options = [] } = property;
  const kind = kindOf(property);
  return {
    name,
    label,
    kind,
    writable,
    ...(kind === 'choice' || kind === 'choices'
      ? { options: options.map(({ value, label: shown = value }) => ({ value, label: shown })) }
      : {}),
  };
}

/** Every property an admin can see, and ours; what is hidden from people is HubSpot's own affair. */
export async function listFields(client: HubspotClient): Promise<CrmField[]> {
  const existing = await listProperties(client);
  return existing
    .filter(({ name, hidden, archived }) => !archived && (!hidden || ours.has(name)))
    .map((property) => {
      const { calculated, modificationMetadata } = property;
      return toCrmField(property, !calculated && modificationMetadata?.readOnlyValue !== true);
    });
}

function kindOf({ type = '', fieldType = '', externalOptions }: Described): FieldKind {
  // Options kept elsewhere are HubSpot's users: `hubspot_owner_id` and its like.
  if (type === 'enumeration' && externalOptions === true) return 'user';
  return kindsByFieldType[type]?.[fieldType] ?? kindsByType[type] ?? 'other';
}
