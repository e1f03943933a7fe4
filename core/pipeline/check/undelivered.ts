import type { Clock } from '../../clock.ts';
import type { Connector } from '../../crm/index.ts';
import { SangamError } from '../../errors.ts';
import {
  closeAlertsOf,
  type ConnectionRow,
  knowUndelivered,
  raiseAlert,
  type Store,
} from '../../store/index.ts';
import type { ScanCounts } from '../../work/index.ts';

const lookEveryMs = 24 * 60 * 60 * 1000;
/** Vendors keep such lists for a while only, and what was longer ago says little of how it is now. */
const lookBackMs = 30 * lookEveryMs;

/**
 * Once a day the CRM's own list of deliveries that failed is looked at: what they were to tell polls found, but whoever set the
 * rules up should know. A look that fails is repeated with the next poll, and keeps none from going on.
 */
export async function tellUndelivered(
  { store, clock, counts }: { readonly store: Store; readonly clock: Clock; readonly counts: ScanCounts },
  connection: ConnectionRow,
  connector: Connector,
): Promise<void> {
  const { workspaceId, connectionId, undeliveredUntil } = connection;
  const now = clock.now();
  const until = undeliveredUntil ?? now - lookEveryMs;
  if (connector.undelivered === undefined || until > now - lookEveryMs) return;
  let found: Awaited<ReturnType<typeof connector.undelivered>>;
  try {
    found = await connector.undelivered(Math.max(until, now - lookBackMs));
  } catch (error) {
    if (!(error instanceof SangamError)) throw error;
    counts.callFailed(connection, error);
    return;
  }
  const [latest] = (found ?? []).toSorted((x, y) => y.at - x.at);
  await store.transact(workspaceId, async (trx) => {
    await knowUndelivered(trx, connectionId, now);
    if (latest === undefined) {
      if (found !== undefined) await closeAlertsOf(trx, connectionId, 'webhooks undelivered', now);
      return;
    }
    const { label } = connector.traits;
    const message =
      `${label} could not deliver ${String(found?.length)} webhooks of the account's own rules to us, the latest of “${latest.by}” at ` +
      `${new Date(latest.at).toISOString()} (${latest.reason}). What they were to tell was found by polls. See there that each goes to this ` +
      `connection's address with its present secret, and that the address is reached from outside.`;
    await raiseAlert(trx, { connectionId, kind: 'webhooks undelivered', message }, now);
  });
}
