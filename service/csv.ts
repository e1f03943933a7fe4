import { callingCodeOf } from '@sangam/core/identity';

/** By it Excel reads UTF-8: names come in many scripts. */
const byteOrderMark = '\uFEFF';
/**
 * Where a spreadsheet would begin a formula: at the start, also of what is a cell of its own where cells end with `;` or a tab.
 * The wide forms count in Japanese ones.
 */
const formulaStart = /(?<=^|[;\t\r\n])(?=(?:' ?)*[=+\-@\t\r＝＋－＠])/g;
/** The apostrophe tells most spreadsheets that it is text; the blank still does once one of them saved it without. */
const asTextOnly = "' ";

/** Rows as CSV with a head of all their keys; lists stand in one cell, joined by blanks. */
export function toCsv(rows: readonly object[]): string {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => {
    const values = new Map(Object.entries(row));
    return keys.map((key) => cell(values.get(key))).join(',');
  });
  return byteOrderMark + [keys.map(cell).join(','), ...lines, ''].join('\r\n');
}

function cell(value: unknown): string {
  if (typeof value === 'number') return String(value);
  const safe = asText(value).replace(formulaStart, asTextOnly);
  return /[",;\t\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function asText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return asPhone(value) ?? value;
  if (Array.isArray(value)) return value.map(asText).join(' ');
  return JSON.stringify(value);
}

/** A number in E.164 as no spreadsheet takes it for a number and every reader of phones reads it: `(+91) 9812345678`. */
function asPhone(text: string): string | undefined {
  const code = /^\+\d{7,15}$/.test(text) ? callingCodeOf(text) : undefined;
  return code === undefined ? undefined : `(+${code}) ${text.slice(1 + code.length)}`;
}
