import { z } from 'zod';
import type { Seen, Values } from '../shared/record.ts';
import { answerError, limitExceeded, zohoError, type ZohoError } from './errors.ts';
import { type Condition, type Query, readQuery } from './coql-query.ts';
import type { Field } from './field.ts';
import { isConverted, type Module } from './module.ts';
import type { Context, Operations } from './operation.ts';
import { toApiRecord } from './read-operations.ts';

const columnsMax = 50;
const criteriaMax = 25;
const inMax = 50;
const rowsInAll = 100_000;
export const coqlBody = z.looseObject({ select_query: z.string() });

type Compared = Extract<Condition, { kind: 'is' }>;

/** COQL. docs/vendors/zoho.md §5.2. */
export function coqlOperation({ state }: Context): Operations {
  return {
    'POST /coql': ({ body, readAt }) => {
      const read = coqlBody.safeParse(body);
      if (!read.success) {
        const at = { api_name: 'select_query', json_path: '$.select_query' };
        return answerError(zohoError('MANDATORY_NOT_FOUND', 'required field not found', at));
      }
      const query = readQuery(read.data.select_query);
      if ('httpStatus' in query) return answerError(query);
      const module = state.modules.get(query.module);
      if (module === undefined)
        return answerError(invalidQuery({ module: query.module }, 'module given seems to be invalid'));
      const { coqlRowsMax, coqlLagMs, coqlConverted, convertedContactTold } = state.rules();
      const objection = objectionTo(query, module, coqlRowsMax);
      if (objection !== undefined) return answerError(objection);
      const asksConverted = mentions(query.where, 'Converted__s');
      const matches = ({ properties }: Seen): boolean =>
        holds(query.where, module, properties) &&
        (coqlConverted === 'told' || asksConverted || !isConverted(properties));
      const at = coqlLagMs === 0 ? readAt : Math.min(readAt ?? Infinity, state.clock.now() - coqlLagMs);
      const found = module.records.matching(matches, at, amongOf(query.where, module));
      const sorted =
        query.orderBy.length === 0 ? found : found.toSorted((a, b) => compareRows(query, module, a, b));
      const rows = sorted.slice(query.offset, query.offset + query.limit);
      if (rows.length === 0) return { status: 204 };
      const info = { count: rows.length, more_records: sorted.length > query.offset + rows.length };
      const told = { converted: convertedContactTold === 'everywhere' };
      const data = rows.map((row) => toApiRecord(state, module, row, query.columns, told));
      return { status: 200, body: { data, info } };
    },
  };
}

function invalidQuery(details: object, message: string): ZohoError {
  return zohoError('INVALID_QUERY', message, { ...details });
}

function objectionTo(
  { columns, where, orderBy, limit, offset }: Query,
  module: Module,
  rowsMax: number,
): ZohoError | undefined {
  if (columns.length > columnsMax) return limitExceeded(columnsMax, { clause: 'select' });
  const compared = flat(where);
  if (compared.length > criteriaMax) return limitExceeded(criteriaMax, { clause: 'where' });
  if (compared.some(({ values }) => values.length > inMax))
    return limitExceeded(inMax, { clause: 'where', operator: 'in' });
  if (limit > rowsMax) return limitExceeded(rowsMax, { clause: 'limit' });
  if (limit + offset > rowsInAll) return limitExceeded(rowsInAll, { clause: 'limit' });
  const named = [...columns, ...compared.map(({ column }) => column), ...orderBy.map(({ column }) => column)];
  const unknown = named.find((column) => column !== 'id' && !module.fields.has(column));
  if (unknown !== undefined)
    return invalidQuery({ column_name: unknown }, 'column given seems to be invalid');
  for (const { column, operator, values } of compared) {
    const type = module.fields.get(column)?.data_type ?? 'bigint';
    if (type === 'textarea' || (operator === 'like' && !texts.has(type))) {
      return invalidQuery(
        { column_name: column, operator, data_type: type },
        'operator is not supported for the column',
      );
    }
    if (type === 'datetime' && values.some((value) => Number.isNaN(Date.parse(value)))) {
      return invalidQuery(
        { column_name: column, expected_data_type: type },
        'value given seems to be invalid for the column',
      );
    }
  }
  return undefined;
}

const texts: ReadonlySet<string> = new Set(['text', 'email', 'phone', 'website', 'picklist']);

function flat(condition: Condition): Compared[] {
  return condition.kind === 'is' ? [condition] : [...flat(condition.left), ...flat(condition.right)];
}

function mentions(condition: Condition, column: string): boolean {
  return flat(condition).some((one) => one.column === column);
}

function holds(condition: Condition, module: Module, values: Values): boolean {
  if (condition.kind !== 'is') {
    const left = holds(condition.left, module, values);
    const decided = condition.kind === 'and' ? !left : left;
    return decided ? left : holds(condition.right, module, values);
  }
  const { column, operator, values: given } = condition;
  const field = module.fields.get(column);
  const own = values[column] ?? (field?.data_type === 'boolean' ? 'false' : undefined);
  if (operator === 'is null') return own === undefined;
  if (operator === 'is not null') return own !== undefined;
  if (own === undefined) return operator === '!=';
  const [first = ''] = given;
  switch (operator) {
    case 'in':
      return given.some((value) => compare(field, own, value) === 0);
    case 'like':
      return likeForm(first).test(own);
    case '=':
      return compare(field, own, first) === 0;
    case '!=':
      return compare(field, own, first) !== 0;
    case '<':
      return compare(field, own, first) < 0;
    case '<=':
      return compare(field, own, first) <= 0;
    case '>':
      return compare(field, own, first) > 0;
    default:
      return compare(field, own, first) >= 0;
  }
}

/** Ids are of one length: as texts they stand in the order of their numbers. */
function compare(field: Field | undefined, own: string, other: string): number {
  switch (field?.data_type) {
    case 'datetime':
      return Date.parse(own) - Date.parse(other);
    case 'integer':
    case 'double':
    case 'currency':
      return Number(own) - Number(other);
    default: {
      const [a, b] = [own.toLowerCase(), other.toLowerCase()];
      return a < b ? -1 : a > b ? 1 : 0;
    }
  }
}

function likeForm(pattern: string): RegExp {
  const parts = pattern.split('%').map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`));
  return new RegExp(`^${parts.join('.*')}$`, 'is');
}

/** Where the condition names values, only records that hold them are looked at. */
function amongOf(
  condition: Condition,
  module: Module,
): { property: string; values: readonly string[] }[] | undefined {
  if (condition.kind === 'is') {
    const type = module.fields.get(condition.column)?.data_type ?? 'bigint';
    const exact =
      (condition.operator === '=' || condition.operator === 'in') && (texts.has(type) || type === 'bigint');
    return exact ? [{ property: condition.column, values: condition.values }] : undefined;
  }
  const [left, right] = [amongOf(condition.left, module), amongOf(condition.right, module)];
  if (condition.kind === 'and') return left ?? right;
  return left === undefined || right === undefined ? undefined : [...left, ...right];
}

function compareRows({ orderBy }: Query, module: Module, a: Seen, b: Seen): number {
  for (const { column, descending } of orderBy) {
    const order = compare(module.fields.get(column), a.properties[column] ?? '', b.properties[column] ?? '');
    if (order !== 0) return descending ? -order : order;
  }
  return a.id < b.id ? -1 : 1;
}
