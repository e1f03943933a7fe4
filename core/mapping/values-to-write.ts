import type { ContactFields, CrmValues, FieldMapping } from '../crm/index.ts';

/**
 * What one upsert should carry so that the record says what this contact says, and nothing a person typed is lost.
 * `current` is what the record holds now under the mapping's fields, undefined when there is no record yet; `base` is
 * what we last wrote there. A value that still is what we wrote is ours to correct, as when an earlier first message
 * turns up late; any other was put there by somebody.
 *
 * | owner              | a new record gets       | an existing record gets it when                       |
 * | ------------------ | ----------------------- | ----------------------------------------------------- |
 * | `once`, `if-empty` | the value or a stand-in | the CRM's is empty, a stand-in or still what we wrote |
 * | `ours`             | the value               | it differs                                            |
 * | `both`             | the value               | the mapping's `merge` says what                       |
 * | `theirs`           | nothing                 | never                                                 |
 *
 * An empty result for an existing record means there is nothing to write.
 */
export function valuesToWrite(
  contact: ContactFields,
  mapping: readonly FieldMapping[],
  current: CrmValues | undefined,
  base: CrmValues = {},
): CrmValues {
  const values: Record<string, string> = {};
  for (const field of mapping) {
    const value =
      current === undefined
        ? valueForNew(field, contact)
        : valueForExisting(field, contact, current[field.crmField] ?? '', base[field.crmField]);
    if (value !== undefined) values[field.crmField] = value;
  }
  return values;
}

function valueForNew(field: FieldMapping, contact: ContactFields): string | undefined {
  if (field.owner === 'theirs') return undefined;
  const ours = field.value(contact);
  return ours === undefined || ours === '' ? field.standIns?.(contact)[0] : ours;
}

function valueForExisting(
  field: FieldMapping,
  contact: ContactFields,
  theirs: string,
  base: string | undefined,
): string | undefined {
  const ours = field.value(contact);
  if (ours === undefined) return undefined;
  switch (field.owner) {
    case 'theirs':
      return undefined;
    case 'both':
      return field.merge(ours, theirs, base);
    case 'ours':
      return isSame(field, ours, theirs) ? undefined : ours;
    case 'once':
    case 'if-empty':
      if (ours === '' || isSame(field, ours, theirs)) return undefined;
      return isEmpty(field, contact, theirs) || isStillOurs(field, theirs, base) ? ours : undefined;
  }
}

function isSame(field: FieldMapping, ours: string, theirs: string): boolean {
  return ours === theirs || (field.same?.(ours, theirs) ?? false);
}

function isEmpty(field: FieldMapping, contact: ContactFields, theirs: string): boolean {
  return theirs === '' || (field.standIns?.(contact).includes(theirs) ?? false);
}

function isStillOurs(field: FieldMapping, theirs: string, base: string | undefined): boolean {
  return base !== undefined && isSame(field, base, theirs);
}

/** What to remember of a write, so that the next one can tell what is still ours from what somebody changed. */
export function baseAfter(mapping: readonly FieldMapping[], base: CrmValues, written: CrmValues): CrmValues {
  const needed = new Set(
    mapping.filter(({ owner }) => owner !== 'ours' && owner !== 'theirs').map(({ crmField }) => crmField),
  );
  return Object.fromEntries(
    Object.entries({ ...base, ...written }).filter(([crmField]) => needed.has(crmField)),
  );
}
