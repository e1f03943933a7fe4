import type { Catalogue } from './catalogue.ts';
import { type HubspotError, invalidProperties, type Problem, validationError } from './errors.ts';
import { namingProperties } from './portal.ts';
import { normalise } from './values.ts';

/** What a write may say of one record, before records meet each other. */

type Values = Readonly<Record<string, string>>;

/** Every value as it would be stored, or all that is wrong with them. `current` is what the record holds now. */
export function readValues(
  catalogue: Catalogue,
  raw: Readonly<Record<string, unknown>>,
  current: Values,
): { values: Record<string, string> } | { problems: Problem[] } {
  const values: Record<string, string> = {};
  const problems: Problem[] = [];
  for (const name of Object.keys(raw)) {
    const property = catalogue.properties.get(name);
    if (property === undefined) {
      problems.push({
        code: 'PROPERTY_DOESNT_EXIST',
        property: name,
        message: `Property "${name}" does not exist`,
      });
      continue;
    }
    const read = normalise(property, raw[name], current[name]);
    if (typeof read === 'string') values[name] = read;
    else problems.push(read);
  }
  return problems.length > 0 ? { problems } : { values };
}

/** facts/hubspot.md §4.2, and §4.1 for what the admin requires. */
export function objectionToNew(values: Values, required: readonly string[]): HubspotError | undefined {
  const has = (name: string): boolean => (values[name] ?? '') !== '';
  if (!namingProperties.some(has)) {
    return validationError(`One of ${namingProperties.join(', ')} is needed to create a contact.`);
  }
  const missing = required.filter((name) => !has(name));
  if (missing.length === 0) return undefined;
  return invalidProperties(
    missing.map((property) => ({
      code: 'MISSING_REQUIRED_PROPERTY',
      property,
      message: `Property "${property}" is required to create a contact`,
    })),
  );
}
