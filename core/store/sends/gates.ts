import { sql } from 'kysely';
import type { ConsentEntry } from '../../consent/index.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** What stands at a channel's gates, a person each, by the id messages go to. Times in milliseconds. */

export interface Gate {
  readonly address: string;
  readonly restUntil: number;
  readonly rests: number;
  readonly filledUntil: number;
  readonly unreachable: number;
  readonly unreachableAt: number | null;
  readonly windowDeniedAt: number | null;
  readonly outsideAt: number | null;
}

/** Locks the gates of these addresses in order; those nobody stood at before are made. */
export async function lockGates(
  trx: WorkspaceTransaction,
  channelId: string,
  addresses: readonly string[],
): Promise<ReadonlyMap<string, Gate>> {
  const inOrder = [...new Set(addresses)].toSorted();
  if (inOrder.length === 0) return new Map();
  await sql`
    insert into gates (workspace_id, channel_id, address)
    select ${trx.workspaceId}::uuid, ${channelId}::uuid, address from unnest(${inOrder}::text[]) as t (address)
    on conflict (workspace_id, channel_id, address) do nothing`.execute(trx);
  return gatesOf(trx, channelId, inOrder, sql`for update`);
}

/** The gates of those of these addresses somebody stood at before. */
export async function readGates(
  trx: WorkspaceTransaction,
  channelId: string,
  addresses: readonly string[],
): Promise<ReadonlyMap<string, Gate>> {
  return gatesOf(trx, channelId, addresses, sql``);
}

async function gatesOf(
  trx: WorkspaceTransaction,
  channelId: string,
  addresses: readonly string[],
  how: ReturnType<typeof sql>,
): Promise<ReadonlyMap<string, Gate>> {
  const { rows } = await sql<Gate>`
    select address, rest_until as "restUntil", rests, filled_until as "filledUntil", unreachable,
           unreachable_at as "unreachableAt", window_denied_at as "windowDeniedAt", outside_at as "outsideAt"
    from gates
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and address = any(${[...addresses]}::text[])
    order by address ${how}`.execute(trx);
  return new Map(rows.map((gate) => [gate.address, gate]));
}

/** Of gates that are locked. */
export async function saveGates(
  trx: WorkspaceTransaction,
  channelId: string,
  gates: readonly Gate[],
): Promise<void> {
  if (gates.length === 0) return;
  const column = <Key extends keyof Gate>(key: Key): Gate[Key][] => gates.map((gate) => gate[key]);
  await sql`
    update gates g
    set rest_until = t.rest_until, rests = t.rests, filled_until = t.filled_until, unreachable = t.unreachable,
        unreachable_at = t.unreachable_at, window_denied_at = t.window_denied_at, outside_at = t.outside_at
    from unnest(${column('address')}::text[], ${column('restUntil')}::bigint[], ${column('rests')}::int[],
                ${column('filledUntil')}::float8[], ${column('unreachable')}::int[], ${column('unreachableAt')}::bigint[],
                ${column('windowDeniedAt')}::bigint[], ${column('outsideAt')}::bigint[])
         as t (address, rest_until, rests, filled_until, unreachable, unreachable_at, window_denied_at, outside_at)
    where g.workspace_id = ${trx.workspaceId} and g.channel_id = ${channelId} and g.address = t.address`.execute(
    trx,
  );
}

/** How many people a portfolio was sent to outside their windows since, counted up to `most`. */
export async function peopleOutside(
  trx: WorkspaceTransaction,
  portfolio: string,
  since: number,
  most: number,
): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from (
      select distinct g.address from gates g
      join directory_channels d on d.channel_id = g.channel_id
      where g.workspace_id = ${trx.workspaceId} and d.workspace_id = ${trx.workspaceId} and d.portfolio = ${portfolio}
        and g.outside_at > ${since}
      limit ${most}) people`.execute(trx);
  return rows[0]?.count ?? 0;
}

/** What of a person decides whether a message may leave to them. */
export interface Addressee {
  readonly contactId: string;
  /** The window on this channel; null: they never wrote on it. */
  readonly windowClosesAt: number | null;
  readonly lastInboundAt: number | null;
  readonly freeEntryUntil: number | null;
  /** All they are known by. */
  readonly values: readonly string[];
  /** The digits of their phones as WhatsApp shows them, by phone. */
  readonly waIds: Readonly<Record<string, string>>;
}

export async function readAddressees(
  trx: WorkspaceTransaction,
  channelId: string,
  contactIds: readonly string[],
): Promise<ReadonlyMap<string, Addressee>> {
  if (contactIds.length === 0) return new Map();
  const { rows } = await sql<Addressee>`
    select t.contact_id as "contactId", v.window_closes_at as "windowClosesAt", v.last_inbound_at as "lastInboundAt",
           v.free_entry_until as "freeEntryUntil",
           array(select i.value from identities i
                 where i.workspace_id = ${trx.workspaceId} and i.contact_id = t.contact_id) as values,
           (select coalesce(json_object_agg(e.a, e.b), '{}') from (
              select distinct on (e.a) e.a, e.b from identities i
              join identity_evidence e on e.workspace_id = ${trx.workspaceId} and e.a = i.value and e.kind = 'spelling'
              where i.workspace_id = ${trx.workspaceId} and i.contact_id = t.contact_id
              order by e.a, e.at desc) e) as "waIds"
    from unnest(${[...contactIds]}::uuid[]) as t (contact_id)
    left join conversations v on v.workspace_id = ${trx.workspaceId} and v.contact_id = t.contact_id
                             and v.channel_id = ${channelId}`.execute(trx);
  return new Map(rows.map((row) => [row.contactId, row]));
}

/** Which of these ids a STOP stands against that the ledger does not know of yet. */
export async function suppressedAmong(
  trx: WorkspaceTransaction,
  values: readonly string[],
): Promise<ReadonlySet<string>> {
  if (values.length === 0) return new Set();
  const { rows } = await sql<{ value: string }>`
    select distinct value from suppression
    where workspace_id = ${trx.workspaceId} and value = any(${[...values]}::text[])`.execute(trx);
  return new Set(rows.map(({ value }) => value));
}

/**
 * How many withdrawals the ledger holds of whoever is known by each of these ids. The ledger only grows: another number than
 * before says that something was taken back meanwhile, whatever processes' clocks say and whoever was joined with whom.
 */
export async function withdrawalsOf(
  trx: WorkspaceTransaction,
  values: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  if (values.length === 0) return new Map();
  const { rows } = await sql<{ value: string; count: number }>`
    select t.value, (
             select count(*)::int from consent_entries e
             where e.workspace_id = ${trx.workspaceId} and e.action = 'withdrawal'
               and e.contact_id in (select i.contact_id from identities i
                                    where i.workspace_id = ${trx.workspaceId} and i.value = t.value)) + (
             select count(*)::int from consent_entries e
             where e.workspace_id = ${trx.workspaceId} and e.action = 'withdrawal' and e.contact_id is null
               and e.phone = t.value) as count
    from (select distinct unnest(${[...values]}::text[]) as value) t`.execute(trx);
  return new Map(rows.map(({ value, count }) => [value, count]));
}

/** What was said of consent under these phones while nobody known had them. */
export async function consentOfPhones(
  trx: WorkspaceTransaction,
  phones: readonly string[],
): Promise<ReadonlyMap<string, readonly ConsentEntry[]>> {
  if (phones.length === 0) return new Map();
  const { rows } = await sql<ConsentEntry & { phone: string }>`
    select phone, purpose, action, effective_at as "effectiveAt", rank, encode(event_key, 'hex') as key
    from consent_entries
    where workspace_id = ${trx.workspaceId} and contact_id is null and phone = any(${[...phones]}::text[])`.execute(
    trx,
  );
  return Map.groupBy(rows, ({ phone }) => phone);
}

/** Messages arrived at these people: they are no longer taken for unreachable. */
export async function reachedAgain(
  trx: WorkspaceTransaction,
  reached: readonly {
    readonly channelId: string;
    readonly phone: string | null;
    readonly bsuidKey: string | null;
  }[],
): Promise<void> {
  const at = reached.flatMap(({ channelId, phone, bsuidKey }) => {
    const address = phone ?? bsuidKey;
    return address === null ? [] : [{ channelId, address }];
  });
  if (at.length === 0) return;
  await sql`
    update gates g set unreachable = 0, unreachable_at = null
    from (select channel_id, address from gates
          where workspace_id = ${trx.workspaceId} and unreachable > 0
            and (channel_id, address) in (select * from unnest(${at.map((one) => one.channelId)}::uuid[],
                                                               ${at.map((one) => one.address)}::text[]))
          order by channel_id, address for update) k
    where g.workspace_id = ${trx.workspaceId} and g.channel_id = k.channel_id and g.address = k.address`.execute(
    trx,
  );
}

/** Until when WhatsApp counts these people as come from an ad: the latest it told. */
export async function joinFreeEntries(
  trx: WorkspaceTransaction,
  entries: readonly { readonly contactId: string; readonly channelId: string; readonly until: number }[],
): Promise<void> {
  if (entries.length === 0) return;
  const rows = entries.toSorted((x, y) => (x.contactId < y.contactId ? -1 : 1));
  await sql`
    update conversations v set free_entry_until = greatest(v.free_entry_until, t.until)
    from unnest(${rows.map(({ contactId }) => contactId)}::uuid[], ${rows.map(({ channelId }) => channelId)}::uuid[],
                ${rows.map(({ until }) => until)}::bigint[]) as t (contact_id, channel_id, until)
    where v.workspace_id = ${trx.workspaceId} and v.contact_id = t.contact_id and v.channel_id = t.channel_id`.execute(
    trx,
  );
}
