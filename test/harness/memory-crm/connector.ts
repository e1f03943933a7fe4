import { createOptionIds } from '@sangam/connectors/option-ids';
import {
  type AccountFacts,
  type Connector,
  type ConnectorTraits,
  type CrmRecord,
  type EntryOutcome,
  type KnownFacts,
  type Permits,
  type Priority,
  type RecordCreate,
  type RecordUpdate,
  type ScanPage,
  traitsWith,
} from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import type { SandboxClock } from '@sangam/sandbox';
import type { MemoryEntries } from './entries.ts';
import { field, leadActivity, memoryFields } from './fields.ts';
import { type MemoryIds, optionForms } from './ids.ts';
import type { MemoryRecords } from './records.ts';
import type { MemoryCrmRules } from './rules.ts';
import { type CallControls, noAnswer, type Operation } from './trouble.ts';
import type { MemoryWrites } from './writes.ts';

/** What the port is made of. */
export interface MemoryAccountParts {
  readonly clock: SandboxClock;
  readonly rules: MemoryCrmRules;
  readonly traits: ConnectorTraits;
  readonly ids: MemoryIds;
  readonly records: MemoryRecords;
  readonly entries: MemoryEntries;
  readonly writes: MemoryWrites;
  /** What a test does to its calls. */
  readonly crm: CallControls;
}

/** The account behind the port. */
export function connectTo(parts: MemoryAccountParts, permits: Permits, facts: KnownFacts): Connector {
  const { clock, rules, traits, ids, records, entries, writes, crm } = parts;
  const {
    batchSize = 100,
    tokensADay = 1_000_000_000,
    searchLagMs = 0,
    creates = 'contact',
    ids: idRule = 'labels',
    failsItemByItem = false,
  } = rules;
  const { defaultMapping, followedDealFields = [], followedFields, phoneFields } = traits.usualFacts;
  const idsOf = (labels: readonly string[]): string[] => labels.map((label) => ids.idOf(label));

  const call = async <Answer>(
    operation: Operation,
    items: number,
    priority: Priority,
    act: () => Answer,
  ): Promise<Answer> => {
    const cost = operation === 'findByPhone' ? 20 : 1;
    const needs = [
      { limit: 'day', cost },
      { limit: 'at once', cost: 1 },
    ];
    const permit = await permits.take(needs, priority);
    try {
      records.catchUp();
      crm.calls.push({ operation, items, priority });
      const ends = [...crm.keepers.values()].map((begin) => begin(cost));
      try {
        // Where calls under way are counted they take a moment.
        if (ends.length > 0) await Promise.resolve();
        crm.spent += cost;
        const delayed = crm.trouble?.(operation);
        if (delayed !== undefined) {
          if (delayed.commitAfterMs > 0) records.later(clock.now() + delayed.commitAfterMs, () => void act());
          else act();
          throw noAnswer();
        }
        const answer = act();
        await permits.learn('day', { left: tokensADay - crm.spent });
        return answer;
      } finally {
        for (const end of ends) end();
      }
    } finally {
      await permit.release();
    }
  };
  const mustFit = (items: readonly unknown[], most: number): void => {
    if (items.length > most)
      throw new RangeError(`${String(items.length)} in one call of at most ${String(most)}`);
  };
  const learnFacts = (): Promise<void> => {
    const known: Partial<AccountFacts> = {
      contactIdField: ids.idOf(memoryFields.key),
      phoneFields: idsOf(phoneFields),
      followedFields: idsOf(followedFields),
      followedDealFields: idsOf(followedDealFields),
      defaultMapping: defaultMapping.map((line) => ({
        ...line,
        field: { ...line.field, name: ids.idOf(line.field.label) },
      })),
      options: ids.options(),
      seenAt: `https://${ids.idOf(memoryFields.key)}.memory.example`,
    };
    return facts.save(known);
  };
  const options = createOptionIds({
    forms: optionForms,
    facts,
    renew: learnFacts,
    add: async (name, labels) => ids.addOptions(name, labels),
  });
  const readable = async (found: Promise<CrmRecord[]>): Promise<CrmRecord[]> => {
    const some = await found;
    const labels = await options.toLabels(some.map(({ values }) => values));
    return some.map((record, index) => ({ ...record, values: labels[index] ?? {} }));
  };
  /** Where its answer is a 200 that says of each item what the matter is. */
  const itemByItem = async <Outcome>(
    made: Promise<Outcome[]>,
    later: (matter: { outcome: 'later'; code: string; retry: 'later'; explanation: string }) => Outcome[],
  ): Promise<Outcome[]> => {
    if (!failsItemByItem) return made;
    return made.catch((error: unknown) => {
      if (!(error instanceof SangamError) || error.code !== 'unavailable') throw error;
      return later({ outcome: 'later', code: error.code, retry: 'later', explanation: error.message });
    });
  };

  return {
    get traits() {
      return traitsWith(traits, facts.now());
    },
    ...(idRule === 'labels' ? {} : { learnFacts }),
    timeline: {
      write(some, priority) {
        mustFit(some, batchSize);
        const made = call('entries', some.length, priority, () =>
          some.map((one): EntryOutcome => {
            const { entryKey, recordId } = one.entry;
            if (crm.lockedTimelines.has(recordId)) {
              const explanation = 'Somebody holds this record locked.';
              return { entryKey, outcome: 'later', code: 'record_locked', retry: 'later', explanation };
            }
            const outcome = entries.write(one, (id) => records.standing(id) !== undefined);
            return crm.unheard.has(recordId)
              ? { entryKey, outcome: 'unknown', code: 'timeout', explanation: 'No answer came.' }
              : outcome;
          }),
        );
        return itemByItem(made, (matter) =>
          some.map(({ entry }) => ({ entryKey: entry.entryKey, ...matter })),
        );
      },
      find(recordIds, priority) {
        mustFit(recordIds, batchSize);
        return call('entries', recordIds.length, priority, () => entries.of(recordIds));
      },
      remove: (entryIds, priority) =>
        call('entries', entryIds.length, priority, () => entries.remove(entryIds)),
    },
    async fields() {
      await learnFacts();
      return ids.existing([
        ...defaultMapping.map((one) => one.field),
        field(memoryFields.mobile, 'phone'),
        field(memoryFields.stage),
        field(memoryFields.size),
        leadActivity,
      ]);
    },
    owners: async () => [],
    planProvisioning: async () => [],
    async provision() {
      ids.make([memoryFields.key, ...defaultMapping.map((one) => one.field.label)]);
      await learnFacts();
    },
    read(recordIds, fields, priority) {
      mustFit(recordIds, batchSize);
      return readable(
        call('read', recordIds.length, priority, () =>
          recordIds.flatMap((recordId) => {
            const record = records.survivorOf(recordId);
            return record === undefined ? [] : [records.toCrmRecord(record, fields, recordId)];
          }),
        ),
      );
    },
    findByContactId(contactIds, fields, priority) {
      mustFit(contactIds, batchSize);
      return readable(
        call('findByContactId', contactIds.length, priority, () =>
          records
            .all()
            .filter(({ key }) => contactIds.includes(key))
            .map((record) => records.toCrmRecord(record, fields)),
        ),
      );
    },
    findByPhone(phones, fields, priority) {
      mustFit(phones, traits.sizes.findByPhone);
      // However they are typed: the digits a number ends in are the same.
      const end = (phone: string): string => phone.replace(/\D/g, '').slice(-9);
      const wanted = new Set(phones.map(end));
      return readable(
        call('findByPhone', phones.length, priority, () =>
          records
            .all()
            .filter(({ createdAt }) => createdAt + searchLagMs <= clock.now())
            .filter(({ values }) => records.phonesIn(values).some((phone) => wanted.has(end(phone))))
            .map((record) => records.toCrmRecord(record, fields)),
        ),
      );
    },
    async create(some, priority) {
      mustFit(some, batchSize);
      const itemOf = ({ contactId }: RecordCreate): string => contactId;
      return options.write(some, itemOf, (sent) => {
        const made = call('create', sent.length, priority, () =>
          sent.map(
            ({ contactId, type = creates, values }) =>
              crm.answers.get(contactId) ??
              crm.judge?.(contactId, values) ??
              writes.create(contactId, type === 'lead' ? 'lead' : 'contact', ids.fromApi(values)),
          ),
        );
        return itemByItem(made, (matter) => sent.map((one) => ({ item: itemOf(one), ...matter })));
      });
    },
    async update(some, priority) {
      mustFit(some, batchSize);
      const itemOf = ({ recordId }: RecordUpdate): string => recordId;
      return options.write(some, itemOf, (sent) => {
        const made = call('update', sent.length, priority, () =>
          sent.map(
            ({ recordId, values }) =>
              crm.answers.get(recordId) ??
              crm.judge?.(recordId, values) ??
              writes.update(recordId, ids.fromApi(values)),
          ),
        );
        return itemByItem(made, (matter) => sent.map((one) => ({ item: itemOf(one), ...matter })));
      });
    },
    async scan({ changedSince = 0 }, fields, priority) {
      const page = await call('scan', 1, priority, (): ScanPage => {
        const changed = [...records.byId.values()].filter(({ changedAt }) => changedAt >= changedSince);
        const ended = changed.filter(({ goneAt }) => goneAt !== undefined);
        return {
          records: changed
            .filter(({ goneAt }) => goneAt === undefined)
            .map((one) => records.toCrmRecord(one, fields)),
          gone: ended.flatMap(({ recordId, mergedInto, goneAt = 0 }) =>
            mergedInto === undefined ? [{ recordId, at: goneAt }] : [],
          ),
          merged: ended.flatMap(({ recordId, mergedInto, goneAt = 0 }) =>
            mergedInto === undefined ? [] : [{ recordId, into: mergedInto, at: goneAt }],
          ),
        };
      });
      const deals = [...records.deals.values()].filter(({ changedAt }) => changedAt >= changedSince);
      const labels = await options.toLabels(deals.map(({ values }) => ids.toApi(values)));
      return {
        ...page,
        records: await readable(Promise.resolve([...page.records])),
        deals: deals.map((deal, index) => ({ ...deal, values: labels[index] ?? {} })),
      };
    },
  };
}
