import type { ConnectorTraits, FieldMapping } from '../../crm/index.ts';
import type { ConnectionRow } from '../../store/index.ts';

/** What is written now: the connection's own mapping or the connector's, without fields that vanished from the CRM. */
export function mappingOf(
  { mapping, parkedFields }: ConnectionRow,
  { defaultMapping }: ConnectorTraits,
): FieldMapping[] {
  return (mapping ?? defaultMapping).filter(({ field }) => !(field.name in parkedFields));
}
