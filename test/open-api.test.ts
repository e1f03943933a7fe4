import { expect, test } from 'vitest';
import { type Exchange, objectionsTo } from './harness/open-api.ts';

/** What compares bodies with descriptions sees what does not fit. */

const common = {
  components: { schemas: { Person: { type: 'object', properties: { name: { type: 'string' } } } } },
};
const description = {
  paths: {
    '/people/{id}': {
      get: { responses: { 200: { content: json({ $ref: '#/components/schemas/Answer' }) } } },
    },
    '/people/all': {
      get: { responses: { 200: { content: json({ type: 'array', items: { type: 'string' } }) } } },
    },
  },
  components: {
    schemas: {
      Answer: {
        type: 'object',
        required: ['status'],
        properties: {
          status: { type: 'string', enum: ['ok'] },
          count: { type: ['integer', 'null'] },
          person: { $ref: 'https://vendor.example/common.json#/components/schemas/Person' },
          either: { oneOf: [{ type: 'string' }, { type: 'object', properties: { id: { type: 'string' } } }] },
          sample: { type: 'object' },
        },
      },
    },
  },
} as const;

function json(schema: object) {
  return { 'application/json': { schema } };
}

function objections(answered: unknown, loosely = false, more: Partial<Exchange> = {}): string[] {
  const exchange = { method: 'GET', path: '/people/7', sent: undefined, status: 200, answered, ...more };
  const files = new Map<string, unknown>([['common.json', common]]);
  return objectionsTo(exchange, [description], {
    known: new Set(),
    loosely,
    files,
  });
}

test.each<[string, unknown]>([
  ['has more', { status: 'ok', more: 1 }],
  ['lacks status', {}],
  ['is none of its values', { status: 'bad' }],
  ['count', { status: 'ok', count: 'two' }],
  ['person has age', { status: 'ok', person: { age: 3 } }],
  ['either', { status: 'ok', either: { name: 'Asha' } }],
  ['sample has any', { status: 'ok', sample: { any: 1 } }],
])('%s', (objection, answered) => {
  expect(objections(answered).join()).toContain(objection);
});

test('what fits is not objected to', () => {
  const answered = { status: 'ok', count: null, person: { name: 'Asha' }, either: { id: '1' } };
  expect(objections(answered)).toEqual([]);
  expect(objections(['1'], false, { path: '/people/all' })).toEqual([]);
});

test('loosely, names and types count, and nothing else', () => {
  expect(objections({ status: 'bad', sample: { any: 1 }, person: null }, true, { status: 207 })).toEqual([]);
  expect(objections({ status: 7 }, true)).toHaveLength(1);
  expect(objections({ more: 7 }, true)).toHaveLength(1);
  expect(objections({}, false, { status: 207 })).toEqual(['GET /people/7 answers no 207']);
  expect(objections({}, true, { path: '/nowhere' })).toEqual(['GET /nowhere is described nowhere']);
});
