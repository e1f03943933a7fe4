import { SangamError } from '@sangam/core/errors';
import type { AccountFault } from '../conformance/account.ts';
import { type MemoryCrm, noAnswer } from '../harness/memory-crm/index.ts';
import type { Life } from './life.ts';

const hubspotFaults: readonly [AccountFault, ...AccountFault[]] = [
  { status: 503 },
  { dropConnection: 'before' },
  { dropConnection: 'after' },
  { commitAfterMs: 5000 },
  { commitAfterMs: 25_000 },
  { item: { code: 'LOCKED', nth: 1 } },
];

type MemoryFault = 'unavailable' | 'no answer' | { readonly commitAfterMs: number };

/** The CRM in memory locks no record; that a call is done and not answered it says as done after no time. */
const memoryFaults: readonly [MemoryFault, ...MemoryFault[]] = [
  'unavailable',
  'no answer',
  { commitAfterMs: 0 },
  { commitAfterMs: 0 },
  { commitAfterMs: 5000 },
  { commitAfterMs: 25_000 },
];

type Calls = 'creates' | 'updates' | undefined;

/** The next calls go wrong, all or of one kind; after so many the CRM is well again. */
export async function nextCallsFail(life: Life): Promise<void> {
  const { crm, draw, memory } = life;
  const on: Calls = draw.pick(['creates', 'updates', undefined] as const);
  const times = 1 + draw.below(3);
  if (memory === undefined) {
    const fault = { ...draw.oneOf(hubspotFaults), times, ...(on === undefined ? {} : { on }) };
    life.say(`fault ${JSON.stringify(fault)}`);
    await crm.account.fault(fault);
  } else {
    const fault = draw.oneOf(memoryFaults);
    life.say(`fault ${JSON.stringify({ fault, times, on })}`);
    memory.trouble = troubleOf(fault, on, times);
  }
}

function troubleOf(fault: MemoryFault, on: Calls, times: number): MemoryCrm['trouble'] {
  let left = times;
  return (operation) => {
    if (on === 'creates' && operation !== 'create') return undefined;
    if (on === 'updates' && operation !== 'update') return undefined;
    left -= 1;
    if (left < 0) return undefined;
    if (fault === 'unavailable')
      throw new SangamError({ code: 'unavailable', origin: 'crm', retry: 'later', message: '503' });
    if (fault === 'no answer') throw noAnswer();
    return fault;
  };
}

export async function callsAreWell({ crm, memory }: Life): Promise<void> {
  if (memory === undefined) await crm.account.fault({});
  else memory.trouble = undefined;
}
