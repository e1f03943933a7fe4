import { describe, expect, test } from 'vitest';
import type { ContactFields, FieldMapping, Spelling } from '../crm/index.ts';
import { standInsOf, writtenValue } from './written-value.ts';

const spelling: Spelling = {
  write: (value) =>
    value.kind === 'text'
      ? (value.text ?? 'nothing')
      : value.kind === 'time'
        ? String(value.at)
        : value.kind === 'flag'
          ? String(value.set)
          : value.tags.join(','),
  same: (x, y) => x === y,
  readFlag: () => undefined,
  readTime: () => undefined,
  readTags: () => [],
  writeTags: () => undefined,
};

const asha: ContactFields = {
  contactId: 'c1',
  phones: [],
  formerPhones: [],
  firstName: 'Asha',
  lastName: '',
  leadSource: 'WhatsApp',
  windowState: 'open',
  optOut: false,
  tags: [],
  flowAnswers: { note: '\n  First Line\nsecond 12' },
};
const field = { name: 'f', label: 'f', kind: 'text', writable: true } as const;
const map = (more: Partial<FieldMapping>): FieldMapping => ({
  source: { flowAnswer: 'note' },
  field,
  policy: 'if-empty',
  transform: 'as is',
  ...more,
});

describe('a value on its way', () => {
  test.each([
    ['as is', '\n  First Line\nsecond 12'],
    ['lower case', '\n  first line\nsecond 12'],
    ['upper case', '\n  FIRST LINE\nSECOND 12'],
    ['digits only', '12'],
    ['first line', 'First Line'],
  ] as const)('goes %s', (transform, written) => {
    expect(writtenValue(map({ transform }), asha, spelling)).toBe(written);
  });

  test('is translated where the line says so, and the rest is transformed', () => {
    const line = map({
      source: 'lead source',
      transform: 'upper case',
      values: { 'WhatsApp CTWA': 'whatsapp_ctwa' },
    });
    expect(writtenValue(line, { ...asha, leadSource: 'WhatsApp CTWA' }, spelling)).toBe('whatsapp_ctwa');
    expect(writtenValue(line, asha, spelling)).toBe('WHATSAPP');
    expect(writtenValue(map({ source: { constant: 'constructor' }, values: {} }), asha, spelling)).toBe(
      'constructor',
    );
  });

  test.each([
    ['Asha', 'Rao', 'Asha Rao'],
    ['Asha', '', 'Asha'],
    ['', 'Rao', 'Rao'],
  ])('is a full name of %j and %j', (firstName, lastName, written) => {
    expect(writtenValue(map({ source: 'full name' }), { ...asha, firstName, lastName }, spelling)).toBe(
      written,
    );
  });

  test.each([
    ['Asia/Kolkata', '2026-03-02'],
    ['UTC', '2026-03-01'],
    [undefined, '2026-03-01'],
    ['America/New_York', '2026-03-01'],
  ])('is of a date the day it was in %s', (timeZone, day) => {
    const time = { kind: 'date' as const, name: 'd', label: 'd', writable: true };
    const line = map({
      source: 'waiting since',
      field: time,
      ...(timeZone === undefined ? {} : { timeZone }),
    });
    const contact = { ...asha, waitingSince: Date.parse('2026-03-01T20:30:00Z') };
    const written = writtenValue(line, contact, spelling);
    expect(new Date(Number(written)).toISOString().slice(0, 10)).toBe(day);
  });

  test('that is no text goes as it is', () => {
    expect(writtenValue(map({ source: 'opt-out', transform: 'upper case' }), asha, spelling)).toBe('false');
    expect(
      writtenValue(map({ source: 'tags', transform: 'upper case' }), { ...asha, tags: ['vip'] }, spelling),
    ).toBe('vip');
    expect(
      writtenValue(
        map({ source: 'waiting since', transform: 'digits only' }),
        { ...asha, waitingSince: 5 },
        spelling,
      ),
    ).toBe('5');
  });

  test.each(['last name', 'waiting since', 'username', { flowAnswer: 'unasked' }] as const)(
    'of which we know nothing empties only what is ours (%j)',
    (source) => {
      expect(writtenValue(map({ source }), asha, spelling)).toBeUndefined();
      expect(writtenValue(map({ source, policy: 'ours' }), asha, spelling)).toBe('');
      expect(writtenValue(map({ source, transform: 'upper case' }), asha, spelling)).toBeUndefined();
    },
  );
});

describe('what stands in for a name', () => {
  const named = map({ source: 'first name', standIns: ['phone', 'username', "'Somebody'"] });

  test('is what is known, best first', () => {
    expect(standInsOf(named, asha, spelling)).toEqual(['Somebody']);
    expect(standInsOf(named, { ...asha, username: 'asha.r' }, spelling)).toEqual(['@asha.r', 'Somebody']);
    expect(standInsOf(named, { ...asha, phone: '+91', username: 'asha.r' }, spelling)).toEqual([
      '+91',
      '@asha.r',
      'Somebody',
    ]);
    expect(standInsOf(map({}), asha, spelling)).toEqual([]);
  });

  test('is nothing the field cannot hold', () => {
    const unable = { ...spelling, write: () => undefined };
    const empty = { ...spelling, write: () => '' };
    for (const one of [unable, empty]) expect(standInsOf(named, asha, one)).toEqual([]);
  });
});
