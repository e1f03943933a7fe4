import type { ContactFields, CrmValues, FieldMapping } from '../crm/index.ts';

/**
 * What one upsert should carry so that the record says what this contact says, and nothing a person typed is lost.
 * `current` is what the record holds now under the mapping's fields, undefined when there is no record yet.
 *
 * | owner              | a new record gets      | an existing record gets it when         |
 * | ------------------ | ---------------------- | --------------------------------------- |
 * | `once`, `if-empty` | the value or a stand-in | the CRM's is empty or one of our stand-ins |
 * | `ours`             | the value              | it differs                              |
 * | `both`             | the value              | the mapping's `merge` says what          |
 * | `theirs`           | nothing                | never                                   |
 *
 * An empty result for an existing record means there is nothing to write.
 */
export function valuesToWrite(
  contact: ContactFields,
  mapping: readonly FieldMapping[],
  current: CrmValues | undefined,
): CrmValues {
  const values: Record<string, string> = {};
  for (const field of mapping) {
    const value =
      current === undefined
        ? valueForNew(field, contact)
        : valueForExisting(field, contact, current[field.crmField] ?? '');
    if (value !== undefined) values[field.crmField] = value;
  }
  return values;
}

function valueForNew(field: FieldMapping, contact: ContactFields): string | undefined {
  if (field.owner === 'theirs') return undefined;
  const ours = field.value(contact);
  return ours === undefined || ours === '' ? field.standIns?.(contact)[0] : ours;
}

function valueForExisting(field: FieldMapping, contact: ContactFields, theirs: string): string | undefined {
  const ours = field.value(contact);
  if (ours === undefined) return undefined;
  switch (field.owner) {
    case 'theirs':
      return undefined;
    case 'both':
      return field.merge(ours, theirs);
    case 'ours':
      return isSame(field, ours, theirs) ? undefined : ours;
    case 'once':
    case 'if-empty':
      return isEmpty(field, contact, theirs) && ours !== '' && ours !== theirs ? ours : undefined;
  }
}

function isSame(field: FieldMapping, ours: string, theirs: string): boolean {
  return ours === theirs || (field.same?.(ours, theirs) ?? false);
}

function isEmpty(field: FieldMapping, contact: ContactFields, theirs: string): boolean {
  return theirs === '' || (field.standIns?.(contact).includes(theirs) ?? false);
}
