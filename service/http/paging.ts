import { z } from 'zod';
import type { Page } from '@sangam/core/store';
import { unreadableIn } from './input.ts';

const defaultLimit = 100;
const mostLimit = 500;

/** One page as every list answers it. `next` is the `cursor` of the page behind it; null: this was the last. */
export interface Listed<View> {
  readonly results: readonly View[];
  readonly next: string | null;
}

/** The query of a list whose rows have a place by `key`: `limit`, `cursor`, and what the list is narrowed by. */
export function listQuery<Key extends z.ZodType, Filters extends z.ZodRawShape>(key: Key, filters: Filters) {
  const cursor = z
    .string()
    .max(2_000)
    .transform((text, context): z.infer<Key> => {
      const read = key.safeParse(decode(text));
      if (read.success && unreadableIn(read.data) === undefined) return read.data;
      context.addIssue('is no cursor of this list: take it from `next` as it is');
      return z.NEVER;
    })
    .optional();
  return z.strictObject({
    limit: z.coerce.number().int().min(1).max(mostLimit).default(defaultLimit),
    cursor,
    ...filters,
  });
}

/** What orders a list; the empty tuple lets several parts be told as one. */
type RowKey = string | readonly [] | readonly (string | number)[];

/** One page of rows read behind a key. */
export async function pageOf<Row, Key extends RowKey, View>(
  { limit, cursor }: { readonly limit: number; readonly cursor?: Key | undefined },
  list: {
    readonly rows: (page: Page<NoInfer<Key>>) => Promise<readonly Row[]>;
    readonly keyOf: (row: Row) => NoInfer<Key>;
    readonly viewOf: (row: Row) => View;
  },
): Promise<Listed<View>> {
  // One row more than asked for tells whether another page follows.
  const rows = await list.rows({ limit: limit + 1, after: cursor });
  const page = rows.slice(0, limit);
  const last = rows.length > limit ? page.at(-1) : undefined;
  return {
    results: page.map(list.viewOf),
    next: last === undefined ? null : cursorOf(list.keyOf(last)),
  };
}

/** The query of a short list that is read whole, and paged by position. */
export const wholeListQuery = listQuery(z.number().int().min(0), {});

export function pageOfAll<View>(
  rows: readonly View[],
  { limit, cursor = 0 }: { readonly limit: number; readonly cursor?: number | undefined },
): Listed<View> {
  const end = cursor + limit;
  return { results: rows.slice(cursor, end), next: rows.length > end ? cursorOf(end) : null };
}

/** Opaque: what is in it is our own affair, and may change. */
export function cursorOf(key: unknown): string {
  return Buffer.from(JSON.stringify(key), 'utf8').toString('base64url');
}

function decode(cursor: string): unknown {
  try {
    const text = Buffer.from(cursor, 'base64url').toString('utf8');
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
