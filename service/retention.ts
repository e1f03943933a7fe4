import type { Clock } from '@sangam/core/clock';
import { settleOptOuts } from '@sangam/core/pipeline';
import { type RetentionDays, type Store, sweepRetention } from '@sangam/core/store';

/** Batches of one workspace in one go: the others have their turn as well. */
const mostBatches = 50;
/** A workspace whose sweep found nothing more is left alone for so long. */
const restMs = 6 * 60 * 60 * 1000;

/** Sweeps what a workspace has kept for its time, to be called for each again and again. */
export function createRetention({
  store,
  days,
  clock,
}: {
  store: Store;
  days: RetentionDays;
  clock: Clock;
}): (workspaceId: string) => Promise<void> {
  const restsUntil = new Map<string, number>();
  return async (workspaceId) => {
    if ((restsUntil.get(workspaceId) ?? -Infinity) > clock.now()) return;
    for (let batches = 0; batches < mostBatches; batches += 1) {
      const more = await store.transact(workspaceId, async (trx) => {
        const inDoubt = await settleOptOuts(trx);
        return (await sweepRetention(trx, days, clock.now())) || inDoubt;
      });
      if (!more) {
        restsUntil.set(workspaceId, clock.now() + restMs);
        return;
      }
    }
  };
}
