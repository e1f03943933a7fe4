/** A statement takes 65,535 parameters; a row here takes at most 20. */
const mostRows = 2_000;

/** Rows in parts that one statement takes. */
export function inParts<Row>(rows: readonly Row[]): (readonly Row[])[] {
  const parts: (readonly Row[])[] = [];
  for (let start = 0; start < rows.length; start += mostRows) parts.push(rows.slice(start, start + mostRows));
  return parts;
}
