import { readStatement } from '@sangam/core/corrections';
import { day, hour, minute } from '../conformance/set-up.ts';
import type { Life } from './life.ts';

/** What must be so of Sangam as a whole, once it has come to rest. */

export async function everyStatementBalances(life: Life): Promise<string[]> {
  const faults: string[] = [];
  for (let at = life.openedAt - day; at <= life.now; at += day) {
    const date = new Date(at).toISOString().slice(0, 10);
    const statement = await readStatement(life.fixture.store, life.crm.workspaceId, date, 'UTC');
    if (!statement.balances) faults.push(`statement of ${date}: ${JSON.stringify(statement)}`);
  }
  return faults;
}

/** Deaf: without polls, which are calls. */
export async function nothingIsCalled({ crm, fixture }: Life): Promise<string[]> {
  crm.deaf = true;
  const before = await crm.account.calls();
  await fixture.settle();
  await fixture.pass(minute);
  const after = await crm.account.calls();
  crm.deaf = false;
  return after === before ? [] : [`not quiet: ${String(after - before)} calls`];
}

/** Seen in memory alone, where calls say what they do. */
export async function aCheckWritesNothing({ crm, fixture, memory }: Life): Promise<string[]> {
  if (memory === undefined) return [];
  await fixture.pass(minute);
  const writes = (): number =>
    memory.calls.filter(({ operation }) => ['create', 'update', 'entries'].includes(operation)).length;
  const before = writes();
  await crm.check();
  await fixture.pass(hour);
  const made = writes() - before;
  return made === 0 ? [] : [`a check makes ${String(made)} writes`];
}
