import type { Clock } from '../../clock.ts';
import type { ConnectorTraits, CrmChange, CrmField, CrmRecord } from '../../crm/index.ts';
import { SangamError } from '../../errors.ts';
import {
  advancePoll,
  claimPoll,
  type ConnectionRow,
  connectionsOf,
  recordsById,
  type Store,
  typedPhones,
} from '../../store/index.ts';
import { callFailed, callWent } from '../breaker.ts';
import type { Connectors } from '../connectors.ts';
import { wholeMappingOf } from '../mapping-of.ts';
import type { ChangeReceiver } from '../receive/changes.ts';
import type { ErasureKeyOf } from '../erased.ts';
import { seenRecord } from '../reconcile/candidates.ts';
import { readableFields, saveSeen } from './check.ts';

/** While webhooks are silent a change is known after this long; while they arrive the poll only fills their gaps. */
const silentEveryMs = 5 * 60 * 1000;
const besideWebhooksMs = 30 * 60 * 1000;
/** A vendor's index lags, and clocks differ: each poll looks back this far behind the last. */
const overlapMs = 2 * 60 * 1000;

/** Looks at what changed in connected accounts since the last time, so that no gap of the webhooks stays. */
export interface Poller {
  /** Polls the connections of a workspace that are due. */
  poll(workspaceId: string): Promise<void>;
}

export function createPoller(dependencies: {
  store: Store;
  clock: Clock;
  connectors: Connectors;
  erasureKeyOf: ErasureKeyOf;
  changes: ChangeReceiver;
}): Poller {
  const { store, clock, connectors, erasureKeyOf, changes } = dependencies;

  const pollConnection = async (connection: ConnectionRow): Promise<void> => {
    const { workspaceId, connectionId, polledUntil, nextPollAt } = connection;
    const started = clock.now();
    const besideWebhooks = started - (connection.lastWebhookAt ?? 0) < besideWebhooksMs;
    const nextAt = started + (besideWebhooks ? besideWebhooksMs : silentEveryMs);
    const mine = await store.transact(workspaceId, (trx) =>
      claimPoll(trx, connectionId, { seen: nextPollAt, nextAt }),
    );
    if (!mine) return;
    const connector = await connectors.of(connection);
    const fields = await readableFields(connector, connection);
    const changedSince = (polledUntil ?? started) - overlapMs;
    let cursor = connection.pollCursor ?? undefined;
    for (;;) {
      const page = await connector.scan(
        { changedSince, ...(cursor === undefined ? {} : { cursor }) },
        fields,
        'import',
      );
      await takeIn(connection, connector.traits, page.records, page.gone);
      cursor = page.next;
      const done = cursor === undefined;
      await store.transact(workspaceId, (trx) =>
        advancePoll(trx, connectionId, { cursor: cursor ?? null, ...(done ? { until: started } : {}) }),
      );
      if (done) return;
    }
  };

  /** A record nobody is tied to is only remembered; what changed on the others goes the way of every change. */
  const takeIn = async (
    connection: ConnectionRow,
    traits: ConnectorTraits,
    records: readonly CrmRecord[],
    gone: readonly { readonly recordId: string; readonly at: number }[],
  ): Promise<void> => {
    const { workspaceId, connectionId } = connection;
    const news = await store.transact(workspaceId, async (trx) => {
      const ids = records.map(({ recordId }) => recordId);
      const rows = new Map((await recordsById(trx, connectionId, ids)).map((row) => [row.recordId, row]));
      const phones = await typedPhones(trx, connectionId, ids);
      const agreed = records.filter(({ recordId }) => rows.get(recordId)?.agreed === true);
      const others = records.filter((record) => !agreed.includes(record));
      await saveSeen(
        trx,
        connectionId,
        others.map((record) => seenRecord(record, traits.phoneFields, connection.region)),
        erasureKeyOf,
        clock.now(),
      );
      return agreed.flatMap((record) => {
        const known = { ...rows.get(record.recordId)?.base, ...phones.get(record.recordId) };
        return fieldChanges(record, known, connection, traits, clock.now());
      });
    });
    await changes.found(workspaceId, connectionId, [
      ...news,
      ...gone.map(({ recordId, at }): CrmChange => ({ kind: 'deleted', recordId, at })),
    ]);
  };

  return {
    async poll(workspaceId) {
      const connections = await store.transact(workspaceId, connectionsOf);
      for (const connection of connections) {
        const { indexedAt, disconnectedAt, blockedReason, nextPollAt, nextCallAt } = connection;
        const resting = disconnectedAt !== null || blockedReason !== null || nextCallAt > clock.now();
        if (indexedAt === null || resting || nextPollAt > clock.now()) continue;
        try {
          await pollConnection(connection);
          await callWent(store, connection, clock.now());
        } catch (error) {
          if (!(error instanceof SangamError)) throw error;
          if (await callFailed(store, connection, error, clock.now()))
            connectors.forget(connection.connectionId);
        }
      }
    },
  };
}

/** Fields that no longer say what both sides agreed on, with the vendor's time of the record's last change. */
function fieldChanges(
  record: CrmRecord,
  known: Readonly<Record<string, string>>,
  connection: ConnectionRow,
  traits: ConnectorTraits,
  now: number,
): CrmChange[] {
  const mapped = new Map<string, CrmField>(
    wholeMappingOf(connection, traits).map(({ field }) => [field.name, field]),
  );
  return Object.entries(known).flatMap(([field, before]): CrmChange[] => {
    const value = record.values[field];
    if (value === undefined || value === before) return [];
    const described = mapped.get(field) ?? { name: field, label: field, kind: 'text', writable: true };
    if (traits.spelling.same(value, before, described)) return [];
    return [{ kind: 'field', recordId: record.recordId, at: record.changedAt ?? now, field, value }];
  });
}
