import { sql } from 'kysely';
import type { WorkspaceTransaction } from './store.ts';

/** What WhatsApp told that nothing applies: acknowledged, and kept for somebody to see. */
export interface KeptEventRow {
  /** Event key and content hash, hex. */
  readonly keptEventId: string;
  /** `account_update`, `messages/errors`, `messages/message/group`, … */
  readonly kind: string;
  readonly channelId: string | null;
  /** Milliseconds, the source's time where it gave one. */
  readonly at: number;
}

export interface KeptEventQuery {
  readonly limit: number;
  readonly kind?: string | undefined;
  /** The last event already seen. */
  readonly after?: string | undefined;
}

const columns = sql.raw(
  `encode(event_key || content_hash, 'hex') as "keptEventId", what as kind, channel_id as "channelId", at`,
);

/** Newest first. */
export async function listKeptEvents(
  trx: WorkspaceTransaction,
  { limit, kind, after }: KeptEventQuery,
): Promise<KeptEventRow[]> {
  const ofKind = kind === undefined ? sql`` : sql`and what = ${kind}`;
  const behind =
    after === undefined
      ? sql``
      : sql`and (at, event_key, content_hash) < (
          select at, event_key, content_hash from kept_events where workspace_id = ${trx.workspaceId} and ${named(after)})`;
  const { rows } = await sql<KeptEventRow>`
    select ${columns} from kept_events
    where workspace_id = ${trx.workspaceId} ${ofKind} ${behind}
    order by at desc, event_key desc, content_hash desc limit ${limit}`.execute(trx);
  return rows;
}

/** How many there are of each kind, the most frequent first; kinds beyond the 200th are left out. */
export async function countKeptEvents(
  trx: WorkspaceTransaction,
): Promise<{ readonly kind: string; readonly count: number }[]> {
  const { rows } = await sql<{ kind: string; count: number }>`
    select what as kind, count(*)::int as count from kept_events
    where workspace_id = ${trx.workspaceId} group by what order by count(*) desc, what limit 200`.execute(
    trx,
  );
  return rows;
}

/** With what arrived. Undefined: there is no such event. */
export async function readKeptEvent(
  trx: WorkspaceTransaction,
  keptEventId: string,
): Promise<(KeptEventRow & { readonly payload: Buffer }) | undefined> {
  const { rows } = await sql<KeptEventRow & { payload: Buffer }>`
    select ${columns}, payload from kept_events
    where workspace_id = ${trx.workspaceId} and ${named(keptEventId)}`.execute(trx);
  return rows[0];
}

function named(keptEventId: string): ReturnType<typeof sql> {
  const id = Buffer.from(keptEventId, 'hex');
  return sql`event_key = ${id.subarray(0, 16)} and content_hash = ${id.subarray(16)}`;
}
