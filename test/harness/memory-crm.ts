import { randomUUID } from 'node:crypto';
import { createOptionIds, labelOfTold } from '@sangam/connectors/option-ids';
import {
  type AccountFacts,
  type Connector,
  type ConnectorTraits,
  type CrmField,
  type CrmRecord,
  type CrmValues,
  type EntryOutcome,
  type EntryWrite,
  type FieldMapping,
  FieldsMissing,
  type KnownFacts,
  type Permits,
  type PhoneList,
  type Priority,
  type ScanPage,
  type Spelling,
  type TimelineRest,
  traitsWith,
  type WriteOutcome,
} from '@sangam/core/crm';
import { SangamError } from '@sangam/core/errors';
import type { SandboxClock } from '@sangam/sandbox';
import { factsInMemory } from './facts.ts';
import { idsOfOneAccount, type MemoryIds, optionForms, sameAsLabels } from './memory-ids.ts';

/** How a CRM of a test's own differs from HubSpot. What is left out is as written here. */
export interface MemoryCrmRules {
  /** `findable`: our key is no unique field, so a create made twice makes two records. Default keyed. */
  readonly writeClass?: 'keyed' | 'findable';
  /** Default 100. */
  readonly batchSize?: number;
  /** Tokens its calls may spend a day: a search 20, anything else 1. Its answers say how many are left. Default: no end. */
  readonly tokensADay?: number;
  /** Default 30 000. */
  readonly settleMs?: number;
  /** Default 60 000. */
  readonly freshMs?: number;
  /** How far its search is behind what is written. Default 0. */
  readonly searchLagMs?: number;
  /** Texts are cut after so many characters, and its answers say so. Default: none is. */
  readonly longestText?: number;
  /** What the CRM does with a new record whose phone another one holds. Default `make`. */
  readonly twins?: 'make' | 'refuse and name the holder' | 'refuse naming the field';
  /** Default findable. */
  readonly entries?: 'keyed' | 'findable';
  /** Whether entries follow a merge or conversion by themselves. Default true. */
  readonly movesWithMerge?: boolean;
  /** Least time between two writes of one entry. Default: a message at once, ticks once a minute. */
  readonly restMs?: TimelineRest;
  /** What `create` makes: contacts alone, or leads that may be converted. Default contact. */
  readonly creates?: 'contact' | 'lead';
  /**
   * What its API calls fields and options: as people see them, or those an account made for itself by hashes and numbers of
   * its own. Default labels.
   */
  readonly ids?: 'labels' | 'of each account';
  /** Whether its phone field holds a list of phones, line by line. Default false. */
  readonly phoneList?: boolean;
}

type Operation = 'read' | 'findByContactId' | 'findByPhone' | 'create' | 'update' | 'scan' | 'entries';

interface MemoryRecord {
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

interface MemoryEntry {
  readonly entryId: string;
  readonly entryKey: string;
  recordId: string;
  text: string;
}

/** One CRM account in memory, kept by rules unlike HubSpot's, with what a test does to it. */
export interface MemoryCrm {
  readonly traits: ConnectorTraits;
  connect(permits: Permits, facts?: KnownFacts): Connector;
  /** What its API calls fields and options. */
  readonly ids: Pick<MemoryIds, 'idOf' | 'byId' | 'byLabel' | 'toApi' | 'addOptions'>;
  /** Each call so far: its operation, and how many items it carried. */
  readonly calls: { readonly operation: Operation; readonly items: number; readonly priority: Priority }[];
  /** Tokens spent so far, by whoever calls. */
  spent: number;
  /** From now on: called before each call; throws to let it fail, or answers what becomes of it. */
  trouble: ((operation: Operation) => undefined | { readonly commitAfterMs: number }) | undefined;
  /** Records by id that nobody may write for now. */
  readonly locked: Set<string>;
  /** Records by id whose timeline nobody may write for now. */
  readonly lockedTimelines: Set<string>;
  /** Records by id whose timeline entries are written, and nobody is told. */
  readonly unheard: Set<string>;
  /** What a create or update of this item answers instead of being made, by contact id or record id. */
  readonly answers: Map<string, WriteOutcome>;
  /** From now on: what a create or update of these values answers instead of being made; undefined: it is made. */
  judge: ((item: string, values: CrmValues) => WriteOutcome | undefined) | undefined;
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

export const memoryFields = {
  key: 'Key',
  phone: 'Phone',
  mobile: 'Mobile',
  stage: 'Stage',
  /** A lead's alone. */
  leadActivity: 'LeadActivity',
} as const;

const field = (
  name: string,
  kind: CrmField['kind'] = 'text',
  options: readonly string[] = [],
  on?: readonly string[],
): CrmField => ({
  name,
  label: name,
  kind,
  writable: true,
  ...(on === undefined ? {} : { on }),
  ...(options.length === 0 ? {} : { options: options.map((value) => ({ value, label: value })) }),
});

/** Its times are texts without a zone, its flags a choice of two. */
const standardMapping: readonly FieldMapping[] = (
  [
    ['first name', field('FirstName'), 'if-empty'],
    ['last name', field('LastName'), 'if-empty'],
    ['full name', field('Name'), 'if-empty'],
    ['phone', field(memoryFields.phone, 'phone'), 'if-empty'],
    ['bsuid', field('Bsuid'), 'ours'],
    ['username', field('Username'), 'ours'],
    ['lead source', field('LeadSource', 'choice', ['Advertisement', 'Messenger']), 'once'],
    [{ constant: 'Not Contacted' }, field('Status', 'text', [], ['lead']), 'once'],
    ['opt-in time', field('OptInAt'), 'once'],
    ['first message', field('FirstMessage', 'long text'), 'once'],
    ['first message time', field('FirstMessageAt'), 'once'],
    ['last activity', field('LastActivity'), 'ours'],
    ['window state', field('WindowState'), 'ours'],
    ['window closes at', field('WindowClosesAt'), 'ours'],
    ['waiting since', field('WaitingSince'), 'ours'],
    ['opt-out', field('OptOut', 'choice', ['Yes', 'No']), 'both'],
    ['opt-out time', field('OptOutAt'), 'ours'],
    ['tags', field('Tags'), 'both'],
  ] as const
).map(([source, crmField, policy]) => ({
  source,
  field: crmField,
  policy,
  transform: 'as is',
  ...(source === 'first name' ? { standIns: ['phone', 'username', "'WhatsApp contact'"] as const } : {}),
  ...(source === 'lead source'
    ? {
        values: {
          'WhatsApp CTWA': 'Advertisement',
          'WhatsApp Inbound': 'Messenger',
          WhatsApp: 'Messenger',
        },
      }
    : {}),
}));

/** Deals have fields that are called as people's are. */
const dealFields = [memoryFields.stage, 'LeadSource'];

/** Mapped by nobody from the start. */
export const leadActivity = field(memoryFields.leadActivity, 'text', [], ['lead']);

/** Where accounts name fields and options each in its own way: what is there before ours are made. */
const namedByAccounts = {
  vendorFields: ['FirstName', 'LastName', 'Name', memoryFields.phone],
  ownFields: [memoryFields.mobile, memoryFields.stage, memoryFields.leadActivity],
  options: {
    LeadSource: { several: false, labels: ['Advertisement', 'Messenger'] },
    OptOut: { several: false, labels: ['Yes', 'No'] },
    [memoryFields.stage]: { several: false, labels: ['new', 'qualified'] },
    Tags: { several: true, labels: [] },
  },
};

const readTags = (written: string): string[] => written.split(', ').filter((tag) => tag !== '');

const spelling: Spelling = {
  write(value, { options }) {
    switch (value.kind) {
      case 'text': {
        const { text = '' } = value;
        const takes = options === undefined || text === '' || options.some((one) => one.value === text);
        return takes ? text : undefined;
      }
      case 'time':
        return value.at === undefined ? '' : new Date(value.at).toISOString().slice(0, 19).replace('T', ' ');
      case 'flag':
        return value.set ? 'Yes' : 'No';
      case 'tags':
        return value.tags.join(', ');
    }
  },
  same: (x, y) => x === y,
  readFlag: (written) => (written === 'Yes' ? true : written === 'No' ? false : undefined),
  readTime: (written) =>
    /^[-\d]{10} [:\d]{8}$/.test(written) ? Date.parse(`${written.replace(' ', 'T')}Z`) : undefined,
  readTags,
  writeTags(wanted, current) {
    const written = wanted.join(', ');
    return new Set(wanted).symmetricDifference(new Set(readTags(current))).size === 0 ? undefined : written;
  },
};

/** What comes and goes is said by lines that begin with a word. */
const phonesByLine: PhoneList = {
  in: (written) => written.split('\n').filter((line) => line !== ''),
  write: (phones) => phones.join('\n'),
  change: ({ added, removed }) =>
    [...removed.map((phone) => `without ${phone}`), ...added.map((phone) => `with ${phone}`)].join('\n'),
};

/** The list as it is now, with what comes and without what goes. */
function changedPhones(current: string, change: string): string {
  const lines = change.split('\n');
  const said = (word: string): string[] =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? line.slice(word.length + 1) : []));
  const [added, removed] = [said('with'), said('without')];
  if (added.length + removed.length === 0) return change;
  return phonesByLine.write([
    ...phonesByLine.in(current).filter((phone) => !removed.includes(phone)),
    ...added,
  ]);
}

/** How its calls fail when nothing is heard of them. */
export function noAnswer(): SangamError {
  return new SangamError({ code: 'timeout', origin: 'crm', retry: 'later', message: 'No answer came.' });
}

export function createMemoryCrm(clock: SandboxClock, rules: MemoryCrmRules = {}): MemoryCrm {
  const {
    writeClass = 'keyed',
    batchSize = 100,
    tokensADay = 1_000_000_000,
    settleMs = 30_000,
    freshMs = 60_000,
    searchLagMs = 0,
    longestText = Infinity,
    twins = 'make',
    entries: entryClass = 'findable',
    movesWithMerge = true,
    restMs = { message: 0, status: 60_000 },
    creates = 'contact',
    ids: idRule = 'labels',
    phoneList = false,
  } = rules;
  const defaultMapping = standardMapping.map((line): FieldMapping =>
    phoneList && line.field.name === memoryFields.phone
      ? { ...line, field: field(memoryFields.phone, 'phones') }
      : line,
  );
  const traits: ConnectorTraits = {
    crm: 'memory',
    label: 'Memory CRM',
    sizes: {
      read: batchSize,
      findByContactId: batchSize,
      findByPhone: 10,
      create: batchSize,
      update: batchSize,
      entries: batchSize,
      findEntries: batchSize,
    },
    leaseSize: Math.max(batchSize, 20),
    writeClass,
    settleMs,
    freshMs,
    timeline: { writeClass: entryClass, movesWithMerge, restMs },
    recordTypes: {
      made: creates === 'lead' ? ['lead', 'contact'] : ['contact', 'lead'],
      of: (recordId) => (recordId.startsWith('9') ? 'lead' : 'contact'),
    },
    spelling: phoneList ? { ...spelling, phoneList: phonesByLine } : spelling,
    ...(idRule === 'labels'
      ? {}
      : { readTold: (name, written, facts) => labelOfTold(optionForms, name, written, facts) }),
    usualFacts: {
      contactIdField: memoryFields.key,
      phoneFields: [memoryFields.phone, memoryFields.mobile],
      followedFields: [memoryFields.stage],
      followedDealFields: dealFields,
      defaultMapping,
      pollEveryMs: { besideWebhooks: 30 * 60_000, silent: 5 * 60_000 },
      limits: {
        'at once': { kind: 'concurrent', most: 4 },
        day: {
          kind: 'budget',
          tokens: tokensADay,
          renewed: { midnightIn: 'Asia/Kolkata' },
          reserves: { pressing: 0.25, consent: 0.1 },
        },
      },
    },
    recordUrl: ({ seenAt }, recordId) => (seenAt === undefined ? undefined : `${seenAt}/people/${recordId}`),
  };
  const ids = idRule === 'labels' ? sameAsLabels : idsOfOneAccount(namedByAccounts);
  const factsNow = (): Partial<AccountFacts> => ({
    contactIdField: ids.idOf(memoryFields.key),
    phoneFields: [memoryFields.phone, memoryFields.mobile].map((label) => ids.idOf(label)),
    followedFields: [ids.idOf(memoryFields.stage)],
    followedDealFields: dealFields.map((label) => ids.idOf(label)),
    defaultMapping: defaultMapping.map((line) => ({
      ...line,
      field: { ...line.field, name: ids.idOf(line.field.label) },
    })),
    options: ids.options(),
    seenAt: `https://${ids.idOf(memoryFields.key)}.memory.example`,
  });
  const records = new Map<string, MemoryRecord>();
  const entries = new Map<string, MemoryEntry>();
  const allDeals = new Map<string, MemoryDeal>();
  const late: { readonly dueAt: number; readonly act: () => void }[] = [];
  const calls: MemoryCrm['calls'] = [];
  let counter = 0;

  const catchUp = (): void => {
    for (const one of late.filter(({ dueAt }) => dueAt <= clock.now())) {
      late.splice(late.indexOf(one), 1);
      one.act();
    }
  };
  clock.onAdvance(catchUp);
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
  const make = (values: CrmValues, type: MemoryRecord['type']): MemoryRecord => {
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
  };
  const change = (record: MemoryRecord, values: CrmValues): void => {
    const { [memoryFields.key]: key = record.key, ...rest } = values;
    record.key = key;
    record.values = { ...record.values, ...rest };
    record.changedAt = clock.now();
  };
  const end = (record: MemoryRecord, into?: string): void => {
    record.goneAt = clock.now();
    record.changedAt = clock.now();
    record.mergedInto = into;
    if (into !== undefined && movesWithMerge) {
      for (const entry of entries.values()) if (entry.recordId === record.recordId) entry.recordId = into;
    }
  };
  const mergedFromOf = (record: MemoryRecord): Pick<CrmRecord, 'mergedFrom'> => {
    const ended = [...records.values()].filter(({ mergedInto }) => mergedInto !== undefined);
    const mergedFrom = ended.flatMap(({ recordId }) => (survivorOf(recordId) === record ? recordId : []));
    return mergedFrom.length === 0 ? {} : { mergedFrom };
  };
  const toCrmRecord = (
    record: MemoryRecord,
    fields: readonly string[],
    askedAs = record.recordId,
  ): CrmRecord => ({
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
  });
  const holderOf = (values: CrmValues, self?: string): MemoryRecord | undefined => {
    const phones = new Set(phonesIn(values));
    return all().find(
      (record) => record.recordId !== self && phonesIn(record.values).some((phone) => phones.has(phone)),
    );
  };

  const cut = (sent: CrmValues): CrmValues =>
    Object.fromEntries(Object.entries(sent).map(([name, value]) => [name, value.slice(0, longestText)]));
  /** A field another type of record has is unknown here, as it is with Zoho and Salesforce. */
  const mustHave = (type: string, values: CrmValues): void => {
    const foreign = [...defaultMapping.map((line) => line.field), leadActivity].flatMap(({ name, on }) =>
      Object.hasOwn(values, name) && on !== undefined && !on.includes(type) ? [name] : [],
    );
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
  const createOne = (contactId: string, type: 'contact' | 'lead', sent: CrmValues): WriteOutcome => {
    const values = cut(sent);
    mustHave(type, values);
    const stands = all().find(({ key }) => key === contactId);
    if (writeClass === 'keyed' && stands !== undefined) {
      change(stands, values);
      return written(contactId, stands, values, false);
    }
    const holder = twins === 'make' ? undefined : holderOf(values);
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
    return written(contactId, make({ ...values, [memoryFields.key]: contactId }, type), values, true);
  };
  const updateOne = (recordId: string, sent: CrmValues): WriteOutcome => {
    const record = survivorOf(recordId);
    if (record === undefined) return { item: recordId, outcome: 'gone' };
    const { [memoryFields.phone]: phones } = sent;
    const values = cut(
      phoneList && phones !== undefined
        ? { ...sent, [memoryFields.phone]: changedPhones(record.values[memoryFields.phone] ?? '', phones) }
        : sent,
    );
    mustHave(record.type, values);
    if (crm.locked.has(record.recordId)) {
      return {
        item: recordId,
        outcome: 'later',
        code: 'record_locked',
        retry: 'later',
        explanation: 'Somebody holds this record locked.',
      };
    }
    change(record, values);
    return written(recordId, record, values, false);
  };

  const writeEntry = ({ entry, entryId }: EntryWrite): EntryOutcome => {
    if (standing(entry.recordId) === undefined) return { entryKey: entry.entryKey, outcome: 'gone' };
    const text = entry.lines
      .map(({ text: said, status }) => (status === undefined ? said : `${said} (${status})`))
      .join('\n');
    const known =
      entryId === undefined && entryClass === 'findable'
        ? undefined
        : [...entries.values()].find((one) =>
            entryClass === 'keyed' ? one.entryKey === entry.entryKey : one.entryId === entryId,
          );
    if (known !== undefined) {
      // A findable entry stays where it was made.
      Object.assign(known, { text, ...(entryClass === 'keyed' ? { recordId: entry.recordId } : {}) });
      return { entryKey: entry.entryKey, outcome: 'written', entryId: known.entryId };
    }
    if (entryId !== undefined) return { entryKey: entry.entryKey, outcome: 'gone' };
    const made = { entryId: `e-${randomUUID()}`, entryKey: entry.entryKey, recordId: entry.recordId, text };
    entries.set(made.entryId, made);
    return { entryKey: entry.entryKey, outcome: 'written', entryId: made.entryId };
  };

  const connect = (permits: Permits, facts = factsInMemory()): Connector => {
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
        catchUp();
        calls.push({ operation, items, priority });
        crm.spent += cost;
        const delayed = crm.trouble?.(operation);
        if (delayed !== undefined) {
          const dueAt = clock.now() + delayed.commitAfterMs;
          clock.stopAt(dueAt);
          late.push({ dueAt, act: () => void act() });
          throw noAnswer();
        }
        const answer = act();
        await permits.learn('day', { left: tokensADay - crm.spent });
        return answer;
      } finally {
        await permit.release();
      }
    };
    const mustFit = (items: readonly unknown[], most: number): void => {
      if (items.length > most)
        throw new RangeError(`${String(items.length)} in one call of at most ${String(most)}`);
    };
    const learnFacts = (): Promise<void> => facts.save(factsNow());
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
    return {
      get traits() {
        return traitsWith(traits, facts.now());
      },
      ...(idRule === 'labels' ? {} : { learnFacts }),
      timeline: {
        write: (writes, priority) => {
          mustFit(writes, batchSize);
          return call('entries', writes.length, priority, () =>
            writes.map((one): EntryOutcome => {
              const { entryKey, recordId } = one.entry;
              if (crm.lockedTimelines.has(recordId)) {
                const explanation = 'Somebody holds this record locked.';
                return { entryKey, outcome: 'later', code: 'record_locked', retry: 'later', explanation };
              }
              const outcome = writeEntry(one);
              return crm.unheard.has(recordId)
                ? { entryKey, outcome: 'unknown', code: 'timeout', explanation: 'No answer came.' }
                : outcome;
            }),
          );
        },
        find: (recordIds, priority) => {
          mustFit(recordIds, batchSize);
          return call('entries', recordIds.length, priority, () =>
            [...entries.values()].filter(({ recordId }) => recordIds.includes(recordId)),
          );
        },
        remove: (entryIds, priority) =>
          call('entries', entryIds.length, priority, () => {
            for (const entryId of entryIds) entries.delete(entryId);
          }),
      },
      async fields() {
        await learnFacts();
        return ids.existing([
          ...defaultMapping.map((one) => one.field),
          field(memoryFields.mobile, 'phone'),
          field(memoryFields.stage),
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
              const record = survivorOf(recordId);
              return record === undefined ? [] : [toCrmRecord(record, fields, recordId)];
            }),
          ),
        );
      },
      findByContactId(contactIds, fields, priority) {
        mustFit(contactIds, batchSize);
        return readable(
          call('findByContactId', contactIds.length, priority, () =>
            all()
              .filter(({ key }) => contactIds.includes(key))
              .map((record) => toCrmRecord(record, fields)),
          ),
        );
      },
      findByPhone(phones, fields, priority) {
        mustFit(phones, traits.sizes.findByPhone);
        const wanted = new Set(phones.map((phone) => phone.replace(/\D/g, '')));
        return readable(
          call('findByPhone', phones.length, priority, () =>
            all()
              .filter(({ createdAt }) => createdAt + searchLagMs <= clock.now())
              .filter(({ values }) => phonesIn(values).some((phone) => wanted.has(phone)))
              .map((record) => toCrmRecord(record, fields)),
          ),
        );
      },
      async create(some, priority) {
        mustFit(some, batchSize);
        return options.write(
          some,
          ({ contactId }) => contactId,
          (sent) =>
            call('create', sent.length, priority, () =>
              sent.map(
                ({ contactId, type = creates, values }) =>
                  crm.answers.get(contactId) ??
                  crm.judge?.(contactId, values) ??
                  createOne(contactId, type === 'lead' ? 'lead' : 'contact', ids.fromApi(values)),
              ),
            ),
        );
      },
      async update(updates, priority) {
        mustFit(updates, batchSize);
        return options.write(
          updates,
          ({ recordId }) => recordId,
          (sent) =>
            call('update', sent.length, priority, () =>
              sent.map(
                ({ recordId, values }) =>
                  crm.answers.get(recordId) ??
                  crm.judge?.(recordId, values) ??
                  updateOne(recordId, ids.fromApi(values)),
              ),
            ),
        );
      },
      async scan({ changedSince = 0 }, fields, priority) {
        const page = await call('scan', 1, priority, (): ScanPage => {
          const changed = [...records.values()].filter(({ changedAt }) => changedAt >= changedSince);
          const ended = changed.filter(({ goneAt }) => goneAt !== undefined);
          return {
            records: changed
              .filter(({ goneAt }) => goneAt === undefined)
              .map((one) => toCrmRecord(one, fields)),
            gone: ended.flatMap(({ recordId, mergedInto, goneAt = 0 }) =>
              mergedInto === undefined ? [{ recordId, at: goneAt }] : [],
            ),
            merged: ended.flatMap(({ recordId, mergedInto, goneAt = 0 }) =>
              mergedInto === undefined ? [] : [{ recordId, into: mergedInto, at: goneAt }],
            ),
          };
        });
        const deals = [...allDeals.values()].filter(({ changedAt }) => changedAt >= changedSince);
        const labels = await options.toLabels(deals.map(({ values }) => ids.toApi(values)));
        return {
          ...page,
          records: await readable(Promise.resolve([...page.records])),
          deals: deals.map((deal, index) => ({ ...deal, values: labels[index] ?? {} })),
        };
      },
    };
  };

  const mustStand = (recordId: string): MemoryRecord => {
    catchUp();
    const record = standing(recordId);
    if (record === undefined) throw new Error(`There is no record ${recordId}.`);
    return record;
  };
  const crm: MemoryCrm = {
    traits,
    connect,
    ids,
    calls,
    spent: 0,
    trouble: undefined,
    locked: new Set(),
    lockedTimelines: new Set(),
    unheard: new Set(),
    answers: new Map(),
    judge: undefined,
    user: {
      create: (values, type = 'contact') => make(values, type).recordId,
      update: (recordId, values) => change(mustStand(recordId), values),
      remove: (recordId) => end(mustStand(recordId)),
      restore(recordId) {
        const record = records.get(recordId);
        if (record === undefined) throw new Error(`There was no record ${recordId}.`);
        record.goneAt = undefined;
        record.changedAt = clock.now();
      },
      merge: (primary, merged) => end(mustStand(merged), mustStand(primary).recordId),
      convert(leadId) {
        const lead = mustStand(leadId);
        const contact = make({ ...lead.values, [memoryFields.key]: lead.key }, 'contact');
        end(lead, contact.recordId);
        return contact.recordId;
      },
      list() {
        catchUp();
        return all().map(({ recordId, type, values, key }) => ({
          recordId,
          type,
          values: { ...values, [memoryFields.key]: key },
        }));
      },
      timeline: (recordId) =>
        [...entries.values()]
          .filter((one) => one.recordId === recordId)
          .map(({ entryId, text }) => ({ id: entryId, text })),
      createDeal(personRecordId, values) {
        counter += 1;
        const dealId = `5${String(counter).padStart(6, '0')}`;
        allDeals.set(dealId, { dealId, personRecordId, values, changedAt: clock.now() });
        return dealId;
      },
      updateDeal(dealId, values) {
        const deal = allDeals.get(dealId);
        if (deal === undefined) throw new Error(`There is no deal ${dealId}.`);
        Object.assign(deal, { values: { ...deal.values, ...values }, changedAt: clock.now() });
      },
    },
  };
  return crm;
}
