import { canonicalPhone, readPhone } from '@sangam/core/identity';
import { parse } from 'csv-parse/sync';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { toCsv } from './csv.ts';

const read = (csv: string): string[][] => parse(csv, { bom: true });
/** Without what tells that it is text, as docs/operations.md says. */
const asMeant = (cell: string): string =>
  cell.replace(/(?<=^|[;\t\r\n])' (?=(?:' ?)*[=+\-@\t\r＝＋－＠])/g, '');
/** OWASP, CSV injection: a cell that begins so is run, or read as a number. */
const starts = /^[=+\-@\t\r＝＋－＠]/;

/** Texts with much of what makes trouble, and no phones. */
const text = fc
  .string({
    unit: fc.oneof(
      fc.constantFrom(...'=+-@\t\r\n\'",; (1a＝＋－＠'.split('')),
      fc.string({ minLength: 1, maxLength: 1, unit: 'grapheme' }),
    ),
  })
  .filter((said) => !/^\+\d{7,15}$/.test(said));
const digits = (length: number): fc.Arbitrary<string> =>
  fc.string({ unit: fc.constantFrom(...'0123456789'.split('')), minLength: length, maxLength: length });
/** Mobile and fixed numbers of many plans, as we keep them. */
const phone = fc
  .oneof(
    digits(9).map((rest) => `+919${rest}`),
    digits(7).map((rest) => `+1202${rest}`),
    digits(8).map((rest) => `+55119${rest}`),
    digits(8).map((rest) => `+54911${rest}`),
    digits(8).map((rest) => `+5255${rest}`),
    digits(7).map((rest) => `+3906${rest}`),
    digits(4).map((rest) => `+2902${rest}`),
    digits(9).map((rest) => `+447${rest}`),
    digits(11).map((rest) => `+491${rest}`),
  )
  .filter((typed) => 'e164' in readPhone(typed, undefined) && canonicalPhone(typed) === typed);

describe('a table as CSV', () => {
  test('is read as it was written, whatever stands in it', () => {
    fc.assert(
      fc.property(fc.array(fc.record({ name: text, said: text }), { minLength: 1 }), (rows) => {
        const [head, ...cells] = read(toCsv(rows));
        expect(head).toEqual(['name', 'said']);
        expect(cells.map((row) => row.map(asMeant))).toEqual(rows.map(({ name, said }) => [name, said]));
      }),
    );
  });

  test('has no cell that starts a formula, also where a semicolon or a tab ends cells', () => {
    fc.assert(
      fc.property(text, phone, (said, number) => {
        const csv = toCsv([{ said, list: [said, number], number }]);
        for (const cell of read(csv).flat()) {
          for (const part of cell.split(/[;\t\r\n]/)) {
            expect(part).not.toMatch(starts);
            // As a spreadsheet saves it that takes the apostrophe for its own mark.
            expect(part.replace(/^'/, '')).not.toMatch(starts);
          }
        }
      }),
    );
  });

  test('tells phones so that they are read back, and are no numbers', () => {
    fc.assert(
      fc.property(phone, (e164) => {
        const [, [cell = ''] = []] = read(toCsv([{ e164 }]));
        expect(readPhone(cell, undefined)).toMatchObject({ e164 });
        expect(cell).toMatch(/^\(\+\d+\) \d+$/);
      }),
    );
  });

  test('has lists in one cell, numbers as numbers, and nothing for what is not there', () => {
    const rows = [
      { name: 'Rao, "Asha"', typed: '=cmd()', ids: ['1', '2'], missing: -5 },
      { name: 'राव', ids: ['+919812345678', '+12025550123'] },
      { name: '+999999999999' },
    ];
    expect(toCsv(rows)).toBe(
      [
        '\uFEFFname,typed,ids,missing',
        `"Rao, ""Asha""",' =cmd(),1 2,-5`,
        'राव,,(+91) 9812345678 (+1) 2025550123,',
        "' +999999999999,,,",
        '',
      ].join('\r\n'),
    );
  });
});
