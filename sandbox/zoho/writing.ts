import type { RecordChange, StoredRecord, Values } from '../shared/record.ts';
import type { Actor } from './actor.ts';
import {
  errorOf,
  invalidData,
  invalidId,
  isError,
  mandatoryMissing,
  place,
  type Place,
  toItem,
  zohoError,
  type ZohoError,
} from './errors.ts';
import type { Field } from './field.ts';
import { isConverted, type Module, uniqueFields, uniqueKey } from './module.ts';
import { userOf, zohoTime } from './org.ts';
import type { Change, OrgState } from './org-state.ts';
import type { ZohoRules } from './rules.ts';
import { readValue } from './values.ts';

/** A record as a caller sends it. */
export type Raw = Readonly<Record<string, unknown>>;

export interface Written {
  readonly id: string;
  readonly action: 'insert' | 'update';
  /** Of an upsert: by which field it knew the record, null = by none. */
  readonly duplicateField?: string | null;
}

/** One write of any number of records: each made at once or refused, and all told together at its end. */
export interface Writing {
  insert(raw: Raw, path: string): Written | ZohoError;
  update(id: string, raw: Raw, path: string): Written | ZohoError;
  /** `named`: the fields it looks at first. */
  upsert(raw: Raw, path: string, named: readonly string[] | undefined): Written | ZohoError;
  remove(id: string): Written | ZohoError;
  /** What stands against values that are the org's own already: other holders of unique ones. `id`: whose they are. */
  clashing(id: string | undefined, values: Values): ZohoError | undefined;
  /** What was written, for those who are told. */
  changes(): Change[];
}

export function createWriting(state: OrgState, module: Module, actor: Actor): Writing {
  const { clock, rules } = state;
  const { fields, records } = module;
  const done: { operation: Change['operation']; id: string; fields: readonly string[] }[] = [];

  const readValues = (raw: Raw, path: string): { values: Record<string, string>; problems: ZohoError[] } => {
    const values: Record<string, string> = {};
    const problems: ZohoError[] = [];
    for (const [name, value] of Object.entries(raw)) {
      if (name === 'id' || name === 'Layout' || name.startsWith('$')) continue;
      const field = fields.get(name);
      const at = place(path, name);
      if (field === undefined) {
        if (actor.typed || rules().unknownFields === 'refused')
          problems.push(invalidData(at, {}, 'there is no such field'));
        continue;
      }
      if (field.read_only) continue;
      const read = readValue(field, value, at, {
        rules: rules(),
        exists: (other, id) => state.exists(other, id),
        typed: actor.typed,
      });
      if (typeof read === 'string') values[name] = read;
      else problems.push(read);
    }
    return { values, problems };
  };

  const missing = (values: Values, raw: Raw, path: string, isNew: boolean): ZohoError[] => {
    const { layoutMandatory } = rules();
    const byLayout =
      layoutMandatory === 'always' || (layoutMandatory === 'with a layout' && raw['Layout'] !== undefined);
    const required = (field: Field): boolean =>
      field.system_mandatory || (isNew && byLayout && field.layout_mandatory);
    const lacks = (name: string): boolean => (isNew ? (values[name] ?? '') === '' : values[name] === '');
    return [...fields.values()]
      .filter(
        (field) =>
          required(field) &&
          lacks(field.api_name) &&
          !(field.api_name in raw && values[field.api_name] === undefined),
      )
      .map((field) => mandatoryMissing(place(path, field.api_name)));
  };

  const clashes = (id: string | undefined, values: Values, path: string): ZohoError[] =>
    heeded(id === undefined).flatMap((field) => {
      const value = values[field.api_name] ?? '';
      const holder = value === '' ? undefined : holderOf(field, value);
      return holder === undefined || holder.id === id ? [] : [duplicate(place(path, field.api_name), holder)];
    });

  /** Fields by whose value a record may be refused. */
  const heeded = (isNew: boolean): Field[] =>
    isNew && rules().systemFieldsRefuseInserts
      ? [...new Set([...systemFields(), ...uniqueFields(module)])]
      : uniqueFields(module);

  const systemFields = (): Field[] => [...fields.values()].filter((field) => field.finds_duplicates);

  const holderOf = (field: Field, value: string): StoredRecord | undefined => {
    if (field.unique !== 'no')
      return records.exact(records.holderOf(field.api_name, uniqueKey(field, value)) ?? '');
    const among = [{ property: field.api_name, values: [value] }];
    const [seen] = records.matching(
      ({ properties }) =>
        !isConverted(properties) && properties[field.api_name]?.toLowerCase() === value.toLowerCase(),
      undefined,
      among,
    );
    return seen === undefined ? undefined : records.exact(seen.id);
  };

  const duplicate = (at: Place, { id, properties }: StoredRecord): ZohoError => {
    const { api_name: name, id: moduleId } = module;
    const Owner = userOf(properties['Owner'] ?? '');
    const record = { id, Owner, module: { api_name: name, id: moduleId } };
    return zohoError('DUPLICATE_DATA', 'duplicate data', { ...at, id, duplicate_record: record });
  };

  const put = (before: StoredRecord | undefined, id: string, values: Values): void => {
    const now = zohoTime(clock.now());
    const after = { ...before?.properties, ...values };
    const stamped: Record<string, string> = {
      ...values,
      ...(fields.has('Full_Name') ? { Full_Name: fullName(after) } : {}),
      Modified_By: actor.userId,
      Modified_Time: now,
    };
    if (before === undefined) {
      Object.assign(stamped, {
        id,
        Created_By: actor.userId,
        Created_Time: now,
        Owner: values['Owner'] ?? actor.userId,
      });
    }
    const change: RecordChange = [id, stamped];
    const changed = Object.keys(values).filter((name) => values[name] !== (before?.properties[name] ?? ''));
    state.change(module, { kind: 'records', records: [change] });
    done.push({ operation: before === undefined ? 'insert' : 'update', id, fields: changed });
  };

  /** What stands against a change of this record at all. docs/vendors/zoho.md §4.8. */
  const locked = (id: string, values: Values): ZohoError | undefined => {
    const lock = state.locks.get(id);
    // Who works in the CRM lifts it first, which a test says by itself.
    if (lock === undefined || actor.typed) return undefined;
    return lock.field === undefined || lock.field in values ? errorOf({ code: lock.code }) : undefined;
  };

  const noSuch = (id: string, path: string): ZohoError => {
    const record = records.exact(id);
    const code =
      record !== undefined && isConverted(record.properties) ? rules().convertedLeadCode : 'INVALID_DATA';
    return zohoError(code, code === 'INVALID_DATA' ? invalidId : 'id already converted', {
      ...place(path, 'id'),
    });
  };

  const modifiedSince = ({ properties }: StoredRecord): ZohoError | undefined => {
    const { unmodifiedSince } = actor;
    const at = properties['Modified_Time'] ?? '';
    if (unmodifiedSince === undefined || Date.parse(at) <= unmodifiedSince) return undefined;
    const by = userOf(properties['Modified_By'] ?? '');
    const details = { id: properties['id'], Modified_Time: at, Modified_By: by };
    return zohoError(rules().modifiedCode, 'the record has been modified already', details, 412);
  };

  const writing: Writing = {
    insert(raw, path) {
      const { values, problems } = readValues(raw, path);
      problems.push(...missing(values, raw, path, true), ...clashes(undefined, values, path));
      if (problems.length > 0) return together(problems, rules());
      const id = records.takeId();
      put(undefined, id, withoutEmpty(values));
      return { id, action: 'insert' };
    },

    update(id, raw, path) {
      const record = records.find('id', id) === undefined ? undefined : records.exact(id);
      if (record === undefined || (isConverted(record.properties) && !actor.typed)) return noSuch(id, path);
      const { values, problems } = readValues(raw, path);
      const refused = locked(id, values) ?? modifiedSince(record);
      if (refused !== undefined) return refused;
      problems.push(...missing(values, raw, path, false), ...clashes(id, values, path));
      if (problems.length > 0) return together(problems, rules());
      put(record, id, values);
      return { id, action: 'update' };
    },

    upsert(raw, path, named) {
      const id = raw['id'];
      const told = (written: Written | ZohoError, duplicateField: string | null): Written | ZohoError =>
        isError(written) ? written : { ...written, duplicateField };
      if (typeof id === 'string') return told(writing.update(id, raw, path), null);
      const { values } = readValues(raw, path);
      const custom = uniqueFields(module);
      const first =
        named === undefined
          ? systemFields()
          : [...fields.values()].filter((one) => named.includes(one.api_name));
      const ordered =
        named === undefined
          ? first
          : first.toSorted((a, b) => named.indexOf(a.api_name) - named.indexOf(b.api_name));
      // The trap: user-defined unique fields match also where they are not named. docs/vendors/zoho.md §4.2.
      for (const field of new Set([...ordered, ...custom])) {
        const value = values[field.api_name] ?? '';
        const holder = value === '' ? undefined : holderOf(field, value);
        if (holder === undefined) continue;
        return told(writing.update(holder.id, raw, path), field.api_name);
      }
      return told(writing.insert(raw, path), null);
    },

    remove(id) {
      const record = records.find('id', id);
      if (record === undefined) return zohoError('INVALID_DATA', 'the given id seems to be invalid', { id });
      const refused = locked(id, {});
      if (refused !== undefined) return { ...refused, details: { id } };
      const at = clock.now();
      state.change(module, { kind: 'records', records: [[id, { $deleted_by: actor.userId }]] });
      state.change(module, { kind: 'archived', ids: [id], at });
      done.push({ operation: 'delete', id, fields: [] });
      return { id, action: 'update' };
    },

    clashing(id, values) {
      const problems = clashes(id, values, 'data[0]');
      return problems.length === 0 ? undefined : together(problems, rules());
    },

    changes() {
      const at = clock.now();
      return [...Map.groupBy(done, ({ operation }) => operation)].map(([operation, some]) => ({
        module,
        operation,
        at,
        starts: actor.starts,
        records: some.map(({ id, fields: changed }) => ({ id, fields: changed })),
      }));
    },
  };
  return writing;
}

function together(problems: readonly ZohoError[], { multipleErrorsAt }: ZohoRules): ZohoError {
  const [first] = problems;
  if (first !== undefined && problems.length === 1) return first;
  const errors = problems.map(toItem);
  const several = zohoError('MULTIPLE_OR_MULTI_ERRORS', 'multiple errors');
  return multipleErrorsAt === 'details' ? { ...several, details: { errors } } : { ...several, errors };
}

function fullName(values: Values): string {
  return [values['First_Name'], values['Last_Name']]
    .filter((part) => part !== undefined && part !== '')
    .join(' ');
}

function withoutEmpty(values: Values): Values {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}
