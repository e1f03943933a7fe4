import type { CrmRecord, CrmValues } from '@sangam/core/crm';
import type { SandboxClock } from '@sangam/sandbox';
import { memoryFields } from './fields.ts';
import type { MemoryIds } from './ids.ts';
import { phonesByLine } from './spelling.ts';

export interface MemoryRecord {
  readonly recordId: string;
  type: 'contact' | 'lead';
  values: Record<string, string>;
  key: string;
  readonly createdAt: number;
  changedAt: number;
  /** Milliseconds; undefined: it stands. */
  goneAt: number | undefined;
  mergedInto: string | undefined;
}

interface MemoryDeal {
  readonly dealId: string;
  readonly personRecordId: string;
  values: CrmValues;
  changedAt: number;
}

/** The records and deals of one account, and what is made of them later than asked for. */
export interface MemoryRecords {
  /** Ended ones too. */
  readonly byId: ReadonlyMap<string, MemoryRecord>;
  readonly deals: ReadonlyMap<string, MemoryDeal>;
  /** Done once the clock says so. */
  later(dueAt: number, act: () => void): void;
  /** Does what is due. */
  catchUp(): void;
  standing(recordId: string): MemoryRecord | undefined;
  mustStand(recordId: string): MemoryRecord;
  survivorOf(recordId: string): MemoryRecord | undefined;
  /** Those that stand. */
  all(): MemoryRecord[];
  /** Who holds one of these phones, beside `self`. */
  holderOf(values: CrmValues, self?: string): MemoryRecord | undefined;
  phonesIn(values: CrmValues): string[];
  make(values: CrmValues, type: MemoryRecord['type']): MemoryRecord;
  change(record: MemoryRecord, values: CrmValues): void;
  /** `into`: it lives on as that one. */
  end(record: MemoryRecord, into?: string): void;
  /** The values of a field that is no more. */
  forget(label: string): void;
  makeDeal(personRecordId: string, values: CrmValues): string;
  changeDeal(dealId: string, values: CrmValues): void;
  toCrmRecord(record: MemoryRecord, fields: readonly string[], askedAs?: string): CrmRecord;
}

export function openRecords(clock: SandboxClock, ids: MemoryIds): MemoryRecords {
  const records = new Map<string, MemoryRecord>();
  const deals = new Map<string, MemoryDeal>();
  const late: { readonly dueAt: number; readonly act: () => void }[] = [];
  let counter = 0;

  const standing = (recordId: string): MemoryRecord | undefined => {
    const record = records.get(recordId);
    return record === undefined || record.goneAt !== undefined ? undefined : record;
  };
  const survivorOf = (recordId: string): MemoryRecord | undefined => {
    const record = records.get(recordId);
    return record?.mergedInto === undefined ? standing(recordId) : survivorOf(record.mergedInto);
  };
  const all = (): MemoryRecord[] => [...records.values()].filter(({ goneAt }) => goneAt === undefined);
  const phonesIn = (values: CrmValues): string[] =>
    [memoryFields.phone, memoryFields.mobile]
      .flatMap((name) => phonesByLine.in(values[name] ?? ''))
      .map((phone) => phone.replace(/\D/g, ''));
  const mergedFromOf = (record: MemoryRecord): Pick<CrmRecord, 'mergedFrom'> => {
    const ended = [...records.values()].filter(({ mergedInto }) => mergedInto !== undefined);
    const mergedFrom = ended.flatMap(({ recordId }) => (survivorOf(recordId) === record ? recordId : []));
    return mergedFrom.length === 0 ? {} : { mergedFrom };
  };
  const catchUp = (): void => {
    for (const one of late.filter(({ dueAt }) => dueAt <= clock.now())) {
      late.splice(late.indexOf(one), 1);
      one.act();
    }
  };
  clock.onAdvance(catchUp);
  return {
    byId: records,
    deals,
    later(dueAt, act) {
      clock.stopAt(dueAt);
      late.push({ dueAt, act });
    },
    catchUp,
    standing,
    mustStand(recordId) {
      catchUp();
      const record = standing(recordId);
      if (record === undefined) throw new Error(`There is no record ${recordId}.`);
      return record;
    },
    survivorOf,
    all,
    phonesIn,
    holderOf(values, self) {
      const phones = new Set(phonesIn(values));
      return all().find(
        (record) => record.recordId !== self && phonesIn(record.values).some((phone) => phones.has(phone)),
      );
    },
    make(values, type) {
      counter += 1;
      const { [memoryFields.key]: key = '', ...rest } = values;
      const now = clock.now();
      const record: MemoryRecord = {
        recordId: `${type === 'lead' ? '9' : '1'}${String(counter).padStart(6, '0')}`,
        type,
        values: rest,
        key,
        createdAt: now,
        changedAt: now,
        goneAt: undefined,
        mergedInto: undefined,
      };
      records.set(record.recordId, record);
      return record;
    },
    change(record, values) {
      const { [memoryFields.key]: key = record.key, ...rest } = values;
      record.key = key;
      record.values = { ...record.values, ...rest };
      record.changedAt = clock.now();
    },
    end(record, into) {
      record.goneAt = clock.now();
      record.changedAt = clock.now();
      record.mergedInto = into;
    },
    forget(label) {
      for (const record of records.values()) {
        const { [label]: _, ...rest } = record.values;
        record.values = rest;
      }
    },
    makeDeal(personRecordId, values) {
      counter += 1;
      const dealId = `5${String(counter).padStart(6, '0')}`;
      deals.set(dealId, { dealId, personRecordId, values, changedAt: clock.now() });
      return dealId;
    },
    changeDeal(dealId, values) {
      const deal = deals.get(dealId);
      if (deal === undefined) throw new Error(`There is no deal ${dealId}.`);
      Object.assign(deal, { values: { ...deal.values, ...values }, changedAt: clock.now() });
    },
    toCrmRecord: (record, fields, askedAs = record.recordId) => ({
      askedAs,
      recordId: record.recordId,
      ...(record.key === '' ? {} : { contactId: record.key }),
      rank: record.type === 'contact' ? 0 : 1,
      values: ids.toApi(
        Object.fromEntries(fields.map((id) => [ids.labelOf(id), record.values[ids.labelOf(id)] ?? ''])),
      ),
      createdAt: record.createdAt,
      changedAt: record.changedAt,
      ...mergedFromOf(record),
    }),
  };
}
