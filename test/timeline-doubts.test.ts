import { expect, test } from 'vitest';
import { readStatement } from '@sangam/core/pipeline';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { hour, minute, somebody, stageFor } from './conformance/stage.ts';
import { until } from './harness/until.ts';

/** An entry that may stand somewhere, or that is on its way while its record changes: it stands once, and is counted once. */

const asha = somebody(1, 'Asha');
const ravi = somebody(2, 'Ravi');

test('an entry being written while its record is merged away stands once, and the statement balances', async () => {
  const { world, crm } = await stageFor(openHubspotAccount)({ webhooks: true });
  await crm.writes(asha, 'one');
  await crm.writes(ravi, 'two');
  await world.ride(hour);
  world.clock.advance(20 * minute);
  const records = await crm.records();
  const recordOf = (name: string): string =>
    records.find((record) => crm.read(record, 'first name') === name)?.recordId ?? '';
  let into = '';
  crm.beforeCall = async (priority) => {
    if (priority !== 'timeline' || into !== '') return;
    into = await crm.account.user.merge(recordOf('Ravi'), recordOf('Asha'));
    await until('the merge', async () => {
      const { rows } = await world.database.query("select 1 from crm_links where decided_by = 'merge'");
      return rows.length === 2;
    });
  };
  await crm.writes(asha, 'three');
  await world.ride(2 * hour);
  expect(await crm.account.user.timeline(into)).toHaveLength(2);
  const today = new Date(world.clock.now()).toISOString().slice(0, 10);
  const { balances, connections } = await readStatement(world.store, crm.workspaceId, today, 'UTC');
  expect(connections.map(({ timeline }) => timeline.says)).toEqual([
    'All 3 timeline entries due are accounted for.',
  ]);
  expect(balances).toBe(true);
});
