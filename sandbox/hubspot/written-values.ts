import type { Catalogue } from './catalogue.ts';
import type { Problem } from './errors.ts';
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
