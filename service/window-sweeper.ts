import type { Clock } from '@sangam/core/clock';
import { type Store, sweepWindows } from '@sangam/core/store';

/** Time changes records too: marks those whose service window just ended. */
export interface WindowSweeper {
  start(): void;
  stop(): Promise<void>;
}

const everyMs = 30_000;

export function createWindowSweeper(dependencies: {
  store: Store;
  clock: Clock;
  failed: (error: unknown) => void;
}): WindowSweeper {
  const { store, clock, failed } = dependencies;
  let timer: NodeJS.Timeout | undefined;
  let sweeping: Promise<void> = Promise.resolve();

  const sweep = async (): Promise<void> => {
    try {
      const channels = await store.directory
        .selectFrom('directory_channels')
        .select('workspace_id')
        .distinct()
        .execute();
      for (const { workspace_id: workspaceId } of channels) {
        await store.transact(workspaceId, (trx) => sweepWindows(trx, clock.now()));
      }
    } catch (error) {
      failed(error);
    }
  };
  const sweepAndWait = async (): Promise<void> => {
    await sweep();
    if (timer !== undefined) timer = setTimeout(run, everyMs);
  };
  const run = (): void => {
    sweeping = sweepAndWait();
  };
  return {
    start() {
      timer = setTimeout(run, 0);
    },
    async stop() {
      clearTimeout(timer);
      timer = undefined;
      await sweeping;
    },
  };
}
