import type { Answer } from '../http.ts';

/** What an operation's handler is told. */
export interface Asked {
  /** `v3` or a dated one such as `2026-03`. */
  readonly version: string;
  /** What stands for the first `{id}` of the path, decoded; '' where it has none. */
  readonly id: string;
  /** What stands for the second, likewise. */
  readonly toId: string;
  readonly query: URLSearchParams;
  readonly body: unknown;
  /** Of the body as it was sent, in characters. */
  readonly length: number;
  readonly readAt: number | undefined;
  /** Asked once for every record of a batch that is written: HubSpot's word it is refused with. */
  readonly refusedItem: () => string | undefined;
}

/** By operation, `METHOD /path` without version and with `{id}` for what varies. Happens at once and whole. */
export type Operations = Readonly<Record<string, (asked: Asked) => Answer>>;

export interface Found extends Pick<Asked, 'version' | 'id' | 'toId'> {
  readonly operation: string;
}

interface Template {
  readonly operation: string;
  readonly segments: readonly string[];
}

/** Type ids stand for names. docs/vendors/hubspot.md §3.2, §4.5. */
const names: Readonly<Record<string, string>> = { '0-1': 'contacts', '0-18': 'communications' };

/**
 * Which operation a request names; undefined for a path that is not HubSpot's. Paths carry the version in third place
 * (docs/vendors/hubspot.md §4.1), the old ones before the family, accounts and owners after it.
 */
export function operationFinder(operations: Operations): (method: string, path: string) => Found | undefined {
  const byShape = new Map<string, Template[]>();
  for (const operation of Object.keys(operations)) {
    const [method = '', path = ''] = operation.split(' ');
    const segments = path.split('/').slice(1);
    const shape = `${method} ${String(segments.length)}`;
    byShape.set(shape, [...(byShape.get(shape) ?? []), { operation, segments }]);
  }
  // A name wins over what may be an id: `batch/read` is no record.
  for (const templates of byShape.values()) templates.sort((a, b) => placeholders(a) - placeholders(b));

  return (method, path) => {
    const parts = path.replace(/\/$/, '').split('/').slice(1);
    const at = parts.findIndex((part, index) => index < 3 && /^(v[34]|\d{4}-\d{2})$/.test(part));
    const version = parts[at];
    if (version === undefined) return undefined;
    parts.splice(at, 1);
    const found = byShape
      .get(`${method} ${String(parts.length)}`)
      ?.find(({ segments }) => segments.every((segment, index) => fits(segment, parts[index] ?? '')));
    if (found === undefined) return undefined;
    const [id = '', toId = ''] = parts
      .filter((_part, index) => found.segments[index] === '{id}')
      .map((part) => decode(part));
    return { operation: found.operation, version, id, toId };
  };
}

function placeholders({ segments }: Template): number {
  return segments.filter((segment) => segment === '{id}').length;
}

function fits(segment: string, part: string): boolean {
  return segment === '{id}' ? part !== '' : segment === (names[part] ?? part);
}

/** A broken percent escape names nothing we have. */
function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
