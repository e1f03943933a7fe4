import type { SandboxClock } from '../clock.ts';
import type { Association } from './associations.ts';
import type { Catalogue } from './catalogue.ts';
import { type HubspotError, invalidProperties, missingProperties } from './errors.ts';
import type { ObjectType } from './object-type.ts';
import type { ChangeSource } from './changes.ts';
import type { RecordChange, Seen, StoredRecord, Values } from '../shared/record.ts';
import type { RecordState } from '../shared/record-state.ts';
import type { HubspotRules } from './rules.ts';
import { isoTime } from './values.ts';
import { conflictOf, movesBackwards, readValues } from './written-values.ts';

/** One record's part of a write that has been checked and not yet made. */
export interface Draft {
  readonly id: string;
  readonly record: Seen | undefined;
  readonly values: Record<string, string>;
}

/** A write of any number of records, made at once or not at all. */
export interface Writing {
  /** Checks one record's new values: against the portal's properties, the records there are, and this write's others. */
  draft(
    target: StoredRecord | Draft | undefined,
    raw: Readonly<Record<string, unknown>>,
    required?: readonly string[],
  ): Draft | HubspotError;
  commit(associations?: readonly Association[]): void;
}

/** A draft and what it came to. */
export interface Written {
  readonly draft: Draft;
  readonly change: RecordChange;
}

export function createWriting({
  objectType,
  catalogue,
  rules,
  state,
  clock,
  source,
  make,
}: {
  objectType: ObjectType;
  catalogue: Catalogue;
  rules: () => HubspotRules;
  state: RecordState;
  clock: SandboxClock;
  source: ChangeSource;
  make: (written: readonly Written[], associations: readonly Association[]) => void;
}): Writing {
  const drafts: Draft[] = [];
  const claims = new Map<string, string>();
  const holderOf = (property: string, value: string): string | undefined =>
    claims.get(`${property}\0${value}`) ?? state.holderOf(property, value);

  /** Apps move the lifecycle stage forward only; users do as they like. */
  const objectionToStage = (values: Record<string, string>, current: Values): HubspotError | undefined => {
    const stage = values['lifecyclestage'];
    const from = current['lifecyclestage'];
    if (stage === undefined || from === undefined || source.changeSource === 'CRM_UI') return undefined;
    const stages = catalogue.properties.get('lifecyclestage')?.options ?? [];
    if (!movesBackwards(stages, from, stage)) return undefined;
    values['lifecyclestage'] = from;
    if (rules().lifecycleBackwards === 'ignored') return undefined;
    const message = `The lifecycle stage cannot be set back from ${from} to ${stage}.`;
    return invalidProperties([{ code: 'INVALID_LIFECYCLE_STAGE', property: 'lifecyclestage', message }]);
  };

  const objectionToNew = (values: Values, required: readonly string[]): HubspotError | undefined => {
    const objection = objectType.objectionToNew(values);
    if (objection !== undefined) return objection;
    const missing = required.filter((name) => (values[name] ?? '') === '');
    return missing.length === 0 ? undefined : missingProperties(missing);
  };

  const toChange = ({ id, record, values }: Draft, now: string): RecordChange | undefined => {
    const { createdAt, modifiedAt } = objectType;
    if (record === undefined) {
      return [id, { ...withoutEmpty(values), hs_object_id: id, [createdAt]: now, [modifiedAt]: now }];
    }
    const changes: Record<string, string> = {};
    for (const name in values) {
      const value = values[name];
      if (value !== undefined && value !== (record.properties[name] ?? '')) changes[name] = value;
    }
    return Object.keys(changes).length === 0 ? undefined : [id, { ...changes, [modifiedAt]: now }];
  };

  return {
    draft(target, raw, required = []) {
      const earlier = target !== undefined && 'values' in target ? target : undefined;
      const record = target !== undefined && 'values' in target ? target.record : target;
      const before = record?.properties ?? {};
      const current = earlier === undefined ? before : { ...before, ...earlier.values };
      const read = readValues(catalogue, raw, current);
      if ('problems' in read) return invalidProperties(read.problems);
      const backwards = objectionToStage(read.values, current);
      if (backwards !== undefined) return backwards;
      const values = earlier === undefined ? read.values : { ...earlier.values, ...read.values };
      if (record === undefined) {
        const objection = objectionToNew(values, required);
        if (objection !== undefined) return objection;
      }
      const id = target?.id ?? state.takeId();
      const conflict = conflictOf(catalogue.unique, holderOf, id, values);
      if (conflict !== undefined) return conflict;
      for (const property of catalogue.unique) {
        const value = values[property];
        if (value !== undefined && value !== '') claims.set(`${property}\0${value}`, id);
      }
      if (earlier !== undefined) {
        Object.assign(earlier.values, values);
        return earlier;
      }
      const draft: Draft = { id, record, values };
      drafts.push(draft);
      return draft;
    },

    commit(associations = []) {
      const now = isoTime(clock.now());
      const written = drafts.flatMap((draft): Written[] => {
        const change = toChange(draft, now);
        return change === undefined ? [] : [{ draft, change }];
      });
      if (written.length > 0) make(written, associations);
    },
  };
}

function withoutEmpty(values: Values): Values {
  const kept: Record<string, string> = {};
  for (const name in values) {
    const value = values[name];
    if (value !== undefined && value !== '') kept[name] = value;
  }
  return kept;
}
