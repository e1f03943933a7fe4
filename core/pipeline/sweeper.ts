import type { Clock } from '../clock.ts';
import { type Store, sweepWorkspace } from '../store/index.ts';
import { type Dispatcher, type TickFailed, QueueWorker, alertSilentAccounts } from '../work/index.ts';

interface Watching {
  readonly store: Store;
  readonly clock: Clock;
  readonly dispatcher: Dispatcher;
  readonly failed: TickFailed;
}

/** Does what time makes due in a workspace. */
export function createSweeper({ store, clock, dispatcher, failed }: Watching): QueueWorker {
  return new QueueWorker(dispatcher, {
    queue: 'sweep',
    failed,
    async tick({ workspaceId }) {
      await store.transact(workspaceId, (trx) => sweepWorkspace(trx, clock.now()));
      return 'done';
    },
  });
}

/** Says which accounts do not answer. */
export function createSilenceWatch({ store, clock, dispatcher, failed }: Watching): QueueWorker {
  return new QueueWorker(dispatcher, {
    queue: 'silence',
    failed,
    async tick({ workspaceId }) {
      await alertSilentAccounts(store, workspaceId, clock.now());
      return 'done';
    },
  });
}
