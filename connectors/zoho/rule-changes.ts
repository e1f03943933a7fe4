import type { AccountChanges } from '@sangam/core/crm';
import { z } from 'zod';
import { parseJson } from '../shared/json.ts';
import { changesOf, operations, readCallback } from './changes.ts';
import { readInstant } from './values.ts';

/** What a rule's function or webhook tells, in a body of our own making: docs/zoho-extension.md. */
const body = z.looseObject({
  /** Zoho calls it zgid. */
  orgId: z.string().regex(/^\d+$/).optional().catch(undefined),
  module: z.string(),
  // As a number it has lost digits.
  id: z.string().regex(/^\d+$/),
  event: z.string(),
  at: z.union([z.string(), z.number()]).transform(String),
  /** Of a deal: the id of its contact. */
  person: z.string().optional().catch(undefined),
  fields: z.record(z.string(), z.unknown()).catch({}).default({}),
});

interface Read {
  readonly accounts: AccountChanges[];
  readonly unread: number;
}

/** What any of them says, a watch among them. Total: what cannot be read, or speaks of something else, is left out and counted. */
export function readTold(bytes: Buffer): Read {
  const told = body.safeParse(parseJson(bytes.toString('utf8')));
  return told.success ? readRule(told.data) : readCallback(bytes);
}

function readRule({ orgId: account, module, id, event, at, person, fields }: z.infer<typeof body>): Read {
  const what = operations[event.toLowerCase()];
  const when = timeOf(at);
  if (what === undefined || when === undefined) return { accounts: [], unread: 1 };
  const ofPerson = module === 'Deals' && person !== undefined ? { Contact_Name: person } : {};
  const known = Object.entries({ ...fields, ...ofPerson });
  const changes = when.exact
    ? changesOf({ module, id, what, at: when.at, known: known.filter(([, value]) => isWhole(value)) })
    : changesOf({ module, id, what: 'changed', at: when.at, known: [] });
  return changes.length === 0 ? { accounts: [], unread: 1 } : { accounts: [{ account, changes }], unread: 0 };
}

/** Milliseconds, or a time with its zone. A rule's webhook may write it as people do, without one: then it only tells news apart. */
function timeOf(written: string): { readonly at: number; readonly exact: boolean } | undefined {
  if (/^\d{12,14}$/.test(written)) return { at: Number(written), exact: true };
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/.test(written) ? readInstant(written) : Number.NaN;
  if (!Number.isNaN(zoned)) return { at: zoned, exact: true };
  const roughly = Date.parse(`${written} UTC`);
  return Number.isNaN(roughly) ? undefined : { at: roughly, exact: false };
}

/** Not a number that has lost digits. */
function isWhole(value: unknown): boolean {
  return typeof value !== 'number' || Math.abs(value) <= Number.MAX_SAFE_INTEGER;
}
