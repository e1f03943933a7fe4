import { once } from 'node:events';
import { sql } from 'kysely';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createServiceFixture,
  type ServiceProcess,
  text,
  type ServiceFixture,
  until,
  webhook,
  isEmpty,
} from './harness/index.ts';

/** What is acknowledged is durable, and one body never fails its neighbours. Over real HTTP, each body posted once. */

let fixture: ServiceFixture;
let service: ServiceProcess;
let door: pg.Client;
beforeEach(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService();
  door = new pg.Client({ connectionString: fixture.databaseUrl });
  await door.connect();
});
afterEach(async () => {
  await door.end();
  await fixture.close();
});

const at = Date.now() - 60_000;
const said = (index: number, words = 'Hello'): ReturnType<typeof text> =>
  text({ phone: `9194${String(10_000_000 + index)}` }, `wamid.intake.${String(index)}`, at, words);
const bodyOf = (...indices: number[]): object =>
  webhook(
    fixture.parties.whatsapp,
    indices.map((index) => said(index)),
  );

/** Nothing is committed until the door is opened again. */
async function shutTheDoor(): Promise<void> {
  await door.query('begin');
  await door.query('lock table event_keys in exclusive mode');
  await door.query('lock table dead_letters in exclusive mode');
}
const openTheDoor = (): Promise<unknown> => door.query('commit');

/** Who waits to store events: retention's sweep waits at the same door. */
const storingWaits = `datname = current_database() and wait_event_type = 'Lock'
  and query ilike '%insert into%' and query ~ '(event_keys|dead_letters)'`;
const commitsWaiting = async (): Promise<number> => {
  // Inside a transaction PostgreSQL shows who waits as it was when first asked.
  await door.query('select pg_stat_clear_snapshot()');
  const { rows } = await door.query<{ n: number }>(
    `select count(*)::int as n from pg_stat_activity where ${storingWaits}`,
  );
  return rows[0]?.n ?? 0;
};

async function metric(name: string): Promise<number> {
  const printed = await (await fetch(`${service.url}/metrics`)).text();
  return printed
    .split('\n')
    .filter((line) => line.startsWith(name))
    .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Events that came in, whether applied yet or not. */
async function keys(): Promise<number> {
  const { rows } = await door.query<{ n: number }>('select count(*)::int as n from event_keys');
  return rows[0]?.n ?? 0;
}

async function letters(): Promise<{ reason: string; explanation: string; payload: string }[]> {
  const { workspaceId } = fixture.parties;
  return fixture.store.transact(workspaceId, async (trx) => {
    const { rows } = await sql<{ reason: string; explanation: string; payload: Buffer }>`
      select reason, explanation, payload from dead_letters where workspace_id = ${workspaceId}`.execute(trx);
    return rows.map((row) => ({ ...row, payload: row.payload.toString('utf8') }));
  });
}

/** The statuses of bodies that share one commit, behind a first that waits at the door. */
async function inOneGroup(bodies: readonly object[], events: number): Promise<number[]> {
  await shutTheDoor();
  const first = service.post(bodyOf(1));
  await until('a commit at the door', async () => (await commitsWaiting()) > 0);
  const others = bodies.map((body) => service.post(body));
  await until('everybody behind it', async () => (await metric('sangam_events_received_total')) > events);
  await openTheDoor();
  return Promise.all([first, ...others]);
}

describe('a body with what PostgreSQL cannot hold', () => {
  test('is kept and acknowledged, and so are its neighbours in the same commit', async () => {
    const neighbours = Array.from({ length: 20 }, (_, index) => bodyOf(index + 2));
    const foreign = ['1\u00002', '3\ud8004'].flatMap((id) => [
      webhook({ phoneNumberId: id, wabaId: 'w' }, [said(100)]),
      { entry: [{ id, changes: [{ field: 'messages', value: { statuses: [{ id: 's', status: 'x' }] } }] }] },
    ]);
    const field = { entry: [{ changes: [{ field: 'a\0b', value: { about: 'c\0d' } }] }] };
    const bodies = [...neighbours.slice(0, 10), ...foreign, field, ...neighbours.slice(10)];
    const answers = await inOneGroup(bodies, bodies.length);
    expect(answers).toEqual(answers.map(() => 200));
    const kept = await letters();
    expect(kept.map(({ reason }) => reason)).toEqual(foreign.map(() => 'foreign channel'));
    expect(kept.some(({ payload }) => payload.includes('1\\u00002'))).toBe(true);
    expect(await keys()).toBe(22);
    await until('all of it to be applied', () =>
      isEmpty(fixture.store, fixture.parties.workspaceId, 'inbox'),
    );
    expect((await letters()).filter(({ reason }) => reason !== 'foreign channel')).toEqual([]);
  });

  test('that the database refuses is found by halving, down to the one event', async () => {
    await door.query(`alter table inbox add check (position('intake.13"' in encode(payload, 'escape')) = 0)`);
    const bodies = [
      ...Array.from({ length: 8 }, (_, index) => bodyOf(index + 2)),
      bodyOf(12, 13, 14),
      ...Array.from({ length: 8 }, (_, index) => bodyOf(index + 20)),
    ];
    const answers = await inOneGroup(bodies, 19);
    expect(answers).toEqual(answers.map(() => 200));
    expect(await keys()).toBe(19);
    const [letter, ...others] = await letters();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({ reason: 'not storable' });
    expect(letter?.payload).toContain('wamid.intake.13');
  });
});

describe('an acknowledgement', () => {
  test('is not sent before the commit: a process that dies in it has acknowledged nothing', async () => {
    await shutTheDoor();
    const answered = service.post(bodyOf(1));
    await until('the commit to be under way', async () => (await commitsWaiting()) > 0);
    service.child.kill('SIGKILL');
    await once(service.child, 'exit');
    expect(await answered).toBe(0);
    await openTheDoor();
  });

  test('is refused by a commit that fails, and given once it stands', async () => {
    await shutTheDoor();
    const answered = service.post(bodyOf(1));
    await until('the commit to be under way', async () => (await commitsWaiting()) > 0);
    await door.query(`select pg_terminate_backend(pid) from pg_stat_activity where ${storingWaits}`);
    await openTheDoor();
    expect(await answered).toBe(503);
    expect(await keys()).toBe(0);
    expect(await service.post(bodyOf(1))).toBe(200);
    expect(await keys()).toBe(1);
  });
});
