import type { CrmField, FieldKind } from '@sangam/core/crm';
import type { AccountSchema } from './account-schema.ts';
import type { ZohoField } from './field-api.ts';
import { personModules } from './modules.ts';
import { noChoice } from './values.ts';

/** Zoho's fields as the port's. docs/vendors/zoho.md §3.1. */

const kinds: Readonly<Record<string, FieldKind>> = {
  text: 'text',
  email: 'text',
  website: 'text',
  textarea: 'long text',
  phone: 'phone',
  datetime: 'time',
  date: 'date',
  boolean: 'flag',
  picklist: 'choice',
  multiselectpicklist: 'choices',
  integer: 'number',
  bigint: 'number',
  double: 'number',
  currency: 'number',
  ownerlookup: 'user',
  userlookup: 'user',
};

/** What people's records have, of whichever module; a field both have is one. */
export async function listFields(schema: AccountSchema): Promise<CrmField[]> {
  const found = new Map<string, { readonly field: ZohoField; readonly on: string[] }>();
  for (const module of personModules) {
    for (const field of (await schema.of(module)).values()) {
      const before = found.get(field.api_name);
      if (before === undefined) found.set(field.api_name, { field, on: [module] });
      else before.on.push(module);
    }
  }
  return [...found.values()]
    .filter(({ field }) => field.visible)
    .map(({ field, on }) => ({
      ...toCrmField(field),
      ...(on.length === personModules.length ? {} : { on }),
    }));
}

export function toCrmField(field: ZohoField): CrmField {
  const { api_name: name, field_label: label } = field;
  const kind = kindOf(field);
  const readOnly = field.read_only || field.field_read_only || field.operation_type?.api_update === false;
  return {
    name,
    label: label === '' ? name : label,
    kind,
    writable: !readOnly,
    ...(kind === 'choice' || kind === 'choices' ? { options: optionsOf(field) } : {}),
  };
}

/** What is called a text and is none in JSON, such as the record's tags, takes no text. docs/vendors/zoho.md §3.1 */
function kindOf({ data_type: type, json_type: json }: ZohoField): FieldKind {
  const kind = kinds[type] ?? 'other';
  return (kind === 'text' || kind === 'long text') && json?.startsWith('json') === true ? 'other' : kind;
}

function optionsOf({ pick_list_values: values = [] }: ZohoField): { value: string; label: string }[] {
  return values
    .filter(({ type, actual_value: value }) => type !== 'unused' && value !== noChoice)
    .map(({ actual_value: value, display_value: label }) => ({ value, label }));
}
