import type { SandboxClock } from '../clock.ts';
import type { Association, Associations } from './associations.ts';
import { valueOf } from './calculated-values.ts';
import type { Catalogue } from './catalogue.ts';
import { type HubspotError, notFound, validationError } from './errors.ts';
import { additionalFrom, emailsOf, filledFrom, mergedIds } from './merged-values.ts';
import type { ObjectType } from './object-type.ts';
import { restorableMs } from './portal.ts';
import type { ChangeSource, PortalChange } from './changes.ts';
import { isLive, type RecordsChange, type StoredRecord, type Values } from '../shared/record.ts';
import { createRecordState, type RecordState } from '../shared/record-state.ts';
import type { HubspotRules } from './rules.ts';
import { isoTime } from './values.ts';
import { createWriting, type Writing } from './writing.ts';
import { conflictOf } from './written-values.ts';

/** What happens to records of a portal, and what new ones stand on. */
export type HubspotRecordsChange = RecordsChange & {
  readonly associations?: readonly Association[] | undefined;
};

/** The portal's records of one type and all that may be done with them: each act journalled, then told. */
export interface Records extends Pick<
  RecordState,
  'find' | 'exact' | 'read' | 'list' | 'listArchived' | 'matching' | 'keepPast' | 'forget' | 'all'
> {
  /** As `RecordState`'s. */
  replay(change: HubspotRecordsChange): void;
  writing(source: ChangeSource): Writing;
  /** Those that live. */
  archive(ids: readonly string[], source: ChangeSource): void;
  /** What stands against it: too late, merged, erased, or a unique value given to another since. */
  restore(id: string, source: ChangeSource): StoredRecord | HubspotError;
  merge(primaryId: string, mergedId: string, source: ChangeSource): StoredRecord | HubspotError;
  /** For ever: only the id stays taken. */
  erase(ids: readonly string[], source: ChangeSource): void;
}

export function createRecords({
  objectType,
  clock,
  catalogue,
  rules,
  associations,
  append,
  changed,
}: {
  objectType: ObjectType;
  clock: SandboxClock;
  catalogue: Catalogue;
  rules: () => HubspotRules;
  associations: Associations;
  append: (change: HubspotRecordsChange) => void;
  /** Hears of every change once it is made. */
  changed: (change: PortalChange) => void;
}): Records {
  const state = createRecordState(clock, {
    idProperty: 'hs_object_id',
    unique: () => catalogue.unique,
    heldValues: (values, property) => (property === 'email' ? emailsOf(values) : present(values[property])),
    keyOf: (property, value) => (property === 'email' ? value.toLowerCase() : value),
    readValue: valueOf,
    archivedKeepsUniqueValues: () => rules().archivedKeepsUniqueValues,
    mergedAnswers: () => rules().mergedIdAnswers === 'survivor',
    lagMs: () => rules().searchLagMs,
  });

  /** What stands between records follows what becomes of them. */
  const associate = (change: HubspotRecordsChange): void => {
    if (change.kind === 'records') associations.add(change.associations ?? []);
    if (change.kind === 'merged') for (const id of change.ids) associations.move(id, change.survivor[0]);
    if (change.kind === 'erased') for (const id of change.ids) associations.remove(objectType.name, id);
  };

  const make = (change: HubspotRecordsChange): void => {
    state.apply(change);
    associate(change);
    append(change);
  };

  /** One change a property whose value is another; system properties are never told of. */
  const tellValues = (objectId: string, values: Values, at: number, source: ChangeSource): void => {
    for (const [propertyName, propertyValue] of Object.entries(values)) {
      if (catalogue.properties.get(propertyName)?.readOnly !== false) continue;
      changed({ kind: 'propertyChange', at, source, objectId, propertyName, propertyValue });
    }
  };

  /** With its own id, or as a new record: rule `mergeKeepsPrimaryId`. */
  const mergeInto = (primary: StoredRecord, other: StoredRecord, source: ChangeSource): string => {
    const at = clock.now();
    const keeps = rules().mergeKeepsPrimaryId;
    const newId = keeps ? primary.id : state.takeId();
    const filled = filledFrom(catalogue, primary, other);
    const values = {
      ...(keeps ? {} : primary.properties),
      ...filled,
      ...additionalFrom(primary, other),
      hs_object_id: newId,
      hs_merged_object_ids: mergedIds(newId, [primary, other]),
      [objectType.modifiedAt]: isoTime(at),
    };
    const ids = keeps ? [other.id] : [primary.id, other.id];
    make({ kind: 'merged', survivor: [newId, values], ids, at });
    const deletions = rules().mergeTellsDeletion;
    const tellDeletions = (): void => {
      for (const objectId of ids) changed({ kind: 'deletion', at, source, objectId });
    };
    if (deletions === 'before') tellDeletions();
    changed({
      kind: 'merge',
      at,
      source,
      primaryObjectId: primary.id,
      mergedObjectIds: [other.id],
      newObjectId: newId,
      numberOfPropertiesMoved: Object.keys(filled).length,
    });
    if (deletions === 'after') tellDeletions();
    tellValues(newId, keeps ? filled : values, at, source);
    return newId;
  };

  return {
    ...state,

    replay(change) {
      state.replay(change);
      associate(change);
    },

    writing: (source) =>
      createWriting({
        objectType,
        catalogue,
        rules,
        state,
        clock,
        source,
        make(written, pairs) {
          const at = clock.now();
          const records = written.map(({ change }) => change);
          make({ kind: 'records', records, ...(pairs.length > 0 ? { associations: pairs } : {}) });
          for (const { draft, change } of written) {
            const [objectId, values] = change;
            if (draft.record === undefined) changed({ kind: 'creation', at, source, objectId });
            tellValues(objectId, values, at, source);
          }
        },
      }),

    archive(ids, source) {
      const live = ids.filter((id) => isLive(state.exact(id)));
      if (live.length === 0) return;
      const at = clock.now();
      make({ kind: 'archived', ids: live, at });
      for (const objectId of live) changed({ kind: 'deletion', at, source, objectId });
    },

    restore(id, source) {
      const record = state.exact(id);
      if (record === undefined || record.erased || record.mergedInto !== undefined) return notFound();
      if (record.archivedAt === undefined) return record;
      const at = clock.now();
      if (at >= record.archivedAt + restorableMs) {
        return validationError('Records can be restored for 90 days after they were deleted.');
      }
      const conflict = conflictOf(
        catalogue.unique,
        (property, value) => state.holderOf(property, value),
        id,
        record.properties,
      );
      if (conflict !== undefined) return conflict;
      make({ kind: 'restored', id });
      changed({ kind: 'restore', at, source, objectId: id });
      return state.exact(id) ?? record;
    },

    merge(primaryId, mergedId, source) {
      const primary = state.find('hs_object_id', primaryId);
      const other = state.find('hs_object_id', mergedId);
      if (primary === undefined || other === undefined) return notFound();
      if (primary.id === other.id) return validationError('A record cannot be merged with itself.');
      return state.exact(mergeInto(primary, other, source)) ?? notFound();
    },

    erase(ids, source) {
      if (ids.length === 0) return;
      const at = clock.now();
      make({ kind: 'erased', ids, at });
      for (const objectId of ids) changed({ kind: 'privacyDeletion', at, source, objectId });
    },
  };
}

function present(value: string | undefined): readonly string[] {
  return value === undefined ? [] : [value];
}
