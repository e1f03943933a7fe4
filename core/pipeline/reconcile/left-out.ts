import type { CrmValues, FieldMapping, Spelling } from '../../crm/index.ts';
import { type Agreed, fieldOfNumber } from '../../mapping/index.ts';
import type { LeftOut } from './write-records.ts';

/** What both sides agree on where something was left out: there it is what it was. */
export function withoutLeftOut(
  agreed: Agreed,
  before: Agreed,
  leftOut: readonly Pick<LeftOut, 'values'>[],
): Agreed {
  const fields = new Set(leftOut.flatMap(({ values }) => Object.keys(values)));
  if (fields.size === 0) return agreed;
  const kept = Object.entries(agreed.base).filter(([field]) => !fields.has(fieldOfNumber(field)));
  const former = Object.entries(before.base).filter(([field]) => fields.has(fieldOfNumber(field)));
  return {
    base: Object.fromEntries([...kept, ...former]),
    ours: agreed.ours.filter((field) => !fields.has(field) || before.ours.includes(field)),
  };
}

/**
 * Values a CRM refused by name are not sent again while they stay the same. The opt-out always is, and what was refused
 * as a whole too: there something else may have been the matter.
 */
export function refusedValues(leftOut: readonly LeftOut[], optOutFields: readonly string[]): CrmValues {
  return Object.fromEntries(
    leftOut
      .filter(({ named }) => named)
      .flatMap(({ values }) => Object.entries(values))
      .filter(([field]) => !optOutFields.includes(field)),
  );
}

/**
 * Values a CRM stored otherwise than they were sent, as a text it cuts short or trims: sent again they would end the same.
 * Flags and tags, which both sides change, always are.
 */
export function storedOtherwise(
  sent: CrmValues,
  answered: CrmValues,
  mapping: readonly FieldMapping[],
  spelling: Spelling,
): CrmValues {
  const texts = mapping
    .filter(({ source }) => source !== 'opt-out' && source !== 'tags')
    // Of a list what comes and goes is written, and the whole answered.
    .filter(({ field }) => field.kind !== 'phones');
  return Object.fromEntries(
    texts.flatMap(({ field }) => {
      const [given, stands] = [sent[field.name], answered[field.name]];
      const other = given !== undefined && stands !== undefined && !spelling.same(given, stands, field);
      return other ? [[field.name, given]] : [];
    }),
  );
}

export function optOutFieldsOf(mapping: readonly FieldMapping[]): string[] {
  return mapping.filter(({ source }) => source === 'opt-out').map(({ field }) => field.name);
}
