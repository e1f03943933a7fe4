import { sql } from 'kysely';
import type { Page } from '../page.ts';
import type { WorkspaceTransaction } from '../store.ts';

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

/** The source's time, and the event's id. */
export type KeptEventKey = readonly [at: number, keptEventId: string];

const columns = sql.raw(
  `encode(event_key || content_hash, 'hex') as "keptEventId", what as kind, channel_id as "channelId", at`,
);

/** Newest first. */
export async function listKeptEvents(
  trx: WorkspaceTransaction,
  { limit, after, kind }: Page<KeptEventKey> & { readonly kind?: string | undefined },
): Promise<KeptEventRow[]> {
  const [at, keptEventId] = after ?? [];
  const id = Buffer.from(keptEventId ?? '', 'hex');
  const { rows } = await sql<KeptEventRow>`
    select ${columns} from kept_events
    where workspace_id = ${trx.workspaceId}
      ${kind === undefined ? sql`` : sql`and what = ${kind}`}
      ${at === undefined ? sql`` : sql`and (at, event_key, content_hash) < (${at}::bigint, ${id.subarray(0, 16)}::bytea, ${id.subarray(16)}::bytea)`}
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
  const id = Buffer.from(keptEventId, 'hex');
  const { rows } = await sql<KeptEventRow & { payload: Buffer }>`
    select ${columns}, payload from kept_events
    where workspace_id = ${trx.workspaceId} and event_key = ${id.subarray(0, 16)} and content_hash = ${id.subarray(16)}`.execute(
    trx,
  );
  return rows[0];
}
