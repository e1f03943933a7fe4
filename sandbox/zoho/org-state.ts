import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { Append, JournalPart } from '../journal.ts';
import type { RecordsChange } from '../shared/record.ts';
import { recordsChangeKinds, recordsSnapshot } from '../shared/record-journal.ts';
import type { Field } from './field.ts';
import { createModule, displayField, type Module, moduleChange, type ModuleFacts } from './module.ts';
import { metadataId } from './org.ts';
import type { ZohoRules } from './rules.ts';
import { firstCustomId, standardFields, standardModules } from './standard-fields.ts';
import type { NameOf } from './values.ts';

/** Why a record is not changed, until somebody lifts it. docs/vendors/zoho.md §4.8. */
export const lockSchema = z.strictObject({
  code: z.enum(['RECORD_LOCKED', 'RECORD_IN_BLUEPRINT', 'NOT_APPROVED']),
  /** Only a change of this field is refused. */
  field: z.string().optional(),
});
type Lock = z.infer<typeof lockSchema>;

/** What was done to records of a module, as those hear who are told. */
export interface Change {
  readonly module: Module;
  readonly operation: 'insert' | 'update' | 'delete';
  readonly at: number;
  /** Features of the customer's that this starts. docs/vendors/zoho.md §7.1. */
  readonly starts: ReadonlySet<string>;
  readonly records: readonly {
    readonly id: string;
    /** Fields that changed. */
    readonly fields: readonly string[];
  }[];
}

/** The org in memory, without judging who may change it: every change is journalled. */
export interface OrgState {
  readonly clock: SandboxClock;
  readonly rules: () => ZohoRules;
  readonly modules: ReadonlyMap<string, Module>;
  readonly journal: JournalPart;
  /** By the ids of records. */
  readonly locks: ReadonlyMap<string, Lock>;
  /** Calls for every module there is, and for each that is made. */
  eachModule(listener: (module: Module) => void): void;
  addModule(facts: Omit<ModuleFacts, 'number'>, fields: readonly Field[]): Module;
  putField(of: Module, field: Field): void;
  removeField(of: Module, name: string): void;
  change(of: Module, change: RecordsChange): void;
  lock(id: string, lock: Lock | undefined): void;
  /** An id no module, field or pick-list value had. */
  takeMetadataId(): string;
  exists(module: string, id: string): boolean;
  readonly nameOf: NameOf;
}

const { records, archived, restored, merged, erased } = recordsChangeKinds;
const of = z.string();
const recordsEntry = z.discriminatedUnion('kind', [
  records.extend({ of }),
  archived.extend({ of }),
  restored.extend({ of }),
  merged.extend({ of }),
  erased.extend({ of }),
]);
const lockEntry = z.object({ kind: z.literal('lock'), id: z.string(), lock: lockSchema.optional() });
const entrySchema = z.union([moduleChange, recordsEntry, lockEntry]);
type Entry = z.infer<typeof entrySchema>;

export function createOrgState(clock: SandboxClock, rules: () => ZohoRules, append: Append): OrgState {
  const modules = new Map<string, Module>();
  const locks = new Map<string, Lock>();
  const listeners: ((module: Module) => void)[] = [];
  let nextId = firstCustomId;

  const noteId = (id: string): void => {
    const number = Number(id.slice(-6));
    if (number >= nextId && number < 900_000) nextId = number + 1;
  };
  const noteIds = ({ id, pick_list_values: values }: Field): void =>
    [id, ...values.map((one) => one.id)].forEach(noteId);

  const put = (facts: ModuleFacts, fields: readonly Field[]): Module => {
    const module = createModule(facts, fields, clock, rules);
    modules.set(facts.api_name, module);
    for (const listener of listeners) listener(module);
    if (facts.custom) [facts.id, ...fields.map(({ id }) => id)].forEach(noteId);
    return module;
  };
  standardModules.forEach((name, index) => {
    const plain = { Leads: 'Lead', Contacts: 'Contact', Accounts: 'Account', Deals: 'Deal', Notes: 'Note' }[
      name
    ];
    const facts = {
      id: metadataId(10 + index),
      api_name: name,
      singular_label: plain,
      plural_label: name,
      custom: false,
      number: index + 1,
    };
    put(facts, standardFields(name));
  });

  const moduleOf = (name: string): Module => {
    const module = modules.get(name);
    if (module === undefined) throw new Error(`there is no module ${name}`);
    return module;
  };

  const apply = (entry: Entry, replayed: boolean): void => {
    switch (entry.kind) {
      case 'module':
        put(entry.module, entry.fields);
        break;
      case 'field':
        moduleOf(entry.of).fields.set(entry.field.api_name, entry.field);
        noteIds(entry.field);
        break;
      case 'field removed':
        moduleOf(entry.of).fields.delete(entry.name);
        moduleOf(entry.of).records.forget(entry.name);
        break;
      case 'lock':
        if (entry.lock === undefined) locks.delete(entry.id);
        else locks.set(entry.id, entry.lock);
        break;
      default:
        if (replayed) moduleOf(entry.of).records.replay(entry);
        else moduleOf(entry.of).records.apply(entry);
        break;
    }
  };
  const happen = (entry: Entry): void => {
    apply(entry, false);
    append(entry);
  };

  return {
    clock,
    rules,
    modules,
    locks,
    journal: {
      name: 'zoho',
      replay: (line) => apply(entrySchema.parse(line), true),
      *snapshot() {
        for (const { fields, records: _records, ...module } of modules.values()) {
          const own = [...fields.values()];
          if (module.custom) yield { kind: 'module', module, fields: own };
          else yield* standardChanges(module.api_name, fields);
        }
        for (const module of modules.values()) {
          for (const change of recordsSnapshot(() => module.records.all()))
            yield { of: module.api_name, ...change };
        }
        for (const [id, lock] of locks) yield { kind: 'lock', id, lock };
      },
    },
    eachModule(listener) {
      listeners.push(listener);
      for (const module of modules.values()) listener(module);
    },
    addModule(facts, fields) {
      happen({ kind: 'module', module: { ...facts, number: modules.size + 1 }, fields: [...fields] });
      return moduleOf(facts.api_name);
    },
    putField: ({ api_name: name }, field) => happen({ kind: 'field', of: name, field }),
    removeField: ({ api_name: module }, name) => happen({ kind: 'field removed', of: module, name }),
    change(module, change) {
      module.records.apply(change);
      append({ of: module.api_name, ...change });
    },
    lock: (id, lock) => happen({ kind: 'lock', id, lock }),
    takeMetadataId() {
      nextId += 1;
      return metadataId(nextId - 1);
    },
    exists: (module, id) => modules.get(module)?.records.find('id', id) !== undefined,
    nameOf(name, id) {
      const module = modules.get(name);
      const record = module?.records.exact(id);
      const called = module === undefined ? undefined : record?.properties[displayField(module)];
      return { name: called ?? '', moduleId: module?.id ?? '' };
    },
  };

  /** What an admin changed of the fields Zoho has from the start. */
  function* standardChanges(name: string, fields: ReadonlyMap<string, Field>): Iterable<Entry> {
    const original = new Map(
      standardModules
        .filter((one) => one === name)
        .flatMap((one) => standardFields(one).map((field) => [field.api_name, field])),
    );
    for (const field of fields.values()) {
      if (JSON.stringify(original.get(field.api_name)) !== JSON.stringify(field))
        yield { kind: 'field', of: name, field };
    }
    for (const gone of original.keys())
      if (!fields.has(gone)) yield { kind: 'field removed', of: name, name: gone };
  }
}
