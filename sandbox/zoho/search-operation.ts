import type { Seen } from '../shared/record.ts';
import {
  answerError,
  limitExceeded,
  notFoundUrl,
  paramMissing,
  zohoError,
  type ZohoError,
} from './errors.ts';
import { isConverted, type Module } from './module.ts';
import type { Context, Operations } from './operation.ts';
import { converted, fieldsIn, placeIn, toApiRecord } from './read-operations.ts';

const rowsMax = 2_000;
const criteriaMax = 10;
const inMax = 100;
const phoneForm = /^[+]?[\d\s\-().]{1,50}$/;

type Matches = (values: Seen['properties']) => boolean;

/** Search by an index that is behind. docs/vendors/zoho.md §5.1. */
export function searchOperation({ state }: Context): Operations {
  return {
    'GET /{module}/search': ({ module, query, readAt }) => {
      if (module === undefined) return answerError(notFoundUrl);
      const matches = matchesOf(query, module);
      if (typeof matches !== 'function') return answerError(matches);
      const { page, perPage } = placeIn(query);
      if (page * perPage > rowsMax)
        return answerError(
          zohoError('LIMIT_REACHED', 'the limit of 2000 records is reached', { limit: rowsMax }),
        );
      const shown = converted(query.get('converted') ?? 'false');
      const { searchLagMs } = state.rules();
      const at = searchLagMs === 0 ? readAt : Math.min(readAt ?? Infinity, state.clock.now() - searchLagMs);
      const found = module.records.matching(({ properties }) => shown(properties) && matches(properties), at);
      const rows = found.slice((page - 1) * perPage, page * perPage);
      if (rows.length === 0) return { status: 204 };
      const names = fieldsIn(query) ?? [...module.fields.keys()];
      const data = rows.map((row) => {
        const became = isConverted(row.properties) ? ['Converted_Contact'] : [];
        return toApiRecord(state, module, row, [...names, ...became], { converted: true, detail: true });
      });
      const info = {
        per_page: perPage,
        count: rows.length,
        page,
        more_records: found.length > page * perPage,
      };
      return { status: 200, body: { data, info } };
    },
  };
}

/** One of four is needed; the first that is there counts. */
function matchesOf(query: URLSearchParams, module: Module): Matches | ZohoError {
  const asked = (name: string): string | undefined => query.get(name) ?? undefined;
  const [criteria, email, phone, word] = ['criteria', 'email', 'phone', 'word'].map(asked);
  if (criteria !== undefined) return criteriaOf(criteria, module);
  const ofType = (type: string): string[] =>
    [...module.fields.values()].flatMap((field) => (field.data_type === type ? [field.api_name] : []));
  if (email !== undefined) {
    return (values) => ofType('email').some((name) => values[name]?.toLowerCase() === email.toLowerCase());
  }
  if (phone !== undefined) {
    if (!phoneForm.test(phone)) return zohoError('INVALID_DATA', 'invalid data', { param_name: 'phone' });
    const digits = digitsOf(phone);
    return (values) => ofType('phone').some((name) => digitsOf(values[name] ?? '').includes(digits));
  }
  if (word !== undefined) {
    return (values) =>
      Object.values(values).some((value) => value.toLowerCase().includes(word.toLowerCase()));
  }
  return paramMissing('criteria');
}

function digitsOf(text: string): string {
  return text.replaceAll(/\D/g, '');
}

const one = /^\((?<name>[\w$]+):(?<operator>\w+):(?<value>(?:[^()\\]|\\.)*)\)/;

/** `(Field:operator:value)`, joined by `and` and `or` within parentheses. */
function criteriaOf(text: string, module: Module): Matches | ZohoError {
  let rest = text.trim();
  let count = 0;
  const invalid = zohoError('INVALID_QUERY', 'Invalid query formed', { param_name: 'criteria' });

  const single = (): Matches | ZohoError => {
    const { groups } = one.exec(rest) ?? {};
    if (groups === undefined) return invalid;
    const { name = '', operator = '', value = '' } = groups;
    rest = rest.slice(`(${name}:${operator}:${value})`.length);
    count += 1;
    if (name !== 'id' && !module.fields.has(name))
      return zohoError('INVALID_QUERY', 'Invalid query formed', { api_name: name });
    const plain = value.replaceAll(/\\(.)/g, '$1').toLowerCase();
    const own = (values: Seen['properties']): string => (values[name] ?? '').toLowerCase();
    switch (operator) {
      case 'equals':
        // As the vendor says of it: it finds what holds the value. docs/vendors/zoho.md §5.1.
        return (values) => own(values) !== '' && own(values).includes(plain);
      case 'starts_with':
        return (values) => own(values).startsWith(plain);
      case 'in': {
        const among = plain.split(',');
        return among.length > inMax
          ? limitExceeded(inMax, { operator })
          : (values) => among.includes(own(values));
      }
      default:
        return invalid;
    }
  };

  const group = (): Matches | ZohoError => {
    if (one.test(rest)) return single();
    if (!rest.startsWith('(')) return invalid;
    rest = rest.slice(1);
    const inner = joined();
    if (!rest.startsWith(')')) return invalid;
    rest = rest.slice(1);
    return inner;
  };

  const joined = (): Matches | ZohoError => {
    let left = group();
    for (
      let word = /^(?:and|or)/i.exec(rest)?.[0];
      word !== undefined;
      word = /^(?:and|or)/i.exec(rest)?.[0]
    ) {
      rest = rest.slice(word.length);
      const [before, right] = [left, group()];
      if (typeof before !== 'function') return before;
      if (typeof right !== 'function') return right;
      left =
        word.toLowerCase() === 'and'
          ? (values) => before(values) && right(values)
          : (values) => before(values) || right(values);
    }
    return left;
  };

  const matches = joined();
  if (typeof matches === 'function' && rest !== '') return invalid;
  return count > criteriaMax ? limitExceeded(criteriaMax, { param_name: 'criteria' }) : matches;
}
