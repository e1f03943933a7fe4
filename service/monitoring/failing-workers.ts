import type { Clock } from '@sangam/core/clock';
import type { TickFailed, TickFailure } from '@sangam/core/work';
import {
  closeAlert,
  type NewAlert,
  raiseAlert,
  seeAlert,
  serviceWorkspaceId,
  type Store,
} from '@sangam/core/store';
import { describeError } from './logger.ts';
import type { RepeatedErrors } from './repeated-errors.ts';

/** What fails again and again for reasons of ours or the database's: logged, counted, and said to a person. */
export interface FailingWorkers {
  failed(step: Step): TickFailed;
  /** How many workspaces, or connections of theirs, fail now in this process, by step. */
  failing(): ReadonlyMap<Step, number>;
  start(): void;
  stop(): Promise<void>;
  /** Closes alerts of what does not fail any more; done every 30 s once started. */
  closeEnded(): Promise<void>;
}

const alertKind = 'work failing';
/** Failures in a row before a person is told: some 4 s, in which a database restarts. */
const alertAfter = 5;
/** What did not fail for so long goes again. A lease and the longest wait put 90 s between two tries. */
const overAfterMs = 5 * 60_000;
const everyMs = 30_000;

/** What does not happen while a step fails, as an admin reads it. */
const steps = {
  apply: 'What arrives is not applied',
  send: 'Messages are not sent',
  reconcile: 'Records are not brought in step with the CRM',
  timeline: 'Timelines of records are not written',
  check: 'The look through a CRM account does not go on',
  sweep: 'Ended service windows and lost timeline entries are not looked for',
  poll: 'Changes in a CRM are not looked for',
  webhooks: 'CRM accounts are not asked for their webhooks',
  retention: 'What has had its time is not swept',
  media: 'Media are not got, or not deleted',
  numbers: 'A number that changed at Meta is shown as it was',
} as const;
export type Step = keyof typeof steps;

interface Failing extends TickFailure {
  readonly step: Step;
  readonly at: number;
}

export function createFailingWorkers(dependencies: {
  store: Store;
  clock: Clock;
  errors: RepeatedErrors;
  /** Told each failure. */
  count: (step: Step) => void;
}): FailingWorkers {
  const { store, clock, errors, count } = dependencies;
  const known = new Map<string, Failing>();
  const startedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const pending = new Set<Promise<void>>();
  const underWay = (work: Promise<void>): void => {
    pending.add(work);
    void work.finally(() => pending.delete(work));
  };

  const alert = async (failing: Failing, error: unknown, now: number): Promise<void> => {
    const { step, workspaceId = serviceWorkspaceId, connectionId, failures } = failing;
    const { type, code, message } = describeError(error);
    const reason = [type, code].filter((word) => word !== undefined).join(' ');
    const alerted: NewAlert = {
      kind: alertKind,
      subject: step,
      ...(connectionId === undefined ? {} : { connectionId }),
      message:
        `${steps[step]}: it failed ${String(failures)} times in a row (${reason}: ${message}). Nothing is lost, and ` +
        `it is tried again every 30 s. If that does not end it, look for "${step}" in the log.`,
    };
    try {
      await store.transact(workspaceId, async (trx) => {
        await raiseAlert(trx, alerted, now);
        await seeAlert(trx, alerted, now);
      });
    } catch (notRaised) {
      // The next failure tries again; a database that takes no writes makes the service unready besides.
      errors.tell('an alert could not be raised', notRaised, { step });
    }
  };

  const fails = ({ at }: Failing): boolean => performance.now() - at < overAfterMs;

  const closeEnded = async (): Promise<void> => {
    for (const [name, failing] of known) if (!fails(failing)) known.delete(name);
    // What a process before this one raised has its time to fail here too.
    if (performance.now() - startedAt < overAfterMs) return;
    for (const open of await store.openAlerts(alertKind)) {
      const { workspaceId, alertId } = open;
      // It may fail in another process.
      if (clock.now() - open.seenAt < overAfterMs) continue;
      if (known.has(nameOf(open.subject, workspaceId, open.connectionId ?? undefined))) continue;
      await store.transact(workspaceId, (trx) => closeAlert(trx, alertId, clock.now()));
    }
  };

  const round = (): void => {
    underWay(
      closeEnded()
        .catch((error: unknown) => errors.tell('alerts that are over could not be closed', error, {}))
        .finally(() => {
          if (timer !== undefined) timer = setTimeout(round, everyMs);
        }),
    );
  };

  return {
    failed: (step) => (error, failure) => {
      const { workspaceId, connectionId, failures } = failure;
      count(step);
      errors.tell('a tick failed and will be taken again', error, { step, ...failure });
      const name = nameOf(step, workspaceId ?? serviceWorkspaceId, connectionId);
      const failing = { ...failure, step, at: performance.now() };
      known.set(name, failing);
      if (failures >= alertAfter) underWay(alert(failing, error, clock.now()));
    },
    failing() {
      const now = [...known.values()].filter(fails);
      return new Map(
        (Object.keys(steps) as Step[]).map((step) => [step, now.filter((one) => one.step === step).length]),
      );
    },
    start() {
      timer = setTimeout(round, everyMs);
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await Promise.all(pending);
    },
    closeEnded,
  };
}

function nameOf(step: string, workspaceId: string, connectionId: string | undefined): string {
  return `${step} ${workspaceId} ${connectionId ?? ''}`;
}
