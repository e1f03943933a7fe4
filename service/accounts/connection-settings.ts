import { type ConnectionSettings, connectionSettings } from '@sangam/core/crm';
import type { WrongField } from '@sangam/core/errors';
import { canonicalTyped } from './typed-phone.ts';
import { readInput, wrongInput } from '../wrong-input.ts';

/** Settings of settings: a change of one leaves its neighbours alone. Everything else is replaced whole. */
const sections: ReadonlySet<string> = new Set(['creation', 'creation.rush', 'timeline']);

/** Settings after a change that names only what is to differ. Throws a `Refusal` that names what is wrong. */
export function mergeSettings(settings: ConnectionSettings, change: object): ConnectionSettings {
  const merged = merge(settings, change, '');
  const read = readInput(connectionSettings, merged);
  const unknown = unknownIn(merged, read, '');
  if (unknown !== undefined) throw wrongInput([unknown]);
  const { creation } = read;
  return { ...read, creation: { ...creation, blockedPhones: creation.blockedPhones.map(canonical) } };
}

function merge(before: object, change: object, path: string): Record<string, unknown> {
  const merged: Record<string, unknown> = { ...before };
  for (const [name, value] of Object.entries(change)) {
    const inner = merged[name];
    const section = sections.has(`${path}${name}`) && isObject(inner) && isObject(value);
    merged[name] = section ? merge(inner, value, `${path}${name}.`) : value;
  }
  return merged;
}

/** The first name that reading did not know, as a typing error. */
function unknownIn(given: object, read: object, path: string): WrongField | undefined {
  const known = new Map(Object.entries(read));
  for (const [name, value] of Object.entries(given)) {
    if (!known.has(name)) {
      return { path: `${path}${name}`, message: `is no setting: there are ${[...known.keys()].join(', ')}` };
    }
    const inner: unknown = known.get(name);
    const found = isObject(value) && isObject(inner) ? unknownIn(value, inner, `${path}${name}.`) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function canonical(typed: string, index: number): string {
  const phone = canonicalTyped(typed);
  if (phone === undefined) {
    throw wrongInput([
      {
        path: `creation.blockedPhones[${String(index)}]`,
        message: 'must be a number with its country code, such as +919812345678',
      },
    ]);
  }
  return phone;
}
