import { markAllDirty } from '@sangam/core/store';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { somebody } from './conformance/set-up.ts';
import { createCrmFixture, type CrmFixture } from './harness/crm-fixture.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { tellStatistics } from './harness/told-statistics.ts';

/** What one person costs in the database does not grow with how many others a business knows. */

const others = 4_000;

const [asha, bela] = [somebody(1, 'Asha'), somebody(2, 'Bela')];

test('rows read for one person are as few among many others as among none', async () => {
  const live = async (crm: CrmWorkspace): Promise<Steps> => {
    const { user } = crm.account;
    const recordOf = async (name: string): Promise<string> =>
      (await crm.records()).find((one) => crm.read(one, 'first name') === name)?.recordId ?? '';
    return [
      () => crm.writes(asha),
      () => crm.writes(bela),
      () => crm.writes(asha, 'Hello again'),
      () => crm.writes(asha, 'STOP'),
      async () => user.update(await recordOf('Asha'), crm.valuesOf({ 'first name': 'Asha R' })),
      async () => user.merge(await recordOf('Bela'), await recordOf('Asha R')),
      () => crm.writes(bela, 'And I'),
    ];
  };
  const [alone, among] = [await rowsReadFor(0, live), await rowsReadFor(others, live)];
  // Less than one look at each of the others once.
  expect(among).toBeLessThan(alone + others * 0.75);
});

test('in test mode rows read for a listed person are as few however many others wait to be written', async () => {
  const inTest = async (crm: CrmWorkspace): Promise<Steps> => {
    await crm.setMode('test', [`+${asha.phone ?? ''}`]);
    await crm.transact(async (trx) => {
      await markAllDirty(trx, crm.connectionId, 1);
      await sql`update timeline_entries set due_at = 1 where workspace_id = ${trx.workspaceId}`.execute(trx);
    });
    return [() => crm.writes(asha), () => crm.writes(asha, 'STOP')];
  };
  const [alone, among] = [await rowsReadFor(0, inTest), await rowsReadFor(others, inTest)];
  expect(among).toBeLessThan(alone + others * 0.75);
});

type Steps = readonly (() => unknown)[];

async function rowsReadFor(count: number, prepare: (crm: CrmWorkspace) => Promise<Steps>): Promise<number> {
  const fixture = await createCrmFixture();
  onTestFinished(() => fixture.close());
  const crm = await fixture.addWorkspace(openHubspotAccount);
  await addOthers(fixture, crm, count);
  const steps = await prepare(crm);
  await fixture.database.query('analyze');
  const before = await rowsRead(fixture, crm);
  for (const step of steps) {
    await step();
    await fixture.settle();
  }
  return (await rowsRead(fixture, crm)) - before;
}

/** People with a conversation, a record, and its entry, as if they had written before. */
async function addOthers({ database }: CrmFixture, crm: CrmWorkspace, count: number): Promise<void> {
  const { contactIdField, phoneFields } = crm.connector.traits;
  const [phoneField = ''] = phoneFields;
  const ids = `'${crm.workspaceId}'::uuid as workspace_id, '${crm.connectionId}'::uuid as connection_id`;
  for (const statement of [
    `create temp table others as
     select ${ids}, gen_random_uuid() as contact_id, '+9197' || lpad(n::text, 8, '0') as phone, 'other.' || n as record_id
     from generate_series(1, ${String(count)}) n`,
    `insert into contacts (workspace_id, contact_id, created_at, founded_by, founded_at)
     select workspace_id, contact_id, 1, phone, 1 from others`,
    'insert into identities (workspace_id, value, since, contact_id) select workspace_id, phone, 1, contact_id from others',
    `insert into crm_records (workspace_id, connection_id, record_id, key_contact_id, base, ours, agreed, read_at)
     select workspace_id, connection_id, record_id, contact_id::text,
            convert_to(json_build_object('${phoneField}', phone, '${contactIdField}', contact_id)::text, 'UTF8'),
            array['${phoneField}'], true, 1 from others`,
    `insert into crm_phones (workspace_id, connection_id, record_id, field, typed, phone)
     select workspace_id, connection_id, record_id, '${phoneField}', phone, phone from others`,
    `insert into crm_links (workspace_id, connection_id, contact_id, record_id, is_primary, decided_by, created_at)
     select workspace_id, connection_id, contact_id, record_id, true, 'created', 1 from others`,
    `insert into timeline_entries (workspace_id, connection_id, contact_id, channel_id, part, entry_key, record_id, entry_id,
                                    marked_at)
     select workspace_id, connection_id, contact_id, gen_random_uuid(), '', record_id, record_id, record_id, 1 from others`,
    'drop table others',
  ])
    await database.query(statement);
}

/** Since the database began, also what sessions have counted and not told yet. */
async function rowsRead({ store, database }: CrmFixture, { workspaceId }: CrmWorkspace): Promise<number> {
  await tellStatistics(store, workspaceId);
  const { rows } = await database.query<{ read: string }>(
    'select sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) as read from pg_stat_user_tables',
  );
  return Number(rows[0]?.read ?? 0);
}
