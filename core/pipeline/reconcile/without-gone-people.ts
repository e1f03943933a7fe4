import { standingContactsAndTied, type SeenRecord, type WorkspaceTransaction } from '../../store/index.ts';
import { type ErasureKeyOf, withoutErasedPhones } from '../erased.ts';
import { noteErasedBirths } from '../erased-tries.ts';
import type { Findings } from './findings.ts';

/**
 * Findings without what they say of people who were erased while calls were under way: of a record that is nobody's by now its
 * id is known, and no more. What phones of erased people stand on a record of somebody else is not remembered.
 */
export async function withoutGonePeople(
  trx: WorkspaceTransaction,
  connectionId: string,
  findings: Findings,
  erasureKeyOf: ErasureKeyOf,
): Promise<Findings> {
  const { agreed, links, letters, conflicts, newKeys, taking } = findings;
  const named = [
    ...[...links, ...conflicts, ...newKeys].map(({ contactId }) => contactId),
    ...letters.flatMap(({ contactId }) => contactId ?? []),
    ...taking.flatMap(({ target }) =>
      [...target.primaryFor, ...target.others].map(({ contactId }) => contactId),
    ),
  ];
  const { here, tied } = await standingContactsAndTied(
    trx,
    connectionId,
    [...new Set(named)],
    agreed.map(({ recordId }) => recordId),
  );
  const isHere = ({ contactId }: { readonly contactId?: string | null }): boolean =>
    contactId === undefined || contactId === null || here.has(contactId);
  const left = links.filter(isHere);
  const linked = new Set(left.map(({ recordId }) => recordId));
  const isSomebodys = ({ recordId }: SeenRecord): boolean => tied.has(recordId) || linked.has(recordId);
  const nobodys = agreed.filter((record) => !isSomebodys(record));
  await noteErasedBirths(trx, connectionId, nobodys, erasureKeyOf);
  return {
    ...findings,
    links: left,
    letters: letters.filter(isHere),
    conflicts: conflicts.filter(isHere),
    newKeys: newKeys.filter(isHere),
    taking: taking.map((plan) => ({
      ...plan,
      target: {
        ...plan.target,
        primaryFor: plan.target.primaryFor.filter(isHere),
        others: plan.target.others.filter(isHere),
      },
    })),
    seen: [
      ...findings.seen,
      ...nobodys.map(({ recordId }) => ({ recordId, keyContactId: undefined, base: {}, phones: [] })),
    ],
    agreed: await withoutErasedPhones(trx, agreed.filter(isSomebodys), erasureKeyOf),
  };
}
