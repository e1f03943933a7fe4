import type { AccountFacts, FieldMapping } from '@sangam/core/crm';
import type { AccountSchema, FieldsByName } from './account-schema.ts';
import { toCrmField } from './fields.ts';
import { defaultMapping } from './mapping.ts';
import { personModules } from './modules.ts';
import { contactIdField, mappedFields, ourFields } from './our-fields.ts';

export const ownerField = 'Owner';

/** What is so of an account whose fields are called as we make them. */
export const usualNames = {
  contactIdField: contactIdField.name,
  phoneFields: ['Phone', 'Mobile', 'WhatsApp_Number'],
  followedFields: ['Lead_Status', ownerField],
  followedDealFields: ['Stage'],
  defaultMapping,
} as const satisfies Partial<AccountFacts>;

/**
 * What our fields are called in this account: those an extension brought carry its prefix, and Zoho makes names of labels in
 * its own way. A field that is not there yet is called as usual. docs/vendors/zoho.md §3.1
 */
export async function namesIn(
  schema: AccountSchema,
): Promise<Pick<AccountFacts, 'contactIdField' | 'phoneFields' | 'defaultMapping'>> {
  const modules: FieldsByName[] = [];
  for (const module of personModules) modules.push(await schema.of(module));
  const nameOf = new Map(ourFields.map(({ name, label }) => [name, calledIn(modules, name, label)] as const));
  const renamed = (name: string): string => nameOf.get(name) ?? name;
  return {
    contactIdField: renamed(contactIdField.name),
    phoneFields: usualNames.phoneFields.map(renamed),
    defaultMapping: defaultMapping.map((line) => ({ ...line, field: fieldIn(modules, line, renamed) })),
  };
}

function calledIn(modules: readonly FieldsByName[], name: string, label: string): string {
  const everywhere = (fits: (found: { name: string; label: string }) => boolean): string | undefined => {
    const [first, ...others] = modules.map(
      (fields) =>
        [...fields.values()]
          .filter(({ custom_field: custom }) => custom)
          .find(({ api_name: found, field_label: shown }) => fits({ name: found, label: shown }))?.api_name,
    );
    return first !== undefined && others.every((other) => other === first) ? first : undefined;
  };
  return (
    everywhere((found) => found.name === name) ??
    everywhere((found) => found.name.endsWith(`__${name}`)) ??
    everywhere((found) => found.label === label) ??
    name
  );
}

/** Ours under its name there; Zoho's own with the options it has there besides. */
function fieldIn(
  modules: readonly FieldsByName[],
  { field }: FieldMapping,
  renamed: (name: string) => string,
): FieldMapping['field'] {
  const name = renamed(field.name);
  if (field.options === undefined || mappedFields.some((one) => one.field.name === field.name)) {
    return { ...field, name };
  }
  const there = modules.map((fields) => fields.get(name)).find((one) => one !== undefined);
  const known = there === undefined ? [] : (toCrmField(there).options ?? []);
  const ours = field.options.filter((option) => known.every(({ value }) => value !== option.value));
  return { ...field, name, options: [...known, ...ours] };
}
