import { Gauge, type Registry } from 'prom-client';
import type { Clock } from '@sangam/core/clock';
import { type Gauges, silentMs, type Store, waitingLanes } from '@sangam/core/store';
import { version } from '../version.ts';

/** Scrapes that come together, or one after the other, share a look. */
const freshMs = 5_000;
/** A scrape does not wait longer for a database that does not answer. */
const patienceMs = 3_000;

type Values = readonly (readonly [string, number])[];

const letterSources = ['whatsapp', 'crm', 'us'] as const;

/**
 * Adds what is read when Prometheus asks. Of the database one bounded look, whose gauges are absent while it fails: an old
 * value is no value.
 */
export function addGauges(
  registry: Registry,
  dependencies: { store: Store; clock: Clock; failing: () => ReadonlyMap<string, number> },
): void {
  const { store, clock, failing } = dependencies;
  let last: { readonly at: number; readonly seen: Gauges | undefined } | undefined;
  let looking: Promise<Gauges | undefined> | undefined;

  const look = async (): Promise<Gauges | undefined> => {
    if (last !== undefined && performance.now() - last.at < freshMs) return last.seen;
    const now = clock.now();
    looking ??= store
      .gauges({ now, silentSince: now - silentMs })
      .catch(() => undefined)
      .then((seen) => {
        last = { at: performance.now(), seen };
        looking = undefined;
        return seen;
      });
    return withinPatience(looking);
  };

  const gauge = (
    name: string,
    help: string,
    labelName: string,
    read: () => Promise<Values> | Values,
  ): void => {
    const made = new Gauge({
      name: `sangam_${name}`,
      help,
      labelNames: [labelName],
      registers: [registry],
      async collect() {
        const values = await read();
        made.reset();
        for (const [label, value] of values) made.labels(label).set(value);
      },
    });
  };
  const seen = (values: (gauges: Gauges) => Values) => async (): Promise<Values> => {
    const gauges = await look();
    return gauges === undefined ? [] : values(gauges);
  };

  gauge('info', 'The version that runs.', 'version', () => [[version, 1]]);
  gauge(
    'waiting',
    'What waits to be applied or written, by lane; counted up to 10,000.',
    'lane',
    seen(({ waiting }) =>
      waitingLanes.map((lane) => [lane, waiting.find((one) => one.lane === lane)?.count ?? 0]),
    ),
  );
  gauge(
    'waiting_age_seconds',
    'How long the oldest of what waits has waited, by lane; 0: nothing does.',
    'lane',
    seen(({ waiting }) =>
      waitingLanes.map((lane) => {
        const since = waiting.find((one) => one.lane === lane)?.since;
        return [lane, since === undefined ? 0 : Math.max(0, clock.now() - since) / 1000];
      }),
    ),
  );
  gauge(
    'dead_letters_open',
    'Dead letters nobody has replayed or set aside, by whose word they hold; counted up to 10,000.',
    'source',
    seen(({ deadLetters }) =>
      letterSources.map((source) => [source, deadLetters.find((one) => one.source === source)?.count ?? 0]),
    ),
  );
  gauge(
    'connections_held',
    'CRM connections that wait for a person (blocked) or have not answered for 15 minutes (silent).',
    'state',
    seen(({ blocked, silent }) => [
      ['blocked', blocked],
      ['silent', silent],
    ]),
  );
  gauge(
    'alerts_open',
    'Open alerts by kind.',
    'kind',
    seen(({ alerts }) => alerts.map(({ kind, count }) => [kind, count])),
  );
  gauge('work_failing', 'Workspaces, or connections, whose work fails now in this process.', 'step', () => [
    ...failing(),
  ]);
  gauge(
    'database_connections',
    'This process’s connections to the database; waiting: work that waits for one.',
    'state',
    () => {
      const { most, open, idle, waiting } = store.pool();
      return [
        ['most', most],
        ['open', open],
        ['idle', idle],
        ['waiting', waiting],
      ];
    },
  );
  gauge('gauges_read', '1: the gauges that are read from the database are of now.', 'from', async () => [
    ['database', (await look()) === undefined ? 0 : 1],
  ]);
}

async function withinPatience<T>(work: Promise<T | undefined>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const patience = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), patienceMs);
  });
  try {
    return await Promise.race([work, patience]);
  } finally {
    clearTimeout(timer);
  }
}
