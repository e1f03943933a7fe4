import { hash } from 'node:crypto';
import { sql } from 'kysely';
import { type ConsentEntry, type ConsentMethod, inheritedOptOut } from '../../consent/index.ts';
import { addConsentEntries } from './ledgers.ts';
import type { WorkspaceTransaction } from '../store.ts';

/**
 * Opt-outs that came to others with a phone of people who are to be erased: only those others lift them, so they are
 * theirs from now on, and say nothing of whose they were.
 */
export async function keepInheritedOptOuts(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  now: number,
): Promise<void> {
  const { rows: heirs } = await sql<{ contactId: string; since: number; previousId: string }>`
    select i.contact_id as "contactId", i.since, previous.contact_id as "previousId"
    from identities gone
    join identities i on i.workspace_id = gone.workspace_id and i.value = gone.value and i.since > gone.since
                     and i.contact_id <> all(${contactIds}::uuid[])
    cross join lateral (select p.contact_id from identities p
                        where p.workspace_id = ${trx.workspaceId} and p.value = i.value and p.since < i.since
                          and p.contact_id is not null
                        order by p.since desc limit 1) previous
    where gone.workspace_id = ${trx.workspaceId} and gone.contact_id = any(${contactIds}::uuid[])
      and previous.contact_id = gone.contact_id
    group by 1, 2, 3
    order by 1, 2, 3`.execute(trx);
  if (heirs.length === 0) return;
  const { rows: entries } = await sql<ConsentEntry & { contactId: string; method: ConsentMethod }>`
    select contact_id as "contactId", purpose, action, effective_at as "effectiveAt", rank, method,
           encode(event_key, 'hex') as key
    from consent_entries
    where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])`.execute(trx);
  await addConsentEntries(
    trx,
    heirs.flatMap(({ contactId, since, previousId }) => {
      const previous = entries.filter((entry) => entry.contactId === previousId);
      return inheritedOptOut(previous, since).map((entry) => {
        const digest = hash('sha256', `inherited:${contactId}:${entry.key}`, 'buffer');
        return {
          eventKey: digest.subarray(0, 16),
          contentHash: digest.subarray(16, 24),
          contactId,
          purpose: entry.purpose,
          action: entry.action,
          effectiveAt: entry.effectiveAt,
          recordedAt: now,
          rank: entry.rank,
          method: entry.method,
          source: 'came with the phone',
          channelId: null,
          phone: null,
          bsuidKey: null,
          saidOf: contactId,
        };
      });
    }),
  );
}
