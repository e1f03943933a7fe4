import type { ZohoClient } from './client.ts';
import { listFieldsOf, type ZohoField } from './field-api.ts';

/** By their api names. */
export type FieldsByName = ReadonlyMap<string, ZohoField>;

/**
 * The fields of one account's modules as they were when they were last looked at: names tell types, which values are written
 * by, and Zoho says nothing of a name that no field has. docs/vendors/zoho.md §3.1.
 */
export interface AccountSchema {
  of(module: string): Promise<FieldsByName>;
  /** The next question is put to the account. */
  forget(): void;
}

/**
 * An admin rarely changes fields; what they take away shows in the next record that is read or made, or in the next look at
 * changes. An update alone shows nothing of it, and reading each would cost half as much again: once the field is there
 * anew every record is read.
 */
const believedMs = 10 * 60_000;

export function createAccountSchema(client: ZohoClient): AccountSchema {
  const known = new Map<string, { readonly fields: Promise<FieldsByName>; readonly until: number }>();
  return {
    of(module) {
      const before = known.get(module);
      if (before !== undefined && before.until > performance.now()) return before.fields;
      const fields = listFieldsOf(client, module).then(
        (some): FieldsByName => new Map(some.map((one) => [one.api_name, one])),
      );
      known.set(module, { fields, until: performance.now() + believedMs });
      fields.catch(() => known.delete(module));
      return fields;
    },
    forget: () => known.clear(),
  };
}
