import type { Clock } from '@sangam/core/clock';
import { alertCutSettings, type Store } from '@sangam/core/store';

/** Has an admin told what this version does not take of stored settings; to be called for each workspace again and again. */
export function createSettingsCheck({
  store,
  clock,
}: {
  store: Store;
  clock: Clock;
}): (workspaceId: string) => Promise<void> {
  // Whatever is stored from here on is within its bounds.
  const checked = new Set<string>();
  return async (workspaceId) => {
    if (checked.has(workspaceId)) return;
    await store.transact(workspaceId, (trx) => alertCutSettings(trx, clock.now()));
    checked.add(workspaceId);
  };
}
