import { Backoff, type TurnFailed } from '@sangam/core/pipeline';
import { type Store, workspacesInUse } from '@sangam/core/store';

/** What is done for every workspace from time to time. */
export interface Chores {
  start(): void;
  stop(): Promise<void>;
}

const everyMs = 30_000;

/**
 * Does `chores` for one workspace after the other, and again 30 s after the last. One that fails does not keep the
 * others from being done; one that takes long does: what must not wait for it is a round of its own.
 */
export function createChores(dependencies: {
  store: Store;
  failed: TurnFailed;
  chores: readonly ((workspaceId: string) => Promise<void>)[];
}): Chores {
  const { store, failed, chores } = dependencies;
  /** Counts failures in a row: the next round is later than any wait. */
  const backoff = new Backoff();
  let timer: NodeJS.Timeout | undefined;
  let doing: Promise<void> = Promise.resolve();

  const tryOnce = async (
    workspaceId: string,
    index: number,
    chore: (workspaceId: string) => Promise<void>,
  ): Promise<void> => {
    const name = `${workspaceId} ${String(index)}`;
    try {
      await chore(workspaceId);
      backoff.went(name);
    } catch (error) {
      failed(error, { workspaceId, failures: backoff.failed(name) });
    }
  };

  const round = async (): Promise<void> => {
    try {
      for (const workspaceId of await workspacesInUse(store)) {
        for (const [index, chore] of chores.entries()) await tryOnce(workspaceId, index, chore);
      }
      backoff.went('');
    } catch (error) {
      failed(error, { failures: backoff.failed('') });
    }
    if (timer !== undefined) timer = setTimeout(run, everyMs);
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
