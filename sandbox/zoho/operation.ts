import type { IncomingHttpHeaders } from 'node:http';
import type { Answer } from '../http.ts';
import type { Module } from './module.ts';
import type { Change, OrgState } from './org-state.ts';

/** What an operation's handler is told. */
export interface Asked {
  /** Of the path: the module, and what stands for its first and second `{id}` or `{name}`. */
  readonly module: Module | undefined;
  readonly ids: readonly string[];
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: unknown;
  readonly readAt: number | undefined;
  /** Asked once for every record that is written: Zoho's code it is refused with. */
  readonly refusedItem: () => string | undefined;
}

/** By operation, `METHOD /path` below the version. Happens at once and whole. */
export type Operations = Readonly<Record<string, (asked: Asked) => Answer>>;

/** What operations work with. */
export interface Context {
  readonly state: OrgState;
  /** Once for every write, when it is made. */
  readonly tell: (changes: readonly Change[]) => void;
}

export interface Found extends Pick<Asked, 'module' | 'ids'> {
  /** Its key among the operations. */
  readonly template: string;
  /** As it is counted: the template with the module's name. */
  readonly operation: string;
}

interface Template {
  readonly template: string;
  readonly segments: readonly string[];
}

const version = '/crm/v8';
const idForm = /^\d{15,20}$/;

/**
 * Which operation a request names; undefined for a path that is not Zoho's. `{module}` is a module there is, `{id}` digits,
 * `{name}` anything: what is written out goes first.
 */
export function operationFinder(
  operations: Operations,
  modules: ReadonlyMap<string, Module>,
): (method: string, path: string) => Found | undefined {
  const templates = Object.keys(operations)
    .map((template): Template => ({
      template,
      segments: template.replace(' ', '/').split('/').filter(Boolean),
    }))
    .toSorted((a, b) => placeholders(a) - placeholders(b));
  const fits = (segment: string, part: string): boolean => {
    switch (segment) {
      case '{module}':
        return modules.has(part);
      case '{id}':
        return idForm.test(part);
      case '{name}':
        return part !== '';
      default:
        return segment === part;
    }
  };

  return (method, path) => {
    if (!path.startsWith(`${version}/`)) return undefined;
    const parts = [
      method,
      ...path
        .slice(version.length + 1)
        .replace(/\/$/, '')
        .split('/'),
    ];
    const found = templates.find(
      ({ segments }) =>
        segments.length === parts.length &&
        segments.every((segment, index) => fits(segment, parts[index] ?? '')),
    );
    if (found === undefined) return undefined;
    const at = found.segments.indexOf('{module}');
    const module = at === -1 ? undefined : modules.get(parts[at] ?? '');
    const ids = parts.filter((_part, index) => ['{id}', '{name}'].includes(found.segments[index] ?? ''));
    const operation = found.template.replace('{module}', module?.api_name ?? '');
    return { template: found.template, operation, module, ids };
  };
}

function placeholders({ segments }: Template): number {
  return segments.filter((segment) => segment.startsWith('{')).length;
}
