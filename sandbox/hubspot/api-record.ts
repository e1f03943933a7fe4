import { z } from 'zod';
import { valueOf } from './calculated-values.ts';
import { type ObjectType, systemProperties } from './object-type.ts';
import type { Seen } from '../shared/record.ts';
import { isoTime } from './values.ts';

export function wantedProperties(objectType: ObjectType, asked: readonly string[]): readonly string[] {
  return asked.length === 0 ? objectType.defaultProperties : [...asked, ...systemProperties(objectType)];
}

/** Of the query `properties=a,b`. */
export function askedProperties(query: URLSearchParams): string[] {
  return query.get('properties')?.split(',') ?? [];
}

/** As the API tells a record: every wanted property, null where empty. */
export function toApiRecord(
  { createdAt, modifiedAt }: ObjectType,
  seen: Seen,
  wanted: readonly string[],
  archivedAt?: number,
): object {
  const properties: Record<string, string | null> = {};
  for (const name of wanted) properties[name] = valueOf(seen.properties, name) ?? null;
  return {
    id: seen.id,
    properties,
    createdAt: seen.properties[createdAt],
    updatedAt: seen.properties[modifiedAt],
    archived: archivedAt !== undefined,
    ...(archivedAt === undefined ? {} : { archivedAt: isoTime(archivedAt) }),
  };
}

// Not `z.record`, which copies every value: this is the sandbox's hottest path, and each value is checked later anyway.
/** Property values as a caller writes them. */
export const recordProperties = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'properties must be an object',
);
