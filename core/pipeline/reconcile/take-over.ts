import { hash } from 'node:crypto';
import { evidenceRanks } from '../../consent/index.ts';
import type { ContactFields, FieldMapping } from '../../crm/index.ts';
import {
  addConsentEntries,
  addTagChanges,
  lastChangeOf,
  laterHolders,
  markContacts,
  markPriority,
  madeFor,
  openConflicts,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { contactFields } from './contact-fields.ts';
import type { TargetPlan } from './plan-target.ts';

/**
 * Takes over what people changed in the CRM: an opt-out they set or cleared, tags they added or removed. It is evidence
 * like any other, with the vendor's time of the change where that is known. In a transaction that holds the workspace's lock.
 */
export async function takeOver(
  trx: WorkspaceTransaction,
  connectionId: string,
  plans: readonly TargetPlan[],
  mapping: readonly FieldMapping[],
  now: number,
): Promise<void> {
  const changing = plans.filter(({ taken }) => taken.length > 0);
  if (changing.length === 0) return;
  const fieldOf = (source: string): string =>
    mapping.find((field) => field.source === source)?.field.name ?? source;
  const changedAt = await lastChangeOf(
    trx,
    connectionId,
    changing.map(({ target }) => target.recordId),
    [fieldOf('opt-out'), fieldOf('tags')],
  );
  const saidOf = await namedBy(trx, connectionId, changing);
  const consents: Parameters<typeof addConsentEntries>[1][number][] = [];
  const tags: Parameters<typeof addTagChanges>[1][number][] = [];
  const cleared: { contact: ContactFields; recordId: string }[] = [];
  for (const { target, taken } of changing) {
    const { recordId, primaryFor, others } = target;
    const people = primaryFor.length > 0 ? primaryFor : others;
    for (const item of taken) {
      const at = Math.min(now, changedAt.get(`${recordId} ${fieldOf(item.kind)}`) ?? now);
      for (const contact of people) {
        const place = {
          ...placeOf(connectionId, recordId, contact.contactId, item, at),
          saidOf: saidOf(recordId, contact.contactId),
        };
        if (item.kind === 'opt-out') {
          if (!item.set) cleared.push({ contact, recordId });
          consents.push({
            ...place,
            contactId: contact.contactId,
            purpose: 'marketing',
            action: item.set ? 'withdrawal' : 'grant',
            effectiveAt: at,
            recordedAt: now,
            rank: evidenceRanks.crm,
            method: 'crm',
            source: `record ${recordId}`,
          });
          continue;
        }
        for (const [action, some] of [['add', item.add] as const, ['remove', item.remove] as const]) {
          for (const tag of some) tags.push({ ...place, contactId: contact.contactId, tag, action, at });
        }
      }
    }
  }
  await addConsentEntries(trx, consents);
  await addTagChanges(trx, tags);
  const consenting = [...new Set(consents.flatMap(({ contactId }) => contactId ?? []))];
  const later = await laterHolders(trx, consenting);
  await markContacts(
    trx,
    [
      ...[...consenting, ...later].map((contactId) => ({ contactId, priority: markPriority.consent })),
      ...tags.map(({ contactId }) => ({ contactId, priority: markPriority.fields })),
    ],
    now,
  );
  await reportCleared(trx, connectionId, cleared, now);
}

/** Of several contacts joined into one a record was made for one: what is said there was said of that one. */
async function namedBy(
  trx: WorkspaceTransaction,
  connectionId: string,
  plans: readonly TargetPlan[],
): Promise<(recordId: string, contactId: string) => string> {
  const made = await madeFor(
    trx,
    connectionId,
    plans.map(({ target }) => target.recordId),
    plans.flatMap(({ target: { primaryFor, others } }) =>
      [...primaryFor, ...others].map(({ contactId }) => contactId),
    ),
  );
  const named = new Map(made.map((one) => [`${one.recordId} ${one.survivorId}`, one.contactId]));
  return (recordId, contactId) => named.get(`${recordId} ${contactId}`) ?? contactId;
}

/** An opt-out that is the person's own stands, whoever clears the field: it comes back, and somebody should know. */
async function reportCleared(
  trx: WorkspaceTransaction,
  connectionId: string,
  cleared: readonly { contact: ContactFields; recordId: string }[],
  now: number,
): Promise<void> {
  const after = await contactFields(
    trx,
    cleared.map(({ contact }) => contact.contactId),
    now,
  );
  const standing = new Set(after.filter(({ optOut }) => optOut).map(({ contactId }) => contactId));
  await openConflicts(
    trx,
    cleared.flatMap(({ contact: { contactId }, recordId }) =>
      standing.has(contactId)
        ? [
            {
              connectionId,
              kind: 'opt-out cleared' as const,
              contactId,
              recordIds: [recordId],
              explanation:
                'The opt-out was cleared in the CRM, but this person asked for it on WhatsApp. Only they can lift it, ' +
                'by writing START; it has been set again.',
            },
          ]
        : [],
    ),
    now,
  );
}

function placeOf(
  connectionId: string,
  recordId: string,
  contactId: string,
  item: TargetPlan['taken'][number],
  at: number,
): {
  eventKey: Buffer;
  contentHash: Buffer;
  channelId: null;
  phone: null;
  bsuidKey: null;
} {
  const name = `crm:${connectionId}:${recordId}:${contactId}:${JSON.stringify(item)}:${String(at)}`;
  const digest = hash('sha256', name, 'buffer');
  return {
    eventKey: digest.subarray(0, 16),
    contentHash: digest.subarray(16, 24),
    channelId: null,
    phone: null,
    bsuidKey: null,
  };
}
