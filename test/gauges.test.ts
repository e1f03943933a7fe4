import { noteFailure } from '@sangam/core/store';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createServiceFixture,
  type DatabaseProxy,
  history,
  openDatabaseProxy,
  type ServiceProcess,
  status,
  text,
  type ServiceFixture,
  until,
  webhook,
} from './harness/index.ts';

/** What Prometheus reads of how things stand: true when it is asked, and absent where nobody knows. */

let fixture: ServiceFixture;
let proxy: DatabaseProxy;
let service: ServiceProcess;
let owner: pg.Client;
beforeEach(async () => {
  fixture = await createServiceFixture();
  proxy = await openDatabaseProxy(fixture.databaseUrl);
  service = await fixture.startService(proxy.url);
  owner = new pg.Client({ connectionString: fixture.databaseUrl });
  await owner.connect();
});
afterEach(async () => {
  await owner.end();
  await fixture.close();
  proxy.close();
});

/** By name and label: `sangam_waiting crm`. */
async function gauges(): Promise<ReadonlyMap<string, number>> {
  const printed = await (await fetch(`${service.url}/metrics`)).text();
  const read = printed
    .matchAll(/^sangam_(\w+)\{\w+="([^"]*)"\} (\S+)$/gm)
    .map(([, name = '', label = '', value]) => [`${name} ${label}`, Number(value)] as const);
  return new Map(read);
}

const gauge = (name: string, wanted: (value: number | undefined) => boolean): Promise<true> =>
  until(`${name} to be so`, async () => (wanted((await gauges()).get(name)) ? true : undefined));

const person = { phone: '919812345678', bsuid: 'IN.GAUGED' };

describe('gauges', () => {
  test('tell what waits and how long, by lane, until it is done', async () => {
    const at = Date.now() - 60_000;
    // Nothing is applied meanwhile.
    await owner.query('begin');
    await owner.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [fixture.parties.workspaceId]);
    const since = Date.now();
    const changes = [
      text(person, 'wamid.g1', at, 'one'),
      text(person, 'wamid.g2', at, 'two'),
      status(person, 'wamid.g3', at, 'delivered'),
      history(person.phone, 'wamid.g4', at, 'long ago', 'in'),
    ];
    expect(await service.post(webhook(fixture.parties.whatsapp, changes))).toBe(200);
    await gauge('waiting inbound', (value) => value === 2);
    const seen = await gauges();
    expect([seen.get('waiting status'), seen.get('waiting history'), seen.get('waiting crm')]).toEqual([
      1, 1, 0,
    ]);
    for (const lane of ['inbound', 'status', 'history']) {
      const age = seen.get(`waiting_age_seconds ${lane}`);
      expect(age).toBeGreaterThan(0);
      expect(age).toBeLessThanOrEqual((Date.now() - since) / 1000);
    }
    expect(seen.get('waiting_age_seconds crm')).toBe(0);
    await owner.query('commit');
    for (const lane of ['inbound', 'status', 'history', 'records', 'timeline']) {
      await gauge(`waiting ${lane}`, (value) => value === 0);
    }
  });

  test('tell of records and entries of a live connection that does not answer, and not of one in shadow', async () => {
    const { workspaceId, hubspot } = fixture.parties;
    const fails = (failedAttempts: number): Promise<number | undefined> =>
      fixture.store.transact(workspaceId, (trx) =>
        noteFailure(
          trx,
          { connectionId: hubspot.connectionId, accessVersion: 0, failedAttempts },
          {
            at: Date.now() - 16 * 60_000,
            nextCallAt: Date.now() + 3_600_000,
            message: 'Away.',
            blocked: false,
          },
        ),
      );
    await fails(0);
    expect(
      await service.post(
        webhook(fixture.parties.whatsapp, [text(person, 'wamid.g5', Date.now() - 1000, 'Hello')]),
      ),
    ).toBe(200);
    await gauge('waiting records', (value) => value === 1);
    await gauge('waiting_age_seconds records', (value) => (value ?? 0) > 0);
    expect((await gauges()).get('connections_held silent')).toBe(1);
    await fails(1);
    await gauge('alerts_open account not answering', (value) => value === 1);
    // What is to wait for an hour does not wait too long.
    await owner.query('update dirty_records set due_at = $1, marked_at = $2', [
      Date.now() + 3_600_000,
      Date.now() - 3_600_000,
    ]);
    await owner.query(
      `insert into dirty_records (workspace_id, connection_id, subject, record_id, priority, marked_at)
       select d.workspace_id, d.connection_id, 'record:' || n, n, d.priority, $1
       from dirty_records d cross join unnest(array['1', '2']) as n`,
      [Date.now() - 1000],
    );
    await gauge('waiting records', (value) => value === 2);
    expect((await gauges()).get('waiting_age_seconds records')).toBeLessThan(3_600);
    // An entry of somebody without a record waits for one first.
    await owner.query('update timeline_entries set due_at = $1', [Date.now() - 5_000]);
    await gauge('waiting timeline', (value) => value === 1);
    await owner.query(`update crm_connections set mode = 'shadow'`);
    await gauge('waiting records', (value) => value === 0);
    expect((await gauges()).get('waiting timeline')).toBe(0);

    await owner.query(`update crm_call_states set blocked_reason = 'A person has to act.'`);
    await gauge('connections_held blocked', (value) => value === 1);
    expect((await gauges()).get('connections_held silent')).toBe(0);
  });

  test('tell of open dead letters, without those set aside', async () => {
    const other = { phoneNumberId: '1', wabaId: '2' };
    expect(await service.post(webhook(other, [text(person, 'wamid.g6', Date.now(), 'Hello')]))).toBe(200);
    expect(await service.post('no webhook at all')).toBe(200);
    await gauge('dead_letters_open whatsapp', (value) => value === 1);
    expect((await gauges()).get('dead_letters_open crm')).toBe(0);
    await owner.query('update dead_letters set set_aside_at = 1');
    await gauge('dead_letters_open whatsapp', (value) => value === 0);
  });

  test('tell of this process, and nothing of a database that does not answer', async () => {
    const seen = await gauges();
    const info = [...seen.keys()].find((name) => /^info \d+\.\d+\.\d+$/.test(name)) ?? '';
    expect(seen.get(info)).toBe(1);
    expect(seen.get('database_connections most')).toBe(12);
    expect(seen.get('database_connections open')).toBeGreaterThan(0);
    expect(seen.get('work_failing apply')).toBe(0);
    expect(seen.get('gauges_read database')).toBe(1);
    const blind = async (): Promise<void> => {
      await gauge('gauges_read database', (value) => value === 0);
      const left = await gauges();
      expect(
        [...left.keys()].filter((name) => /^(waiting|dead_letters|alerts|connections)/.test(name)),
      ).toEqual([]);
      expect(left.get(info)).toBe(1);
    };
    await owner.query('alter table alerts rename to elsewhere');
    await blind();
    await owner.query('alter table elsewhere rename to alerts');
    await gauge('gauges_read database', (value) => value === 1);
    proxy.silence();
    await blind();
    proxy.answer();
    proxy.cutAll();
    await gauge('gauges_read database', (value) => value === 1);
  });
});
