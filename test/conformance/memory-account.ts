import { randomUUID } from 'node:crypto';
import { SangamError } from '@sangam/core/errors';
import {
  createMemoryCrm,
  type MemoryCrm,
  type MemoryCrmRules,
  memoryFields,
  noAnswer,
} from '../harness/memory-crm.ts';
import type { ConformanceAccount, OpenAccount } from './account.ts';

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
      last = memoryAccountOf(createMemoryCrm(clock, rules));
      return last;
    },
    opened() {
      if (last === undefined) throw new Error('No account was opened yet.');
      return last;
    },
  };
}

const writes = { creates: 'create', updates: 'update' } as const;

function memoryAccountOf(crm: MemoryCrm): MemoryAccount {
  const { user } = crm;
  const { idOf, byId, byLabel } = crm.ids;
  const list = () =>
    user.list().map(({ recordId, values }) => withoutEmpty({ recordId, values: byId(values) }));
  const notHere = async (): Promise<never> => {
    throw new Error('The CRM in memory knows nothing of this.');
  };
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
    async fault({ on, status, times, commitAfterMs }) {
      let left = times ?? Infinity;
      crm.trouble =
        status === undefined && commitAfterMs === undefined
          ? undefined
          : (operation) => {
              if (on !== undefined && operation !== writes[on]) return undefined;
              left -= 1;
              if (left < 0) return undefined;
              if (commitAfterMs !== undefined) return { commitAfterMs };
              throw status === undefined
                ? noAnswer()
                : new SangamError({
                    code: 'unavailable',
                    origin: 'crm',
                    retry: 'later',
                    message: `The CRM answers ${String(status)}.`,
                  });
            };
    },
    expireToken: async () => undefined,
    limit: notHere,
    calls: async () => crm.calls.length,
    removeField: notHere,
    pickyField: notHere,
    lacks: {
      ...(crm.traits.spelling.phoneList === undefined
        ? { 'lists of phones': 'This CRM in memory has a field for each phone.' }
        : {}),
      webhooks: 'The CRM in memory tells nothing by itself.',
      'unique fields': 'Of the CRM in memory only our own field is unique.',
      'locked records': 'The CRM in memory locks no record.',
    },
    stage: { field: idOf(memoryFields.stage), values: ['new', 'qualified'] },
    webhooksTo: async () => undefined,
    webhooksArrived: async () => true,
    redeliver: async () => undefined,
    close: async () => undefined,
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
