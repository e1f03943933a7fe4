import { setTimeout as wait } from 'node:timers/promises';
import { readStatement } from '@sangam/core/corrections';
import { sql } from 'kysely';
import type { ContactSource } from '@sangam/core/crm';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Change,
  createServiceFixture,
  deliver,
  echo,
  everythingThrough,
  inParallel,
  wholeAccountScanned,
  type PeopleIn,
  peopleIn,
  type Person,
  type SandboxRecord,
  status,
  text,
  type ServiceFixture,
  webhook,
} from './harness/index.ts';

/** Promises 2 and 5 on the way out: the CRM fails in every way it can while processes die at any moment. */

/** Of the second the half would do to be killed in the middle of batches of a hundred; it is a quarter. */
const vendors = [
  { crm: 'hubspot', people: 2_000, kills: 6 },
  { crm: 'zoho', people: 500, kills: 3 },
];
const hour = 3_600_000;
const start = Date.now() - hour;

interface Written {
  readonly person: Person;
  readonly first: string;
  readonly last: string;
  readonly answer: string;
  readonly lastAt: number;
  readonly stopped: boolean;
}

describe('people by the hundred while the CRM fails and processes die', () => {
  test.each(vendors)(
    '$crm: each of $people has one record that is right, and a timeline that says everything once',
    async ({ crm, people, kills: most }) => {
      const fixture = await createServiceFixture(undefined, [crm]);
      onTestFinished(() => fixture.close());
      await wholeAccountScanned(fixture);
      const everybody = Array.from({ length: people }, (_, index) => writtenBy(index));
      const bodies = webhooksOf(fixture, everybody);
      let services = [await fixture.startService(), await fixture.startService()];

      const delivery = { done: false };
      const killer = async (): Promise<void> => {
        for (let kills = 0; kills < most && !delivery.done; kills += 1) {
          await wait(300 + Math.random() * 1_500);
          const victim = services[kills % 2];
          await victim?.stop('SIGKILL');
          const fresh = await fixture.startService();
          services = services.map((service) => (service === victim ? fresh : service));
        }
      };
      const faults = [
        { status: 503, rate: 0.2 },
        { dropConnection: 'after', rate: 0.2 },
        { commitAfterMs: 400, rate: 0.2 },
        { status: 429, rate: 0.2 },
      ];
      const breaker = async (): Promise<void> => {
        for (let round = 0; round < 8; round += 1) {
          await fixture.control('PUT', `/${crm}/faults`, faults[round % faults.length]);
          await wait(1_500);
        }
        await fixture.control('PUT', `/${crm}/faults`, {});
      };
      await Promise.all([
        killer(),
        breaker(),
        inParallel(bodies, 12, (body) => deliver(() => services, body)).finally(() => (delivery.done = true)),
      ]);
      await everythingThrough(fixture, 240_000);
      for (const service of services) expect(service.output()).not.toMatch(/deadlock/i);
      await expectRight(fixture, peopleIn(fixture, crm), everybody);
      await expectBalance(fixture, 6 * people);
    },
  );
});

function writtenBy(index: number): Written {
  return {
    person: {
      phone: `9196${String(10_000_000 + index)}`,
      bsuid: `IN.CRMCHAOS${String(index)}`,
      name: `Person ${String(index)}`,
    },
    first: `first words of ${String(index)}`,
    last: index % 10 === 0 ? 'STOP' : `last words of ${String(index)}`,
    answer: `answer to ${String(index)}`,
    lastAt: start + (120 + (index % 60)) * 1000,
    stopped: index % 10 === 0,
  };
}

/** Everything twice, in any order, twenty to a webhook. */
function webhooksOf(fixture: ServiceFixture, everybody: readonly Written[]): object[] {
  const changes = everybody.flatMap(({ person, first, last, answer, lastAt }, index): Change[] => {
    const wamid = (part: string): string => `wamid.crm.${String(index)}.${part}`;
    return [
      text(person, wamid('first'), start + (index % 60) * 1000, first),
      echo(person, wamid('answer'), start + 61_000, answer),
      text(person, wamid('last'), lastAt, last),
      ...['delivered', 'read', 'sent'].map((name, place) =>
        status(person, wamid('answer'), start + (62 + place) * 1000, name),
      ),
    ];
  });
  const twice = shuffled([...changes, ...changes]);
  return Array.from({ length: Math.ceil(twice.length / 20) }, (_, page) =>
    webhook(fixture.parties.whatsapp, twice.slice(page * 20, page * 20 + 20)),
  );
}

function shuffled<Item>(items: readonly Item[]): Item[] {
  return items
    .map((item) => ({ item, place: Math.random() }))
    .toSorted((x, y) => x.place - y.place)
    .map(({ item }) => item);
}

async function expectRight(
  fixture: ServiceFixture,
  people: PeopleIn,
  everybody: readonly Written[],
): Promise<void> {
  const { workspaceId } = fixture.parties;
  const { rows } = await fixture.store.transact(workspaceId, (trx) =>
    sql<{ reason: string; explanation: string }>`
      select reason, explanation from dead_letters where workspace_id = ${workspaceId}`.execute(trx),
  );
  expect(rows).toEqual([]);
  const records = await people.records();
  expect(records).toHaveLength(everybody.length);
  const byPhone = new Map(records.map((record) => [people.read(record, 'phone')[0], record]));
  const wrong = everybody.flatMap((written) => {
    const record = byPhone.get(`+${written.person.phone ?? ''}`);
    const problems = record === undefined ? ['no record'] : problemsOfRecord(people, record, written);
    return problems.length === 0 ? [] : [{ who: written.person.name, problems }];
  });
  expect(wrong).toEqual([]);
}

/** Promise 9. A test at midnight has two days. */
async function expectBalance(fixture: ServiceFixture, events: number): Promise<void> {
  const days = [start + hour, Date.now()].map((at) => new Date(at).toISOString().slice(0, 10));
  let received = 0;
  for (const day of new Set(days)) {
    const statement = await readStatement(fixture.store, fixture.parties.workspaceId, day, 'UTC');
    expect(statement).toMatchObject({ balances: true });
    received += statement.events.total;
  }
  expect(received).toBeGreaterThanOrEqual(events);
}

function problemsOfRecord(people: PeopleIn, record: SandboxRecord, written: Written): string[] {
  const { person, first, lastAt, stopped } = written;
  const expected: Partial<Record<ContactSource, string>> = {
    'first name': 'Person',
    'last name': person.name?.split(' ')[1] ?? '',
    phone: `+${person.phone ?? ''}`,
    bsuid: person.bsuid ?? '',
    'lead source': 'WhatsApp Inbound',
    'first message': first,
    'window state': 'open',
  };
  const differing = Object.entries(expected).flatMap(([source, value]) => {
    const stands = people.read(record, source as ContactSource);
    return stands.every((one) => one === value) ? [] : [`${source} is [${stands.join(', ')}], not ${value}`];
  });
  if (people.isOptedOut(record) !== stopped) differing.push('opt-out');
  if (people.timeOf(record, 'last activity') !== Math.floor(lastAt / 1000) * 1000)
    differing.push('last activity');
  const shown = (record.timeline ?? []).map((entry) => entry.text).join('\n');
  for (const words of [first, written.answer, written.last]) {
    const times = shown.split(words).length - 1;
    if (times !== 1) differing.push(`'${words}' stands ${String(times)} times on the timeline`);
  }
  return differing;
}
