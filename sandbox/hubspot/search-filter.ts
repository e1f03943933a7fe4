import { valueOf } from './calculated-values.ts';
import type { PropertyDefinition } from './property.ts';
import type { Values } from '../shared/record.ts';
import type { SearchFilter } from './search-body.ts';
import { instant } from './values.ts';

/** Whether a record's values pass. */
export type Test = (properties: Values) => boolean;

/**
 * One filter over records. Text is compared without regard to case, but for IN and NOT_IN, which take their values as
 * written against the lower-cased one (docs/vendors/hubspot.md §4.3); options are compared exactly. The negative
 * operators pass what is empty [M].
 */
export function toTest(property: PropertyDefinition, filter: SearchFilter): Test {
  const { propertyName, operator, value = '', highValue = '', values = [] } = filter;
  const held = (properties: Values): string | undefined => valueOf(properties, propertyName);
  const compared = comparison(property);
  const wanted = compared(value);
  const orders = (passes: (order: number) => boolean): Test => {
    return (properties) => {
      const own = held(properties);
      return own !== undefined && passes(orderOf(compared(own), wanted));
    };
  };
  const negated =
    (test: Test): Test =>
    (properties) =>
      !test(properties);
  const equal = (properties: Values): boolean => {
    const own = held(properties);
    return own !== undefined && compared(own) === wanted;
  };
  const among = (): Test => {
    const set = new Set(isText(property) ? values : values.map(compared));
    return (properties) => {
      const own = held(properties);
      return own !== undefined && set.has(compared(own));
    };
  };

  switch (operator) {
    case 'EQ':
      return equal;
    case 'NEQ':
      return negated(equal);
    case 'LT':
      return orders((order) => order < 0);
    case 'LTE':
      return orders((order) => order <= 0);
    case 'GT':
      return orders((order) => order > 0);
    case 'GTE':
      return orders((order) => order >= 0);
    case 'BETWEEN': {
      const high = compared(highValue);
      return (properties) => {
        const own = held(properties);
        return own !== undefined && orderOf(compared(own), wanted) >= 0 && orderOf(compared(own), high) <= 0;
      };
    }
    case 'IN':
      return among();
    case 'NOT_IN':
      return negated(among());
    case 'HAS_PROPERTY':
      return (properties) => held(properties) !== undefined;
    case 'NOT_HAS_PROPERTY':
      return (properties) => held(properties) === undefined;
    case 'CONTAINS_TOKEN':
      return containsToken(held, value);
    case 'NOT_CONTAINS_TOKEN':
      return negated(containsToken(held, value));
  }
}

/** A text's value must be equal to one of these for the filter to pass; undefined = it may pass otherwise. */
export function neededValues(property: PropertyDefinition, filter: SearchFilter): string[] | undefined {
  if (!isText(property)) return undefined;
  if (filter.operator === 'EQ' && filter.value !== undefined) return [filter.value];
  return filter.operator === 'IN' ? filter.values : undefined;
}

/** Words of `query`, each the beginning of one in these properties. From memory. */
export function toQueryTest(names: readonly string[], query: string): Test {
  const words = tokens(query);
  return (properties) => {
    const found = names.flatMap((name) => tokens(valueOf(properties, name) ?? ''));
    return words.every((word) => found.some((token) => token.startsWith(word)));
  };
}

export function orderOf(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How values of a property are compared: as numbers, as points in time, as text. */
export function comparison(property: PropertyDefinition): (value: string) => string | number {
  switch (property.type) {
    case 'number':
      return Number;
    case 'date':
    case 'datetime':
      return (value) => instant(value) ?? NaN;
    case 'string':
      return (value) => value.toLowerCase();
    default:
      return (value) => value;
  }
}

function isText({ type }: PropertyDefinition): boolean {
  return type === 'string';
}

/** `*` stands for any run of characters. Tokens are words as they stand, and the runs of letters and digits in them. */
function containsToken(held: (properties: Values) => string | undefined, value: string): Test {
  const parts = value.trim().toLowerCase().split('*').map(escaped);
  const pattern = new RegExp(`^${parts.join('.*')}$`, 'su');
  return (properties) => {
    const own = held(properties)?.toLowerCase();
    return (
      own !== undefined && [own, ...own.split(/\s+/), ...tokens(own)].some((token) => pattern.test(token))
    );
  };
}

function escaped(text: string): string {
  return text.replace(/[$()*+.?[\\\]^{|}/-]/g, String.raw`\$&`);
}

function tokens(text: string): string[] {
  return text.toLowerCase().match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
}
