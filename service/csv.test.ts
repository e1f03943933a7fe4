import { expect, test } from 'vitest';
import { toCsv } from './csv.ts';

test('a table is CSV a spreadsheet reads as it was written, and runs nothing of', () => {
  const rows = [{ name: 'Rao, "Asha"', typed: '=cmd()', ids: ['1', '2'] }, { name: '+91 98' }];
  expect(toCsv(rows)).toBe(`name,typed,ids\r\n"Rao, ""Asha""",'=cmd(),1 2\r\n'+91 98,,\r\n`);
});
