import { sql } from 'kysely';
import type { Migration } from 'kysely/migration';

/**
 * What takes a join back whole: who a contact was founded as, the links it had before it was joined, and of whom was said
 * what shows no id. Of people who were joined before, only what stands of them today is known.
 */
export const foundedContacts: Migration = {
  async up(db) {
    for (const statement of [
      `alter table contacts add column founded_by text`,
      `alter table contacts add column founded_at bigint`,
      `update contacts c set founded_by = f.value, founded_at = f.at
       from (select distinct on (workspace_id, contact_id) workspace_id, contact_id, coalesce(bsuid_key, phone) as value, at
             from (select workspace_id, contact_id, bsuid_key, phone, at from messages
                   where origin = 'customer' and type <> 'request_welcome'
                   union all
                   select workspace_id, contact_id, bsuid_key, phone, at from message_contents
                   where origin = 'customer' and type <> 'request_welcome'
                   union all
                   select workspace_id, contact_id, bsuid_key, phone, effective_at from consent_entries
                   where method = 'preference') facts
             where contact_id is not null and coalesce(bsuid_key, phone) is not null
             order by workspace_id, contact_id, at, coalesce(bsuid_key, phone)) f
       where c.workspace_id = f.workspace_id and c.contact_id = f.contact_id`,
      `create index contacts_by_survivor on contacts (workspace_id, merged_into) where merged_into is not null`,

      `create table links_before_joins (
      workspace_id uuid not null,
      connection_id uuid not null,
      contact_id uuid not null,
      record_id text not null,
      home boolean not null,
      decided_by text not null,
      parted_at bigint,
      created_at bigint not null,
      primary key (workspace_id, contact_id, connection_id, record_id)
    )`,

      `alter table consent_entries add column said_of uuid`,
      `update consent_entries set said_of = contact_id where phone is null and bsuid_key is null`,
      `alter table tag_changes add column said_of uuid`,
      `update tag_changes set said_of = contact_id where phone is null and bsuid_key is null`,
    ]) {
      await sql.raw(statement).execute(db);
    }
  },
};
