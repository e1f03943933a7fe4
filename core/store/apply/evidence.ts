import { sql } from 'kysely';
import type { Evidence } from '../../identity/index.ts';
import { storableText } from '../text.ts';
import type { WorkspaceTransaction } from '../store.ts';

const columns = sql`kind, a, b, at, a_at as "aAt", b_at as "bAt"`;

/** Adds evidence; returns what was new or is now known to be older than thought. */
export async function addEvidence(
  trx: WorkspaceTransaction,
  evidence: readonly Evidence[],
): Promise<Evidence[]> {
  if (evidence.length === 0) return [];
  const oldest = new Map<string, Evidence>();
  for (const item of evidence) {
    const storable = { ...item, a: storableText(item.a), b: storableText(item.b) };
    const key = `${item.kind}|${storable.a}|${storable.b}|${String(occurrenceOf(item))}`;
    const known = oldest.get(key);
    if (known === undefined || storable.at < known.at) oldest.set(key, storable);
  }
  const rows = [...oldest].toSorted(([x], [y]) => (x < y ? -1 : 1)).map(([, item]) => item);
  const { rows: changed } = await sql<Evidence>`
    insert into identity_evidence as known (workspace_id, kind, a, b, occurrence, at, a_at, b_at)
    select ${trx.workspaceId}::uuid, kind, a, b, occurrence, at, a_at, b_at
    from unnest(${rows.map((e) => e.kind)}::text[], ${rows.map((e) => e.a)}::text[], ${rows.map((e) => e.b)}::text[],
                ${rows.map(occurrenceOf)}::bigint[], ${rows.map((e) => e.at)}::bigint[],
                ${rows.map((e) => (e.kind === 'joined' ? e.aAt : null))}::bigint[],
                ${rows.map((e) => (e.kind === 'joined' ? e.bAt : null))}::bigint[])
         as t (kind, a, b, occurrence, at, a_at, b_at)
    on conflict (workspace_id, kind, a, b, occurrence) do update set at = excluded.at where excluded.at < known.at
    returning ${columns}`.execute(trx);
  return changed;
}

/** All evidence that hangs together with these ids, however far. */
export async function evidenceAround(
  trx: WorkspaceTransaction,
  ids: readonly string[],
): Promise<{ evidence: Evidence[]; reached: string[] }> {
  const { rows } = await sql<{ value: string }>`
    with recursive reached (value) as (
      select unnest(${ids}::text[])
      union
      select next.value from reached cross join lateral (
        select b from identity_evidence
        where workspace_id = ${trx.workspaceId} and a = reached.value and kind <> 'spelling'
        union all
        select a from identity_evidence
        where workspace_id = ${trx.workspaceId} and b = reached.value and kind <> 'spelling'
      ) as next (value)
    ) select value from reached`.execute(trx);
  const reached = rows.map((row) => row.value);
  const { rows: evidence } = await sql<Evidence>`
    select ${columns} from identity_evidence
    where workspace_id = ${trx.workspaceId} and a = any(${reached}::text[]) and kind <> 'spelling'`.execute(
    trx,
  );
  return { evidence, reached };
}

/** A person may move to and fro between two phones, and a member decide again: each counts. All else happens once. */
function occurrenceOf(item: Evidence): number {
  return item.kind === 'phone_change' || item.kind === 'joined' || item.kind === 'hand_over' ? item.at : 0;
}

/** Takes back what a member said; returns what was there. Evidence the provider gave is never taken back. */
export async function retractEvidence(
  trx: WorkspaceTransaction,
  evidence: readonly Evidence[],
): Promise<Evidence[]> {
  const retracted: Evidence[] = [];
  for (const { kind, a, b, at } of evidence) {
    if (kind !== 'joined' && kind !== 'hand_over') continue;
    const { rows } = await sql<Evidence>`
      delete from identity_evidence
      where workspace_id = ${trx.workspaceId} and kind = ${kind} and a = ${a} and b = ${b} and occurrence = ${at}
      returning ${columns}`.execute(trx);
    retracted.push(...rows);
  }
  return retracted;
}
