/** Traces of the events behind one mark or entry, as W3C trace contexts, which hold no blank. */

/** More than these of what waits for one write are not kept. */
const mostTraces = 16;

/** As one text, for `string_to_array(…, ' ')`: arrays of arrays do not unnest. */
export function asTraces(traceparents: readonly string[]): string | null {
  return traceparents.length === 0 ? null : traceparents.slice(0, mostTraces).join(' ');
}

/** In an upsert of `table`: adds the new traces, if there are any, to those that are there. */
export function joinTraces(table: string): string {
  const joined = `${table}.traceparents || excluded.traceparents`;
  // Not as a slice: one in an upsert ends a Citus's server.
  return `traceparents = trim_array(${joined}, greatest(cardinality(${joined}) - ${String(mostTraces)}, 0))`;
}
