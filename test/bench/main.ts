import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { sql } from 'kysely';
import pg from 'pg';
import { type LoadResult, post } from './load.ts';
import { mustBeReached } from '../harness/given-database.ts';
import { monotonicNow } from '../harness/send-law.ts';
import { isEmpty } from '../harness/waiting.ts';
import { fillIdle, idleCost } from './idle.ts';
import { openSandboxProcess } from './sandbox.ts';
import { allLeft, askInBulk, cameAt, wordsOf } from './sends.ts';
import { requestsOf } from './traffic.ts';
import { type BenchVendor, vendors } from './vendors.ts';
import {
  type BenchChannel,
  type BenchService,
  type BenchFixture,
  createBenchFixture,
} from './bench-fixture.ts';

/**
 * `npm run bench -- [intake] [apply] [neighbour] [way] [idle] [memory] [sends] [--rows=1000000] [--minutes=2] [--crm=hubspot]
 * [--database=URL]`: one JSON line a figure, its goal beside it (docs/design.md §6). Absolute figures move with the machine; compare ratios, CPU-ms
 * and counts. On a database that is given, such as a distributed one, what it makes stays.
 */
const { values: sizes, positionals: wanted } = readArguments();
const hour = 3_600_000;
const rows = Number(sizes.rows);
const minutes = Number(sizes.minutes);
if (!(rows > 0 && minutes > 0)) refuse('--rows and --minutes are numbers above 0, such as --rows=1000000.');

const vendor: BenchVendor =
  Object.entries(vendors).find(([name]) => name === sizes.crm)?.[1] ??
  refuse(`There is no CRM ${sizes.crm} to measure. There are: ${Object.keys(vendors).join(', ')}.`);

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        rows: { type: 'string', default: '1000000' },
        minutes: { type: 'string', default: '2' },
        crm: { type: 'string', default: 'hubspot' },
        database: { type: 'string' },
      },
    });
  } catch {
    return refuse(
      'npm run bench takes names of benches, --rows=N, --minutes=N, --crm=NAME and --database=URL; the rest is not known.',
    );
  }
}

function refuse(why: string): never {
  process.stderr.write(`${why}\n`);
  process.exit(2);
}

function figure(name: string, value: number, unit: string, goal?: string, more: object = {}): void {
  const rounded = value >= 100 ? Math.round(value) : Math.round(value * 1000) / 1000;
  process.stdout.write(
    `${JSON.stringify({ figure: name, value: rounded, unit, ...(goal === undefined ? {} : { goal }), ...more })}\n`,
  );
}

const webhookUrl = (service: BenchService, channel: BenchChannel): string =>
  `${service.url}/webhooks/whatsapp/${channel.channelId}`;

async function intake(fixture: BenchFixture): Promise<void> {
  const channel = await fixture.addChannel();
  const service = await fixture.startService('receive');
  const url = webhookUrl(service, channel);
  await post(url, requestsOf(channel, { events: 3000, perRequest: 1, people: 1000, run: 'warm' }), 32);
  for (const perRequest of [1, 20]) {
    const count = perRequest === 1 ? 40_000 : 6_000;
    const requests = requestsOf(channel, {
      events: count * perRequest,
      perRequest,
      people: 20_000,
      run: `i${String(perRequest)}`,
    });
    const before = await service.usage();
    const result: LoadResult = await post(url, requests, 64);
    const after = await service.usage();
    const of = perRequest === 1 ? 'one event a request' : 'twenty events a request';
    figure(
      `intake, ${of}`,
      result.requestsPerSecond,
      'requests/s',
      perRequest === 1 ? '>= 4000' : undefined,
      {
        eventsPerSecond: Math.round(result.requestsPerSecond * perRequest),
        failed: result.failed,
      },
    );
    figure(`intake p50, ${of}`, result.p50Ms, 'ms');
    figure(`intake p99, ${of}`, result.p99Ms, 'ms', perRequest === 1 ? '<= 50' : undefined);
    figure(`intake CPU, ${of}`, (after.cpuMs - before.cpuMs) / (count * perRequest), 'CPU-ms/event');
    figure(`intake memory, ${of}`, after.rssMb, 'MB', '<= 300');
  }
  await service.stop();
}

/** Fills a workspace's inbox, without waiting for anybody to apply it. */
async function fill(
  fixture: BenchFixture,
  channel: BenchChannel,
  events: number,
  run: string,
): Promise<void> {
  const service = await fixture.startService('receive');
  const part = 100_000;
  for (let done = 0; done < events; done += part) {
    const size = Math.min(part, events - done);
    const requests = requestsOf(channel, {
      events: size,
      perRequest: 100,
      people: 50_000,
      run: `${run}.${String(done)}`,
    });
    await post(webhookUrl(service, channel), requests, 8);
  }
  await service.stop();
}

async function drained(fixture: BenchFixture, { workspaceId }: BenchChannel): Promise<void> {
  while (!(await isEmpty(fixture.store, workspaceId, 'inbox'))) await wait(20);
}

async function messagesIn(fixture: BenchFixture, channel: BenchChannel): Promise<number> {
  return fixture.store.transact(channel.workspaceId, async (trx) => {
    const { rows: counted } = await sql<{ n: number }>`
      select count(*)::int as n from messages where workspace_id = ${channel.workspaceId}`.execute(trx);
    return counted[0]?.n ?? 0;
  });
}

async function applyRate(
  fixture: BenchFixture,
  channel: BenchChannel,
  run: string,
  whose = 'known people',
): Promise<number> {
  const events = 60_000;
  await fill(fixture, channel, events, run);
  const service = await fixture.startService('receive');
  const before = await service.usage();
  const started = performance.now();
  service.startWork();
  await drained(fixture, channel);
  const seconds = (performance.now() - started) / 1000;
  const after = await service.usage();
  await service.stop();
  const stored = await messagesIn(fixture, channel);
  const at = `${whose}, ${String(Math.round(stored / 1000))} k messages stored`;
  figure(`applied, ${at}`, events / seconds, 'events/s', '>= 8000');
  figure(`apply CPU, ${at}`, (after.cpuMs - before.cpuMs) / events, 'CPU-ms/event');
  figure(`apply memory, ${at}`, after.rssMb, 'MB', '<= 300');
  return seconds / events;
}

async function apply(fixture: BenchFixture): Promise<void> {
  const channel = await fixture.addChannel();
  await applyRate(fixture, channel, 'first', 'people who write for the first time');
  const small = await applyRate(fixture, channel, 'small');
  while ((await messagesIn(fixture, channel)) < rows) {
    await fill(fixture, channel, 400_000, `grow${String(Math.random())}`);
    const service = await fixture.startService('work');
    await drained(fixture, channel);
    await service.stop();
  }
  const large = await applyRate(fixture, channel, 'large');
  figure(`cost per event at ${String(rows)} rows against few`, large / small, 'ratio', '<= 1.2');
}

async function appliedAfter(
  fixture: BenchFixture,
  service: BenchService,
  channel: BenchChannel,
  run: string,
): Promise<number[]> {
  const times: number[] = [];
  for (let index = 0; index < 60; index += 1) {
    const [request] = requestsOf(channel, {
      events: 1,
      perRequest: 1,
      people: 1,
      run: `${run}.${String(index)}`,
    });
    if (request === undefined) continue;
    const before = await messagesIn(fixture, channel);
    const started = performance.now();
    await post(webhookUrl(service, channel), [request], 1);
    while ((await messagesIn(fixture, channel)) === before) await wait(1);
    times.push(performance.now() - started);
    await wait(20);
  }
  return times.toSorted((x, y) => x - y);
}

async function neighbour(fixture: BenchFixture): Promise<void> {
  const [busy, calm] = [await fixture.addChannel(), await fixture.addChannel()];
  const idle = await fixture.startService('work');
  const before = await appliedAfter(fixture, idle, calm, 'idle');
  await idle.stop();
  await fill(fixture, busy, rows, 'backlog');
  const service = await fixture.startService('work');
  await wait(1_000);
  const during = await appliedAfter(fixture, service, calm, 'busy');
  await service.stop();
  const median = (times: readonly number[]): number => times[Math.floor(times.length / 2)] ?? 0;
  figure('webhook to applied, idle p50', median(before), 'ms');
  figure(`webhook to applied beside a backlog of ${String(rows)}, p50`, median(during), 'ms');
  figure('latency beside a backlog against idle', median(during) / median(before), 'ratio', '<= 2');
}

/** Whether a record or an entry waits to be written for the first time. */
async function unwritten(fixture: BenchFixture, { workspaceId }: BenchChannel): Promise<boolean> {
  if (!(await isEmpty(fixture.store, workspaceId, 'dirty_records'))) return true;
  return fixture.store.transact(workspaceId, async (trx) => {
    const waiting = await trx
      .selectFrom('timeline_entries')
      .select('entry_key')
      .where('workspace_id', '=', workspaceId)
      .where('due_at', '<=', Date.now())
      .executeTakeFirst();
    return waiting !== undefined;
  });
}

/** As if the newest webhook of the sandbox's account had come then, milliseconds. */
async function lastToldAt(fixture: BenchFixture, at: number): Promise<void> {
  const client = new pg.Client({ connectionString: fixture.databaseUrl });
  await client.connect();
  await client.query('update crm_scan_states set last_webhook_at = $1', [at]);
  await client.end();
}

async function setModes(fixture: BenchFixture, mode: 'shadow' | 'live'): Promise<void> {
  const client = new pg.Client({ connectionString: fixture.databaseUrl });
  await client.connect();
  await client.query('update crm_connections set mode = $1', [mode]);
  await client.end();
}

async function way(fixture: BenchFixture): Promise<void> {
  const sandbox = await openSandboxProcess(fixture, sizes.crm);
  const people = 10_000;
  const events = 40_000;
  const perThousand = (hundreds: number): number => (hundreds * (people / 100) * 1_000) / events;
  for (const { kind, of, first, among, told } of [
    { kind: 'new contacts', of: 'new', first: 0, among: people, told: true },
    // Later than what was written before, as news is.
    { kind: 'known contacts', of: 'known', first: events, among: people, told: true },
    {
      kind: 'new contacts of an account that sends no webhooks',
      of: 'new',
      first: events,
      among: 2 * people,
      told: false,
    },
  ] as const) {
    await lastToldAt(fixture, told ? Date.now() + hour : 0);
    const requests = requestsOf(sandbox.channel, {
      events,
      perRequest: 20,
      people: among,
      first,
      run: kind,
    });
    const service = await fixture.startService('work', sandbox.url);
    await sandbox.forgetCalls();
    const spentBefore = await sandbox.creditsSpent();
    const before = await service.usage();
    const started = performance.now();
    await post(webhookUrl(service, sandbox.channel), requests, 16);
    await drained(fixture, sandbox.channel);
    while (await unwritten(fixture, sandbox.channel)) await wait(20);
    const seconds = (performance.now() - started) / 1000;
    const after = await service.usage();
    await service.stop();
    const calls = await sandbox.calls();
    const searches = await sandbox.searches();
    figure(`whole way, ${kind}`, events / seconds, 'events/s', told ? '>= 3000' : undefined);
    figure(`whole way CPU, ${kind}`, (after.cpuMs - before.cpuMs) / events, 'CPU-ms/event', '<= 0.5');
    figure(`CRM calls per 1,000 events, ${kind}`, (calls * 1000) / events, 'calls', undefined, {
      floor: perThousand(vendor.floor[of]),
      // Where no webhooks come everybody new is asked for once, as many a search as it takes.
      searches: (searches * 1000) / events,
      byOperation: await sandbox.byOperation(),
    });
    const spent = await sandbox.creditsSpent();
    if (vendor.credits !== undefined && spent !== undefined && spentBefore !== undefined) {
      figure(
        `credits per 1,000 events, ${kind}`,
        ((spent - spentBefore) * 1000) / events,
        'credits',
        undefined,
        { floor: perThousand(vendor.credits.floor[of]) },
      );
    }
  }
  const service = await fixture.startService('work', sandbox.url);
  const times: number[] = [];
  for (let index = 0; index < 40; index += 1) {
    const [request] = requestsOf(sandbox.channel, {
      events: 1,
      perRequest: 1,
      people: 1_000_000,
      run: 'idle',
      first: 4 * (500_000 + index),
    });
    if (request === undefined) continue;
    const writes = await sandbox.calls();
    const started = performance.now();
    await post(webhookUrl(service, sandbox.channel), [request], 1);
    while ((await sandbox.calls()) < writes + 1) await wait(2);
    times.push(performance.now() - started);
    await wait(500);
  }
  await service.stop();
  times.sort((x, y) => x - y);
  figure('webhook to CRM write, idle p50', times[20] ?? 0, 'ms', '<= 150');
  figure('webhook to CRM write, idle p99', times.at(-1) ?? 0, 'ms', '<= 1000');
  sandbox.close();
}

async function idle(fixture: BenchFixture): Promise<void> {
  const channel = await fixture.addChannel();
  for (const workspaces of [10, 1_000, 10_000]) {
    await fillIdle(fixture, workspaces);
    const service = await fixture.startService('work');
    const { transactions, cpuPercent } = await idleCost(fixture, service);
    const times = await appliedAfter(fixture, service, channel, `idle${String(workspaces)}`);
    await service.stop();
    const among = `among ${String(workspaces)} workspaces`;
    figure(`idle ${among}`, transactions, 'transactions/s', '<= 5');
    figure(`idle CPU ${among}`, cpuPercent, '% of a core', '<= 2');
    figure(`webhook to applied ${among}, p50`, times[Math.floor(times.length / 2)] ?? 0, 'ms');
  }
}

/** A steady 330 events a second, a tenth of what the whole way takes: what stays in memory after it was collected. */
async function memory(fixture: BenchFixture): Promise<void> {
  const sandbox = await openSandboxProcess(fixture);
  const service = await fixture.startService('work', sandbox.url);
  const url = webhookUrl(service, sandbox.channel);
  const perSecond = 330;
  const lookEvery = 30;
  const heaps: number[] = [];
  const started = performance.now();
  for (let second = 1; second <= minutes * 60; second += 1) {
    const requests = requestsOf(sandbox.channel, {
      events: perSecond,
      perRequest: 10,
      people: 20_000,
      run: 'memory',
      first: second * perSecond,
    });
    await post(url, requests, 8);
    await wait(Math.max(0, started + second * 1000 - performance.now()));
    if (second % lookEvery !== 0) continue;
    const { heapMb, rssMb } = await service.usage();
    heaps.push(heapMb);
    figure(`memory after ${String(second)} s`, heapMb, 'MB of live heap', undefined, {
      residentMb: Math.round(rssMb),
    });
  }
  await service.stop();
  sandbox.close();
  const half = heaps.slice(Math.floor(heaps.length / 2));
  const grown = (half.at(-1) ?? 0) - (half[0] ?? 0);
  figure(
    'live heap, grown a minute in the second half',
    grown / ((half.length - 1) / 2 || 1),
    'MB',
    '<= 0.2',
  );
}

/** Messages to people who agreed to them, behind every gate, while nothing else happens. */
async function sends(fixture: BenchFixture): Promise<void> {
  const sandbox = await openSandboxProcess(fixture, sizes.crm);
  const { channel } = sandbox;
  const count = 4_000;
  const first = await fixture.startService('receive', sandbox.url);
  await post(webhookUrl(first, channel), wordsOf(sandbox, 'START', { first: 0, count }), 8);
  first.startWork();
  await drained(fixture, channel);
  while (await unwritten(fixture, channel)) await wait(100);
  await first.stop();

  // What each message costs at a CRM is measured elsewhere.
  await setModes(fixture, 'shadow');
  await askInBulk(fixture, sandbox, count);
  const service = await fixture.startService('receive', sandbox.url);
  const before = await service.usage();
  const started = performance.now();
  service.startWork();
  await allLeft(fixture, sandbox, count, 300_000);
  const seconds = (performance.now() - started) / 1000;
  const after = await service.usage();
  figure('sends through every gate', count / seconds, 'sends/s', '>= 1000');
  figure('send CPU, told to its conversation', (after.cpuMs - before.cpuMs) / count, 'CPU-ms/send', '<= 0.5');
  figure('send memory', after.rssMb, 'MB', '<= 300');
  await drained(fixture, channel);
  await setModes(fixture, 'live');
  while (await unwritten(fixture, channel)) await wait(100);

  const session = await service.sessionIn(channel.workspaceId);
  const content = { type: 'template', template: { name: 'welcome', language: 'en' } };
  const asked: number[] = [];
  for (let index = 0; index < 40; index += 1) {
    const phone = `9192${String(10_000_000 + index)}`;
    await fetch(`${sandbox.url}/whatsapp/requests`, { method: 'DELETE' });
    await wait(100);
    const at = monotonicNow();
    const answer = await fetch(`${service.url}/api/v1/sends`, {
      method: 'POST',
      headers: { authorization: `Bearer ${session}`, 'content-type': 'application/json' },
      body: JSON.stringify({ clientId: `bench ${String(index)}`, to: { phone: `+${phone}` }, content }),
    });
    if (answer.status !== 201) throw new Error(`A send was refused: ${await answer.text()}`);
    asked.push((await cameAt(sandbox, phone)) - at);
  }
  asked.sort((x, y) => x - y);
  figure('API call to request at WhatsApp, idle p50', asked[20] ?? 0, 'ms', '<= 100');
  figure('API call to request at WhatsApp, idle p99', asked.at(-1) ?? 0, 'ms');

  const stopped: number[] = [];
  for (let index = 0; index < 60; index += 1) {
    const calls = await sandbox.calls();
    const begun = performance.now();
    const request = wordsOf(sandbox, 'STOP', { first: index, count: 1 });
    await post(webhookUrl(service, channel), request, 1);
    while ((await sandbox.calls()) === calls) await wait(2);
    stopped.push(performance.now() - begun);
    while (await unwritten(fixture, channel)) await wait(20);
  }
  stopped.sort((x, y) => x - y);
  figure('STOP to CRM flag, p50', stopped[30] ?? 0, 'ms');
  figure('STOP to CRM flag, p99', stopped.at(-1) ?? 0, 'ms', '<= 2000');
  await service.stop();
  sandbox.close();
}

const scenarios = { intake, apply, neighbour, way, idle, memory, sends };
const unknown = wanted.filter((name) => !Object.keys(scenarios).includes(name));
if (unknown.length > 0)
  refuse(`There is no bench ${unknown.join(', ')}. There are: ${Object.keys(scenarios).join(', ')}.`);
if (sizes.database !== undefined) {
  await mustBeReached(sizes.database, '--database').catch((error: unknown) =>
    refuse(error instanceof Error ? error.message : String(error)),
  );
}
for (const [name, scenario] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  const fixture = await createBenchFixture(sizes.database);
  try {
    await scenario(fixture);
  } finally {
    await fixture.close();
  }
}
