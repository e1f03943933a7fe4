import { type RawBuilder, sql } from 'kysely';
import type { WorkspaceTransaction } from '../transaction.ts';

/** A phone somebody has, or had, since others gave it up. */
export interface TakenOverPhone {
  readonly contactId: string;
  readonly since: number;
  readonly holders: readonly EarlierHolder[];
}

/** Who held it before, the earliest first; times nobody known held it are left out, and all before an opt-out was lifted. */
export interface EarlierHolder {
  readonly contactId: string;
  readonly since: number;
}

/** Of who held a phone, the earliest first, those whose opt-outs may go on with it. */
export function earlierHolders(
  rows: readonly { readonly contactId: string | null; readonly since: number; readonly lifted: boolean }[],
): EarlierHolder[] {
  return rows
    .slice(
      Math.max(
        0,
        rows.findLastIndex(({ lifted }) => lifted),
      ),
    )
    .flatMap(({ contactId, since }) => (contactId === null ? [] : [{ contactId, since }]));
}

/** Phones of identities `i` that were somebody else's right before. */
export async function takenOverPhones(
  trx: WorkspaceTransaction,
  among: RawBuilder<unknown>,
): Promise<TakenOverPhone[]> {
  const { rows } = await sql<{
    contactId: string;
    value: string;
    since: number;
    holderId: string | null;
    heldSince: number;
    lifted: boolean;
  }>`
    select i.contact_id as "contactId", i.value, i.since, p.contact_id as "holderId", p.since as "heldSince", p.lifted
    from identities i
    join identities p on p.workspace_id = ${trx.workspaceId} and p.value = i.value and p.since < i.since
    where i.workspace_id = ${trx.workspaceId} and i.contact_id is not null and i.since > 0 and not i.lifted
      and ${among}
    order by i.value, i.since, p.since`.execute(trx);
  return [...Map.groupBy(rows, ({ value, since }) => `${value} ${String(since)}`).values()].flatMap(
    (held) => {
      const [taken] = held;
      const holders = earlierHolders(
        held.map(({ holderId, heldSince, lifted }) => ({ contactId: holderId, since: heldSince, lifted })),
      );
      const last = holders.at(-1);
      if (taken === undefined || last === undefined || last.contactId === taken.contactId) return [];
      return [{ contactId: taken.contactId, since: taken.since, holders }];
    },
  );
}
