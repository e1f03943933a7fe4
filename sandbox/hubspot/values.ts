import type { Problem } from './errors.ts';
import { ownerIds } from './owners.ts';
import { textMax } from './portal.ts';
import type { PropertyDefinition } from './property.ts';

/** HubSpot's idea of a property's value: what it takes, and what it reads back. docs/vendors/hubspot.md §4.2. */

/** The value as it is stored; '' = empty. `current` is what the record holds now. */
export function normalise(
  property: PropertyDefinition,
  raw: unknown,
  current: string | undefined,
): string | Problem {
  if (property.readOnly) {
    return problem(
      property,
      'READ_ONLY_VALUE',
      `"${property.name}" is a read only property; its value cannot be set.`,
    );
  }
  const value = written(raw);
  if (value === undefined) {
    return problem(
      property,
      'INVALID_OPTION',
      `The value of ${property.name} is neither text, number nor boolean.`,
    );
  }
  if (value === '') return '';
  switch (property.type) {
    case 'datetime':
      return normaliseTime(property, value);
    case 'date':
      return normaliseDate(property, value);
    case 'number':
      return Number.isFinite(Number(value)) && value.trim() !== ''
        ? value.trim()
        : problem(property, 'INVALID_NUMBER', `${value} was not a valid number.`);
    case 'bool':
      return normaliseOption(property, value.toLowerCase());
    case 'enumeration':
      if (property.externalOptions) return normaliseOwner(property, value);
      return property.fieldType === 'checkbox'
        ? normaliseChecked(property, value, current)
        : normaliseOption(property, value);
    default:
      return property.name === 'email' ? normaliseEmail(property, value) : normaliseText(property, value);
  }
}

/** What may stand for a value in JSON, as text. */
function written(raw: unknown): string | undefined {
  if (typeof raw === 'string') return raw;
  if (raw === null) return '';
  return typeof raw === 'number' || typeof raw === 'boolean' ? String(raw) : undefined;
}

/** ISO 8601 or Unix milliseconds in; ISO 8601 in UTC out, milliseconds only where there are any. */
function normaliseTime(property: PropertyDefinition, value: string): string | Problem {
  const at = instant(value);
  if (at === undefined) return problem(property, 'INVALID_LONG', `${value} was not a valid long.`);
  return isoTime(at);
}

export function isoTime(at: number): string {
  return new Date(at).toISOString().replace('.000Z', 'Z');
}

/** Midnight UTC in, `YYYY-MM-DD` out. */
function normaliseDate(property: PropertyDefinition, value: string): string | Problem {
  const at = instant(value);
  if (at === undefined || at % 86_400_000 !== 0) {
    return problem(property, 'INVALID_DATE', `${value} is not at midnight UTC.`);
  }
  return new Date(at).toISOString().slice(0, 10);
}

export function instant(value: string): number | undefined {
  const at = /^-?\d+$/.test(value)
    ? Number(value)
    : /^\d{4}-\d{2}-\d{2}/.test(value)
      ? Date.parse(value)
      : NaN;
  // The range of a Date, beyond which it cannot be written down.
  return Math.abs(at) <= 8.64e15 ? at : undefined;
}

function normaliseOption(property: PropertyDefinition, value: string): string | Problem {
  return property.options.some((option) => option.value === value) ? value : unknownOption(property, value);
}

/** Options joined by `;`. A leading `;` adds to what is checked instead of replacing it. */
function normaliseChecked(
  property: PropertyDefinition,
  value: string,
  current: string | undefined,
): string | Problem {
  const adds = value.startsWith(';');
  const checked = new Set(adds && current !== undefined ? current.split(';') : []);
  for (const part of value.split(';')) {
    if (part === '') continue;
    if (typeof normaliseOption(property, part) !== 'string') return unknownOption(property, part);
    checked.add(part);
  }
  return [...checked].join(';');
}

function unknownOption(property: PropertyDefinition, value: string): Problem {
  const allowed = property.options.map((option) => option.value).join(', ');
  return problem(property, 'INVALID_OPTION', `${value} was not one of the allowed options: [${allowed}]`);
}

/** The options of an owner's property are the portal's owners, told elsewhere. */
function normaliseOwner(property: PropertyDefinition, value: string): string | Problem {
  return ownerIds.has(value)
    ? value
    : problem(property, 'INVALID_OPTION', `${value} was not one of the allowed options: []`);
}

function normaliseText(property: PropertyDefinition, value: string): string | Problem {
  return value.length <= textMax
    ? value
    : problem(property, 'VALUE_TOO_LONG', `${property.name} holds at most ${String(textMax)} characters.`);
}

function normaliseEmail(property: PropertyDefinition, value: string): string | Problem {
  const email = value.trim().toLowerCase();
  return /^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)
    ? email
    : problem(property, 'INVALID_EMAIL', `Email address ${value} is invalid`);
}

function problem(property: PropertyDefinition, code: Problem['code'], message: string): Problem {
  return { code, property: property.name, message };
}
