import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { Values } from '../shared/record.ts';
import { createRecordState, type RecordState } from '../shared/record-state.ts';
import { type Field, fieldSchema } from './field.ts';
import { recordIds } from './org.ts';
import type { ZohoRules } from './rules.ts';

const moduleSchema = z.object({
  id: z.string(),
  api_name: z.string(),
  singular_label: z.string(),
  plural_label: z.string(),
  custom: z.boolean(),
  /** Its place among the org's modules, from which its records' ids come. */
  number: z.int(),
});
export type ModuleFacts = z.infer<typeof moduleSchema>;

/** A module: its fields and its records. */
export interface Module extends ModuleFacts {
  readonly fields: Map<string, Field>;
  readonly records: RecordState;
}

export const moduleChange = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('module'), module: moduleSchema, fields: z.array(fieldSchema) }),
  z.object({ kind: z.literal('field'), of: z.string(), field: fieldSchema }),
  z.object({ kind: z.literal('field removed'), of: z.string(), name: z.string() }),
]);

/** The field a record is called by. */
export function displayField({ api_name: name, custom }: ModuleFacts): string {
  if (custom) return 'Name';
  const named: Readonly<Record<string, string>> = {
    Accounts: 'Account_Name',
    Deals: 'Deal_Name',
    Notes: 'Note_Title',
  };
  return named[name] ?? 'Full_Name';
}

export function uniqueFields({ fields }: Pick<Module, 'fields'>): Field[] {
  return [...fields.values()].filter(({ unique }) => unique !== 'no');
}

/** The form in which two values of a unique field are the same. docs/vendors/zoho.md §4.2. */
export function uniqueKey({ unique }: Field, value: string): string {
  return unique === 'exact' ? value : value.toLowerCase();
}

export function isConverted(values: Values): boolean {
  return values['Converted__s'] === 'true';
}

export function createModule(
  facts: ModuleFacts,
  fields: readonly Field[],
  clock: SandboxClock,
  rules: () => ZohoRules,
): Module {
  const byName = new Map(fields.map((field) => [field.api_name, field]));
  const records = createRecordState(clock, {
    idProperty: 'id',
    ids: recordIds(facts.number),
    unique: () => uniqueFields({ fields: byName }).map(({ api_name: name }) => name),
    heldValues(values, name) {
      const [field, value] = [byName.get(name), values[name]];
      if (field === undefined || value === undefined) return [];
      if (isConverted(values) && !rules().convertedKeepsUniqueValues) return [];
      return [uniqueKey(field, value)];
    },
    archivedKeepsUniqueValues: () => rules().binKeepsUniqueValues,
    mergedAnswers: () => false,
    lagMs: () => Math.max(rules().searchLagMs, rules().coqlLagMs),
  });
  return { ...facts, fields: byName, records };
}
