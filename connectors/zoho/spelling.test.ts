import type { CrmField, FieldKind, FieldValue } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { spelling } from './spelling.ts';

const field = (kind: FieldKind, options: readonly string[] = []): CrmField => ({
  name: 'F',
  label: 'F',
  kind,
  writable: true,
  ...(options.length === 0
    ? {}
    : { options: options.map((value) => ({ value, label: value.toUpperCase() })) }),
});
const at = Date.UTC(2026, 10, 27, 10, 5, 7, 123);

describe('writing', () => {
  test.each<[FieldValue, CrmField, string | undefined]>([
    [{ kind: 'time', at }, field('time'), '2026-11-27T10:05:07+00:00'],
    [{ kind: 'time', at }, field('date'), '2026-11-27'],
    [{ kind: 'time', at: undefined }, field('time'), ''],
    [{ kind: 'time', at }, field('text'), undefined],
    [{ kind: 'flag', set: true }, field('flag'), 'true'],
    [{ kind: 'flag', set: true }, field('choice', ['yes']), undefined],
    [{ kind: 'text', text: 'half \ud83d and \0' }, field('text'), 'half \ufffd and '],
    [{ kind: 'text', text: '🙏'.repeat(300) }, field('text'), '🙏'.repeat(255)],
    [{ kind: 'text', text: 'OPEN' }, field('choice', ['open', 'closed']), 'open'],
    [{ kind: 'text', text: 'other' }, field('choice', ['open']), undefined],
    [{ kind: 'text', text: 'abc' }, field('number'), undefined],
    [{ kind: 'tags', tags: ['VIP', 'a, b', 'VIP'] }, field('long text'), 'VIP, a; b'],
    [{ kind: 'tags', tags: ['VIP', 'a;b'] }, field('choices'), 'VIP;a,b'],
    [{ kind: 'tags', tags: ['x'.repeat(200), 'y'.repeat(200)] }, field('text'), 'x'.repeat(200)],
  ])('%j to %j', (value, into, written) => {
    expect(spelling.write(value, into)).toBe(written);
  });
});

test.each<[string, string, FieldKind, boolean]>([
  ['2026-11-27T10:05:07+00:00', '2026-11-27T15:35:07+05:30', 'time', true],
  ['2026-11-27T10:05:07+00:00', '2026-11-27T10:05:08+00:00', 'time', false],
  ['', '2026-11-27T10:05:08+00:00', 'time', false],
  ['', 'false', 'flag', true],
  ['true', 'false', 'flag', false],
  ['+91 98123-10000', '+919812310000', 'phone', true],
  ['a;b', 'b;a', 'choices', true],
  ['5', '5.0', 'number', true],
  ['', '0', 'number', false],
])('%s and %s in a field of kind %s say the same: %s', (x, y, kind, same) => {
  expect(spelling.same(x, y, field(kind))).toBe(same);
});

test('tags people typed are read, and rewritten only where they differ', () => {
  const tags = field('long text');
  expect(spelling.readTags('VIP ,  Wholesale,,VIP', tags)).toEqual(['VIP', 'Wholesale']);
  expect(spelling.writeTags(['Wholesale', 'VIP'], 'VIP ,Wholesale', tags)).toBeUndefined();
  expect(spelling.writeTags(['VIP'], 'VIP, Wholesale', tags)).toBe('VIP');
  expect(spelling.readFlag('TRUE', field('flag'))).toBe(true);
  expect(spelling.readFlag('', field('flag'))).toBeUndefined();
});
