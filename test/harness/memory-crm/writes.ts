import { type CrmValues, FieldsMissing, type WriteOutcome } from '@sangam/core/crm';
import { leadActivity, memoryFields, standardMapping } from './fields.ts';
import type { MemoryIds } from './ids.ts';
import type { MemoryRecord, MemoryRecords } from './records.ts';
import type { MemoryCrmRules } from './rules.ts';
import { changedPhones } from './spelling.ts';

/** What becomes of one record that is created or updated. Values by the labels of fields. */
export interface MemoryWrites {
  create(contactId: string, type: MemoryRecord['type'], sent: CrmValues): WriteOutcome;
  update(recordId: string, sent: CrmValues): WriteOutcome;
}

/** What stands in the way of a write of this CRM's. */
export interface Obstacles {
  /** Records by id that nobody may write for now. */
  readonly locked: Set<string>;
  /** What the field `Size` takes; undefined: everything. */
  sizes: ReadonlySet<string> | undefined;
}

export function createWrites(
  {
    writeClass = 'keyed',
    longestText = Infinity,
    setWhenMade = {},
    twins = 'make',
    phoneList = false,
  }: MemoryCrmRules,
  records: MemoryRecords,
  ids: MemoryIds,
  obstacles: Obstacles,
): MemoryWrites {
  const cut = (sent: CrmValues): Record<string, string> =>
    Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, value.slice(0, longestText)]));
  /** A field another type of record has is unknown here, as it is with Zoho and Salesforce. */
  const foreignTo = (type: string, values: CrmValues): string[] =>
    [...standardMapping.map((line) => line.field), leadActivity].flatMap(({ name, on }) =>
      Object.hasOwn(values, name) && on !== undefined && !on.includes(type) ? [name] : [],
    );
  const mustHave = (type: string, values: CrmValues): void => {
    const foreign = foreignTo(type, values);
    const message = `A ${type} has no ${foreign.join(', ')}.`;
    if (foreign.length > 0)
      throw new FieldsMissing({ fields: foreign.map((label) => ids.idOf(label)), message });
  };
  const written = (
    item: string,
    { recordId }: MemoryRecord,
    values: CrmValues,
    created: boolean,
  ): WriteOutcome => ({ item, outcome: 'written', recordId, created, values: ids.toApi(values) });
  const refused = (item: string, { [memoryFields.size]: size = '' }: CrmValues): WriteOutcome | undefined =>
    size === '' || obstacles.sizes?.has(size) !== false
      ? undefined
      : {
          item,
          outcome: 'refused',
          code: 'no_such_option',
          field: ids.idOf(memoryFields.size),
          explanation: `${ids.idOf(memoryFields.size)} takes no ${size}.`,
        };

  return {
    create(contactId, type, sent) {
      const values = cut(sent);
      mustHave(type, values);
      const not = refused(contactId, values);
      if (not !== undefined) return not;
      const stands = records.all().find(({ key }) => key === contactId);
      if (writeClass === 'keyed' && stands !== undefined) {
        records.change(stands, values);
        return written(contactId, stands, values, false);
      }
      const holder = twins === 'make' ? undefined : records.holderOf(values);
      if (holder !== undefined) {
        const explanation = `Record ${holder.recordId} holds this phone.`;
        return twins === 'refuse and name the holder'
          ? { item: contactId, outcome: 'exists', recordId: holder.recordId, by: 'phone', explanation }
          : {
              item: contactId,
              outcome: 'taken',
              recordId: holder.recordId,
              field: memoryFields.phone,
              explanation,
            };
      }
      const stored = { ...values, ...setWhenMade };
      const made = records.make({ ...stored, [memoryFields.key]: contactId }, type);
      return written(contactId, made, stored, true);
    },
    update(recordId, sent) {
      const record = records.survivorOf(recordId);
      if (record === undefined) return { item: recordId, outcome: 'gone' };
      const { [memoryFields.phone]: phones } = sent;
      const values = cut(
        phoneList && phones !== undefined
          ? { ...sent, [memoryFields.phone]: changedPhones(record.values[memoryFields.phone] ?? '', phones) }
          : sent,
      );
      // What has become another since is written what that one has.
      if (record.recordId === recordId) mustHave(record.type, values);
      else for (const name of foreignTo(record.type, values)) delete values[name];
      if (obstacles.locked.has(record.recordId)) {
        return {
          item: recordId,
          outcome: 'later',
          code: recordLocked,
          retry: 'later',
          explanation: 'Somebody holds this record locked.',
        };
      }
      const not = refused(recordId, values);
      if (not !== undefined) return not;
      records.change(record, values);
      return written(recordId, record, values, false);
    },
  };
}

/** The CRM's code for a record that somebody holds. */
export const recordLocked = 'record_locked';
