import type { SandboxClock } from '../clock.ts';
import { pageOf } from './pages.ts';
import {
  isLive,
  type Page,
  type RecordChange,
  type RecordsChange,
  type Seen,
  type StoredRecord,
  type Values,
} from './record.ts';
import { createValueIndex } from './value-index.ts';

/** An account's records of one type, in memory: what there is and was, without judging who may change it. */
export interface RecordState {
  /** A living record by its id or a unique value; by the id of one merged away, where the vendor answers so. */
  find(property: string, value: string): StoredRecord | undefined;
  /** By its own id, in whatever state. */
  exact(id: string): StoredRecord | undefined;
  /** The id that has this unique value. */
  holderOf(property: string, value: string): string | undefined;
  /** What was so at `readAt`, milliseconds since the Unix epoch, or is now. */
  read(property: string, value: string, readAt: number | undefined): Seen | undefined;
  /** By ascending id, from after `after`. */
  list(page: Page, readAt: number | undefined): Seen[];
  /** Those that can be restored, likewise. */
  listArchived(page: Page): StoredRecord[];
  /** By ascending id. `among`: only those that hold one of these values, or did lately. */
  matching(
    matches: (seen: Seen) => boolean,
    readAt: number | undefined,
    among?: readonly { readonly property: string; readonly values: readonly string[] }[],
  ): Seen[];
  /** An id nobody had. */
  takeId(): string;
  /** Makes a change, without checking or journalling it. */
  apply(change: RecordsChange): void;
  /** Makes a change of before the start: no read that lags is as far behind. */
  replay(change: RecordsChange): void;
  keepPast(keep: boolean): void;
  forget(property: string): void;
  all(): Iterable<StoredRecord>;
}

interface Held extends StoredRecord {
  properties: Values;
  archivedAt: number | undefined;
  mergedInto: string | undefined;
  erased: boolean;
  /** Earlier states, oldest first, while they are kept. `properties` undefined = no such record then. */
  past: { readonly until: number; readonly properties: Values | undefined }[];
}

/** What differs from one vendor's records to the next; functions are asked each time. */
export interface RecordKind {
  /** The name a record's id goes by among its values. */
  readonly idProperty: string;
  /** Makes the nth id, and tells which it was; ids ascend with n. Numbers from 101 unless said. */
  readonly ids?: {
    readonly make: (n: number) => string;
    readonly numberOf: (id: string) => number;
  };
  /** Names of properties of which no two records may hold the same value. */
  readonly unique: () => Iterable<string>;
  /** What a record holds of such a property against others, where it is more than its value. */
  readonly heldValues?: (values: Values, property: string) => readonly string[];
  /** The form in which two values of such a property are the same. */
  readonly keyOf?: (property: string, value: string) => string;
  /** A value by its name, also one that is worked out of others. */
  readonly readValue?: (values: Values, name: string) => string | undefined;
  readonly archivedKeepsUniqueValues: () => boolean;
  /** Whether the id of a record merged into another answers with that one. */
  readonly mergedAnswers: () => boolean;
  /** How far some reads are behind all the time, milliseconds. */
  readonly lagMs: () => number;
}

const numbers = {
  make: (n: number): string => String(100 + n),
  numberOf: (id: string): number => Number(id) - 100,
};

export function createRecordState(clock: SandboxClock, kind: RecordKind): RecordState {
  const {
    idProperty,
    ids = numbers,
    heldValues = valueHeld,
    keyOf = (_property, value) => value,
    readValue = (held, name) => held[name],
  } = kind;
  const byId = new Map<string, Held>();
  /** Ascending by id. */
  const inOrder: Held[] = [];
  const byUnique = new Map<string, Map<string, string>>();
  const values = createValueIndex(() => byId.values(), readValue);
  const withPast = new Set<Held>();
  let keepsPast = false;
  let replaying = false;
  let next = 1;

  const indexOf = (property: string): Map<string, string> => {
    let index = byUnique.get(property);
    if (index === undefined) byUnique.set(property, (index = new Map()));
    return index;
  };

  const claim = (id: string, before: Values, after: Values): void => {
    for (const property of kind.unique()) {
      const index = indexOf(property);
      const [old, now] = [heldValues(before, property), heldValues(after, property)];
      for (const value of old) if (!now.includes(value) && index.get(value) === id) index.delete(value);
      for (const value of now) if (!old.includes(value)) index.set(value, id);
    }
  };

  const dropExpired = (record: Held): void => {
    if (keepsPast) return;
    const since = clock.now() - kind.lagMs();
    record.past = record.past.filter(({ until }) => until > since);
    if (record.past.length === 0) withPast.delete(record);
  };

  const remember = (record: Held, properties: Values | undefined): void => {
    if (replaying || (!keepsPast && kind.lagMs() === 0)) return;
    record.past.push({ until: clock.now(), properties });
    withPast.add(record);
    dropExpired(record);
  };

  const put = (record: Held, properties: Values): void => {
    values.changed(record.id, record.properties, properties);
    record.properties = properties;
  };

  const insert = (id: string): Held => {
    const record: Held = {
      id,
      properties: {},
      archivedAt: undefined,
      mergedInto: undefined,
      erased: false,
      past: [],
    };
    byId.set(id, record);
    inOrder.push(record);
    next = Math.max(next, ids.numberOf(id) + 1);
    return record;
  };

  const write = ([id, changes]: RecordChange, archivedAt?: number): void => {
    const known = byId.get(id);
    const record = known ?? insert(id);
    const properties: Record<string, string> = { ...record.properties, ...changes };
    for (const name in changes) if (changes[name] === '') delete properties[name];
    // Unique values of an archived one may stand on another record by now.
    if ((record.archivedAt ?? archivedAt) === undefined || kind.archivedKeepsUniqueValues()) {
      claim(id, record.properties, properties);
    }
    remember(record, known?.properties);
    put(record, properties);
    record.archivedAt ??= archivedAt;
  };

  const archive = (record: Held, at: number): void => {
    remember(record, record.archivedAt === undefined ? record.properties : undefined);
    record.archivedAt ??= at;
    if (!kind.archivedKeepsUniqueValues()) claim(record.id, record.properties, {});
  };

  const empty = (record: Held): void => {
    claim(record.id, record.properties, {});
    put(record, {});
  };

  const apply = (change: RecordsChange): void => {
    switch (change.kind) {
      case 'records':
        for (const record of change.records) write(record, change.archivedAt);
        break;
      case 'archived':
        for (const id of change.ids) archive(byId.get(id) ?? insert(id), change.at);
        break;
      case 'restored': {
        const record = byId.get(change.id) ?? insert(change.id);
        remember(record, undefined);
        record.archivedAt = undefined;
        claim(record.id, {}, record.properties);
        break;
      }
      case 'merged': {
        const [survivorId] = change.survivor;
        for (const id of change.ids) {
          const record = byId.get(id) ?? insert(id);
          archive(record, change.at);
          empty(record);
          record.mergedInto = survivorId;
        }
        write(change.survivor);
        break;
      }
      case 'erased':
        for (const id of change.ids) {
          const record = byId.get(id) ?? insert(id);
          empty(record);
          record.archivedAt ??= change.at;
          record.erased = true;
          record.past = [];
          withPast.delete(record);
        }
        break;
    }
  };

  const numberAfter = (after: string | undefined): number | undefined =>
    after === undefined ? undefined : ids.numberOf(after);

  /** Where merges led to. */
  const survivorOf = (record: Held | undefined): Held | undefined => {
    let at = record;
    while (at?.mergedInto !== undefined) at = byId.get(at.mergedInto);
    return at;
  };

  const named = (property: string, value: string): Held | undefined => {
    if (property !== idProperty) {
      return byId.get(byUnique.get(property)?.get(keyOf(property, value)) ?? '');
    }
    const record = byId.get(value);
    return kind.mergedAnswers() ? survivorOf(record) : record;
  };

  const find = (property: string, value: string): StoredRecord | undefined => {
    const record = named(property, value);
    return isLive(record) ? record : undefined;
  };

  return {
    find,
    exact: (id) => byId.get(id),
    holderOf: (property, value) => byUnique.get(property)?.get(value),
    read(property, value, readAt) {
      if (readAt === undefined) return find(property, value);
      const now = property === idProperty ? byId.get(value) : undefined;
      for (const record of now === undefined ? withPast : [now]) {
        const seen = seenAt(record, readAt);
        if (seen?.properties[property] === value) return seen;
      }
      const found = named(property, value);
      return found === undefined ? undefined : seenAt(found, readAt);
    },
    list: ({ limit = Infinity, after }, readAt) =>
      pageOf(inOrder, limit, numberAfter(after), ids.numberOf, (record) => seenAt(record, readAt)),
    listArchived: ({ limit = Infinity, after }) =>
      pageOf(inOrder, limit, numberAfter(after), ids.numberOf, (record) =>
        isLive(record) || record.erased || record.mergedInto !== undefined ? undefined : record,
      ),
    matching(matches, readAt, among) {
      for (const record of withPast) dropExpired(record);
      let records = inOrder;
      if (among !== undefined) {
        const found = new Set(withPast);
        for (const { property, values: held } of among) {
          for (const id of values.holders(property, held)) {
            const record = byId.get(id);
            if (record !== undefined) found.add(record);
          }
        }
        records = [...found].toSorted((a, b) => ids.numberOf(a.id) - ids.numberOf(b.id));
      }
      return records.flatMap((record) => {
        const seen = seenAt(record, readAt);
        return seen !== undefined && matches(seen) ? [seen] : [];
      });
    },
    takeId() {
      next += 1;
      return ids.make(next - 1);
    },
    apply,
    replay(change) {
      replaying = true;
      apply(change);
      replaying = false;
    },
    keepPast(keep) {
      keepsPast = keep;
      // Reads never see what was before they were told to lag; search may lag by itself.
      if (!keep && kind.lagMs() > 0) return;
      for (const record of withPast) record.past = [];
      withPast.clear();
    },
    forget(property) {
      byUnique.delete(property);
      for (const record of byId.values()) {
        if (record.properties[property] === undefined) continue;
        const { [property]: _gone, ...properties } = record.properties;
        put(record, properties);
      }
    },
    all: () => byId.values(),
  };
}

function valueHeld(values: Values, property: string): readonly string[] {
  const value = values[property];
  return value === undefined ? [] : [value];
}

function seenAt(record: Held, readAt: number | undefined): Seen | undefined {
  const past = readAt === undefined ? undefined : record.past.find(({ until }) => until > readAt);
  if (past === undefined) return isLive(record) ? record : undefined;
  return past.properties === undefined ? undefined : { id: record.id, properties: past.properties };
}
