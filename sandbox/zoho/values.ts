import type { Values } from '../shared/record.ts';
import { invalidData, type Place, type ZohoError } from './errors.ts';
import type { Field } from './field.ts';
import { userOf, zohoTime } from './org.ts';
import type { ZohoRules } from './rules.ts';

/** Zoho's idea of a field's value: what it takes, and what it reads back. docs/vendors/zoho.md §2.1, §3.1. */

export interface Reading {
  readonly rules: ZohoRules;
  /** Whether there is a living record of this module. */
  readonly exists: (module: string, id: string) => boolean;
  /** A person typed it in a page, as text. */
  readonly typed: boolean;
}

const timeForm = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?<ms>\.\d+)?(?:Z|[+-]\d{2}:?\d{2})$/;
/** Letters too, as in an extension: only what is none of a phone's is refused. */
const phoneForm = /^[+]?[\da-z\s\-().,;#]+$/i;

/** The value as it is stored; '' = empty. */
export function readValue(field: Field, raw: unknown, at: Place, reading: Reading): string | ZohoError {
  if (raw === null || raw === '') return '';
  const wrong = (expected: string): ZohoError => invalidData(at, { expected_data_type: expected });
  switch (field.data_type) {
    case 'boolean':
      if (typeof raw === 'boolean') return String(raw);
      return reading.typed && (raw === 'true' || raw === 'false') ? raw : wrong('boolean');
    case 'integer':
    case 'double':
    case 'currency':
      return (
        readNumber(field, raw, reading.typed) ?? wrong(field.data_type === 'integer' ? 'integer' : 'double')
      );
    case 'datetime':
      return readTime(raw, reading.rules) ?? wrong('datetime');
    case 'date':
      return typeof raw === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(raw) && !Number.isNaN(Date.parse(raw))
        ? raw
        : wrong('date');
    case 'ownerlookup':
    case 'lookup':
    case 'multi_module_lookup':
      return readLookup(field, raw, at, reading);
    case 'multiselectpicklist':
      if (reading.typed && typeof raw === 'string') return raw;
      return Array.isArray(raw) && raw.every((one) => typeof one === 'string')
        ? raw.join(';')
        : wrong('jsonarray');
    case 'bigint':
      return (typeof raw === 'string' || typeof raw === 'number') && /^-?\d+$/.test(String(raw))
        ? String(raw)
        : wrong('bigint');
    default:
      return readText(field, raw, at);
  }
}

function readNumber(field: Field, raw: unknown, typed: boolean): string | undefined {
  const value = typed && typeof raw === 'string' ? Number(raw) : raw;
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  return field.data_type === 'integer' && !Number.isInteger(value) ? undefined : String(value);
}

function readTime(raw: unknown, { timesWithMilliseconds }: ZohoRules): string | undefined {
  const form = typeof raw === 'string' ? timeForm.exec(raw) : null;
  if (form === null) return undefined;
  if (form.groups?.['ms'] !== undefined && timesWithMilliseconds === 'refused') return undefined;
  const at = Date.parse(form[0]);
  return Number.isNaN(at) ? undefined : zohoTime(at);
}

function readText(field: Field, raw: unknown, at: Place): string | ZohoError {
  const wrong = invalidData(at, {
    expected_data_type: field.data_type === 'phone' ? 'phone' : expectedOf(field),
  });
  if (typeof raw !== 'string') return wrong;
  if (Array.from(raw).length > field.length) return invalidData(at, { maximum_length: field.length });
  if (field.data_type === 'phone' && !phoneForm.test(raw)) return wrong;
  if (field.data_type === 'email' && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(raw)) return wrong;
  return raw;
}

function expectedOf({ data_type: type }: Field): string {
  return type === 'email' ? 'email' : 'text';
}

/** As `{id}`, or the id alone. */
function readLookup(field: Field, raw: unknown, at: Place, { exists }: Reading): string | ZohoError {
  const wrong = invalidData(at, { expected_data_type: 'jsonobject' });
  const id = idIn(raw);
  if (id === undefined) return wrong;
  if (field.data_type === 'ownerlookup') return userOf(id) === undefined ? unrelated(at) : id;
  if (field.data_type === 'lookup') return exists(field.looks_up ?? '', id) ? id : unrelated(at);
  const module = moduleIn(raw);
  if (module === undefined) return wrong;
  return exists(module, id) ? `${module}/${id}` : unrelated(at);
}

function unrelated(at: Place): ZohoError {
  return invalidData(at, {}, 'the related id given seems to be invalid');
}

function idIn(raw: unknown): string | undefined {
  if (typeof raw === 'string') return raw.split('/').at(-1);
  if (typeof raw !== 'object' || raw === null || !('id' in raw)) return undefined;
  return typeof raw.id === 'string' ? raw.id : undefined;
}

function moduleIn(raw: unknown): string | undefined {
  if (typeof raw === 'string') return raw.includes('/') ? raw.split('/')[0] : undefined;
  if (typeof raw !== 'object' || raw === null || !('module' in raw)) return undefined;
  const { module } = raw;
  if (typeof module === 'string') return module;
  if (typeof module !== 'object' || module === null || !('api_name' in module)) return undefined;
  return typeof module.api_name === 'string' ? module.api_name : undefined;
}

/** What others look up a record by. */
export type NameOf = (module: string, id: string) => { readonly name: string; readonly moduleId: string };

/** As the API tells it; `cut`: characters of rich text a list gives. */
export function toApiValue(field: Field, values: Values, nameOf: NameOf, cut = Infinity): unknown {
  const value = values[field.api_name];
  if (value === undefined) return field.data_type === 'boolean' ? false : null;
  switch (field.data_type) {
    case 'boolean':
      return value === 'true';
    case 'integer':
    case 'double':
    case 'currency':
      return Number(value);
    case 'multiselectpicklist':
      return value.split(';');
    case 'ownerlookup':
      return userOf(value) ?? { id: value, name: '' };
    case 'lookup':
      return { name: nameOf(field.looks_up ?? '', value).name, id: value };
    case 'multi_module_lookup': {
      const [module = '', id = ''] = value.split('/');
      const { name, moduleId } = nameOf(module, id);
      return { module: { api_name: module, id: moduleId }, name, id };
    }
    default:
      return field.rich_text && value.length > cut ? value.slice(0, cut) : value;
  }
}
