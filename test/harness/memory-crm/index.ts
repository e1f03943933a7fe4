import type {
  Connector,
  ConnectorTraits,
  CrmValues,
  KnownFacts,
  Permits,
  WriteOutcome,
} from '@sangam/core/crm';
import type { SandboxClock } from '@sangam/sandbox';
import { factsInMemory } from '../facts.ts';
import { connectTo } from './connector.ts';
import { openEntries } from './entries.ts';
import { memoryFields, namedByAccounts } from './fields.ts';
import { idsAsLabels, idsOfOneAccount, type MemoryIds } from './ids.ts';
import { type MemoryRecord, openRecords } from './records.ts';
import type { MemoryCrmRules } from './rules.ts';
import { traitsBy } from './traits.ts';
import type { CallControls } from './trouble.ts';
import { createWrites, type Obstacles } from './writes.ts';

export { leadActivity, memoryFields } from './fields.ts';
export type { MemoryCrmRules } from './rules.ts';
export { keeperOf, noAnswer, unavailable } from './trouble.ts';
export { recordLocked } from './writes.ts';

/** One CRM account in memory, kept by rules unlike HubSpot's, with what a test does to it. */
export interface MemoryCrm extends Obstacles, CallControls {
  readonly traits: ConnectorTraits;
  connect(permits: Permits, facts?: KnownFacts): Connector;
  /** What its API calls fields and options. */
  readonly ids: Pick<MemoryIds, 'idOf' | 'byId' | 'byLabel' | 'toApi' | 'addOptions'>;
  /** An admin takes the field people see under this label away, and what stands in it. */
  removeField(label: string): void;
  /** What a user of the CRM does, by the labels of fields. */
  readonly user: {
    create(values: CrmValues, type?: 'contact' | 'lead'): string;
    update(recordId: string, values: CrmValues): void;
    remove(recordId: string): void;
    restore(recordId: string): void;
    merge(primary: string, merged: string): void;
    /** Makes a contact of a lead, with a new id. */
    convert(leadId: string): string;
    list(): { readonly recordId: string; readonly type: string; readonly values: CrmValues }[];
    timeline(recordId: string): { readonly id: string; readonly text: string }[];
    /** Of a person's; its id. */
    createDeal(recordId: string, values: CrmValues): string;
    updateDeal(dealId: string, values: CrmValues): void;
  };
}

export function createMemoryCrm(clock: SandboxClock, rules: MemoryCrmRules = {}): MemoryCrm {
  const { movesWithMerge = true, ids: idRule = 'labels' } = rules;
  const traits = traitsBy(rules);
  const ids = idRule === 'labels' ? idsAsLabels() : idsOfOneAccount(namedByAccounts);
  const records = openRecords(clock, ids);
  const entries = openEntries(rules);
  const obstacles: Obstacles = { locked: new Set(), sizes: undefined };
  const writes = createWrites(rules, records, ids, obstacles);
  const mustStand = (recordId: string): MemoryRecord => records.mustStand(recordId);
  const end = (recordId: string, into: string): void => {
    records.end(mustStand(recordId), into);
    if (movesWithMerge) entries.move(recordId, into);
  };

  const crm: MemoryCrm = Object.assign(obstacles, {
    traits,
    ids,
    calls: [],
    spent: 0,
    trouble: undefined,
    keepers: new Map(),
    lockedTimelines: new Set<string>(),
    unheard: new Set<string>(),
    answers: new Map<string, WriteOutcome>(),
    judge: undefined,
    connect: (permits: Permits, facts = factsInMemory()) =>
      connectTo({ clock, rules, traits, ids, records, entries, writes, crm }, permits, facts),
    removeField(label: string) {
      ids.remove(label);
      records.forget(label);
    },
    user: {
      create: (values, type = 'contact') => records.make(values, type).recordId,
      update: (recordId, values) => records.change(mustStand(recordId), values),
      remove: (recordId) => records.end(mustStand(recordId)),
      restore(recordId) {
        const record = records.byId.get(recordId);
        if (record === undefined) throw new Error(`There was no record ${recordId}.`);
        record.goneAt = undefined;
        record.changedAt = clock.now();
      },
      merge: (primary, merged) => end(merged, mustStand(primary).recordId),
      convert(leadId) {
        const lead = mustStand(leadId);
        const contact = records.make({ ...lead.values, [memoryFields.key]: lead.key }, 'contact');
        end(leadId, contact.recordId);
        return contact.recordId;
      },
      list() {
        records.catchUp();
        return records.all().map(({ recordId, type, values, key }) => ({
          recordId,
          type,
          values: { ...values, [memoryFields.key]: key },
        }));
      },
      timeline(recordId) {
        records.catchUp();
        return entries
          .of([recordId])
          .toSorted((x, y) => x.at - y.at)
          .map(({ entryId, text }) => ({ id: entryId, text }));
      },
      createDeal: (recordId, values) => records.makeDeal(recordId, values),
      updateDeal: (dealId, values) => records.changeDeal(dealId, values),
    } satisfies MemoryCrm['user'],
  });
  return crm;
}
