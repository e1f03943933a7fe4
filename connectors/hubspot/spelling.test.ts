import type { CrmField, FieldKind, FieldValue } from '@sangam/core/crm';
import { describe, expect, test } from 'vitest';
import { spelling } from './spelling.ts';

const at = Date.UTC(2026, 10, 23, 10, 0, 0);
const options = [
  { value: 'IN_PROGRESS', label: 'In Progress' },
  { value: 'lead', label: 'Lead' },
];
const field = (kind: FieldKind): CrmField => ({ name: 'x', label: 'X', kind, writable: true, options });
const text = (value: string | undefined): FieldValue => ({ kind: 'text', text: value });

describe('is written', () => {
  const cases: [FieldValue, FieldKind, string | undefined][] = [
    [text('As\0ha\uD800'), 'text', 'Asha\uFFFD'],
    [text('two\nlines'), 'long text', 'two\nlines'],
    [text('+919812345678'), 'phone', '+919812345678'],
    [text(undefined), 'text', ''],
    [text('lead'), 'choice', 'lead'],
    [text(' in progress '), 'choice', 'IN_PROGRESS'],
    [text('unheard of'), 'choice', undefined],
    [text(undefined), 'choice', ''],
    [text(' 12.5 '), 'number', '12.5'],
    [text('a dozen'), 'number', undefined],
    [text('2000001'), 'user', '2000001'],
    [text('Asha'), 'user', undefined],
    [text('yes'), 'flag', undefined],
    [text('x'), 'other', undefined],
    [{ kind: 'time', at }, 'time', '2026-11-23T10:00:00.000Z'],
    [{ kind: 'time', at }, 'date', '2026-11-23'],
    [{ kind: 'time', at: undefined }, 'time', ''],
    [{ kind: 'time', at: Number.POSITIVE_INFINITY }, 'time', undefined],
    [{ kind: 'time', at }, 'text', undefined],
    [{ kind: 'flag', set: true }, 'flag', 'true'],
    [{ kind: 'flag', set: false }, 'flag', 'false'],
    [{ kind: 'flag', set: true }, 'text', undefined],
    [{ kind: 'tags', tags: [' a;b\u200B', '\0', 'c', 'c'] }, 'choices', 'a,b;c'],
    [{ kind: 'tags', tags: ['vip', 'north, east'] }, 'text', 'vip, north; east'],
    [{ kind: 'tags', tags: [] }, 'choices', ''],
    [{ kind: 'tags', tags: ['vip'] }, 'choice', undefined],
  ];
  test.each(cases)('%j in a field of kind %s as %j', (value, kind, written) => {
    expect(spelling.write(value, field(kind))).toBe(written);
  });
});

describe('says the same', () => {
  test.each<[FieldKind, string, string, boolean]>([
    ['time', '2026-11-23T10:00:00Z', String(at), true],
    ['time', '2026-11-23T10:00:00Z', '2026-11-23T10:00:00.001Z', false],
    ['time', '', '', true],
    ['time', '', String(at), false],
    ['date', '2026-11-23', String(Date.UTC(2026, 10, 23)), true],
    ['flag', 'TRUE', 'true', true],
    ['flag', '', 'false', false],
    ['number', '12', '12.0', true],
    ['number', '0', '', false],
    ['phone', '+91 98123-45678', '+919812345678', true],
    ['phone', '98123 45678', '+919812345678', false],
    ['choices', 'b;a', 'a;b', true],
    ['choices', 'a', 'a;b', false],
    ['text', 'Asha', 'asha', false],
  ])('of kind %s: %j and %j: %s', (kind, x, y, same) => {
    expect(spelling.same(x, y, field(kind))).toBe(same);
  });
});

test.each([
  ['true', true],
  ['FALSE', false],
  ['', undefined],
  ['perhaps', undefined],
])('the flag %j says %s', (written, says) => {
  expect(spelling.readFlag(written, field('flag'))).toBe(says);
});

test.each<[string[], string, FieldKind, string | undefined]>([
  [['vip'], 'vip', 'choices', undefined],
  [['vip', 'new'], 'vip', 'choices', ';new'],
  [['vip', 'new', 'a'], 'vip', 'choices', ';new;a'],
  [['new'], 'vip', 'choices', 'new'],
  [[], 'vip', 'choices', ''],
  [[], '', 'choices', undefined],
  [['vip', 'new'], 'vip', 'text', 'vip, new'],
  [['vip', 'new'], 'new ,vip', 'text', undefined],
  [['vip'], '', 'phone', undefined],
])('tags %j over %j of kind %s are written %j', (wanted, current, kind, write) => {
  expect(spelling.writeTags(wanted, current, field(kind))).toBe(write);
});
