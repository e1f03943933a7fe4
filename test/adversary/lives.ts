import { expect, inject, test } from 'vitest';
import { createCrmFixture, type CrmFixture } from '../harness/crm-fixture.ts';
import { everyStoredRow } from '../harness/every-row.ts';
import { comeToRest } from './ending.ts';
import type { Life } from './life.ts';
import { openLife } from './open-life.ts';
import { whatIsWrong } from './oracle.ts';
import { oneStep } from './steps.ts';

const { from, count, crm } = inject('wantedLives');

/** No life begins after this; the longest take a minute. */
const runMs = 9 * 60_000;

/** Of these it is good to know what they hold, when something is wrong. */
const tablesToShow = new Set([
  'crm_records',
  'crm_links',
  'dirty_records',
  'conflicts',
  'contacts',
  'identities',
  'occurrences',
  'crm_writes',
  'dead_letters',
  'timeline_entries',
  'consent_entries',
]);

const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function live(life: Life): Promise<string[]> {
  const steps = 15 + life.draw.below(45);
  for (let step = 0; step < steps; step += 1) await oneStep(life);
  await comeToRest(life);
  return whatIsWrong(life);
}

async function storedRows({ fixture, crm }: Life): Promise<string[]> {
  const rows = await everyStoredRow(fixture.store, crm.workspaceId);
  return rows
    .filter(({ table }) => tablesToShow.has(table))
    .map(({ text }) => `stored: ${text.replaceAll('\n', ' | ').slice(0, 700)}`);
}

/** Whether all was as it must be. */
async function liveOnce(seed: number): Promise<boolean> {
  const began = performance.now();
  const fixture = await createCrmFixture();
  const { life, faults } = await judge(seed, fixture);
  await fixture.close().catch((error: unknown) => faults.push(`close: ${String(error)}`));
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const name = life?.memory === undefined ? 'hubspot' : 'memory';
  if (faults.length === 0) {
    print(`seed ${String(seed)} ${name}: well, ${seconds} s`);
    return true;
  }
  print(`seed ${String(seed)} ${name}: WRONG, ${seconds} s`);
  for (const line of life?.log ?? []) print(`    ${line}`);
  for (const fault of faults) print(`  ! ${fault}`);
  const sameCrm = crm === undefined ? '' : ` --crm=${crm}`;
  print(`  again: npm run adversary -- --from=${String(seed)} --count=1${sameCrm}`);
  return false;
}

async function judge(
  seed: number,
  fixture: CrmFixture,
): Promise<{ readonly life: Life | undefined; readonly faults: string[] }> {
  let life: Life | undefined;
  try {
    life = await openLife(seed, crm, fixture);
    const faults = await live(life);
    if (faults.length > 0) life.log.push(...(await storedRows(life)));
    return { life, faults };
  } catch (error) {
    const thrown = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { life, faults: [`threw ${thrown}`] };
  }
}

test('lives', { timeout: 2 * runMs }, async () => {
  const until = performance.now() + runMs;
  const failed: number[] = [];
  let lived = 0;
  for (; lived < count && performance.now() < until; lived += 1)
    if (!(await liveOnce(from + lived))) failed.push(from + lived);
  const wrong = failed.length === 0 ? 'none wrong' : `wrong: ${failed.join(', ')}`;
  print(`${String(lived)} of ${String(count)} lives from seed ${String(from)}, ${wrong}`);
  expect(failed, 'seeds of lives with something wrong').toEqual([]);
});
