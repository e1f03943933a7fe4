import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createServiceFixture,
  type ServiceProcess,
  signIn,
  status,
  text,
  type ServiceFixture,
  until,
  webhook,
} from './harness/index.ts';

/** What ops sees: log lines with nothing of people in them, and requests that have a name. */

let fixture: ServiceFixture;
let service: ServiceProcess;
let owner: pg.Client;
beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService(undefined, { LOG_LEVEL: 'debug' });
  owner = new pg.Client({ connectionString: fixture.databaseUrl });
  await owner.connect();
});
afterAll(async () => {
  await owner.end();
  await fixture.close();
});

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly [field: string]: unknown;
}

const [debug, info] = [20, 30];
const lines = (msg: string): Line[] =>
  service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line)
    .filter((line) => line.msg === msg);
const sum = (some: readonly Line[], field: string): number =>
  some.reduce((total, line) => total + Number(line[field]), 0);

async function everythingWritten(): Promise<void> {
  await until('everything to be applied and written', async () => {
    const { rows } = await owner.query<{ waits: boolean }>(
      `select exists (select 1 from inbox) or exists (select 1 from dirty_records)
           or exists (select 1 from timeline_entries where due_at is not null) as waits`,
    );
    return rows[0]?.waits === false;
  });
}

describe('the log', () => {
  const people = Array.from({ length: 12 }, (_, index) => ({
    phone: `91979${String(1_000_000 + index)}0`.slice(0, 12),
    bsuid: `IN.PRIVATE${String(index)}`,
    username: `hidden.${String(index)}`,
    name: `Zarathustra${String(index)} Quintessence`,
  }));

  test('at debug holds no phone, name or word of anybody, one line a batch and one an event', async () => {
    const start = Date.now() - 60_000;
    let events = 0;
    for (const [index, person] of people.entries()) {
      const wamid = `wamid.observed.${String(index)}`;
      const changes = [
        text(person, wamid, start, 'My words are nobody’s business'),
        status(person, `wamid.other.${String(index)}`, start, 'failed', {
          errors: [{ code: 131_026, title: 'Undeliverable', message: `To ${person.phone}` }],
        }),
      ];
      // A repeat is no event.
      for (const body of [changes, changes]) {
        expect(await service.post(webhook(fixture.parties.whatsapp, body))).toBe(200);
      }
      events += changes.length;
    }
    // What cannot be read.
    expect(
      await service.post(
        webhook(fixture.parties.whatsapp, [{ field: 'messages', value: { messages: [{ type: 'text' }] } }]),
      ),
    ).toBe(200);
    events += 1;
    await everythingWritten();

    const applied = lines('events applied');
    expect(new Set(applied.map(({ level }) => level))).toEqual(new Set([info]));
    expect(sum(applied, 'events')).toBe(events);
    expect(sum(applied, 'newContacts')).toBe(people.length);
    expect(sum(applied, 'parked')).toBe(1);
    for (const line of applied) {
      expect(line).toMatchObject({
        workspaceId: fixture.parties.workspaceId,
        ms: expect.any(Number) as number,
      });
    }
    const each = lines('event applied');
    expect(new Set(each.map(({ level }) => level))).toEqual(new Set([debug]));
    expect(each).toHaveLength(events);
    expect(new Set(each.map(({ eventKey }) => eventKey)).size).toBe(events);
    expect(each.filter(({ outcome }) => outcome === 'parked')).toHaveLength(1);

    const stored = lines('webhooks stored');
    expect(sum(stored, 'requests')).toBe(2 * people.length + 1);
    expect(sum(stored, 'fresh')).toBe(events);
    for (const msg of ['records written', 'timeline entries written']) {
      const written = lines(msg);
      expect(written.length).toBeGreaterThan(0);
      expect(written[0]).toMatchObject({ crm: 'hubspot', connectionId: expect.any(String) as string });
    }
    const records = lines('records written').flatMap(({ outcomes }) => Object.entries(outcomes as object));
    expect(records.filter(([outcome]) => outcome === 'created').reduce((n, [, count]) => n + count, 0)).toBe(
      people.length,
    );

    const printed = service.output();
    for (const person of people)
      for (const value of Object.values(person)) expect(printed).not.toContain(value);
    expect(printed).not.toContain('nobody’s business');
    expect(printed).not.toContain('wamid.');
  });

  test('of an error at the database holds nothing of the row', async () => {
    await owner.query(
      `alter table contacts add constraint no_such check (first_message <> 'Refuse me now') not valid`,
    );
    await owner.query(`
      create function quote() returns trigger language plpgsql as
        $$ begin raise exception 'cannot take %', new.event_key using errcode = '55000', detail = new.payload::text; end $$;
      create trigger quote before insert on inbox for each row when (new.lane = 1) execute function quote()`);
    const person = { phone: '919766666666', name: 'Quoted Person' };
    const body = webhook(fixture.parties.whatsapp, [
      text(person, 'wamid.quoted', Date.now(), 'Refuse me now'),
    ]);
    expect(await service.post(body)).toBe(503);
    expect(await service.post(body)).toBe(503);
    await owner.query('drop trigger quote on inbox');
    expect(await service.post(body)).toBe(200);
    await everythingWritten();
    const told = lines('a webhook could not be stored; the sender will repeat it');
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ err: { code: '55000' }, requestId: expect.any(String) as string });
    const payload = Buffer.from('Refuse me now').toString('hex');
    expect(service.output()).not.toMatch(new RegExp(`Refuse me now|${person.phone}|Quoted|${payload}`));
  });
});

describe('a request', () => {
  const asked = async (id?: string, path = '/health/live'): Promise<string> => {
    const response = await fetch(
      `${service.url}${path}`,
      id === undefined ? {} : { headers: { 'x-request-id': id } },
    );
    return response.headers.get('x-request-id') ?? '';
  };

  test('keeps the name it comes with, where that is one', async () => {
    expect(await asked('edge-7f3a:1.2_x')).toBe('edge-7f3a:1.2_x');
    const id = randomUUID();
    expect(await asked(id, '/api/v1/contacts')).toBe(id);
    expect(await asked(id, '/webhooks/whatsapp/nowhere')).toBe(id);
  });

  test.each([
    undefined,
    'short',
    'x'.repeat(65),
    'has blanks in it',
    '{"json":"log forging"}',
    'ünïcode-name'.slice(0, 4),
  ])('called %s gets a name of ours', async (id) => {
    const name = await asked(id);
    expect(name).toMatch(/^[0-9a-f-]{36}$/);
  });

  test('that fails says by which name the log tells why', async () => {
    const { session } = await signIn(service);
    await owner.query('alter table alerts rename to elsewhere');
    const response = await fetch(`${service.url}/api/v1/alerts`, {
      headers: { authorization: `Bearer ${session}`, 'x-request-id': 'the-one-that-failed' },
    });
    await owner.query('alter table elsewhere rename to alerts');
    expect(response.status).toBe(500);
    expect(response.headers.get('x-request-id')).toBe('the-one-that-failed');
    const { error } = (await response.json()) as { error: { message: string } };
    expect(error.message).toContain('the-one-that-failed');
    await until('what the log says of it', () => lines('a request failed').length > 0);
    expect(lines('a request failed')).toMatchObject([
      { requestId: 'the-one-that-failed', method: 'GET', err: { code: '42P01' } },
    ]);
  });
});
