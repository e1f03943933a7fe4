import { setTimeout as wait } from 'node:timers/promises';
import { sql } from 'kysely';
import { describe, expect, test, type TestContext } from 'vitest';
import {
  createServiceFixture,
  deliver,
  inParallel,
  openDatabaseProxy,
  type SandboxRecord,
  text,
  type ServiceFixture,
  until,
  webhook,
  isEmpty,
} from './harness/index.ts';

/** Promises 2 and 5 while processes die, freeze and lose their database. */

async function openServiceFixture({ onTestFinished }: TestContext): Promise<ServiceFixture> {
  const fixture = await createServiceFixture();
  onTestFinished(() => fixture.close());
  return fixture;
}

const start = Date.now() - 3_600_000;

function messageOf(fixture: ServiceFixture, person: number, index: number): object {
  return webhook(fixture.parties.whatsapp, [
    text(
      {
        phone: `9195${String(10_000_000 + person)}`,
        bsuid: `IN.CHAOS${String(person)}`,
        name: `Person ${String(person)}`,
      },
      `wamid.chaos.${String(person)}.${String(index)}`,
      start + index * 1000,
      `message ${String(index)}`,
    ),
  ]);
}

/** Everything that was acknowledged is there once, and each person is one contact and one record. */
async function expectExactly(fixture: ServiceFixture, people: number, messages: number): Promise<void> {
  const { workspaceId } = fixture.parties;
  await until(
    'everything to be applied and written',
    async () => {
      const { workspaceId } = fixture.parties;
      const written = await isEmpty(fixture.store, workspaceId, 'inbox');
      return written && isEmpty(fixture.store, workspaceId, 'dirty_records');
    },
    400_000,
  );
  const counts = await fixture.store.transact(workspaceId, async (trx) => {
    const { rows } = await sql<{
      contacts: number;
      messages: number;
      orphans: number;
      letters: number;
      links: number;
    }>`
      select (select count(*)::int from contacts where workspace_id = ${workspaceId} and merged_into is null) as contacts,
             (select count(*)::int from messages where workspace_id = ${workspaceId}) as messages,
             (select count(*)::int from messages where workspace_id = ${workspaceId} and contact_id is null) as orphans,
             (select count(*)::int from dead_letters where workspace_id = ${workspaceId}) as letters,
             (select count(*)::int from crm_links where workspace_id = ${workspaceId}) as links`.execute(trx);
    return rows[0];
  });
  expect(counts).toEqual({ contacts: people, messages, orphans: 0, letters: 0, links: people });
  const { results } = await fixture.control<{ results: SandboxRecord[] }>('GET', '/hubspot/records/contacts');
  expect(results).toHaveLength(people);
  expect(new Set(results.map(({ properties }) => properties['wa_phone_e164'])).size).toBe(people);
}

describe.concurrent('two processes on one database', () => {
  test('a storm of one new person through both makes one contact and one record', async (context) => {
    const fixture = await openServiceFixture(context);
    const services = [await fixture.startService(), await fixture.startService()];
    const bodies = Array.from({ length: 300 }, (_, index) => messageOf(fixture, 1, index));
    await inParallel([...bodies, ...bodies, ...bodies], 24, async (body) => {
      const service = services[Math.floor(Math.random() * 2)];
      expect(await service?.post(body)).toBe(200);
    });
    await expectExactly(fixture, 1, 300);
    for (const service of services) expect(service.output()).not.toMatch(/deadlock/i);
  });

  test('kill -9 at random moments loses nothing that was acknowledged and doubles nothing', async (context) => {
    const fixture = await openServiceFixture(context);
    let services = [await fixture.startService(), await fixture.startService()];
    const bodies = Array.from({ length: 1200 }, (_, index) => messageOf(fixture, index % 60, index));
    const delivery = { done: false };
    const killer = async (): Promise<void> => {
      for (let kills = 0; kills < 6 && !delivery.done; kills += 1) {
        await wait(150 + Math.random() * 400);
        const victim = services[kills % 2];
        await victim?.stop('SIGKILL');
        const fresh = await fixture.startService();
        services = services.map((service) => (service === victim ? fresh : service));
      }
    };
    await Promise.all([
      killer(),
      inParallel(bodies, 16, (body) => deliver(() => services, body)).finally(() => (delivery.done = true)),
    ]);
    await expectExactly(fixture, 60, 1200);
  });

  test('one frozen for 90 s keeps nobody waiting longer than its transaction lives, and does no harm waking up', async (context) => {
    const fixture = await openServiceFixture(context);
    const [first, second] = [await fixture.startService(), await fixture.startService()];
    const early = Array.from({ length: 400 }, (_, index) => messageOf(fixture, index % 40, index));
    const posting = inParallel(early, 16, (body) => deliver(() => [first, second], body));
    await wait(100);
    first.child.kill('SIGSTOP');
    const frozenAt = performance.now();
    const late = Array.from({ length: 400 }, (_, index) => messageOf(fixture, index % 40, 400 + index));
    await inParallel(late, 16, (body) => deliver(() => [second], body));
    await until(
      'the other process to apply on',
      () => isEmpty(fixture.store, fixture.parties.workspaceId, 'inbox'),
      300_000,
    );
    await wait(Math.max(0, 90_000 - (performance.now() - frozenAt)));
    first.child.kill('SIGCONT');
    await posting;
    await expectExactly(fixture, 40, 800);
  });

  test('connections to the database cut at random lose and double nothing', async (context) => {
    const fixture = await openServiceFixture(context);
    const proxy = await openDatabaseProxy(fixture.databaseUrl);
    const services = [await fixture.startService(proxy.url), await fixture.startService(proxy.url)];
    const bodies = Array.from({ length: 1000 }, (_, index) => messageOf(fixture, index % 50, index));
    const delivery = { done: false };
    const cutter = async (): Promise<void> => {
      while (!delivery.done) {
        await wait(100 + Math.random() * 300);
        proxy.cutAll();
      }
    };
    await Promise.all([
      cutter(),
      inParallel([...bodies, ...bodies], 12, (body) => deliver(() => services, body)).finally(
        () => (delivery.done = true),
      ),
    ]);
    await expectExactly(fixture, 50, 1000);
    proxy.close();
  });
});
