import { sql } from 'kysely';
import type { WorkspaceTransaction } from './transaction.ts';

/** What the statement of a day adds up; each is counted by when its event was received or its mark was made. */
export type CountName =
  /** Events taken in for the first time, those parked at the door included. */
  | 'received'
  | 'applied'
  /** Events that nothing applies: they are there to be seen. */
  | 'kept'
  /** Events of erased people. */
  | 'dropped'
  /** Dead letters that went to the workspace they belong to. */
  | 'handed on'
  /** Records newly marked for a connection. */
  | 'due'
  | 'written'
  | 'unchanged'
  | 'refused'
  | 'left alone'
  /** Records made, by when: not part of the statement's sum. */
  | 'created'
  /** Messages somebody asked to leave, and those of people who were erased since. */
  | 'sends asked'
  | 'sends erased'
  | 'entries due'
  | 'entries written'
  | 'entries unchanged'
  | 'entries refused'
  | 'entries left alone';

export interface Count {
  readonly name: CountName;
  /** Milliseconds. */
  readonly at: number;
  readonly count: number;
  readonly connectionId?: string;
}

const quarterMs = 15 * 60 * 1000;

/** Rows of one count, so that processes and steps seldom wait for each other. */
const slots = 16;
const slot = Math.floor(Math.random() * slots);

/** Adds to counts of the quarter of an hour each belongs to. */
export async function addCounts(trx: WorkspaceTransaction, counts: readonly Count[]): Promise<void> {
  if (counts.length === 0) return;
  const sums = new Map<string, { quarter: number; connectionId: string; name: string; count: number }>();
  for (const { name, at, count, connectionId = trx.workspaceId } of counts) {
    const quarter = Math.floor(at / quarterMs) * quarterMs;
    const key = `${String(quarter)} ${connectionId} ${name}`;
    const known = sums.get(key);
    if (known === undefined) sums.set(key, { quarter, connectionId, name, count });
    else known.count += count;
  }
  // In key order, so that two transactions wait for each other instead of deadlocking.
  const rows = [...sums].toSorted(([x], [y]) => (x < y ? -1 : 1)).map(([, row]) => row);
  await sql`
    insert into counts as c (workspace_id, quarter, connection_id, name, slot, count)
    select ${trx.workspaceId}::uuid, quarter, connection_id, name, ${slot}::smallint, count
    from unnest(${rows.map((row) => row.quarter)}::bigint[], ${rows.map((row) => row.connectionId)}::uuid[],
                ${rows.map((row) => row.name)}::text[], ${rows.map((row) => row.count)}::bigint[])
         as t (quarter, connection_id, name, count)
    on conflict (workspace_id, quarter, connection_id, name, slot) do update set count = c.count + excluded.count`.execute(
    trx,
  );
}
