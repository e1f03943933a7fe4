import type { AccountTraits, FieldMapping } from '../crm/index.ts';
import type { ConnectionRow } from '../store/index.ts';

/** The connection's own mapping, or the connector's. */
export function wholeMappingOf(
  { mapping }: ConnectionRow,
  { defaultMapping }: AccountTraits,
): readonly FieldMapping[] {
  return mapping ?? defaultMapping;
}

/** What is written now: without fields that vanished from the CRM. */
export function mappingOf(connection: ConnectionRow, traits: AccountTraits): FieldMapping[] {
  return wholeMappingOf(connection, traits).filter(
    ({ field }) => !Object.hasOwn(connection.parkedFields, field.name),
  );
}
