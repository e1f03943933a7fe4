import type { Retry } from '@sangam/core/errors';

/** Which error of ours a CRM's refusal is: a table a vendor, never a ladder. */

export interface Meaning<Code extends string> {
  readonly code: Code;
  readonly retry: Retry;
  /** For a person: what was wrong and what to do. */
  readonly says: string;
}

export interface RefusalTable<Code extends string> {
  /** By the vendor's own codes, whatever the status. */
  readonly byCode: Readonly<Record<string, Meaning<Code>>>;
  /** Where its codes say nothing. */
  readonly byStatus: Readonly<Record<number, Meaning<Code>>>;
  /** What only the vendor itself can say: a proxy, an edge or a sign-in page answers these too, and means nothing by it. */
  readonly ownWordOnly: ReadonlySet<number>;
  /** Any other 5xx. */
  readonly unavailable: Meaning<Code>;
  readonly unexpected: Meaning<Code>;
}

/** The first known code decides, then the status. `isOwnWord`: the answer is in the vendor's own form. */
export function meaningOf<Code extends string>(
  table: RefusalTable<Code>,
  said: { readonly status: number; readonly codes: readonly string[]; readonly isOwnWord: boolean },
): Meaning<Code> {
  const { status, codes, isOwnWord } = said;
  const byCode = codes.find((code) => Object.hasOwn(table.byCode, code));
  const named = byCode === undefined ? undefined : table.byCode[byCode];
  if (named !== undefined) return named;
  if (table.ownWordOnly.has(status) && !isOwnWord) return table.unexpected;
  return table.byStatus[status] ?? (status >= 500 ? table.unavailable : table.unexpected);
}

/** `Retry-After`, in seconds or as a date; undefined: there is none that can be read. */
export function retryAfter(headers: Headers, now = Date.now()): Retry | undefined {
  const said = headers.get('retry-after') ?? '';
  if (/^\d+$/.test(said)) return { afterMs: Number(said) * 1000 };
  const at = Date.parse(said);
  return Number.isNaN(at) ? undefined : { afterMs: Math.max(0, at - now) };
}
