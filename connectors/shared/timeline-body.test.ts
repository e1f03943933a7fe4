import type { TimelineEntry, TimelineLine } from '@sangam/core/crm';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BodyShape, entryBody, entryKeyIn } from './timeline-body.ts';

const html: BodyShape = { form: 'html', maxChars: 65_536 };
const plain: BodyShape = { form: 'text', maxChars: 32_000 };

const at = Date.UTC(2026, 10, 23, 4, 32);

const line = (more: Partial<TimelineLine>): TimelineLine => ({
  at,
  direction: 'in',
  sender: 'Asha Rao',
  text: 'Hello',
  replied: false,
  ...more,
});
const entry = (lines: readonly TimelineLine[], more: Partial<TimelineEntry> = {}): TimelineEntry => ({
  entryKey: '00af-1',
  recordId: '101',
  at,
  title: 'WhatsApp with Asha Rao',
  timeZone: 'Asia/Kolkata',
  lines,
  ...more,
});

test('an entry is title, messages with their fate, and the marker', () => {
  const lines = [
    line({ text: 'Is it <b>in stock</b>?\nSize "M" & L' }),
    line({
      direction: 'out',
      sender: 'Ravi',
      text: 'Yes',
      at: at + 60_000,
      status: 'read',
      statusAt: at + 120_000,
      replied: true,
    }),
    line({ direction: 'out', sender: 'Ravi', text: '', status: 'failed', failure: 'number not on WhatsApp' }),
  ];
  expect(entryBody(entry(lines), html)).toBe(
    '<p><strong>WhatsApp with Asha Rao</strong></p>' +
      '<p>10:02 <strong>Asha Rao</strong>: Is it &lt;b&gt;in stock&lt;/b&gt;?<br>Size &quot;M&quot; &amp; L</p>' +
      '<p>10:03 <strong>Ravi</strong>: Yes <em>(✓✓ read 10:04, replied)</em></p>' +
      '<p>10:02 <strong>Ravi</strong> <em>(✗ failed, number not on WhatsApp)</em></p>' +
      '<p>Sangam ref 00af-1</p>',
  );
});

test('as plain text it says the same, and nothing is escaped', () => {
  const lines = [
    line({ text: 'Is it <b>in stock</b>?' }),
    line({ direction: 'out', sender: 'Ravi', text: 'Yes', status: 'read', statusAt: at + 120_000 }),
  ];
  expect(entryBody(entry(lines), plain)).toBe(
    'WhatsApp with Asha Rao\n' +
      '10:02 Asha Rao: Is it <b>in stock</b>?\n' +
      '10:02 Ravi: Yes (✓✓ read 10:04)\n' +
      'Sangam ref 00af-1',
  );
  const many = Array.from({ length: 100 }, (_, n) => line({ text: `${String(n)} ${'x'.repeat(500)}` }));
  const body = entryBody(entry(many), plain);
  expect(body.length).toBeLessThanOrEqual(plain.maxChars);
  expect(body).toMatch(/\n\d+ earlier messages are not shown here\.\n/);
  expect(body).toContain(': 99 x');
});

test('times are told in the entry’s zone, with the day where it is another', () => {
  const late = line({ status: 'delivered', statusAt: at + 86_400_000 });
  expect(entryBody(entry([late]), html)).toContain('(✓✓ delivered 24 Nov 10:02)');
  const { timeZone: _, ...utc } = entry([late]);
  expect(entryBody(utc, html)).toContain('<p>04:32 <strong>');
});

describe('a body too long', () => {
  test('leaves out the oldest messages and says how many', () => {
    const lines = Array.from({ length: 100 }, (_, n) => line({ text: `${n} ${'&'.repeat(500)}` }));
    const body = entryBody(entry(lines), html);
    expect(body.length).toBeLessThanOrEqual(65_536);
    const shown = body.match(/&amp;<\/p>/g)?.length ?? 0;
    expect(shown).toBeGreaterThan(0);
    expect(body).toContain(`<p><em>${100 - shown} earlier messages are not shown here.</em></p>`);
    expect(body).toContain(': 99 &amp;');
    expect(entryKeyIn(body, 'html')).toBe('00af-1');
  });

  test('of one message alone cuts it', () => {
    const body = entryBody(entry([line({}), line({ text: '<'.repeat(60_000) })]), html);
    expect(body.length).toBeLessThanOrEqual(65_536);
    expect(body).toMatch(/&lt;…<\/p>/);
    expect(body).toContain('1 earlier message is not shown here');
  });
});

describe('the key', () => {
  const anyLine = fc.record({
    at: fc.constant(at),
    direction: fc.constantFrom('in' as const, 'out' as const),
    sender: fc.string({ unit: 'binary' }),
    text: fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('Sangam ref other', '</p>', '&nbsp;')),
    replied: fc.boolean(),
  });

  test('is found whatever people wrote, and no message forges it', () => {
    fc.assert(
      fc.property(fc.array(anyLine), fc.stringMatching(/^[A-Za-z0-9-]{1,40}$/), (lines, entryKey) => {
        for (const shape of [html, plain]) {
          expect(entryKeyIn(entryBody(entry(lines, { entryKey }), shape), shape.form)).toBe(entryKey);
        }
      }),
    );
  });

  test.each([
    ['as it was written', '<p>x</p><p>Sangam ref 00af-1</p>'],
    ['wrapped', '<div style="" dir="auto"><p>x</p>\n<p style="margin:0">Sangam ref 00af-1</p></div>\n'],
    ['without tags', 'x Sangam ref 00af-1'],
    ['with hard blanks', '<p>Sangam&nbsp;ref&#160;00af-1&nbsp;</p>'],
  ])('is found in HTML %s', (_, body) => {
    expect(entryKeyIn(body, 'html')).toBe('00af-1');
  });

  test.each(['', '<p>called them</p>', '<p>Sangam ref 00af-1</p><p>quoted by a colleague</p>'])(
    'is not in %j',
    (body) => {
      expect(entryKeyIn(body, 'html')).toBeUndefined();
    },
  );
});
