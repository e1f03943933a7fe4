import { sql } from 'kysely';
import type { ConsentEntry } from '../../consent/index.ts';
import type { WorkspaceTransaction } from '../store.ts';
import { takenOverPhones } from '../reconcile/taken-over-phones.ts';

/** Everything a contact's fields are computed from. Times in milliseconds. */
export interface ContactReading {
  readonly contactId: string;
  readonly profileName: string | null;
  readonly username: string | null;
  readonly firstMessage: string | null;
  readonly firstMessageAt: number | null;
  /** An ad had brought them by the time they first wrote. */
  readonly cameFromAd: boolean;
  readonly lastActivityAt: number | null;
  readonly lastInboundAt: number | null;
  readonly windowClosesAt: number | null;
  /** The first customer message after our last one; null once answered. */
  readonly waitingSince: number | null;
  /** The phones the person holds now, the one last seen first. */
  readonly phones: readonly string[];
  /** Those they held before and hold no longer, and those of others on their record, as after a join taken back. */
  readonly formerPhones: readonly string[];
  readonly bsuidKey: string | null;
  readonly consent: readonly ConsentEntry[];
  /** Phones that were others' before `since`, with the consent of each, the earliest first. */
  readonly takenOver: readonly {
    readonly since: number;
    readonly holders: readonly { readonly since: number; readonly entries: readonly ConsentEntry[] }[];
  }[];
  readonly tags: readonly string[];
}

type ContactColumns = Omit<ContactReading, 'consent' | 'takenOver' | 'tags'>;

/** What a person may be called by. */
export type Appellation = Pick<
  ContactReading,
  'contactId' | 'profileName' | 'firstMessage' | 'username' | 'phones'
>;

/** The phones of contact `c`, the one last seen first. */
const phonesOfC = ({ workspaceId }: WorkspaceTransaction) => sql`
  array(select i.value from identities i
        where i.workspace_id = ${workspaceId} and i.contact_id = c.contact_id and i.value like '+%'
          and not exists (select 1 from identities later where later.workspace_id = ${workspaceId}
                          and later.value = i.value and later.since > i.since)
        order by i.since desc, (select max(e.at) from identity_evidence e
                                where e.workspace_id = ${workspaceId} and e.a = i.value and e.kind = 'pair') desc
                 nulls last, i.value)`;

/**
 * Phones contact `c` held once: the latest word about each says somebody else does, or nobody known. And phones on their
 * own record that are somebody else's.
 */
const formerPhonesOfC = ({ workspaceId }: WorkspaceTransaction) => sql`
  array(select i.value from identities i
        where i.workspace_id = ${workspaceId} and i.contact_id = c.contact_id and i.value like '+%'
          and (select latest.contact_id from identities latest
               where latest.workspace_id = ${workspaceId} and latest.value = i.value
               order by latest.since desc limit 1) is distinct from c.contact_id
        union
        select p.phone from crm_links l
        join crm_phones p on p.workspace_id = ${workspaceId} and p.connection_id = l.connection_id
                         and p.record_id = l.record_id
        where l.workspace_id = ${workspaceId} and l.contact_id = c.contact_id and l.is_primary and l.parted_at is null
          and (select latest.contact_id from identities latest
               where latest.workspace_id = ${workspaceId} and latest.value = p.phone
               order by latest.since desc limit 1) <> c.contact_id)`;

export async function readAppellations(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<Appellation[]> {
  const { rows } = await sql<Appellation>`
    select c.contact_id as "contactId", c.profile_name as "profileName", c.first_message as "firstMessage", c.username,
           ${phonesOfC(trx)} as phones
    from contacts c
    where c.workspace_id = ${trx.workspaceId} and c.contact_id = any(${contactIds}::uuid[])
      and c.merged_into is null`.execute(trx);
  return rows;
}

/** Reads contacts in five statements, however many they are. */
export async function readContacts(
  trx: WorkspaceTransaction,
  contactIds: readonly string[],
): Promise<ContactReading[]> {
  const { rows: contacts } = await sql<ContactColumns>`
    select c.contact_id as "contactId", c.profile_name as "profileName", c.username, c.first_message as "firstMessage",
           c.first_message_at as "firstMessageAt",
           c.from_ad_at is not null and c.from_ad_at <= coalesce(c.first_message_at, c.from_ad_at) as "cameFromAd",
            c.last_activity_at as "lastActivityAt",
           v.last_inbound_at as "lastInboundAt", v.window_closes_at as "windowClosesAt",
           case when v.last_inbound_at > coalesce(v.last_outbound_at, 0) then
             (select min(m.at) from messages m
              where m.workspace_id = ${trx.workspaceId} and m.contact_id = c.contact_id and m.origin = 'customer'
                and m.type <> 'request_welcome' and m.at > coalesce((select max(case when o.content is null then o.sent_at else o.at end) from messages o
                                     where o.workspace_id = ${trx.workspaceId} and o.contact_id = c.contact_id
                                       and o.direction = 'out' and (o.content is not null or o.free_form)), 0))
           end as "waitingSince",
           ${phonesOfC(trx)} as phones, ${formerPhonesOfC(trx)} as "formerPhones",
           (select i.value from identities i
            where i.workspace_id = ${trx.workspaceId} and i.contact_id = c.contact_id and i.value like 'bsuid:%'
            order by i.value like 'bsuid:parent:%', (select max(e.at) from identity_evidence e
                     where e.workspace_id = ${trx.workspaceId} and e.b = i.value) desc nulls last, i.value limit 1)
             as "bsuidKey"
    from contacts c
    cross join lateral (select max(last_inbound_at) as last_inbound_at, max(last_outbound_at) as last_outbound_at,
                               max(window_closes_at) as window_closes_at
                        from conversations
                        where workspace_id = ${trx.workspaceId} and contact_id = c.contact_id) v
    where c.workspace_id = ${trx.workspaceId} and c.contact_id = any(${contactIds}::uuid[])
      and c.merged_into is null`.execute(trx);

  const takenOver = await takenOverPhones(trx, sql`i.contact_id = any(${contactIds}::uuid[])`);

  const previous = takenOver.flatMap(({ holders }) => holders.map(({ contactId }) => contactId));
  const consentIds = [...new Set([...contactIds, ...previous])];
  const { rows: entries } = await sql<ConsentEntry & { contactId: string }>`
    select contact_id as "contactId", purpose, action, effective_at as "effectiveAt", rank,
           encode(event_key, 'hex') as key
    from consent_entries
    where workspace_id = ${trx.workspaceId} and contact_id = any(${consentIds}::uuid[])`.execute(trx);

  const { rows: tags } = await sql<{ contactId: string; tag: string }>`
    select "contactId", tag from (
      select distinct on (contact_id, tag) contact_id as "contactId", tag, action
      from tag_changes
      where workspace_id = ${trx.workspaceId} and contact_id = any(${contactIds}::uuid[])
      order by contact_id, tag, at desc, action desc
    ) latest where action = 'add' order by tag`.execute(trx);

  const consentOf = Map.groupBy(entries, (entry) => entry.contactId);
  const takenOverBy = Map.groupBy(takenOver, (row) => row.contactId);
  const tagsOf = Map.groupBy(tags, (row) => row.contactId);
  return contacts.map((contact) => ({
    ...contact,
    consent: consentOf.get(contact.contactId) ?? [],
    takenOver: (takenOverBy.get(contact.contactId) ?? []).map(({ since, holders }) => ({
      since,
      holders: holders.map((holder) => ({
        since: holder.since,
        entries: consentOf.get(holder.contactId) ?? [],
      })),
    })),
    tags: (tagsOf.get(contact.contactId) ?? []).map(({ tag }) => tag),
  }));
}
