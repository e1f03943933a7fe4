import { erasedAt, erasedHash, hasErased, type WorkspaceTransaction } from '../../store/index.ts';
import type { Facts } from './read-event.ts';

/** Draws, or remembers, the key by which a workspace's erased people are known again. */
export type ErasureKeyOf = (workspaceId: string) => Promise<Buffer>;

/** Which of these speak of somebody erased since, and are to be dropped. Nothing is computed where nobody was. */
export async function erasedAmong(
  trx: WorkspaceTransaction,
  facts: readonly Facts[],
  keyOf: ErasureKeyOf,
): Promise<ReadonlySet<Facts>> {
  if (facts.length === 0 || !(await hasErased(trx))) return new Set();
  const key = await keyOf(trx.workspaceId);
  const hashes = new Map<string, Buffer>();
  const hashOf = (identity: string): Buffer => {
    const known = hashes.get(identity) ?? erasedHash(key, identity);
    hashes.set(identity, known);
    return known;
  };
  const named = facts.map((one) => ({ one, hashes: identitiesIn(one).map(hashOf) }));
  const erased = await erasedAt(trx, [...hashes.values()]);
  return new Set(
    named
      .filter(({ one, hashes: own }) =>
        own.some((hash) => (erased.get(hash.toString('hex')) ?? -Infinity) >= one.anchor.at),
      )
      .map(({ one }) => one),
  );
}

function identitiesIn({ anchor, evidence }: Facts): string[] {
  return [...new Set([anchor.phone, anchor.bsuidKey, ...evidence.flatMap(({ a, b }) => [a, b])])].filter(
    (identity) => identity !== undefined,
  );
}
