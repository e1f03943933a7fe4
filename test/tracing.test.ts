import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  createServiceFixture,
  type ServiceProcess,
  text,
  type ServiceFixture,
  until,
  webhook,
} from './harness/index.ts';

/** Traces as a collector of OpenTelemetry gets them: OTLP over HTTP, JSON. */

const sent = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({
        attributes: z.array(z.object({ key: z.string(), value: z.looseObject({}) })),
      }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              name: z.string(),
              kind: z.number(),
              startTimeUnixNano: z.string(),
              endTimeUnixNano: z.string(),
              attributes: z.array(
                z.object({
                  key: z.string(),
                  value: z.object({ stringValue: z.string().optional(), intValue: z.number().optional() }),
                }),
              ),
              status: z.object({ code: z.number(), message: z.string() }).partial().default({}),
              links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
            }),
          ),
        }),
      ),
    }),
  ),
});
type Span = z.infer<typeof sent>['resourceSpans'][number]['scopeSpans'][number]['spans'][number];

interface Collector {
  readonly url: string;
  readonly spans: Span[];
  /** As they came. */
  bodies(): string;
  close(): void;
}

async function openCollector(): Promise<Collector> {
  const spans: Span[] = [];
  let bodies = '';
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      bodies += body;
      const { resourceSpans } = sent.parse(JSON.parse(body));
      spans.push(...resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans)));
      response.setHeader('content-type', 'application/json').end('{}');
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${String(port)}`,
    spans,
    bodies: () => bodies,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}

/** Says which of OpenTelemetry's modules a process loads. */
const tellModules = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from 'node:module';
  registerHooks({ load(url, context, next) {
    if (url.includes('/@opentelemetry/')) process.stdout.write('loaded ' + url + '\\n');
    return next(url, context);
  } });`)}`;

let fixture: ServiceFixture;
let collector: Collector;
let owner: pg.Client;
beforeEach(async () => {
  fixture = await createServiceFixture();
  collector = await openCollector();
  owner = new pg.Client({ connectionString: fixture.databaseUrl });
  await owner.connect();
});
afterEach(async () => {
  await owner.end();
  await fixture.close();
  collector.close();
});

const start = (env: Readonly<Record<string, string>> = {}): Promise<ServiceProcess> =>
  fixture.startService(undefined, { NODE_OPTIONS: `--import "${tellModules}"`, ...env });
const loaded = (service: ServiceProcess): string[] =>
  service
    .output()
    .split('\n')
    .filter((line) => line.startsWith('loaded '));

const person = (index: number): { phone: string; name: string } => ({
  phone: `91981234000${String(index)}`,
  name: `Traceless${String(index)} Person`,
});
const bodyOf = (index: number): object =>
  webhook(fixture.parties.whatsapp, [
    text(person(index), `wamid.traced.${String(index)}`, Date.now() - 60_000, 'Words to nobody'),
  ]);

const isWritten = async (): Promise<boolean> => {
  const { rows } = await owner.query<{ waits: boolean }>(
    `select exists (select 1 from inbox) or exists (select 1 from dirty_records)
         or exists (select 1 from timeline_entries where due_at is not null) as waits`,
  );
  return rows[0]?.waits === false;
};

const attribute = (span: Span, key: string): string | number | undefined => {
  const value = span.attributes.find((one) => one.key === key)?.value;
  return value?.stringValue ?? value?.intValue;
};

describe('with OTEL_EXPORTER_OTLP_ENDPOINT', () => {
  test('one trace follows an event from webhook to CRM write, and holds nothing of anybody', async () => {
    const service = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment=tests',
    });
    expect(await service.post(bodyOf(0))).toBe(200);
    await until('everything to be written', isWritten);
    // Sends what is left.
    await service.stop('SIGTERM');

    const receive = collector.spans.filter(({ name }) => name === 'receive');
    expect(receive).toHaveLength(1);
    const [root] = receive;
    expect(root?.parentSpanId ?? '').toBe('');
    const below = collector.spans.filter(({ traceId }) => traceId === root?.traceId);
    expect(new Set(below.map(({ name }) => name))).toEqual(
      new Set(['receive', 'apply', 'write records', 'write timeline']),
    );
    let since = BigInt(root?.startTimeUnixNano ?? 0);
    for (const name of ['apply', 'write records']) {
      const span = below.find((one) => one.name === name);
      expect(span?.parentSpanId).toBe(root?.spanId);
      // In this order, give or take the millisecond they are told in.
      expect(BigInt(span?.startTimeUnixNano ?? 0) + 1_000_000n).toBeGreaterThan(since);
      since = BigInt(span?.startTimeUnixNano ?? 0);
    }
    const written = below.find(({ name }) => name === 'write records');
    if (written === undefined) throw new Error('There is no such span.');
    expect(attribute(written, 'sangam.workspace_id')).toBe(fixture.parties.workspaceId);
    expect(attribute(written, 'sangam.connection_id')).toBe(fixture.parties.hubspot.connectionId);
    expect(attribute(written, 'messaging.batch.message_count')).toBe(1);
    expect(collector.bodies()).toContain('"deployment.environment"');
    expect(collector.bodies()).toContain('"sangam"');
    expect(collector.bodies()).not.toMatch(/9198123|Traceless|nobody|wamid/);
    // What was told is not told again of the next write.
    const { rows } = await owner.query('select 1 from timeline_entries where traceparents is not null');
    expect(rows).toEqual([]);
  });

  test('a batch of several traces is a span that links to each, and a span in each', async () => {
    const service = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await owner.query('begin');
    await owner.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [fixture.parties.workspaceId]);
    for (const index of [1, 2, 3]) expect(await service.post(bodyOf(index))).toBe(200);
    await owner.query('commit');
    await until('everything to be written', isWritten);
    await service.stop('SIGTERM');

    const receives = collector.spans.filter(({ name }) => name === 'receive');
    const traces = new Set(receives.map(({ traceId }) => traceId));
    expect(traces.size).toBe(3);
    const applied = collector.spans.filter(({ name }) => name === 'apply');
    const whole = applied.find(({ links }) => links.length === 3);
    expect(new Set(whole?.links.map(({ spanId }) => spanId))).toEqual(
      new Set(receives.map(({ spanId }) => spanId)),
    );
    expect(traces).not.toContain(whole?.traceId);
    for (const { traceId, spanId } of receives) {
      const below = collector.spans.filter((span) => span.traceId === traceId);
      const apply = below.find(({ name }) => name === 'apply');
      expect(apply?.parentSpanId).toBe(spanId);
      expect(apply?.links).toMatchObject([{ traceId: whole?.traceId, spanId: whole?.spanId }]);
      expect(below.map(({ name }) => name)).toContain('write records');
    }
  });

  test('a webhook that could not be stored is an error, without its words', async () => {
    const service = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    await owner.query('alter table inbox rename to elsewhere');
    expect(await service.post(bodyOf(6))).toBe(503);
    await owner.query('alter table elsewhere rename to inbox');
    expect(await service.post(bodyOf(6))).toBe(200);
    await until('everything to be written', isWritten);
    await service.stop('SIGTERM');
    const statuses = collector.spans.filter(({ name }) => name === 'receive').map(({ status }) => status);
    const [error, unset] = [2, 0];
    expect(statuses).toEqual([{ code: error, message: 'not_stored' }, { code: unset }]);
  });

  test('a share of 0 traces nothing', async () => {
    const service = await start({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_TRACES_SAMPLER_ARG: '0',
    });
    expect(await service.post(bodyOf(4))).toBe(200);
    await until('everything to be written', isWritten);
    await service.stop('SIGTERM');
    expect(collector.spans).toEqual([]);
  });
});

test('without it OpenTelemetry’s SDK is not loaded, and nothing of a trace is kept', async () => {
  const traced = await start({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
  expect(loaded(traced).some((line) => line.includes('/@opentelemetry/sdk-trace/'))).toBe(true);
  await traced.stop('SIGTERM');

  const service = await start();
  await owner.query('begin');
  await owner.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [fixture.parties.workspaceId]);
  expect(await service.post(bodyOf(5))).toBe(200);
  const { rows } = await owner.query('select traceparent from inbox');
  expect(rows).toEqual([{ traceparent: null }]);
  await owner.query('commit');
  await until('everything to be written', isWritten);
  expect(loaded(service).length).toBeGreaterThan(0);
  expect(loaded(service).filter((line) => !line.includes('/@opentelemetry/api/'))).toEqual([]);
});
