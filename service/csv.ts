/** A cell a spreadsheet would take for a formula is told to be text. */
const formula = /^[=+\-@\t\r]/;

/** Rows as CSV with a head of all their keys; lists stand in one cell, joined by blanks. */
export function toCsv(rows: readonly object[]): string {
  const keys = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => {
    const values = new Map(Object.entries(row));
    return keys.map((key) => cell(values.get(key))).join(',');
  });
  return [keys.map(cell).join(','), ...lines, ''].join('\r\n');
}

function cell(value: unknown): string {
  const text = asText(value);
  const safe = formula.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

function asText(value: unknown): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) return value.map(asText).join(' ');
  return JSON.stringify(value);
}
