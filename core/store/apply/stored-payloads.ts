import { type RawBuilder, sql } from 'kysely';
import type { WorkspaceTransaction } from '../store.ts';

/** What arrived or was decided, as it was kept whole. */
export interface StoredPayload {
  /** The row's own key, in the order of `shelves`. */
  readonly key: readonly unknown[];
  readonly payload: Buffer;
  readonly channelId: string | null;
  /** Of dead letters. */
  readonly reason: string | null;
  /** Milliseconds. */
  readonly receivedAt: number;
  readonly eventKey: Buffer | null;
}

interface Shelf {
  readonly key: readonly (readonly [column: string, type: string])[];
  readonly payload: string;
  readonly columns: string;
}

const eventColumns: Shelf['key'] = [
  ['event_key', 'bytea'],
  ['content_hash', 'bytea'],
];

/** Tables whose rows have to be read to know of whom they speak. */
const shelves = {
  inbox: {
    key: [['lane', 'smallint'], ['received_at', 'bigint'], ...eventColumns],
    payload: 'payload',
    columns: `channel_id as "channelId", null as reason, received_at as "receivedAt", event_key as "eventKey"`,
  },
  dead_letters: {
    key: [['dead_letter_id', 'uuid']],
    payload: 'payload',
    columns: `channel_id as "channelId", reason, received_at as "receivedAt", event_key as "eventKey"`,
  },
  kept_events: {
    key: eventColumns,
    payload: 'payload',
    columns: `channel_id as "channelId", null as reason, at as "receivedAt", event_key as "eventKey"`,
  },
  decisions: {
    key: [['decision_id', 'uuid']],
    payload: 'subject',
    columns: `null::uuid as "channelId", null as reason, at as "receivedAt", null::bytea as "eventKey"`,
  },
} as const satisfies Record<string, Shelf>;

export type PayloadShelf = keyof typeof shelves;
export const payloadShelves = Object.keys(shelves) as PayloadShelf[];

/** Rows and bytes read at once. */
const largestPart = { rows: 500, bytes: 8 * 2 ** 20 };

/** The first rows of a query with a `payload`, by its unique `order`: a bounded part of them, at least one. */
export function firstPart(query: RawBuilder<unknown>, order: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
    select * from (
      select page.*, sum(octet_length(payload)) over (order by ${order}) as bytes,
             row_number() over (order by ${order}) as place
      from (${query} order by ${order} limit ${largestPart.rows}) page) part
    where coalesce(bytes, 0) <= ${largestPart.bytes} or place = 1
    order by place`;
}

/** All payloads of a table in their key's order, a bounded part at a time. */
export async function* storedPayloads(
  trx: WorkspaceTransaction,
  shelf: PayloadShelf,
): AsyncGenerator<readonly StoredPayload[]> {
  const { payload, columns }: Shelf = shelves[shelf];
  const key: Shelf['key'] = shelves[shelf].key;
  const names = sql.raw(key.map(([name]) => name).join(', '));
  let after: readonly unknown[] | undefined;
  for (;;) {
    const beyond =
      after === undefined
        ? sql``
        : sql`and (${names}) > (${sql.join(key.map(([, type], n) => sql`${after?.[n]}::${sql.raw(type)}`))})`;
    const query = sql`
      select ${names}, ${sql.raw(payload)} as payload, ${sql.raw(columns)} from ${sql.table(shelf)}
      where workspace_id = ${trx.workspaceId} and ${sql.raw(payload)} is not null ${beyond}`;
    const { rows } = await sql<
      Omit<StoredPayload, 'key'> & Record<string, unknown>
    >`${firstPart(query, names)}`.execute(trx);
    if (rows.length === 0) return;
    const part = rows.map((row) => ({ ...row, key: key.map(([name]) => row[name]) }));
    yield part;
    after = part.at(-1)?.key;
  }
}

export async function dropPayloads(
  trx: WorkspaceTransaction,
  shelf: PayloadShelf,
  rows: readonly StoredPayload[],
): Promise<void> {
  if (rows.length === 0) return;
  const key: Shelf['key'] = shelves[shelf].key;
  const lists = key.map(([, type], n) => sql`${rows.map((row) => row.key[n])}::${sql.raw(`${type}[]`)}`);
  await sql`
    delete from ${sql.table(shelf)}
    where workspace_id = ${trx.workspaceId}
      and (${sql.raw(key.map(([name]) => name).join(', '))}) in (select * from unnest(${sql.join(lists)}))`.execute(
    trx,
  );
}

export async function rewritePayload(
  trx: WorkspaceTransaction,
  shelf: PayloadShelf,
  row: StoredPayload,
  payload: Buffer,
): Promise<void> {
  const key: Shelf['key'] = shelves[shelf].key;
  await sql`
    update ${sql.table(shelf)} set ${sql.ref(shelves[shelf].payload)} = ${payload}
    where workspace_id = ${trx.workspaceId}
      and ${sql.join(
        key.map(([name, type], n) => sql`${sql.ref(name)} = ${row.key[n]}::${sql.raw(type)}`),
        sql` and `,
      )}`.execute(trx);
}
