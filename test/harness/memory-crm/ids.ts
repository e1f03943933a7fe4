import { createHash, randomUUID } from 'node:crypto';
import type { OptionForms } from '@sangam/connectors/option-ids';
import { type AccountFacts, type CrmField, type CrmValues, FieldsMissing } from '@sangam/core/crm';

/** How an account's API names fields and options, beside what people see. */
export interface MemoryIds {
  /** What its API calls the field people see under this label; the label itself where there is none. */
  idOf(label: string): string;
  /** Throws `FieldsMissing`. */
  labelOf(id: string): string;
  /** Fields by their ids, options as people see them. */
  byId(values: CrmValues): CrmValues;
  /** The other way. Throws `FieldsMissing`. */
  byLabel(values: CrmValues): CrmValues;
  /** As its API says it, options by their ids too. */
  toApi(values: CrmValues): CrmValues;
  /** What its API was told. Throws `FieldsMissing`. */
  fromApi(values: CrmValues): CrmValues;
  /** Fields that are there, by their ids. */
  existing(fields: readonly CrmField[]): CrmField[];
  /** Makes those that are not. */
  make(labels: readonly string[]): void;
  /** One that is made again later has another id, where ids are not labels. */
  remove(label: string): void;
  options(): NonNullable<AccountFacts['options']>;
  addOptions(field: string, labels: readonly string[]): void;
}

function missing(fields: readonly string[]): FieldsMissing {
  return new FieldsMissing({ fields, message: `There is no field ${fields.join(', ')}.` });
}

const separatedBy = (separator: string) => ({
  split: (written: string) => written.split(separator).filter((part) => part !== ''),
  join: (parts: readonly string[]) => parts.join(separator),
});
export const optionForms: OptionForms = { ids: separatedBy(','), labels: separatedBy(', ') };

/** Fields and options are called as people see them. */
export function idsAsLabels(): MemoryIds {
  const removed = new Set<string>();
  const there = (values: CrmValues): CrmValues => {
    const fields = Object.keys(values).filter((label) => removed.has(label));
    if (fields.length > 0) throw missing(fields);
    return values;
  };
  return {
    idOf: (label) => label,
    labelOf: (id) => id,
    byId: (values) => values,
    byLabel: there,
    toApi: (values) => values,
    fromApi: there,
    existing: (fields) => fields.filter(({ label }) => !removed.has(label)),
    make(labels) {
      for (const label of labels) removed.delete(label);
    },
    remove: (label) => void removed.add(label),
    options: () => ({}),
    addOptions: () => undefined,
  };
}

/**
 * The vendor's own fields are called as people see them, those an account made for itself by a hash of that account's, and
 * options by numbers of its own.
 */
export function idsOfOneAccount(account: {
  readonly vendorFields: readonly string[];
  readonly ownFields: readonly string[];
  /** By the labels of fields: the options they have at first. */
  readonly options: Readonly<
    Record<string, { readonly several: boolean; readonly labels: readonly string[] }>
  >;
}): MemoryIds {
  const ids = new Map(account.vendorFields.map((label) => [label, label]));
  const optionsOf = new Map<string, { several: boolean; labels: Map<string, string> }>();
  let lastOption = 100 + Math.floor(Math.random() * 1000);
  const addOptions = (field: string, labels: readonly string[]): void => {
    for (const label of labels) {
      lastOption += 1;
      optionsOf.get(field)?.labels.set(String(lastOption), label);
    }
  };
  for (const [field, { several, labels }] of Object.entries(account.options)) {
    optionsOf.set(field, { several, labels: new Map() });
    addOptions(field, labels);
  }
  const make = (labels: readonly string[]): void => {
    for (const label of labels) {
      if (!ids.has(label)) ids.set(label, createHash('sha1').update(randomUUID()).digest('hex'));
    }
  };
  make(account.ownFields);

  const labelOf = (id: string): string => {
    const label = [...ids].find(([, known]) => known === id)?.[0];
    if (label === undefined) throw missing([id]);
    return label;
  };
  const byId = (values: CrmValues): CrmValues =>
    Object.fromEntries(Object.entries(values).map(([label, value]) => [ids.get(label) ?? label, value]));
  const byLabel = (values: CrmValues): CrmValues => {
    const known = new Set(ids.values());
    const unknown = Object.keys(values).filter((id) => !known.has(id));
    if (unknown.length > 0) throw missing(unknown);
    return Object.fromEntries(Object.entries(values).map(([id, value]) => [labelOf(id), value]));
  };
  const optionId = (field: string, label: string): string => {
    const idIn = () => [...(optionsOf.get(field)?.labels ?? [])].find(([, known]) => known === label)?.[0];
    // Somebody who chooses what is not offered yet has it offered.
    if (idIn() === undefined) addOptions(field, [label]);
    return idIn() ?? '';
  };
  return {
    idOf: (label) => ids.get(label) ?? label,
    labelOf,
    byId,
    byLabel,
    toApi: (values) =>
      byId(
        Object.fromEntries(
          Object.entries(values).map(([field, value]) => {
            const options = optionsOf.get(field);
            if (options === undefined || value === '') return [field, value];
            const labels = options.several ? optionForms.labels.split(value) : [value];
            return [field, optionForms.ids.join(labels.map((label) => optionId(field, label)))];
          }),
        ),
      ),
    fromApi: (values) =>
      Object.fromEntries(
        Object.entries(byLabel(values)).map(([field, value]) => {
          const options = optionsOf.get(field);
          if (options === undefined || value === '') return [field, value];
          const chosen = optionForms.ids.split(value).map((id) => {
            const label = options.labels.get(id);
            if (label === undefined) throw new Error(`${field} has no option ${id}.`);
            return label;
          });
          return [field, optionForms.labels.join(chosen)];
        }),
      ),
    existing: (fields) =>
      fields.flatMap((field) => {
        const id = ids.get(field.label);
        return id === undefined ? [] : [{ ...field, name: id }];
      }),
    make,
    remove: (label) => void ids.delete(label),
    options: () =>
      Object.fromEntries(
        [...optionsOf].flatMap(([field, { several, labels }]) => {
          const id = ids.get(field);
          return id === undefined ? [] : [[id, { several, labels: Object.fromEntries(labels) }]];
        }),
      ),
    addOptions: (id, labels) => addOptions(labelOf(id), labels),
  };
}
