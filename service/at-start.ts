import { Backoff, type TickFailed } from '@sangam/core/work';
import { type Store, workspacesInUse } from '@sangam/core/store';

/** What is done once for every workspace after a start. */
export interface AtStart {
  start(): void;
  stop(): Promise<void>;
}

const againMs = 30_000;

/** Does `work` for one workspace after the other, and again for those where it failed until it did not. */
export function createAtStart(dependencies: {
  store: Store;
  failed: TickFailed;
  work: (workspaceId: string) => Promise<void>;
}): AtStart {
  const { store, failed, work } = dependencies;
  /** Counts failures in a row: the next round is later than any wait. */
  const backoff = new Backoff();
  let timer: NodeJS.Timeout | undefined;
  let doing: Promise<void> = Promise.resolve();
  let left: ReadonlySet<string> | undefined;

  const round = async (): Promise<void> => {
    const failing = new Set<string>();
    try {
      left ??= new Set(await workspacesInUse(store));
      for (const workspaceId of left) {
        if (timer === undefined) return;
        try {
          await work(workspaceId);
        } catch (error) {
          failing.add(workspaceId);
          failed(error, { workspaceId, failures: backoff.failed(workspaceId) });
        }
      }
      left = failing;
    } catch (error) {
      failed(error, { failures: backoff.failed('') });
    }
    if (timer !== undefined && left?.size !== 0) timer = setTimeout(run, againMs);
  };
  const run = (): void => {
    doing = round();
  };
  return {
    start() {
      timer = setTimeout(run, 0);
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await doing;
    },
  };
}
