import type { Clock } from '../clock.ts';
import { type Store, sweepWorkspace } from '../store/index.ts';
import { type Rounds, type TurnFailed, TurnTaker } from '../work/index.ts';
import { alertSilentAccounts } from './breaker.ts';

interface Watching {
  readonly store: Store;
  readonly clock: Clock;
  readonly rounds: Rounds;
  readonly failed: TurnFailed;
}

/** Does what time makes due in a workspace. */
export function createSweeper({ store, clock, rounds, failed }: Watching): TurnTaker {
  return new TurnTaker(rounds, {
    queue: 'sweep',
    failed,
    async turn({ workspaceId }) {
      await store.transact(workspaceId, (trx) => sweepWorkspace(trx, clock.now()));
      return 'done';
    },
  });
}

/** Says which accounts do not answer. */
export function createSilenceWatch({ store, clock, rounds, failed }: Watching): TurnTaker {
  return new TurnTaker(rounds, {
    queue: 'silence',
    failed,
    async turn({ workspaceId }) {
      await alertSilentAccounts(store, workspaceId, clock.now());
      return 'done';
    },
  });
}
