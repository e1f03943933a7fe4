import { sql } from 'kysely';
import type { WorkspaceTransaction } from '../store.ts';

/** Limits of CRM accounts, shared by all processes: a row each. Times in milliseconds. */

interface Limit {
  readonly connectionId: string;
  readonly name: string;
}

/** Calls in any time, as a leaky bucket. */
export interface Bucket extends Limit {
  /** What this call fills. */
  readonly fillsMs: number;
  /** How far the bucket may be filled ahead of time before it. */
  readonly reachMs: number;
  /** How far anybody's may: what stands further ahead was written by a clock that was set back since, and counts as full. */
  readonly depthMs: number;
}

/** Takes one call out of it: 0, or how long until this caller may ask again. */
export async function fillBucket(trx: WorkspaceTransaction, bucket: Bucket, now: number): Promise<number> {
  const { connectionId, name, fillsMs, reachMs, depthMs } = bucket;
  const { numAffectedRows } = await sql`
    insert into crm_limits as l (workspace_id, connection_id, name, filled_until)
    values (${trx.workspaceId}, ${connectionId}, ${name}, ${now + fillsMs}::float8)
    on conflict (workspace_id, connection_id, name) do update
      set filled_until = greatest(l.filled_until, ${now}::float8) + ${fillsMs}::float8
      where l.filled_until <= ${now + reachMs}::float8`.execute(trx);
  if (numAffectedRows === 1n) return 0;
  const filledUntil = Math.min(await filledUntilOf(trx, bucket), now + depthMs);
  return Math.max(1, filledUntil - now - reachMs);
}

async function filledUntilOf(trx: WorkspaceTransaction, { connectionId, name }: Limit): Promise<number> {
  const { rows } = await sql<{ filledUntil: number }>`
    select filled_until as "filledUntil" from crm_limits
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and name = ${name}`.execute(
    trx,
  );
  return rows[0]?.filledUntil ?? 0;
}

/** What a clock that was set back since wrote of a limit is brought to the most it can be. */
export async function capLimit(
  trx: WorkspaceTransaction,
  { connectionId, name }: Limit,
  most: { readonly filledUntil: number; readonly renewedAt: number },
): Promise<void> {
  const { filledUntil, renewedAt } = most;
  await sql`
    update crm_limits
    set filled_until = least(filled_until, ${filledUntil}::float8), renewed_at = least(renewed_at, ${renewedAt}::float8)
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and name = ${name}
      and (filled_until > ${filledUntil}::float8 or renewed_at > ${renewedAt}::float8)`.execute(trx);
}

/** So many tokens until it is renewed. */
export interface Budget extends Limit {
  readonly cost: number;
  /** Where the vendor did not say how many there are. */
  readonly tokens: number;
  /** The share that stays untouched for what is more pressing. */
  readonly reserve: number;
  /** When one that starts now is renewed. No other can last longer. */
  readonly renewedAt: number;
}

/** Spends of it: 0, or how long until it is renewed. */
export async function spendBudget(trx: WorkspaceTransaction, budget: Budget, now: number): Promise<number> {
  const { connectionId, name, cost, tokens, reserve, renewedAt } = budget;
  await sql`
    insert into crm_limits (workspace_id, connection_id, name, renewed_at)
    values (${trx.workspaceId}, ${connectionId}, ${name}, ${renewedAt}::float8)
    on conflict (workspace_id, connection_id, name) do nothing`.execute(trx);
  const isOver = sql`renewed_at <= ${now}::float8`;
  const { numAffectedRows } = await sql`
    update crm_limits
    set spent = case when ${isOver} then 0 else spent end + ${cost}::float8,
        renewed_at = case when ${isOver} then ${renewedAt}::float8 else least(renewed_at, ${renewedAt}::float8) end
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and name = ${name}
      and case when ${isOver} then 0 else spent end + ${cost}::float8
            <= coalesce(tokens, ${tokens}::float8) * (1 - ${reserve}::float8)`.execute(trx);
  if (numAffectedRows === 1n) return 0;
  const { rows } = await sql<{ renewedAt: number }>`
    select least(renewed_at, ${renewedAt}::float8) as "renewedAt" from crm_limits
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and name = ${name}`.execute(
    trx,
  );
  return Math.max(1, (rows[0]?.renewedAt ?? renewedAt) - now);
}

/** What the vendor says is left of it. Others spend too, and answers come late: within its time what is spent only grows. */
export async function learnBudget(
  trx: WorkspaceTransaction,
  budget: Pick<Budget, 'connectionId' | 'name' | 'tokens' | 'renewedAt'> & {
    readonly left: number;
    readonly of: number | undefined;
  },
  now: number,
): Promise<void> {
  const { connectionId, name, tokens, renewedAt, left, of = null } = budget;
  const spent = sql`greatest(coalesce(${of}::float8, l.tokens, ${tokens}::float8) - ${left}::float8, 0)`;
  const isOver = sql`l.renewed_at <= ${now}::float8`;
  await sql`
    insert into crm_limits as l (workspace_id, connection_id, name, tokens, spent, renewed_at)
    values (${trx.workspaceId}, ${connectionId}, ${name}, ${of}::float8,
            greatest(coalesce(${of}::float8, ${tokens}::float8) - ${left}::float8, 0), ${renewedAt}::float8)
    on conflict (workspace_id, connection_id, name) do update
      set tokens = coalesce(${of}::float8, l.tokens),
          spent = case when ${isOver} then ${spent} else greatest(l.spent, ${spent}) end,
          renewed_at = case when ${isOver} then ${renewedAt}::float8 else least(l.renewed_at, ${renewedAt}::float8) end`.execute(
    trx,
  );
}

/** Begins a call of at most so many at once: whether it may. One that is not ended counts until `until`. */
export async function beginCall(
  trx: WorkspaceTransaction,
  { connectionId, name, most, until }: Limit & { readonly most: number; readonly until: number },
  now: number,
): Promise<boolean> {
  await sql`
    insert into crm_limits (workspace_id, connection_id, name) values (${trx.workspaceId}, ${connectionId}, ${name})
    on conflict (workspace_id, connection_id, name) do nothing`.execute(trx);
  const still = sql`array(select u from unnest(under_way) u where u > ${now}::float8 and u <= ${until}::float8)`;
  const { numAffectedRows } = await sql`
    update crm_limits set under_way = ${still} || ${until}::float8
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and name = ${name}
      and cardinality(${still}) < ${most}`.execute(trx);
  return numAffectedRows === 1n;
}

export async function endCall(
  trx: WorkspaceTransaction,
  { connectionId, name, until }: Limit & { readonly until: number },
): Promise<void> {
  await sql`
    update crm_limits
    set under_way = under_way[:array_position(under_way, ${until}::float8) - 1]
                 || under_way[array_position(under_way, ${until}::float8) + 1:]
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and name = ${name}
      and ${until}::float8 = any(under_way)`.execute(trx);
}
