import type { z } from 'zod';
import { type ConnectionSettings, connectionSettings } from './settings.ts';

/** Settings as they were stored, maybe under wider bounds than those of today, and which of them are not in force as stored. */
export interface StoredSettings {
  readonly settings: ConnectionSettings;
  /** Such as `creation.blockedPhones`. */
  readonly cut: readonly string[];
}

/**
 * Reading stops at nothing: what lies beyond its bounds is brought to them, what cannot be is as it comes. Writing is strict,
 * by `connectionSettings` itself.
 */
export function readStoredSettings(stored: unknown): StoredSettings {
  const cut = new Set<string>();
  let kept = stored;
  for (;;) {
    const read = connectionSettings.safeParse(kept);
    if (read.success) return { settings: read.data, cut: [...cut] };
    for (const { path } of read.error.issues) cut.add(path.slice(0, 2).join('.'));
    // Items of a list from the last on: those before them keep their places.
    kept =
      read.error.issues.toReversed().reduce((value, issue) => without(value, issue, issue.path), kept) ?? {};
  }
}

/** Undefined: it goes, with what cannot do without it. */
function without(value: unknown, issue: z.core.$ZodIssue, path: readonly PropertyKey[]): unknown {
  const [part, ...rest] = path;
  if (part === undefined) return withinBounds(value, issue);
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown, index) =>
      index === part ? (without(item, issue, rest) ?? []) : [item],
    );
  }
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
  const left = without(Reflect.get(value, part), issue, rest);
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
      if (name !== part) return [[name, inner]];
      return left === undefined ? [] : [[name, left]];
    }),
  );
}

function withinBounds(value: unknown, issue: z.core.$ZodIssue): unknown {
  if (issue.code === 'too_big') {
    if (Array.isArray(value)) return value.slice(0, Number(issue.maximum));
    if (typeof value === 'number') return Number(issue.maximum);
  }
  if (issue.code === 'too_small' && typeof value === 'number') return Number(issue.minimum);
  return undefined;
}
