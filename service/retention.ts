import type { Clock } from '@sangam/core/clock';
import { settleOptOuts } from '@sangam/core/pipeline';
import { type RetentionDays, type Store, sweepRetention } from '@sangam/core/store';

/** Batches of one workspace in one go: the others have their turn as well. */
const mostBatches = 50;
/** A workspace whose sweep found nothing more is left alone for about so long: those of one start are not swept together for ever. */
const restMs = 6 * 60 * 60 * 1000;

/** Sweeps what a workspace has kept for its time; when it is to be done again, milliseconds. */
export function createRetention({
  store,
  days,
  clock,
}: {
  store: Store;
  days: RetentionDays;
  clock: Clock;
}): (workspaceId: string) => Promise<number> {
  return async (workspaceId) => {
    for (let batches = 0; batches < mostBatches; batches += 1) {
      const more = await store.transact(workspaceId, async (trx) => {
        const inDoubt = await settleOptOuts(trx);
        return (await sweepRetention(trx, days, clock.now())) || inDoubt;
      });
      if (!more) return clock.now() + Math.round(restMs * (0.9 + Math.random() * 0.2));
    }
    return clock.now();
  };
}
