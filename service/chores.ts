import type { Clock } from '@sangam/core/clock';
import { type Store, sweepWindows, sweepWrites } from '@sangam/core/store';

/** What time brings about, whoever's workspace it is. */
export interface Chores {
  start(): void;
  stop(): Promise<void>;
}

const everyMs = 30_000;

/**
 * Marks records whose service window just ended and forgets writes whose echo will not come any more; `also` are
 * other parts' regular looks at a workspace. One that fails does not keep the others from being done.
 */
export function createChores(dependencies: {
  store: Store;
  clock: Clock;
  failed: (error: unknown) => void;
  also: readonly ((workspaceId: string) => Promise<void>)[];
}): Chores {
  const { store, clock, failed, also } = dependencies;
  let timer: NodeJS.Timeout | undefined;
  let doing: Promise<void> = Promise.resolve();

  const workspaces = async (): Promise<string[]> => {
    const channels = await store.directory
      .selectFrom('directory_channels')
      .select('directory_channels.workspace_id')
      .distinct()
      .execute();
    const accounts = await store.directory
      .selectFrom('directory_accounts')
      .select('directory_accounts.workspace_id')
      .distinct()
      .execute();
    return [...new Set([...channels, ...accounts].map((row) => row.workspace_id))];
  };

  const sweep = async (workspaceId: string): Promise<void> => {
    await store.transact(workspaceId, async (trx) => {
      await sweepWindows(trx, clock.now());
      await sweepWrites(trx, clock.now());
    });
  };

  const round = async (): Promise<void> => {
    try {
      for (const workspaceId of await workspaces()) {
        for (const chore of [sweep, ...also]) await chore(workspaceId).catch(failed);
      }
    } catch (error) {
      failed(error);
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
