import { z } from 'zod';
import { users } from './org.ts';

/** A field of a module and how the API tells it. Shapes: docs/vendors/zoho.md §3.1. */

const pickListValue = z.object({ id: z.string(), display_value: z.string(), actual_value: z.string() });
export type PickListValue = z.infer<typeof pickListValue>;

export const fieldSchema = z.object({
  id: z.string(),
  api_name: z.string(),
  field_label: z.string(),
  data_type: z.string(),
  length: z.int(),
  /** Required of every new record. */
  system_mandatory: z.boolean().default(false),
  /** Required where the layout is named. */
  layout_mandatory: z.boolean().default(false),
  read_only: z.boolean().default(false),
  custom_field: z.boolean().default(false),
  /** Of a system field by which an upsert knows records. docs/vendors/zoho.md §4.2. */
  finds_duplicates: z.boolean().default(false),
  unique: z.enum(['no', 'any case', 'exact']).default('no'),
  /** Lists cut it. docs/vendors/zoho.md §4.3. */
  rich_text: z.boolean().default(false),
  pick_list_values: z.array(pickListValue).default([]),
  /** Of a lookup: the module it points to. */
  looks_up: z.string().optional(),
});

export type Field = z.infer<typeof fieldSchema>;

const jsonTypes: Readonly<Record<string, string>> = {
  boolean: 'boolean',
  integer: 'integer',
  double: 'double',
  currency: 'double',
  lookup: 'jsonobject',
  ownerlookup: 'jsonobject',
  multi_module_lookup: 'jsonobject',
  multiselectpicklist: 'jsonarray',
};

/** Kinds of field that may be unique. docs/vendors/zoho.md §3.1. */
export const uniqueTypes: ReadonlySet<string> = new Set([
  'text',
  'email',
  'phone',
  'integer',
  'bigint',
  'website',
]);

/** Kinds the API makes, and what each holds. */
export const lengths: Readonly<Record<string, number>> = {
  text: 255,
  textarea: 2_000,
  email: 100,
  phone: 30,
  website: 450,
  picklist: 120,
  multiselectpicklist: 2_000,
  boolean: 5,
  integer: 9,
  bigint: 18,
  double: 16,
  currency: 16,
  date: 20,
  datetime: 120,
  lookup: 120,
};

export function toApiField(field: Field, moduleId: (name: string) => string): object {
  const { unique, looks_up: looksUp, read_only: readOnly, data_type: dataType } = field;
  const writable = !readOnly;
  return {
    id: field.id,
    api_name: field.api_name,
    field_label: field.field_label,
    display_label: field.field_label,
    data_type: dataType,
    json_type: jsonTypes[dataType] ?? 'string',
    length: field.length,
    system_mandatory: field.system_mandatory,
    read_only: readOnly,
    field_read_only: readOnly,
    custom_field: field.custom_field,
    visible: true,
    webhook: true,
    unique: unique === 'no' ? {} : { casesensitive: String(unique === 'exact') },
    operation_type: {
      web_update: writable,
      api_create: writable,
      web_create: writable,
      api_update: writable,
    },
    pick_list_values: field.pick_list_values.map((value, index) => ({
      ...value,
      reference_value: value.actual_value,
      colour_code: null,
      type: 'used',
      sequence_number: index + 1,
    })),
    lookup:
      looksUp === undefined
        ? {}
        : { api_name: looksUp, module: { api_name: looksUp, id: moduleId(looksUp) } },
    ...(field.rich_text ? { textarea: { type: 'rich_text' } } : {}),
    created_source: field.custom_field ? 'crm' : 'default',
    profiles: [{ id: adminProfile.id, name: adminProfile.name, permission_type: 'read_write' }],
  };
}

export const adminProfile = { id: `${users[0].id.slice(0, -6)}910001`, name: 'Administrator' } as const;
