import type { Request, RequestHandler } from 'express';
import { z } from 'zod';
import { noSuch, Refusal } from '@sangam/core/errors';
import { withoutPasted } from '../secrets/pasted.ts';
import { canonicalTyped } from '../accounts/typed-phone.ts';
import { readInput, wrongInput } from '../wrong-input.ts';

/** What a request brings, read once. All of it throws a `Refusal` that names what was wrong. */

/** The JSON body as the schema has it. */
export function bodyOf<Schema extends z.ZodType>(schema: Schema, request: Request): z.infer<Schema> {
  if (request.body === undefined) {
    throw new Refusal(
      'invalid',
      'bad_request',
      'This takes a JSON object as its body, with content-type: application/json.',
    );
  }
  return readInput(schema, request.body);
}

/** The query as the schema has it. */
export function queryOf<Schema extends z.ZodType>(schema: Schema, request: Request): z.infer<Schema> {
  return readInput(schema, request.query);
}

/** An id of the path, by its name there; what is no id is nobody's. `deadLetterId` names a dead letter. */
export function idOf(request: Request, name: string, schema: z.ZodType<string> = z.uuid()): string {
  const id = schema.safeParse(request.params[name]);
  if (!id.success) {
    const thing = name.replace(/Id$/, '').replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
    throw noSuch(thing);
  }
  return id.data;
}

/** What is kept sealed: a token or an app's secret. Their lengths are the vendors' own affair, and none comes near. */
export const secret = z.string().trim().min(16).max(4_096).superRefine(withoutPasted);
/** Of a CRM's record, in its own words. */
export const recordId = z.string().min(1).max(100);
/** A time with its zone, in milliseconds. */
export const time = z.iso
  .datetime({ offset: true })
  .max(40)
  .transform((text) => Date.parse(text));
/** What a list is narrowed by. */
export const filter = z.string().max(200);

const typedPhone = z
  .string()
  .max(40)
  .transform((typed) => canonicalTyped(typed));
/** A number with its country code, as people write it, in the one spelling it is kept in. */
export const phoneInput = typedPhone.pipe(
  z.string('must be a number with its country code, such as +919812345678'),
);
/** In a query a bare plus is a blank. */
export const phoneInQuery = typedPhone.pipe(
  z.string('must be a number with its country code, its plus as %2B, such as %2B919812345678'),
);

/** Refuses text no database holds, wherever it stands, and a query that is not what its percent signs say. */
export const readableText: RequestHandler = (request, _response, next) => {
  const query = request.originalUrl.split('?', 2)[1] ?? '';
  try {
    decodeURIComponent(query.replaceAll('+', ' '));
  } catch {
    throw wrongInput([{ path: '', message: 'The query could not be read: send UTF-8 in percent-encoding.' }]);
  }
  for (const part of [request.params, request.query, request.body as unknown]) {
    if (isTooDeep(part)) {
      const message = `The body is nested more than ${String(mostLevels)} deep: send it flatter.`;
      throw wrongInput([{ path: '', message }]);
    }
    const path = unreadableIn(part);
    if (path !== undefined)
      throw wrongInput([
        { path: z.core.toDotPath(path), message: 'holds NUL, or half a character: take it out' },
      ]);
  }
  next();
};

/** What is deeper cannot be written out again. */
const mostLevels = 200;

/** Without recursion, as `unreadableIn`. */
function isTooDeep(value: unknown): boolean {
  let level = [value].filter(isObject);
  for (let depth = 0; depth <= mostLevels && level.length > 0; depth += 1)
    level = level.flatMap((one) => Object.values(one).filter(isObject));
  return level.length > 0;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

interface Place {
  readonly value: object;
  readonly key: PropertyKey;
  readonly within: Place | undefined;
}

/**
 * The path to the first text that no database holds. Without recursion: a body may be nested a million deep. Only what holds
 * more waits: a list of half a million numbers is one place, as everybody else's requests stand still meanwhile.
 */
export function unreadableIn(value: unknown): PropertyKey[] | undefined {
  const waiting: Place[] = [];
  /** Whether it, or its name, is such a text. */
  const isUnreadable = (inner: unknown, key: PropertyKey, within: Place | undefined): boolean => {
    if (typeof inner === 'object' && inner !== null) waiting.push({ value: inner, key, within });
    return typeof inner === 'string' && !isReadable(inner);
  };
  if (isUnreadable(value, '', undefined)) return [];
  for (let place = waiting.pop(); place !== undefined; place = waiting.pop()) {
    if (Array.isArray(place.value)) {
      for (let index = 0; index < place.value.length; index += 1)
        if (isUnreadable(place.value[index], index, place)) return pathTo(place, index);
    } else {
      for (const [name, inner] of Object.entries(place.value)) {
        if (!isReadable(name)) return pathTo(place);
        if (isUnreadable(inner, name, place)) return pathTo(place, name);
      }
    }
  }
  return undefined;
}

function isReadable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed();
}

function pathTo(place: Place, ...inner: PropertyKey[]): PropertyKey[] {
  const path = inner;
  for (let at = place; at.within !== undefined; at = at.within) path.push(at.key);
  return path.toReversed();
}
