import { sql } from 'kysely';
import type { WorkspaceTransaction } from './store.ts';

/** One limit of a CRM account as a leaky bucket; times in milliseconds. */
export interface Bucket {
  readonly connectionId: string;
  readonly name: string;
  /** What each call fills. */
  readonly perCallMs: number;
  /** How far calls of this caller may fill it ahead of time. */
  readonly reachMs: number;
  /** How far anybody's may: what stands further ahead was written by a clock that was set back since, and counts as full. */
  readonly depthMs: number;
}

/** Takes one call out of a limit shared by all processes: 0, or how long until this caller may ask again. */
export async function takeCall(trx: WorkspaceTransaction, bucket: Bucket, now: number): Promise<number> {
  const { connectionId, name, perCallMs, reachMs, depthMs } = bucket;
  const { numAffectedRows } = await sql`
    insert into crm_limits as l (workspace_id, connection_id, name, filled_until)
    values (${trx.workspaceId}, ${connectionId}, ${name}, ${now + perCallMs}::float8)
    on conflict (workspace_id, connection_id, name) do update
      set filled_until = greatest(l.filled_until, ${now}::float8) + ${perCallMs}::float8
      where l.filled_until <= ${now + reachMs}::float8`.execute(trx);
  if (numAffectedRows === 1n) return 0;
  const { rows } = await sql<{ filledUntil: number }>`
    update crm_limits set filled_until = least(filled_until, ${now + depthMs}::float8)
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and name = ${name}
    returning filled_until as "filledUntil"`.execute(trx);
  const filledUntil = rows[0]?.filledUntil ?? now;
  return Math.max(1, filledUntil - now - reachMs);
}
