import type { Clock } from '@sangam/core/clock';
import { alertCutSettings, type Store } from '@sangam/core/store';

/** Has an admin told what this version does not take of stored settings: whatever is stored from here on is within its bounds. */
export function createSettingsCheck({
  store,
  clock,
}: {
  store: Store;
  clock: Clock;
}): (workspaceId: string) => Promise<void> {
  return (workspaceId) => store.transact(workspaceId, (trx) => alertCutSettings(trx, clock.now()));
}
