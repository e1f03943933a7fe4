import type { Answer } from '../http.ts';

/** What an operation's handler is told. */
export interface Asked {
  /** `v3` or a dated one such as `2026-03`. */
  readonly version: string;
  /** The last part of the path where it names one thing, decoded; else ''. */
  readonly id: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  readonly readAt: number | undefined;
}

/** By operation, `METHOD /path` without version and with `{id}` for what varies. Happens at once and whole. */
export type Operations = Readonly<Record<string, (asked: Asked) => Answer>>;

export interface Found {
  readonly operation: string;
  readonly version: string;
  readonly id: string;
}

/**
 * Which operation a request names. Paths carry the version in third place (facts/hubspot.md §4.1), the old ones
 * before the family; `0-1` is the type id of contacts (§3.2). Undefined for a path that is not HubSpot's.
 */
export function findOperation(operations: Operations, method: string, path: string): Found | undefined {
  const parts =
    /^\/(?:crm\/(?:(objects|properties)\/([^/]+)|(v3)\/(objects|properties))\/(contacts|0-1)((?:\/[^/]+)*)|account-info\/([^/]+)\/details)\/?$/.exec(
      path,
    );
  if (parts === null) return undefined;
  const [, family = parts[4], dated, old, , , rest = '', accountVersion] = parts;
  const version = dated ?? old ?? accountVersion ?? '';
  if (!/^(v3|\d{4}-\d{2})$/.test(version)) return undefined;
  if (accountVersion !== undefined) return known(operations, `${method} /account-info/details`, version, '');
  const base = `${method} /crm/${family ?? ''}/contacts`;
  const exact = known(operations, `${base}${rest}`, version, '');
  if (exact !== undefined) return exact;
  const slash = rest.lastIndexOf('/');
  return known(operations, `${base}${rest.slice(0, slash)}/{id}`, version, decode(rest.slice(slash + 1)));
}

function known(operations: Operations, operation: string, version: string, id: string): Found | undefined {
  return Object.hasOwn(operations, operation) ? { operation, version, id } : undefined;
}

/** A broken percent escape names nothing we have. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
