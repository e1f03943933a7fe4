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
  const notHere = async (): Promise<never> => {
    throw new Error('The CRM in memory knows nothing of this.');
  };
  return {
    crm,
    account: `memory-${randomUUID()}`,
    connect: (permits) => crm.connect(permits),
    user: {
      create: async (values, type) =>
        user.create(values, type === undefined || type === 'contact' ? type : 'lead'),
      update: async (recordId, values) => user.update(recordId, values),
      remove: async (recordId) => user.remove(recordId),
      restore: async (recordId) => user.restore(recordId),
      async merge(primary, merged) {
        user.merge(primary, merged);
        return primary;
      },
      convert: async (recordId) => user.convert(recordId),
      list: async () => user.list().map(withoutEmpty),
      get: async (recordId) =>
        user
          .list()
          .map(withoutEmpty)
          .find((one) => one.recordId === recordId),
      timeline: async (recordId) => user.timeline(recordId),
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
      'unique fields': 'Of the CRM in memory only our own field is unique.',
      'locked records': 'The CRM in memory locks no record.',
    },
    stage: { field: memoryFields.stage, values: ['new', 'qualified'] },
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
