import type { Priority } from '@sangam/core/crm';
import { z } from 'zod';
import { costing, type ZohoAnswer, type ZohoClient } from './client.ts';
import { refusalError } from './errors.ts';
import { apiRoot, coqlPages } from './vendor.ts';

/** Queries that read the database, without a search's delay. docs/vendors/zoho.md §5.2. */

export const anyRecord = z.looseObject({ id: z.string() });
export type ZohoRecord = z.infer<typeof anyRecord>;

const rows = z
  .looseObject({
    data: z.array(anyRecord),
    info: z.looseObject({ more_records: z.boolean() }).optional().catch(undefined),
  })
  .optional();

export interface Rows {
  readonly records: readonly ZohoRecord[];
  readonly more: boolean;
}

export interface Query {
  readonly columns: readonly string[];
  readonly module: string;
  readonly where: string;
  readonly orderBy?: string;
  readonly page?: keyof typeof coqlPages;
}

/** One page of rows. Where a call takes fewer than its page, which the list of errors still says, the smaller page is asked for. */
export async function queryPage(
  client: ZohoClient,
  query: Query,
  priority: Priority,
  offset = 0,
): Promise<ZohoAnswer<Rows>> {
  const { columns, module, where, orderBy, page = 'small' } = query;
  const { rows: most, credits } = coqlPages[page];
  const order = orderBy === undefined ? '' : ` order by ${orderBy}`;
  const body = {
    select_query: `select ${columns.join(', ')} from ${module} where ${where}${order} limit ${String(offset)}, ${String(most)}`,
  };
  const call = { method: 'POST', path: `${apiRoot}/coql`, answer: 'many', body, priority } as const;
  const answer = await client.call({ ...call, needs: costing(credits) }, rows);
  if (answer.ok) {
    const { data = [], info } = answer.body ?? {};
    return { ok: true, body: { records: data, more: info?.more_records ?? data.length >= most } };
  }
  return answer.refusal.said === 'LIMIT_EXCEEDED' && page === 'large'
    ? queryPage(client, { ...query, page: 'small' }, priority, offset)
    : answer;
}

/** All rows, a page at a time. Throws what is refused. */
export async function queryAll(client: ZohoClient, query: Query, priority: Priority): Promise<ZohoRecord[]> {
  const found: ZohoRecord[] = [];
  for (;;) {
    const answer = await queryPage(client, query, priority, found.length);
    if (!answer.ok) throw refusalError(answer.refusal);
    found.push(...answer.body.records);
    if (!answer.body.more || answer.body.records.length === 0) return found;
  }
}

export function quoted(value: string): string {
  return `'${value.replace(/[\\']/g, (sign) => `\\${sign}`)}'`;
}

export function among(column: string, values: readonly string[]): string {
  return `${column} in (${values.map(quoted).join(', ')})`;
}

/** More than two conditions are nested, two by two. */
export function anyOf(conditions: readonly string[]): string {
  return nested(conditions, 'or');
}

export function allOf(conditions: readonly string[]): string {
  return nested(conditions, 'and');
}

function nested([first = '', ...others]: readonly string[], word: 'and' | 'or'): string {
  return others.reduce((left, right) => `(${left} ${word} ${right})`, first);
}
