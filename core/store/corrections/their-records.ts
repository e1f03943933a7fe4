import { sql } from 'kysely';
import { unborn } from '../reconcile/crm-writes.ts';
import type { WorkspaceTransaction } from '../store.ts';

export interface RecordNamed {
  readonly connectionId: string;
  readonly recordId: string;
}

/** A record, and who else it or the one it went into is tied to. */
export interface TheirRecord extends RecordNamed {
  /** Those others; nobody, where it tells of them alone. */
  readonly others: readonly string[];
  /** It was the primary record of one of the people to be erased: their values were written there. */
  readonly primary: boolean;
  /** Where it lives on, where it was merged. */
  readonly survivors: readonly string[];
}

/** What tells of people to be erased in CRMs: what bears their id, is tied to them or holds their phone. */
export interface TheirRecords {
  /** Tells of nobody else. */
  readonly alone: readonly TheirRecord[];
  readonly shared: readonly TheirRecord[];
  /** What creates of theirs may have made, each under the name it has until somebody answers. */
  readonly unborn: readonly (TheirRecord & { readonly key: string })[];
  /** What our unique field holds on records of theirs. */
  readonly keys: readonly string[];
}

/** People to be erased, as their records know them. */
export interface LeavingRecords {
  readonly contactIds: readonly string[];
  /** What nobody else was ever known by. */
  readonly own: ReadonlySet<string>;
  readonly records: TheirRecords;
}

/** Whether a value of a shared record's field tells of them; `ours`: we wrote it. */
export type IsTheirs = (record: TheirRecord, field: string, value: string, ours: boolean) => boolean;

export const named = (rows: readonly RecordNamed[]): ReturnType<typeof sql> => sql`
  unnest(${rows.map((row) => row.connectionId)}::uuid[], ${rows.map((row) => row.recordId)}::text[])
  as t (connection_id, record_id)`;

export const nameOf = ({ connectionId, recordId }: RecordNamed): string => `${connectionId} ${recordId}`;

/** What members decided of people to be erased, also where that was taken back. */
export interface MembersDecided {
  /** Records they were given. */
  readonly given: readonly RecordNamed[];
  /** What those are founded by whom they were joined with, and they themselves. */
  readonly joinedWith: readonly string[];
}

/** Records that went into theirs are theirs too, and shared where those are, unless they bear their id. */
export async function recordsOf(
  trx: WorkspaceTransaction,
  ids: readonly string[],
  own: readonly string[],
  { given, joinedWith }: MembersDecided,
): Promise<TheirRecords> {
  const { rows: creations } = await sql<{ connectionId: string; key: string }>`
    select connection_id as "connectionId", key_contact_id as key from crm_creations
    where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])`.execute(trx);
  const keys = [...new Set([...ids, ...creations.map(({ key }) => key)])];
  const { rows } = await sql<TheirRecord & { alone: boolean }>`
    with recursive named as (
      select t.connection_id, t.record_id, t.record_id as survivor, bool_or(t.is_primary) as is_primary from (
        select connection_id, record_id, is_primary from crm_links
        where workspace_id = ${trx.workspaceId} and contact_id = any(${ids}::uuid[])
        union all
        select connection_id, record_id, false from crm_phones
        where workspace_id = ${trx.workspaceId} and phone = any(${[...own]}::text[])
        union all
        select connection_id, record_id, true from crm_records
        where workspace_id = ${trx.workspaceId} and key_contact_id = any(${keys}::text[])
        union all
        select l.connection_id, l.record_id, false from contacts c
        join crm_links l on l.workspace_id = ${trx.workspaceId} and l.contact_id = coalesce(c.merged_into, c.contact_id)
                        and l.parted_at is null
        where c.workspace_id = ${trx.workspaceId} and c.founded_by = any(${[...joinedWith]}::text[])
        union all
        select connection_id, record_id, true from ${named(given)}) t
      group by 1, 2
      union
      select r.connection_id, r.record_id, n.survivor, n.is_primary from named n
      join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = n.connection_id
                        and r.moved_to = n.record_id and r.gone = 'merged')
    select n.connection_id as "connectionId", n.record_id as "recordId", bool_or(n.is_primary) as "primary",
           coalesce(bool_or(r.gone = 'merged' and r.key_contact_id = any(${keys}::text[])), false) as alone,
           array_remove(array_agg(distinct o.contact_id), null) as others,
           array_remove(array_agg(distinct n.survivor), n.record_id) as survivors
    from named n
    left join crm_records r on r.workspace_id = ${trx.workspaceId} and r.connection_id = n.connection_id
                           and r.record_id = n.record_id
    left join crm_links o on o.workspace_id = ${trx.workspaceId} and o.connection_id = n.connection_id
                         and o.record_id = n.survivor and o.parted_at is null and o.contact_id <> all(${ids}::uuid[])
    group by 1, 2
    order by 1, 2`.execute(trx);
  const isAlone = ({ alone, others }: (typeof rows)[number]): boolean => alone || others.length === 0;
  return {
    alone: rows.filter(isAlone),
    shared: rows.filter((row) => !isAlone(row)),
    unborn: creations.map(({ connectionId, key }) => ({
      connectionId,
      recordId: unborn(key),
      others: [],
      primary: true,
      survivors: [],
      key,
    })),
    keys,
  };
}
