import { randomUUID } from 'node:crypto';
import type { SandboxClock } from '@sangam/sandbox';
import {
  createMemoryCrm,
  keeperOf,
  type MemoryCrm,
  type MemoryCrmRules,
  memoryFields,
  noAnswer,
  recordLocked,
  unavailable,
} from '../harness/memory-crm/index.ts';
import type { AccountFault, ConformanceAccount, OpenAccount } from './account.ts';

/** An account of a CRM unlike HubSpot: no webhooks, so what happens there is known by looking alone. */
export interface MemoryAccount extends ConformanceAccount {
  readonly crm: MemoryCrm;
}

/** Opens such accounts; the last one opened is `opened()`. */
export function memoryAccounts(rules: MemoryCrmRules = {}): {
  readonly open: OpenAccount;
  readonly opened: () => MemoryAccount;
} {
  let last: MemoryAccount | undefined;
  return {
    async open(clock) {
      last = memoryAccountOf(createMemoryCrm(clock, rules), rules, clock);
      return last;
    },
    opened() {
      if (last === undefined) throw new Error('No account was opened yet.');
      return last;
    },
  };
}

const writes = { creates: 'create', updates: 'update' } as const;
const accepted = 'L';

function memoryAccountOf(
  crm: MemoryCrm,
  { searchLagMs = 0 }: MemoryCrmRules,
  clock: SandboxClock,
): MemoryAccount {
  const { user } = crm;
  const { idOf, byId, byLabel } = crm.ids;
  const list = () =>
    user.list().map(({ recordId, values }) => withoutEmpty({ recordId, values: byId(values) }));
  return {
    crm,
    traits: crm.traits,
    account: `memory-${randomUUID()}`,
    connect: (permits, facts) => crm.connect(permits, facts),
    user: {
      create: async (values, type) =>
        user.create(byLabel(values), type === undefined || type === 'contact' ? type : 'lead'),
      update: async (recordId, values) => user.update(recordId, byLabel(values)),
      remove: async (recordId) => user.remove(recordId),
      restore: async (recordId) => user.restore(recordId),
      async merge(primary, merged) {
        user.merge(primary, merged);
        return primary;
      },
      convert: async (recordId) => user.convert(recordId),
      list: async () => list(),
      get: async (recordId) => list().find((one) => one.recordId === recordId),
      timeline: async (recordId) => user.timeline(recordId),
      deals: {
        create: async (recordId, values) => user.createDeal(recordId, byLabel(values)),
        update: async (dealId, values) => user.updateDeal(dealId, byLabel(values)),
      },
    },
    fault: async (fault) => befall(crm, fault),
    async expireToken() {
      throw new Error('Nothing opens the CRM in memory, so nothing of it expires.');
    },
    limit: async (name, limit) => void crm.keepers.set(name, keeperOf(clock, limit)),
    calls: async () => crm.calls.length,
    async removeField(source) {
      const line = crm.traits.usualFacts.defaultMapping.findLast((one) => one.source === source);
      if (line === undefined) throw new Error(`Nothing maps '${JSON.stringify(source)}'.`);
      const name = idOf(line.field.label);
      crm.removeField(line.field.label);
      return name;
    },
    async pickyField() {
      crm.sizes = new Set([accepted]);
      const label = memoryFields.size;
      return {
        mapping: {
          source: { flowAnswer: 'size' },
          field: { name: idOf(label), label, kind: 'text', writable: true },
          policy: 'if-empty',
          transform: 'as is',
        },
        accepted,
        refused: 'XXL',
        mend: async () => void (crm.sizes = undefined),
      };
    },
    lockedCode: recordLocked,
    searchLagMs,
    lacks: {
      ...(crm.traits.spelling.phoneList === undefined
        ? { 'lists of phones': 'This CRM in memory has a field for each phone.' }
        : {}),
      webhooks: 'The CRM in memory tells nothing by itself.',
      'unique fields': 'Of the CRM in memory only our own field is unique.',
      owners: 'Records of the CRM in memory are nobody’s.',
      'tokens that end': 'Nothing opens the CRM in memory.',
      ...(crm.traits.recordTypes?.made[0] === 'lead'
        ? {}
        : { converting: 'This CRM in memory makes contacts from the start.' }),
    },
    stage: { field: idOf(memoryFields.stage), values: ['new', 'qualified'] },
    toldAs: (values) => crm.ids.toApi(byLabel(values)),
    webhooksTo: async () => undefined,
    webhooksArrived: async () => true,
    redeliver: async () => undefined,
    close: async () => undefined,
  };
}

/** What goes wrong with its calls from now on. */
function befall(crm: MemoryCrm, fault: AccountFault): void {
  const { on, status, times = Infinity, item, commitAfterMs, dropConnection, ...unknown } = fault;
  const [strange] = Object.keys(unknown);
  if (strange !== undefined) throw new Error(`The CRM in memory knows nothing of the fault '${strange}'.`);
  let calls = 0;
  let items = 0;
  crm.judge = (one) => {
    items += 1;
    const { code } = item ?? {};
    if (code === undefined || items !== item?.nth) return undefined;
    const explanation = 'Somebody holds this record locked.';
    return { item: one, outcome: 'later', code, retry: 'later', explanation };
  };
  crm.trouble = (operation) => {
    if (on !== undefined && operation !== writes[on]) return undefined;
    calls += 1;
    if (calls > times) return undefined;
    if (status !== undefined) throw unavailable(String(status));
    if (dropConnection === 'before') throw noAnswer();
    if (dropConnection === 'after') return { commitAfterMs: 0 };
    return commitAfterMs === undefined ? undefined : { commitAfterMs };
  };
}

function withoutEmpty({
  recordId,
  values,
}: {
  readonly recordId: string;
  readonly values: Readonly<Record<string, string>>;
}): { readonly recordId: string; readonly values: Readonly<Record<string, string>> } {
  return { recordId, values: Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')) };
}
