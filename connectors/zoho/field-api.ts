import { z } from 'zod';
import type { ZohoAnswer, ZohoClient } from './client.ts';
import { apiRoot } from './vendor.ts';

/** Fields of a module. Shapes: docs/vendors/zoho.md §3.1. */
const path = `${apiRoot}/settings/fields`;
const priority = 'fields';

const flag = z.boolean().catch(false).default(false);

const option = z.looseObject({
  id: z.string().optional().catch(undefined),
  display_value: z.string(),
  actual_value: z.string(),
  type: z.string().optional().catch(undefined),
});

const field = z.looseObject({
  id: z.string(),
  api_name: z.string(),
  field_label: z.string().catch(''),
  data_type: z.string(),
  length: z.number().int().positive().optional().catch(undefined),
  read_only: flag,
  field_read_only: flag,
  custom_field: flag,
  visible: z.boolean().catch(true).default(true),
  operation_type: z
    .looseObject({ api_update: z.boolean().catch(true).default(true) })
    .optional()
    .catch(undefined),
  /** With content: of its values only one record may hold each. */
  unique: z.looseObject({}).nullish().catch(undefined),
  pick_list_values: z.array(option).catch([]).default([]),
});
export type ZohoField = z.infer<typeof field>;

const fieldList = z.looseObject({ fields: z.array(field) }).optional();

export async function listFieldsOf(client: ZohoClient, module: string): Promise<ZohoField[]> {
  const query = new URLSearchParams({ module });
  const call = { method: 'GET', path: `${path}?${query.toString()}`, answer: 'many', priority } as const;
  return (await client.succeed(call, fieldList))?.fields ?? [];
}

export function isUnique({ unique }: ZohoField): boolean {
  return Object.keys(unique ?? {}).length > 0;
}

/** What became of each. */
const made = z.looseObject({
  fields: z.array(
    z.looseObject({
      code: z.string(),
      message: z.string().optional().catch(undefined),
      details: z.record(z.string(), z.unknown()).catch({}).default({}),
    }),
  ),
});
export type FieldsMade = z.infer<typeof made>;

export function createFieldsOf(
  client: ZohoClient,
  module: string,
  fields: readonly object[],
): Promise<ZohoAnswer<FieldsMade>> {
  const query = new URLSearchParams({ module });
  return client.call(
    { method: 'POST', path: `${path}?${query.toString()}`, body: { fields }, priority },
    made,
  );
}

/** Adds options to a list: what is named is added. docs/vendors/zoho.md §3.1. */
export function changeFieldOf(
  client: ZohoClient,
  module: string,
  id: string,
  change: object,
): Promise<ZohoAnswer<FieldsMade>> {
  const query = new URLSearchParams({ module });
  const body = { fields: [change] };
  return client.call({ method: 'PATCH', path: `${path}/${id}?${query.toString()}`, body, priority }, made);
}
