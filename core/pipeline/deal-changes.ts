import type { AccountTraits, CrmChange, CrmDeal, CrmField } from '../crm/index.ts';
import {
  addOccurrences,
  type DealRow,
  dealField,
  dealsById,
  type Occurrence,
  recordsById,
  saveDeals,
  type WorkspaceTransaction,
} from '../store/index.ts';

export type DealChange = Extract<CrmChange, { kind: 'field'; of: 'deal' }>;

/** Takes in what webhooks told of people's deals: each change is one of the person's, and nothing on their record is touched. */
export async function applyDealChanges(
  trx: WorkspaceTransaction,
  connectionId: string,
  traits: AccountTraits,
  changes: readonly DealChange[],
  now: number,
): Promise<void> {
  const followed = changes.filter(({ field }) => traits.followedDealFields?.includes(field) === true);
  const told = await ofNobodyErased(trx, connectionId, followed);
  if (told.length === 0) return;
  await addOccurrences(
    trx,
    told.map(({ recordId, personRecordId, field, value, at, by }) =>
      occurrenceOf(connectionId, { dealId: recordId, personRecordId }, field, value, {
        changedAt: at,
        changedBy: by,
        scanned: false,
      }),
    ),
    now,
  );
  const known = await rowsOf(trx, connectionId, [...new Set(told.map(({ recordId }) => recordId))]);
  for (const { recordId: dealId, personRecordId, field, value, at } of told) {
    const before = known.get(dealId);
    if (before !== undefined && before.changedAt > at) continue;
    const seen = { ...before?.seen, [field]: value };
    known.set(dealId, { dealId, recordId: personRecordId, seen, changedAt: at });
  }
  await saveDeals(trx, connectionId, [...known.values()]);
}

/** Takes in deals as a scan found them. What nobody had seen before says nothing by what it holds. */
export async function takeInDeals(
  trx: WorkspaceTransaction,
  connectionId: string,
  traits: AccountTraits,
  found: readonly CrmDeal[],
  now: number,
): Promise<void> {
  const deals = await ofNobodyErased(trx, connectionId, found);
  if (deals.length === 0) return;
  const followed = new Set(traits.followedDealFields);
  const known = await rowsOf(trx, connectionId, [...new Set(deals.map(({ dealId }) => dealId))]);
  const occurrences: Occurrence[] = [];
  for (const { dealId, personRecordId, values, changedAt = now } of deals) {
    const before = known.get(dealId);
    // A vendor's index lags: what it shows may be older than what was seen already.
    if (before !== undefined && before.changedAt > changedAt) continue;
    const seen = Object.fromEntries(Object.entries(values).filter(([field]) => followed.has(field)));
    for (const [field, value] of Object.entries(seen)) {
      const was = before?.seen[field];
      if (was === undefined || was === value || traits.spelling.same(was, value, textField(field))) continue;
      occurrences.push(
        occurrenceOf(connectionId, { dealId, personRecordId }, field, value, {
          changedAt,
          changedBy: undefined,
          scanned: true,
        }),
      );
    }
    known.set(dealId, { dealId, recordId: personRecordId, seen: { ...before?.seen, ...seen }, changedAt });
  }
  await addOccurrences(trx, occurrences, now);
  await saveDeals(trx, connectionId, [...known.values()]);
}

/** A record that was somebody's who is erased, and nobody's since: what becomes of their deals is not remembered. */
async function ofNobodyErased<Deal extends { readonly personRecordId: string }>(
  trx: WorkspaceTransaction,
  connectionId: string,
  deals: readonly Deal[],
): Promise<readonly Deal[]> {
  if (deals.length === 0) return deals;
  const rows = await recordsById(trx, connectionId, [...new Set(deals.map((deal) => deal.personRecordId))]);
  const erased = new Set(
    rows.flatMap(({ recordId, erasedAt, agreed }) => (erasedAt === null || agreed ? [] : [recordId])),
  );
  return deals.filter(({ personRecordId }) => !erased.has(personRecordId));
}

function occurrenceOf(
  connectionId: string,
  { dealId, personRecordId }: Pick<CrmDeal, 'dealId' | 'personRecordId'>,
  field: string,
  value: string,
  when: Pick<Occurrence, 'changedAt' | 'changedBy' | 'scanned'>,
): Occurrence {
  return { connectionId, recordId: personRecordId, field: `${dealField}${dealId}:${field}`, value, ...when };
}

async function rowsOf(
  trx: WorkspaceTransaction,
  connectionId: string,
  dealIds: readonly string[],
): Promise<Map<string, DealRow>> {
  return new Map((await dealsById(trx, connectionId, dealIds)).map((row) => [row.dealId, row]));
}

function textField(name: string): CrmField {
  return { name, label: name, kind: 'text', writable: true };
}
