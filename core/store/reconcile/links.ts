import { sql } from 'kysely';
import { closeConflict, openConflicts } from '../corrections/attention.ts';
import { isEarlierHolders } from './earlier-holders.ts';
import { holdContacts } from './hold-contacts.ts';
import { isOneOf, strayPhonesOf, strayPhonesOn } from './stray-phones.ts';
import type { LinkReason } from '../schema.ts';
import { dueTimeline, repointEntries } from '../timeline/timeline-moves.ts';
import { shareWrites } from './crm-writes.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** A contact tied to a record. */
export interface LinkRow {
  readonly contactId: string;
  readonly recordId: string;
  /** The contact's own record, which takes fields and timeline; others take its opt-out only. */
  readonly primary: boolean;
}

const columns = sql.raw('contact_id as "contactId", record_id as "recordId", is_primary as "primary"');

/**
 * Everybody tied to these records. Whoever was parted from one that holds their phone stands there, and it is not their primary:
 * their opt-out concerns it, and nothing else of theirs.
 */
export async function linksOfRecords(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
): Promise<LinkRow[]> {
  const { rows } = await sql<LinkRow>`
    select contact_id as "contactId", record_id as "recordId", is_primary and parted_at is null as "primary" from crm_links l
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and record_id = any(${recordIds}::text[])
      and (parted_at is null
           or exists (select 1 from crm_phones p
                      join identities i on i.workspace_id = p.workspace_id and i.value = p.phone
                                       and i.contact_id = l.contact_id
                      where p.workspace_id = ${trx.workspaceId} and p.connection_id = l.connection_id
                        and p.record_id = l.record_id))
    order by created_at, contact_id`.execute(trx);
  return rows;
}

export async function linksOfContacts(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
): Promise<LinkRow[]> {
  const { rows } = await sql<LinkRow>`
    select ${columns} from crm_links
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and contact_id = any(${contactIds}::uuid[]) and parted_at is null
    order by created_at, record_id`.execute(trx);
  return rows;
}

/** Records a person took from these contacts by hand. */
export async function partedFrom(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
): Promise<{ readonly contactId: string; readonly recordId: string }[]> {
  const { rows } = await sql<{ contactId: string; recordId: string }>`
    select contact_id as "contactId", record_id as "recordId" from crm_links
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
      and contact_id = any(${contactIds}::uuid[]) and parted_at is not null`.execute(trx);
  return rows;
}

/**
 * Ties contacts to records. A contact joined into another meanwhile is tied by its survivor; one that has a primary
 * record already gets no second one, and what a person parted stays parted. Timelines of those who got a primary record fall
 * due. A record made for somebody who got another one meanwhile is a conflict. Returns records tied otherwise than was asked,
 * as by a survivor: what they say was decided without them.
 */
export async function saveLinks(
  trx: WorkspaceTransaction,
  connectionId: string,
  links: readonly (LinkRow & { readonly reason: LinkReason })[],
  now: number,
): Promise<string[]> {
  if (links.length === 0) return [];
  await holdContacts(
    trx,
    links.map(({ contactId }) => contactId),
  );
  // Of several contacts joined into one meanwhile, each with a record, one gives the primary record.
  const { rows } = await sql<LinkRow>`
    insert into crm_links (workspace_id, connection_id, contact_id, record_id, is_primary, decided_by, created_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, t.contact_id, t.record_id,
           t.is_primary and row_number() over (partition by t.contact_id, t.is_primary order by t.record_id) = 1
             and not exists (${primaryOf(connectionId, trx.workspaceId)}),
           t.reason, ${now}
    from (select distinct on (coalesce(c.merged_into, i.contact_id), i.record_id)
                 coalesce(c.merged_into, i.contact_id) as contact_id, i.record_id, i.is_primary, i.reason
          from unnest(${links.map((l) => l.contactId)}::uuid[], ${links.map((l) => l.recordId)}::text[],
                      ${links.map((l) => l.primary)}::bool[], ${links.map((l) => l.reason)}::text[])
               as i (contact_id, record_id, is_primary, reason)
          join contacts c on c.workspace_id = ${trx.workspaceId} and c.contact_id = i.contact_id
          order by 1, 2, i.is_primary desc) t
    order by t.contact_id, t.record_id
    on conflict (workspace_id, connection_id, contact_id, record_id) do update set
      is_primary = crm_links.is_primary or (excluded.is_primary and crm_links.parted_at is null)
    returning ${columns}`.execute(trx);
  await leaveGonePrimaries(trx, connectionId, contactsWithPrimary(rows));
  await dueTimeline(trx, connectionId, contactsWithPrimary(rows), now);
  const asked = new Map(links.map((link) => [`${link.contactId} ${link.recordId}`, link.primary]));
  const joined = rows.flatMap(({ contactId, recordId, primary }) => {
    const wanted = asked.get(`${contactId} ${recordId}`);
    return wanted === undefined || (wanted && !primary) ? [recordId] : [];
  });
  const made = new Set(links.filter(({ reason }) => reason === 'created').map(({ recordId }) => recordId));
  const second = rows.filter(({ primary, recordId }) => !primary && made.has(recordId));
  if (second.length === 0) return joined;
  const standing = await linksOfContacts(
    trx,
    connectionId,
    second.map(({ contactId }) => contactId),
  );
  await openConflicts(
    trx,
    second.flatMap(({ contactId, recordId }) => {
      const primary = standing.find((link) => link.contactId === contactId && link.primary);
      return primary === undefined ? [] : [twoRecords(connectionId, contactId, [primary.recordId, recordId])];
    }),
    now,
  );
  return joined;
}

function contactsWithPrimary(
  rows: readonly { readonly contactId: string; readonly primary: boolean }[],
): string[] {
  return [...new Set(rows.filter(({ primary }) => primary).map(({ contactId }) => contactId))];
}

/** A link of contact `t` to a record that is there. */
function primaryOf(connectionId: string, workspaceId: string): ReturnType<typeof sql> {
  return sql`
    select 1 from crm_links h
    left join crm_records r on r.workspace_id = h.workspace_id and r.connection_id = h.connection_id
                           and r.record_id = h.record_id
    where h.workspace_id = ${workspaceId} and h.connection_id = ${connectionId} and h.contact_id = t.contact_id
      and h.is_primary and h.parted_at is null and h.record_id <> t.record_id and r.gone is null`;
}

/** A primary record that is gone makes way for another one, also should it come back. */
export async function leaveGonePrimaries(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactIds: readonly string[],
): Promise<void> {
  if (contactIds.length === 0) return;
  await sql`
    update crm_links l set is_primary = false
    from crm_records r
    where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
      and l.contact_id = any(${contactIds}::uuid[]) and l.is_primary
      and r.workspace_id = l.workspace_id and r.connection_id = l.connection_id and r.record_id = l.record_id
      and r.gone is not null`.execute(trx);
}

/**
 * Ties records to the contacts whose phone they hold, and unties those that hold it no longer: a record that is not a
 * contact's primary one still takes its opt-out. A contact without one gets it, but none of who held its phone before, and its
 * timeline falls due. A record that stood
 * when we made another for the same person is a conflict. Returns the records to be looked at.
 */
export async function linkByPhone(
  trx: WorkspaceTransaction,
  connectionId: string,
  recordIds: readonly string[],
  now: number,
): Promise<string[]> {
  if (recordIds.length === 0) return [];
  const { rows: untied } = await sql<{ contactId: string; recordId: string }>`
    delete from crm_links l
    where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
      and l.record_id = any(${recordIds}::text[]) and not l.is_primary and l.decided_by = 'phone' and l.parted_at is null
      and not exists (select 1 from crm_phones p join identities i
                        on i.workspace_id = p.workspace_id and i.value = p.phone and i.contact_id = l.contact_id
                      where p.workspace_id = ${trx.workspaceId} and p.connection_id = l.connection_id
                        and p.record_id = l.record_id)
    returning l.contact_id as "contactId", l.record_id as "recordId"`.execute(trx);
  await closeUntied(trx, connectionId, untied, now);
  const { rows: known } = await sql<{ contactId: string }>`
    select distinct i.contact_id as "contactId" from crm_phones p
    join identities i on i.workspace_id = p.workspace_id and i.value = p.phone and i.contact_id is not null
    where p.workspace_id = ${trx.workspaceId} and p.connection_id = ${connectionId}
      and p.record_id = any(${recordIds}::text[])`.execute(trx);
  const contactIds = known.map(({ contactId }) => contactId);
  if (contactIds.length === 0) return [...new Set(untied.map(({ recordId }) => recordId))];
  await holdContacts(trx, contactIds);
  const strays = await strayPhonesOn(trx, connectionId, recordIds);
  const earlier = isEarlierHolders(trx, connectionId, contactIds, {
    contactId: sql`i.contact_id`,
    recordId: sql`p.record_id`,
  });
  const { rows } = await sql<LinkRow>`
    insert into crm_links (workspace_id, connection_id, contact_id, record_id, is_primary, decided_by, created_at)
    select ${trx.workspaceId}::uuid, ${connectionId}::uuid, t.contact_id, t.record_id,
           t.place = 1 and not t.earlier and not exists (${primaryOf(connectionId, trx.workspaceId)}), 'phone', ${now}
    from (select i.contact_id, p.record_id, ${earlier} as earlier,
                 row_number() over (partition by i.contact_id
                                    order by ${earlier}, coalesce(r.rank, 0), min(p.place), r.created_at, length(p.record_id),
                                             p.record_id) as place
          from (select p.record_id, p.phone, min(p.place) as place from crm_phones p
                where p.workspace_id = ${trx.workspaceId} and p.connection_id = ${connectionId}
                  and p.record_id = any(${recordIds}::text[]) and p.phone is not null
                  and not ${isOneOf(strays)}
                group by p.record_id, p.phone) p
          join identities i on i.workspace_id = ${trx.workspaceId} and i.value = p.phone
                           and i.contact_id = any(${contactIds}::uuid[])
          left join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
                                 and r.record_id = p.record_id
          where not exists (select 1 from identities later where later.workspace_id = ${trx.workspaceId}
                              and later.value = i.value and later.since > i.since)
          group by i.contact_id, p.record_id, r.rank, r.created_at) t
    order by t.contact_id, t.record_id
    on conflict do nothing
    returning ${columns}`.execute(trx);
  await leaveGonePrimaries(trx, connectionId, contactsWithPrimary(rows));
  await dueTimeline(trx, connectionId, contactsWithPrimary(rows), now);
  await reportTwins(
    trx,
    connectionId,
    rows.filter(({ primary }) => !primary),
    now,
  );
  return [...new Set([...rows, ...untied].map(({ recordId }) => recordId))];
}

/** A record that held somebody's phone and does not any more is none of theirs: conflicts name those that are left. */
async function closeUntied(
  trx: WorkspaceTransaction,
  connectionId: string,
  untied: readonly { readonly contactId: string; readonly recordId: string }[],
  now: number,
): Promise<void> {
  if (untied.length === 0) return;
  const { rows } = await sql<{ conflictId: string; contactId: string; left: string[] }>`
    select c.conflict_id as "conflictId", c.contact_id as "contactId",
           array(select record_id from unnest(c.record_ids) with ordinality as r (record_id, place)
                 where record_id <> all(array_agg(t.record_id)) order by place) as left
    from unnest(${untied.map(({ contactId }) => contactId)}::uuid[], ${untied.map(({ recordId }) => recordId)}::text[])
         as t (contact_id, record_id)
    join conflicts c on c.workspace_id = ${trx.workspaceId} and c.connection_id = ${connectionId}
                    and c.contact_id = t.contact_id and c.kind = 'two records' and c.state = 'open'
                    and t.record_id = any(c.record_ids)
    group by c.conflict_id, c.contact_id, c.record_ids
    order by c.conflict_id`.execute(trx);
  const why = 'a record it names does not hold their phone any more';
  for (const { conflictId } of rows) await closeConflict(trx, conflictId, why, now);
  await openConflicts(
    trx,
    rows.flatMap(({ contactId, left: [primary, second, ...others] }) =>
      primary === undefined || second === undefined
        ? []
        : [twoRecords(connectionId, contactId, [primary, second, ...others])],
    ),
    now,
  );
}

/** Clocks of vendors and ours differ, and a vendor's news of a record lags behind its making. */
const twinSkewMs = 60_000;

/** Records that stood, unknown to us, when we made another one for the same person. */
async function reportTwins(
  trx: WorkspaceTransaction,
  connectionId: string,
  links: readonly { readonly contactId: string; readonly recordId: string }[],
  now: number,
): Promise<void> {
  if (links.length === 0) return;
  const { rows } = await sql<{ contactId: string; recordId: string; primaryId: string }>`
    select h.contact_id as "contactId", t.record_id as "recordId", h.record_id as "primaryId"
    from unnest(${links.map(({ contactId }) => contactId)}::uuid[], ${links.map(({ recordId }) => recordId)}::text[])
         as t (contact_id, record_id)
    join crm_links h on h.workspace_id = ${trx.workspaceId} and h.connection_id = ${connectionId}
                    and h.contact_id = t.contact_id and h.is_primary and h.decided_by = 'created' and h.parted_at is null
    join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = ${connectionId}
                      and r.record_id = t.record_id and r.gone is null
    join crm_records own on own.workspace_id = ${trx.workspaceId} and own.connection_id = ${connectionId}
                        and own.record_id = h.record_id and own.gone is null
    where r.created_at <= h.created_at + ${twinSkewMs}`.execute(trx);
  await openConflicts(
    trx,
    rows.map(({ contactId, recordId, primaryId }) =>
      twoRecords(connectionId, contactId, [primaryId, recordId]),
    ),
    now,
  );
}

/** A conflict of one person with several records; the first is the one that is theirs now. */
export function twoRecords(
  connectionId: string,
  contactId: string,
  recordIds: readonly [string, string, ...string[]],
): Parameters<typeof openConflicts>[1][number] {
  const [primary, ...others] = recordIds;
  return {
    connectionId,
    kind: 'two records',
    contactId,
    recordIds,
    explanation:
      `This person has record ${primary} and also ${others.join(', ')}. Messages and fields go to ${primary}. Name the one ` +
      'that stays theirs, or merge them in the CRM.',
  };
}

/** Makes these the primary records of their contacts, unless a person decided about that. */
export async function preferPrimaries(
  trx: WorkspaceTransaction,
  connectionId: string,
  primaries: readonly { readonly contactId: string; readonly recordId: string }[],
): Promise<void> {
  if (primaries.length === 0) return;
  await sql`
    update crm_links l set is_primary = (l.record_id = t.record_id)
    from unnest(${primaries.map(({ contactId }) => contactId)}::uuid[], ${primaries.map(({ recordId }) => recordId)}::text[])
         as t (contact_id, record_id)
    where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId} and l.contact_id = t.contact_id
      and l.parted_at is null and l.is_primary <> (l.record_id = t.record_id)
      and not exists (select 1 from crm_links m
                      where m.workspace_id = ${trx.workspaceId} and m.connection_id = ${connectionId}
                        and m.contact_id = t.contact_id and m.is_primary and m.decided_by = 'member')`.execute(
    trx,
  );
}

/** Ties these contacts to every record that holds one of their phones, in all connections. */
export async function linkContactsByPhone(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
  now: number,
): Promise<void> {
  if (contactIds.length === 0) return;
  const strays = await strayPhonesOf(trx, contactIds);
  await sql`
    insert into crm_links (workspace_id, connection_id, contact_id, record_id, is_primary, decided_by, created_at)
    select distinct ${trx.workspaceId}::uuid, p.connection_id, i.contact_id, p.record_id, false, 'phone', ${now}::bigint
    from identities i
    join crm_phones p on p.workspace_id = ${trx.workspaceId} and p.phone = i.value
    where i.workspace_id = ${trx.workspaceId} and i.contact_id = any(${contactIds}::uuid[])
      and not exists (select 1 from identities later where later.workspace_id = ${trx.workspaceId}
                        and later.value = i.value and later.since > i.since)
      and not ${isOneOf(strays)}
    on conflict do nothing`.execute(trx);
}

/**
 * Links follow records that were merged in the CRM, and so do timelines: where the CRM does not move entries itself, they
 * fall due on the survivor; where it does, only what was never written. A record somebody was parted from is theirs again
 * when their own is merged into it: the CRM holds the two for one.
 */
export async function repointLinks(
  trx: WorkspaceTransaction,
  connectionId: string,
  merged: readonly { readonly from: string; readonly to: string }[],
  { entriesMove, now }: { readonly entriesMove: boolean; readonly now: number },
): Promise<void> {
  const moves = endsOf(merged);
  if (moves.length === 0) return;
  await shareWrites(trx, connectionId, moves);
  const pairs = sql`unnest(${moves.map(({ from }) => from)}::text[], ${moves.map(({ to }) => to)}::text[])
                    as t (old, new)`;
  const tied = await linksOfRecords(
    trx,
    connectionId,
    moves.map(({ from }) => from),
  );
  await holdContacts(
    trx,
    tied.map(({ contactId }) => contactId),
  );
  const { rows } = await sql<{ contactId: string; primary: boolean }>`
    insert into crm_links (workspace_id, connection_id, contact_id, record_id, is_primary, decided_by, parted_at, created_at)
    select l.workspace_id, l.connection_id, l.contact_id, t.new, bool_or(l.is_primary and l.parted_at is null), 'merge',
           case when bool_or(l.parted_at is null) then null else max(l.parted_at) end, min(l.created_at)
    from crm_links l join ${pairs} on l.record_id = t.old
    where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
    group by l.workspace_id, l.connection_id, l.contact_id, t.new
    on conflict (workspace_id, connection_id, contact_id, record_id) do update set
      is_primary = (crm_links.is_primary and crm_links.parted_at is null) or (excluded.is_primary and excluded.parted_at is null),
      parted_at = case when excluded.parted_at is null then null else crm_links.parted_at end
    returning contact_id as "contactId", is_primary as "primary"`.execute(trx);
  await sql`
    delete from crm_links l using ${pairs}
    where l.workspace_id = ${trx.workspaceId} and l.connection_id = ${connectionId}
      and l.record_id = t.old`.execute(trx);
  const contactIds = contactsWithPrimary(rows);
  if (entriesMove) await repointEntries(trx, connectionId, moves, contactIds);
  await dueTimeline(trx, connectionId, contactIds, now);
}

/** Where merges end that are told together: what went into a record that went into another went there. */
function endsOf(
  merged: readonly { readonly from: string; readonly to: string }[],
): { readonly from: string; readonly to: string }[] {
  const next = new Map(merged.map(({ from, to }) => [from, to]));
  return [...next].flatMap(([from, into]) => {
    const passed = new Set([from]);
    let to = into;
    for (let on = next.get(to); on !== undefined && !passed.has(to); on = next.get(to)) {
      passed.add(to);
      to = on;
    }
    return passed.has(to) ? [] : [{ from, to }];
  });
}
