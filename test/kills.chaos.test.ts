import pg from 'pg';
import { expect, onTestFinished, test } from 'vitest';
import {
  createServiceFixture,
  deliver,
  everythingThrough,
  inParallel,
  wholeAccountScanned,
  openOwnCluster,
  peopleIn,
  problemsOf,
  type ServiceProcess,
  type ServiceFixture,
  trafficOf,
  until,
  webhook,
} from './harness/index.ts';

/**
 * Promises 2, 5 and 9 while processes and PostgreSQL die: every webhook is posted until it is acknowledged, and never
 * again, so that nothing heals what an acknowledgement lost.
 */

const clients = 12;
const start = Date.now() - 3_600_000;

/** Posts everything, and at every so many acknowledgements, while the other clients go on, calls for a death. */
async function postOnce(
  fixture: ServiceFixture,
  services: () => readonly ServiceProcess[],
  deaths: number,
  die: (death: number) => Promise<void>,
): Promise<void> {
  const { everybody, rounds } = trafficOf(60, 5, start);
  const bodies = rounds.flat().map((change) => webhook(fixture.parties.whatsapp, [change]));
  const between = Math.floor(bodies.length / (deaths + 1));
  let acknowledged = 0;
  let dying = Promise.resolve();
  await inParallel(bodies, clients, async (body) => {
    await deliver(services, body);
    acknowledged += 1;
    const death = acknowledged / between;
    if (Number.isInteger(death) && death <= deaths) dying = dying.then(() => die(death));
  });
  await dying;
  await everythingThrough(fixture, 150_000);
  const results = await peopleIn(fixture, 'hubspot').seen();
  const place = { store: fixture.store, workspaceId: fixture.parties.workspaceId };
  expect(await problemsOf(place, everybody, results, [start, Date.now()])).toEqual([]);
}

test('kill -9 of service processes loses nothing acknowledged and doubles nothing', async () => {
  const fixture = await createServiceFixture();
  onTestFinished(() => fixture.close());
  await wholeAccountScanned(fixture);
  let services = [await fixture.startService(), await fixture.startService()];
  await postOnce(
    fixture,
    () => services,
    6,
    async (death) => {
      const victim = services[death % 2];
      await victim?.stop('SIGKILL');
      const fresh = await fixture.startService();
      services = services.map((service) => (service === victim ? fresh : service));
    },
  );
});

test('a process killed while a commit is under way has acknowledged nothing of it', async () => {
  const fixture = await createServiceFixture();
  onTestFinished(() => fixture.close());
  const service = await fixture.startService();
  const bodies = trafficOf(20, 1, start)
    .rounds.flat()
    .map((change) => webhook(fixture.parties.whatsapp, [change]));
  const holder = new pg.Client({ connectionString: fixture.databaseUrl });
  holder.on('error', () => undefined);
  await holder.connect();
  await holder.query('begin; lock table event_keys in access exclusive mode');
  const answers = Promise.all(bodies.map((body) => service.post(body)));
  await until('the commit to wait', async () => {
    // Inside a transaction PostgreSQL shows who waits as it was when first asked.
    await holder.query('select pg_stat_clear_snapshot()');
    const { rows } = await holder.query(
      `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
    );
    return rows.length > 0;
  });
  await service.stop('SIGKILL');
  expect(new Set(await answers)).toEqual(new Set([0]));
  await holder.end();
});

test('kill -9 of PostgreSQL under two processes loses nothing acknowledged and doubles nothing', async () => {
  const cluster = await openOwnCluster();
  const fixture = await createServiceFixture(cluster);
  onTestFinished(() => fixture.close());
  await wholeAccountScanned(fixture);
  const services = [await fixture.startService(), await fixture.startService()];
  await postOnce(
    fixture,
    () => services,
    3,
    () => cluster.killAndRestart(),
  );
});
