import {
  type AccountTraits,
  type ConnectorTraits,
  type CrmField,
  type CrmRecord,
  type CrmValues,
  type FieldPolicy,
  isOnCreateAlone,
} from '../crm/index.ts';
import type { ConnectionRow, JournalEntry, Occurrence, RecordRow } from '../store/index.ts';
import { wholeMappingOf } from './mapping-of.ts';

/** Whose changes of a connection's records are kept as occurrences. */
export interface Followed {
  readonly connectionId: string;
  readonly fields: ReadonlySet<string>;
  /** Those nothing of ours is ever written to once a record is made: what stands there is known as soon as it was seen. */
  readonly theirs: ReadonlySet<string>;
  /** Those only we write. */
  readonly ours: ReadonlySet<string>;
  readonly same: (field: string, x: string, y: string) => boolean;
  /** The numbers of a list of phones. */
  readonly numbersIn: (list: string) => readonly string[];
}

export function followedBy(connection: ConnectionRow, traits: AccountTraits): Followed {
  const mapping = wholeMappingOf(connection, traits);
  const known = new Map(mapping.map(({ field }) => [field.name, field]));
  const decidedBy = (test: (policy: FieldPolicy) => boolean): Set<string> =>
    new Set(
      mapping
        .filter(({ policy, source }) => test(policy) && !isOnCreateAlone(source))
        .map(({ field }) => field.name),
    );
  const fields = new Set([...known.keys(), ...traits.followedFields]);
  return {
    connectionId: connection.connectionId,
    fields,
    theirs: fields.difference(decidedBy((policy) => policy !== 'theirs')),
    ours: decidedBy((policy) => policy === 'ours'),
    same: (field, x, y) => x === y || traits.spelling.same(x, y, known.get(field) ?? textField(field)),
    numbersIn: (list) => traits.spelling.phoneList?.in(list) ?? [],
  };
}

/** What a scan or read of a record shows of its followed fields. */
export interface Noticed {
  readonly occurrences: readonly Occurrence[];
  /** Of fields that are only followed: as they stand there. */
  readonly seen: CrmValues;
}

/**
 * Compares a record as it was read with what was known of it, and tells what somebody changed: not what may be ours
 * (`tries`, writes of unknown outcome). A field nobody had seen says nothing by what it holds.
 */
export function noticeFollowed(
  row: Pick<RecordRow, 'base'> | undefined,
  record: CrmRecord,
  followed: Followed,
  tries: readonly CrmValues[],
  now: number,
): Noticed {
  const occurrences: Occurrence[] = [];
  const seen: Record<string, string> = {};
  for (const field of followed.fields) {
    const value = record.values[field];
    if (value === undefined) continue;
    if (followed.theirs.has(field)) seen[field] = value;
    const before = row?.base[field];
    if (before === undefined || followed.same(field, before, value)) continue;
    if (isTried(tries, field, value, followed.same)) continue;
    occurrences.push({
      connectionId: followed.connectionId,
      recordId: record.recordId,
      field,
      value,
      changedAt: record.changedAt ?? now,
      changedBy: undefined,
      scanned: true,
    });
  }
  return { occurrences, seen };
}

export function isTried(
  tries: readonly CrmValues[],
  field: string,
  value: string,
  same: Followed['same'],
): boolean {
  return tries.some((written) => {
    const tried = written[field];
    return tried !== undefined && same(field, tried, value);
  });
}

/** Beyond the time the vendor may still act: clocks differ. */
const settleMarginMs = 60_000;

/** Until when a write nobody answered may take effect. */
export function settlesAt({ at }: Pick<JournalEntry, 'at'>, { settleMs }: ConnectorTraits): number {
  return at + settleMs + settleMarginMs;
}

/** Writes that nobody answered since then may still take effect. */
export function settlesFrom(now: number, { settleMs }: ConnectorTraits): number {
  return now - settleMs - settleMarginMs;
}

function textField(name: string): CrmField {
  return { name, label: name, kind: 'text', writable: true };
}
