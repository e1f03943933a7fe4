import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { Connector, CrmUpsert, UpsertOutcome } from '../../crm/index.ts';
import { SangamError } from '../../errors.ts';
import { valuesToWrite } from '../../mapping/index.ts';
import {
  addLinks,
  type ConnectionRow,
  connectionsOf,
  type DeadLetter,
  type DirtyContact,
  leaseDirty,
  linksOf,
  type LinkRow,
  parkDeadLetters,
  recordCall,
  settleDirty,
  type Store,
} from '../../store/index.ts';
import { TurnTaker } from '../turns.ts';
import { contactFields } from './contact-fields.ts';
import { retryAfterMs } from './retry-schedule.ts';

/** Longer than any call may take (20 s, design.md §4), so that nobody repeats a call that is still under way. */
const leaseMs = 60_000;

export interface ReconcileCounts {
  written(crm: string, outcome: 'created' | 'updated' | 'unchanged' | 'refused', records: number): void;
  callFailed(crm: string, error: SangamError): void;
  failed(error: unknown): void;
}

/** Writes dirty contacts to their CRMs in batches as large as each CRM's API takes, until stopped. */
export function createReconciler(dependencies: {
  store: Store;
  clock: Clock;
  counts: ReconcileCounts;
  /** The connector of an installed CRM account, ready to be called. */
  connectorFor: (workspaceId: string, connection: ConnectionRow) => Promise<Connector>;
}): TurnTaker {
  const { store, clock, counts, connectorFor } = dependencies;

  const turnFor = async (workspaceId: string, connection: ConnectionRow): Promise<boolean> => {
    if (connection.blockedReason !== null || connection.nextCallAt > clock.now()) return false;
    const { connectionId } = connection;
    const lease = randomUUID();
    let leased: DirtyContact[] = [];
    try {
      const connector = await connectorFor(workspaceId, connection);
      const batch = await store.transact(workspaceId, async (trx) => {
        const now = clock.now();
        const contacts = await leaseDirty(trx, {
          connectionId,
          lease,
          size: connector.batchSize,
          now,
          leaseMs,
        });
        const contactIds = contacts.map(({ contactId }) => contactId);
        return {
          contacts,
          fields: await contactFields(trx, contactIds, now),
          links: await linksOf(trx, connectionId, contactIds),
        };
      });
      leased = batch.contacts;
      if (leased.length === 0) return false;
      const outcomes = await writeBatch(connector, batch.fields, batch.links);
      await store.transact(workspaceId, async (trx) => {
        const now = clock.now();
        await addLinks(trx, connectionId, linksFrom(outcomes), now);
        await parkDeadLetters(trx, lettersFrom(outcomes, connectionId, now), now);
        await settleDirty(trx, { connectionId, lease, settled: leased });
        if (connection.failedAttempts > 0) {
          await recordCall(trx, connectionId, { failedAttempts: 0, nextCallAt: 0, blockedReason: null });
        }
      });
      for (const { outcome } of outcomes) counts.written(connection.crm, outcome, 1);
      return true;
    } catch (error) {
      if (!(error instanceof SangamError)) throw error;
      counts.callFailed(connection.crm, error);
      const failedAttempts = connection.failedAttempts + 1;
      await store.transact(workspaceId, async (trx) => {
        await settleDirty(trx, { connectionId, lease, settled: [] });
        await recordCall(trx, connectionId, {
          failedAttempts,
          nextCallAt: clock.now() + retryAfterMs(error.retry, failedAttempts),
          blockedReason: error.retry === 'never' ? error.message : null,
        });
      });
      return false;
    }
  };

  return new TurnTaker({
    waiting: () => store.workspacesWithWork('dirty_contacts'),
    failed: (error) => counts.failed(error),
    async turn(workspaceId) {
      const connections = await store.transact(workspaceId, connectionsOf);
      const worked = await Promise.all(connections.map((connection) => turnFor(workspaceId, connection)));
      return worked.includes(true) ? 'more' : 'done';
    },
  });
}

type Written =
  | Extract<UpsertOutcome, { outcome: 'refused' }>
  | { contactId: string; outcome: 'created' | 'updated' | 'unchanged'; recordId: string; writtenAs: string };

/** Writes what differs from what the CRM holds; a batch it refuses is halved until the culprit stands alone. */
async function writeBatch(
  connector: Connector,
  fields: Awaited<ReturnType<typeof contactFields>>,
  links: readonly LinkRow[],
): Promise<Written[]> {
  // A contact joined from two goes on under the older id; the record of the younger is kept in step too.
  const targets = fields.flatMap((contact) => {
    const aliases = links.filter(
      (l) => l.contactId === contact.contactId && l.writtenAs !== contact.contactId,
    );
    const own = links.some((l) => l.writtenAs === contact.contactId) || aliases.length === 0;
    return [...(own ? [contact.contactId] : []), ...aliases.map((l) => l.writtenAs)].map((writtenAs) => ({
      writtenAs,
      contact,
    }));
  });
  const written: Written[] = [];
  for (let start = 0; start < targets.length; start += connector.batchSize) {
    const part = targets.slice(start, start + connector.batchSize);
    const current = new Map(
      (await connector.read(part.map(({ writtenAs }) => writtenAs))).map((record) => [
        record.contactId,
        record,
      ]),
    );
    const upserts: CrmUpsert[] = [];
    const contactOf = new Map<string, string>();
    for (const { writtenAs, contact } of part) {
      const record = current.get(writtenAs);
      const values = valuesToWrite(contact, connector.mapping, record?.values);
      contactOf.set(writtenAs, contact.contactId);
      if (record === undefined || Object.keys(values).length > 0)
        upserts.push({ contactId: writtenAs, values });
      else
        written.push({
          contactId: contact.contactId,
          outcome: 'unchanged',
          recordId: record.recordId,
          writtenAs,
        });
    }
    for (const outcome of await upsertOrHalve(connector, upserts)) {
      const contactId = contactOf.get(outcome.contactId) ?? outcome.contactId;
      written.push(
        outcome.outcome === 'refused'
          ? { ...outcome, contactId }
          : {
              contactId,
              outcome: outcome.created ? 'created' : 'updated',
              recordId: outcome.recordId,
              writtenAs: outcome.contactId,
            },
      );
    }
  }
  return written;
}

async function upsertOrHalve(connector: Connector, upserts: readonly CrmUpsert[]): Promise<UpsertOutcome[]> {
  if (upserts.length === 0) return [];
  try {
    return await connector.upsert(upserts);
  } catch (error) {
    if (!(error instanceof SangamError) || error.code !== 'batch_refused' || upserts.length === 1)
      throw error;
    const middle = Math.ceil(upserts.length / 2);
    return [
      ...(await upsertOrHalve(connector, upserts.slice(0, middle))),
      ...(await upsertOrHalve(connector, upserts.slice(middle))),
    ];
  }
}

function linksFrom(outcomes: readonly Written[]): LinkRow[] {
  return outcomes.flatMap((written) => (written.outcome === 'refused' ? [] : [written]));
}

function lettersFrom(outcomes: readonly Written[], connectionId: string, now: number): DeadLetter[] {
  return outcomes.flatMap((written) =>
    written.outcome === 'refused'
      ? [
          {
            reason: written.code,
            explanation: written.explanation,
            source: 'crm' as const,
            connectionId,
            contactId: written.contactId,
            receivedAt: now,
          },
        ]
      : [],
  );
}
