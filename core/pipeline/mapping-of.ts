import type { AccountTraits, FieldMapping } from '../crm/index.ts';
import type { ConnectionRow } from '../store/index.ts';

/** The connection's own mapping, or the connector's; dates by the days of its time zone. */
export function wholeMappingOf(
  { mapping, settings: { timeZone } }: ConnectionRow,
  { defaultMapping }: AccountTraits,
): readonly FieldMapping[] {
  return (mapping ?? defaultMapping).map((line) =>
    line.field.kind === 'date' ? { ...line, timeZone } : line,
  );
}

/** What is written now: without fields that vanished from the CRM. */
export function mappingOf(connection: ConnectionRow, traits: AccountTraits): FieldMapping[] {
  return wholeMappingOf(connection, traits).filter(
    ({ field }) => !Object.hasOwn(connection.parkedFields, field.name),
  );
}
