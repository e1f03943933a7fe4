import { type Connector, type Permits, traitsWith } from '@sangam/core/crm';
import type { SangamError } from '@sangam/core/errors';
import {
  createApplier,
  createChangeReceiver,
  createChecker,
  createDirectory,
  createPoller,
  createReceiver,
  createReconciler,
  createTimelineWriter,
} from '@sangam/core/pipeline';
import { createDeadLetters, createEraser, createCorrections } from '@sangam/core/corrections';
import {
  type Connectors,
  createPermits,
  Dispatcher,
  openFacts,
  type QueueWorker,
  type TraitsOf,
} from '@sangam/core/work';
import { type ConnectionRow, openStore, type Store } from '@sangam/core/store';
import { SandboxClock } from '@sangam/sandbox';
import type pg from 'pg';
import type { ConformanceAccount, OpenAccount } from '../conformance/account.ts';
import { takeCrmDatabase } from './crm-database.ts';
import type { CrmProcess } from './crm-process.ts';
import { type CrmWorkspace, openCrmWorkspace, type WorkspaceOptions } from './crm-workspace.ts';
import { freely } from './permits.ts';
import { createSlowClock } from './slow-clock.ts';
import { until } from './until.ts';

/**
 * The engine without HTTP around it, between WhatsApp and CRM accounts that are really there: receive, apply, reconcile
 * and the timeline on one database and one clock, in one process's or several processes' worth of workers.
 */
export interface CrmFixture {
  readonly clock: SandboxClock;
  readonly store: Store;
  /** The first process's. */
  readonly process: CrmProcess;
  /** What no part of the product would ask. */
  readonly database: pg.Client;
  /** Calls that failed as a whole, and why. */
  readonly failures: readonly SangamError[];
  /** A business of its own with one number and one account, in mode live. */
  addWorkspace(open: OpenAccount, options?: WorkspaceOptions): Promise<CrmWorkspace>;
  /** Another store and another set of workers on the same database. */
  addProcess(): void;
  /** Works on all sides until nothing is left that can be done now. Throws what failed as a bug does. */
  settle(): Promise<void>;
  /** Lets so much time pass and does what falls due in it. True, and no later: nothing waits any more. */
  pass(ms: number): Promise<boolean>;
  /** As `pass`, and throws when something still waits. */
  ride(longestMs: number): Promise<void>;
  close(): Promise<void>;
}

interface Account {
  readonly workspace: CrmWorkspace;
  readonly account: ConformanceAccount;
  readonly limiter: boolean;
}

interface Troubles {
  readonly failures: SangamError[];
  /** Bugs. */
  readonly problems: unknown[];
}

const erasureKeyOf = (): Promise<Buffer> => Promise.resolve(Buffer.alloc(32, 7));

const hourMs = 60 * 60 * 1000;
const lookMs = 15;

type Working = CrmProcess & { workers(): QueueWorker[] };

export async function createCrmFixture(): Promise<CrmFixture> {
  const database = await takeCrmDatabase();
  const { client } = database;
  const clock = new SandboxClock(createSlowClock());
  // Eleven in the morning where the days are cut: what a test does in an hour is one conversation-day.
  clock.advance(24 * hourMs - ((clock.now() - 5.5 * hourMs) % (24 * hourMs)));
  const accounts = new Map<string, Account>();
  const troubles: Troubles = { failures: [], problems: [] };
  const { problems } = troubles;
  const first = openProcess(database.store, clock, accounts, troubles);
  const processes = [first];

  /** What is left that can be done now. */
  const look = async (): Promise<'news' | 'work' | 'what is leased' | 'nothing'> => {
    const arrived = await Promise.all([...accounts.values()].map(({ workspace }) => workspace.newsArrived()));
    if (!arrived.every(Boolean)) return 'news';
    const { rows } = await client.query<Waiting>({ ...waitingNow, values: [clock.now()] });
    if (rows[0]?.leased === true) return 'what is leased';
    return rows[0]?.due === true ? 'work' : 'nothing';
  };

  const start = (): QueueWorker[] => {
    const workers = processes.flatMap((one) => one.workers());
    for (const worker of workers) worker.start();
    return workers;
  };
  const stop = (workers: readonly QueueWorker[]): Promise<unknown> =>
    Promise.all(workers.map((worker) => worker.stop()));
  const work = async (): Promise<void> => {
    do {
      let workers = start();
      try {
        await until('everything that can be done now', async () => {
          if (problems.length > 0) return true;
          if (workers.some((worker) => worker.stuckMs() > 0)) return false;
          const left = await look();
          if (left === 'work') {
            // It waits for company, and none will come: whoever begins anew takes what there is.
            await stop(workers);
            workers = start();
          } else if (left !== 'nothing') {
            // On its way, or held: as little time passes as lets it arrive.
            clock.advance(lookMs);
          }
          return left === 'nothing';
        });
      } finally {
        await stop(workers);
      }
      if (problems.length > 0) throw problems[0];
      // What began as the look was taken is seen once nobody works.
    } while ((await look()) !== 'nothing');
  };

  /** When looks that nobody answered are taken again. */
  const looks = new Map<string, number>();
  const settle = async (): Promise<void> => {
    await work();
    for (const { workspace } of accounts.values()) {
      if (!workspace.polled) continue;
      const { connectionId, connector } = workspace;
      // Who hears nothing looks no more: a look that is due then would never be over.
      if (workspace.deaf || (await workspace.poll())) looks.delete(connectionId);
      else looks.set(connectionId, clock.now() + connector.traits.pollEveryMs.silent);
      if (!workspace.deaf) await work();
    }
  };

  const pass = async (ms: number): Promise<boolean> => {
    const end = clock.now() + ms;
    for (;;) {
      await settle();
      const { rows } = await client.query<{ due: string | null }>(nextDue);
      const due = Math.min(Number(rows[0]?.due ?? Infinity), ...looks.values());
      if (due === Infinity) return true;
      if (clock.now() >= end) return false;
      clock.advance(Math.max(0, Math.min(due + 1, end) - clock.now()));
    }
  };

  return {
    clock,
    store: first.store,
    process: first,
    database: client,
    failures: troubles.failures,
    settle,
    async addWorkspace(open, options = {}) {
      const account = await open(clock);
      const workspace = await openCrmWorkspace({
        process: first,
        settle,
        clock,
        account,
        database: client,
        options,
      });
      accounts.set(workspace.connectionId, { workspace, account, limiter: options.limiter === true });
      for (const { directory } of processes) directory.refresh();
      // Without a look through the whole account there is nothing a poll could go on from.
      if (workspace.polled) await workspace.check();
      return workspace;
    },
    addProcess() {
      processes.push(openProcess(openStore(database.url), clock, accounts, troubles));
    },
    pass,
    async ride(longestMs) {
      if (await pass(longestMs)) return;
      const { rows } = await client.query<{ what: string }>(stillWaiting);
      const waiting = [
        ...rows.map((row) => row.what),
        ...[...looks].map(([id, at]) => `look ${id} ${String(at)}`),
      ];
      const what = waiting.join(', ');
      throw new Error(
        `After ${String(longestMs)} ms, at ${String(clock.now())}, there still waits: ${what}.`,
      );
    },
    async close() {
      await Promise.all([...accounts.values()].map(({ account }) => account.close()));
      await Promise.all(processes.slice(1).map(({ store }) => store.close()));
      await database.giveBack();
    },
  };
}

function openProcess(
  store: Store,
  clock: SandboxClock,
  accounts: ReadonlyMap<string, Account>,
  { failures, problems }: Troubles,
): Working {
  // Its connection for notices stays: workers come and go with every settling. Nobody here works this queue off.
  store.onDue('retention', () => undefined);
  const directory = createDirectory(store);
  interface Opened {
    readonly connector: Connector;
    readonly see: (row: ConnectionRow) => void;
  }
  const opened = new Map<string, Opened>();
  const open = (connection: ConnectionRow): Opened => {
    const { workspaceId, connectionId } = connection;
    const known = accounts.get(connectionId);
    if (known === undefined) throw new Error(`There is no account of connection ${connectionId}.`);
    const { account, limiter, workspace } = known;
    const limits = () => workspace.connector.traits.limits;
    const permits = limiter ? createPermits({ store, clock, workspaceId, connectionId, limits }) : freely();
    const { facts, see } = openFacts(store, connection);
    const limited: Permits = {
      ...permits,
      async take(needs, priority) {
        await workspace.beforeCall?.(priority);
        return limiter
          ? whileTimePasses(clock, () => permits.take(needs, priority))
          : permits.take(needs, priority);
      },
    };
    return { connector: account.connect(limited, facts), see };
  };
  const connectors: Connectors = {
    async of(connection) {
      const { connectionId } = connection;
      const known = opened.get(connectionId) ?? open(connection);
      known.see(connection);
      if (!opened.has(connectionId)) await known.connector.learnFacts?.();
      opened.set(connectionId, known);
      return known.connector;
    },
    forget: (connectionId) => void opened.delete(connectionId),
  };
  const connectorsFor = (lane: 'records' | 'timeline'): Connectors => ({
    ...connectors,
    async of(connection) {
      await accounts.get(connection.connectionId)?.workspace.beforeLease?.(lane);
      return connectors.of(connection);
    },
  });
  const traitsOf: TraitsOf = ({ crm, facts }) => {
    const traits = [...accounts.values()].map(({ account }) => account.traits).find((one) => one.crm === crm);
    return traits === undefined ? undefined : traitsWith(traits, facts);
  };
  const failed = (error: unknown): void => void problems.push(error);
  const callFailed = (_connection: unknown, error: SangamError): void => void failures.push(error);
  const ignored = (): void => undefined;
  const dispatcher = new Dispatcher(store, clock);
  const createAnApplier = (): QueueWorker =>
    createApplier({
      store,
      directory,
      traitsOf,
      erasureKeyOf,
      clock,
      dispatcher,
      counts: { applied: ignored, failed },
    });
  const receiver = createReceiver({
    store,
    directory,
    clock,
    counts: { received: ignored, committed: ignored, parked: ignored },
  });
  const changes = createChangeReceiver({ store, receiver, clock, readChanges: () => [] });
  const checker = createChecker({
    store,
    clock,
    dispatcher,
    connectors,
    erasureKeyOf,
    counts: { scanned: ignored, callFailed: ignored, failed },
  });
  const poller = createPoller({
    store,
    clock,
    dispatcher,
    connectors,
    erasureKeyOf,
    counts: { scanned: ignored, callFailed: ignored, failed },
  });
  return {
    store,
    directory,
    receiver,
    changes,
    checker,
    poller,
    eraser: createEraser({ store, clock, keyOf: erasureKeyOf, traitsOf }),
    deadLetters: createDeadLetters({ store, receiver, changes, clock }),
    corrections: createCorrections({ store, clock, connectors }),
    apply: () => createAnApplier().drain(),
    workers() {
      const reconciler = createReconciler({
        store,
        clock,
        dispatcher,
        connectors: connectorsFor('records'),
        erasureKeyOf,
        counts: { written: ignored, callFailed, failed },
      });
      const timeline = createTimelineWriter({
        store,
        clock,
        dispatcher,
        connectors: connectorsFor('timeline'),
        counts: { written: ignored, callFailed, failed },
      });
      return [createAnApplier(), reconciler, timeline, checker.worker];
    },
  };
}

/** Whoever waits for a limit waits in real time, which nobody moves the clock by. */
async function whileTimePasses<Value>(clock: SandboxClock, work: () => Promise<Value>): Promise<Value> {
  const everyMs = 5;
  const passing = setInterval(() => clock.advance(everyMs), everyMs);
  try {
    return await work();
  } finally {
    clearInterval(passing);
  }
}

/** Marks and entries of connections that may be called; $1 is now. A lease is work under way. */
const marks = (table: string, ready: string): string => `
  select w.*, s.next_call_at from ${table} w
  join crm_connections c using (workspace_id, connection_id)
  join crm_call_states s using (workspace_id, connection_id)
  where ${ready} and c.mode = 'live' and s.blocked_reason is null and c.disconnected_at is null`;
const records = marks('dirty_records', 'w.held is null');
const entries = marks('timeline_entries', 'w.due_at is not null and s.timeline_blocked_reason is null');

const allWork = `
  select due_at, next_call_at, leased_until from (${records}) r
  union all select due_at, next_call_at, leased_until from (${entries}) e
  union all select next_at, 0, leased_until from checks where state = 'running'`;

interface Waiting {
  /** And its account may be called. */
  readonly due: boolean;
  readonly leased: boolean;
}

/** Named, since it is asked again and again: planning it takes ten times as long as answering it. */
const waitingNow = {
  name: 'waiting now',
  text: `
  select coalesce(bool_or(leased_until > $1), false) as leased,
    coalesce(bool_or(due_at <= $1 and next_call_at <= $1), false) or exists (select 1 from inbox) as due
  from (${allWork}) work`,
};

/** What of those waits, and until when. */
const stillWaiting = `
  select subject || ' ' || greatest(due_at, next_call_at, leased_until) as what from (${records}) r
  union all select 'entry ' || entry_key || ' ' || greatest(due_at, next_call_at, leased_until) from (${entries}) e
  union all select 'check ' || next_at from checks where state = 'running'`;

const nextDue = `select min(greatest(due_at, next_call_at, leased_until)) as due from (${allWork}) work`;
