import type { Priority } from '@sangam/core/crm';
import { z } from 'zod';
import { costing, type ZohoAnswer, type ZohoClient } from './client.ts';
import { anyRecord, type ZohoRecord } from './coql.ts';
import { refusalError } from './errors.ts';
import { listOf } from './lists.ts';
import type { Json } from './values.ts';
import { apiRoot, convertedPageSize, creditsOf, listPageSize, pagedMost } from './vendor.ts';

/** Records of a module. Shapes: docs/vendors/zoho.md §4. */

export type Row = Readonly<Record<string, Json>>;

/** What became of one record of a write. */
const item = z.looseObject({
  code: z.string(),
  message: z.string().optional().catch(undefined),
  details: z.record(z.string(), z.unknown()).catch({}).default({}),
  errors: z.array(z.unknown()).optional().catch(undefined),
});
export type Item = z.infer<typeof item>;

const items = z.looseObject({ data: z.array(item) }).transform(({ data }) => data);

/**
 * Whether the customer's own rules and workflows run for a write. Cadences are started by another key.
 * docs/vendors/zoho.md §7.1
 */
function started(automations: boolean): object {
  return automations ? {} : { trigger: [], skip_feature_execution: [{ name: 'cadences' }] };
}

export interface Write {
  readonly module: string;
  readonly rows: readonly Row[];
  readonly automations: boolean;
}

export function insertRecords(
  client: ZohoClient,
  write: Write,
  priority: Priority,
): Promise<ZohoAnswer<Item[]>> {
  return send(client, 'POST', `${apiRoot}/${write.module}`, write, priority);
}

export function updateRecords(
  client: ZohoClient,
  write: Write,
  priority: Priority,
): Promise<ZohoAnswer<Item[]>> {
  return send(client, 'PUT', `${apiRoot}/${write.module}`, write, priority);
}

/** Only of a module that has one unique field: an upsert matches on all there are. docs/vendors/zoho.md §4.2. */
export function upsertRecords(
  client: ZohoClient,
  write: Write & { readonly by: string },
  priority: Priority,
): Promise<ZohoAnswer<Item[]>> {
  const path = `${apiRoot}/${write.module}/upsert`;
  return send(client, 'POST', path, write, priority, { duplicate_check_fields: [write.by] });
}

function send(
  client: ZohoClient,
  method: 'POST' | 'PUT',
  path: string,
  { rows, automations }: Write,
  priority: Priority,
  more: object = {},
): Promise<ZohoAnswer<Item[]>> {
  const body = { data: rows, ...more, ...started(automations) };
  const needs = costing(creditsOf(rows.length));
  return client.call({ method, path, answer: 'many', body, priority, needs }, items);
}

export function deleteRecords(
  client: ZohoClient,
  module: string,
  ids: readonly string[],
  priority: Priority,
): Promise<ZohoAnswer<Item[]>> {
  const query = new URLSearchParams({ ids: ids.join(','), wf_trigger: 'false' });
  const path = `${apiRoot}/${module}?${query.toString()}`;
  return client.call({ method: 'DELETE', path, priority, needs: costing(creditsOf(ids.length)) }, items);
}

const list = z
  .looseObject({
    data: z.array(anyRecord),
    info: z
      .looseObject({
        more_records: z.boolean().optional().catch(undefined),
        next_page_token: z.string().nullish().catch(undefined),
      })
      .optional()
      .catch(undefined),
  })
  .optional();

/** Records by their ids, those that are there, converted leads among them. */
export async function readByIds(
  client: ZohoClient,
  module: string,
  ids: readonly string[],
  fields: readonly string[],
  priority: Priority,
): Promise<ZohoRecord[]> {
  const query = new URLSearchParams({
    ids: ids.join(','),
    fields: fields.join(','),
    per_page: String(listPageSize),
    ...(module === 'Leads' ? { converted: 'both' } : {}),
  });
  const path = `${apiRoot}/${module}?${query.toString()}`;
  const answer = await client.succeed({ method: 'GET', path, answer: 'many', priority }, list);
  return answer?.data ?? [];
}

/** One record with all there is of it; undefined: it is not there. */
export async function readOne(
  client: ZohoClient,
  module: string,
  id: string,
  priority: Priority,
): Promise<ZohoRecord | undefined> {
  const answer = await client.call({ method: 'GET', path: `${apiRoot}/${module}/${id}`, priority }, list);
  if (answer.ok) return answer.body?.data[0];
  // Whether an id nobody has is an empty answer or a refusal is not written.
  if (answer.refusal.code === 'batch_refused') return undefined;
  throw refusalError(answer.refusal);
}

/**
 * A page of leads that were converted since then, milliseconds, oldest change first; undefined: ever. `token`: of the page before,
 * which is one user's and dies in a day; undefined is answered where it is no more.
 */
export async function convertedLeads(
  client: ZohoClient,
  { page, token }: { readonly page: number; readonly token?: string },
  since: number | undefined,
  priority: Priority,
): Promise<ConvertedLeads | undefined> {
  const query = new URLSearchParams({
    converted: 'true',
    fields: 'id,Modified_Time,Converted__s,Converted_Date_Time,Converted_Contact',
    sort_by: 'Modified_Time',
    sort_order: 'asc',
    per_page: String(convertedPageSize),
    ...(token === undefined ? { page: String(page) } : { page_token: token }),
  });
  const path = `${apiRoot}/Leads?${query.toString()}`;
  const call = { method: 'GET', path, answer: 'many', headers: newerThan(since), priority } as const;
  const answer = await client.call(call, list);
  if (!answer.ok) {
    if (token !== undefined && answer.refusal.code === 'batch_refused') return undefined;
    throw refusalError(answer.refusal);
  }
  const { data = [], info } = answer.body ?? {};
  return {
    records: data,
    more: info?.more_records === true,
    ...(typeof info?.next_page_token === 'string' ? { token: info.next_page_token } : {}),
  };
}

interface ConvertedLeads {
  readonly records: readonly ZohoRecord[];
  readonly more: boolean;
  /** Where the next page is, also beyond those that have numbers. */
  readonly token?: string;
}

const deletedList = z
  .looseObject({
    data: listOf(z.looseObject({ id: z.string(), deleted_time: z.string() })),
    info: z
      .looseObject({ more_records: z.boolean().catch(false) })
      .optional()
      .catch(undefined),
  })
  .optional();

/**
 * Records of a module that were deleted since then, milliseconds. `cut`: Zoho shows no page of that number, though there is
 * more. docs/vendors/zoho.md §4.4.
 */
export async function deletedRecords(
  client: ZohoClient,
  module: string,
  page: number,
  since: number,
  priority: Priority,
): Promise<{
  readonly deleted: readonly { readonly id: string; readonly at: number }[];
  readonly more: boolean;
  readonly cut?: true;
}> {
  const query = new URLSearchParams({ type: 'all', page: String(page), per_page: String(listPageSize) });
  const path = `${apiRoot}/${module}/deleted?${query.toString()}`;
  const call = { method: 'GET', path, answer: 'many', headers: newerThan(since), priority } as const;
  const answer = await client.call(call, deletedList);
  if (!answer.ok) {
    const beyond = page * listPageSize > pagedMost && answer.refusal.code === 'batch_refused';
    if (beyond) return { deleted: [], more: false, cut: true };
    throw refusalError(answer.refusal);
  }
  const deleted = (answer.body?.data ?? []).flatMap(({ id, deleted_time: at }) =>
    Number.isNaN(Date.parse(at)) ? [] : [{ id, at: Date.parse(at) }],
  );
  return { deleted, more: answer.body?.info?.more_records === true };
}

/** The second before, so that what happened within it is among the news. */
function newerThan(since: number | undefined): Readonly<Record<string, string>> {
  if (since === undefined) return {};
  const at = new Date(Math.floor(since / 1_000 - 1) * 1_000).toISOString().slice(0, 19);
  return { 'If-Modified-Since': `${at}+00:00` };
}
