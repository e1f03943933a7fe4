import { randomUUID } from 'node:crypto';
import { workspaceTables } from '@sangam/core/store';
import type pg from 'pg';

/**
 * Workspaces that hold, row for row, the same ids as another: one keeps what the other had and lost, and each of the rest
 * says the opposite of one kind of thing, or ties the same ids to others. Whoever forgets the workspace in a join finds
 * them; whoever writes to one is refused.
 */
export async function addTwins(database: pg.Client, workspaceId: string): Promise<void> {
  const told = [undefined, 'people', 'facts', 'links', 'records', 'more', 'others'];
  const twins = told.map((lie) => ({ lie, id: randomUUID() }));
  const ids = twins.map(({ id }) => id);
  await database.query(
    `insert into workspaces (workspace_id, name, sandbox, created_at)
     select twin, 'Twin', true, 0 from unnest($1::uuid[]) as t (twin)`,
    [ids],
  );
  await database.query(`
    create function refuse_writes_to_twins() returns trigger language plpgsql as $$
    begin
      if pg_trigger_depth() = 1 and (case when tg_op = 'INSERT' then new else old end).workspace_id
           = any('{${ids.join(',')}}'::uuid[]) then
        raise exception 'a row of another workspace was written: %', tg_table_name;
      end if;
      return case when tg_op = 'DELETE' then old else new end;
    end $$`);
  for (const table of workspaceTables) {
    // What waits in a queue is worked off by whoever finds it, and so would be the twins'.
    if (table === 'workspaces' || table === 'inbox') continue;
    const key = await keyOf(database, table);
    const copies = twins.map(({ lie, id }) => {
      const lied = lies[table];
      const said = lied !== undefined && lied.about === lie ? lied.says : (ties[table]?.[lie ?? ''] ?? []);
      return `(plain || '{"workspace_id": "${id}"}' ${said.map((one) => `|| (${one})`).join(' ')})`;
    });
    const same = key.map((column) => `t.${column} = (copy).${column}`).join(' and ');
    await database.query(`
      create function copy_${table}() returns trigger language plpgsql as $$
      declare copy ${table}; plain jsonb := to_jsonb(new) || '${JSON.stringify(idle[table] ?? {})}';
      begin
        if new.workspace_id <> '${workspaceId}' then return null; end if;
        for copy in
          select (jsonb_populate_record(null::${table}, c)).* from (values
            ${copies.join(', ')}) v (c)
        loop
          delete from ${table} t where ${same};
          insert into ${table} values (copy.*) on conflict do nothing;
        end loop;
        return null;
      end $$`);
    await database.query(`
      create trigger refuse before insert or update or delete on ${table} for each row
        execute function refuse_writes_to_twins();
      create trigger copy after insert or update on ${table} for each row execute function copy_${table}();
      update ${table} set workspace_id = workspace_id where workspace_id = '${workspaceId}'`);
  }
}

async function keyOf(database: pg.Client, table: string): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `select a.attname as name from pg_index x join pg_attribute a on a.attrelid = x.indrelid and a.attnum = any(x.indkey)
     where x.indrelid = $1::regclass and x.indisprimary`,
    [table],
  );
  return rows.map(({ name }) => name);
}

/** Nobody has anything to do for the twins. */
const idle: Readonly<Record<string, object>> = {
  crm_call_states: { blocked_reason: 'a twin' },
  dirty_records: { held: 'a twin' },
  timeline_entries: { due_at: null },
  checks: { state: 'stopped' },
};

const stranger = '99999999-9999-4999-8999-999999999999';
/** What is known becomes unknown, and the other way round. */
const opposite = (column: string, value: string): string =>
  `jsonb_build_object('${column}', case when new.${column} is null then '${value}'::jsonb end)`;
const says = (values: object): string => `'${JSON.stringify(values)}'::jsonb`;

/** The opposite of a row, as pieces of a jsonb expression, and what it is about. */
const lies: Readonly<Record<string, { readonly about: string; readonly says: readonly string[] }>> = {
  contacts: {
    about: 'people',
    says: [
      opposite('merged_into', `"${stranger}"`),
      says({ profile_name: 'Stranger', first_message: 'A lie' }),
    ],
  },
  conversations: {
    about: 'people',
    says: [says({ last_inbound_at: 4e12, last_outbound_at: 4e12, window_closes_at: 4e12 })],
  },
  identities: {
    about: 'people',
    says: [`jsonb_build_object('since', new.since + 1)`, says({ contact_id: stranger })],
  },
  identity_evidence: { about: 'people', says: [`jsonb_build_object('at', 4000000000000 - new.at)`] },
  messages: {
    about: 'facts',
    says: [
      says({ at: 4e12, free_form: true, sent_at: 4e12 }),
      `jsonb_build_object('direction', case new.direction when 'in' then 'out' else 'in' end)`,
    ],
  },
  consent_entries: {
    about: 'facts',
    says: [
      `jsonb_build_object('action', case new.action when 'grant' then 'withdrawal' else 'grant' end)`,
      says({ effective_at: 4e12, rank: 4 }),
    ],
  },
  tag_changes: {
    about: 'facts',
    says: [
      `jsonb_build_object('action', case new.action when 'add' then 'remove' else 'add' end)`,
      says({ at: 4e12 }),
    ],
  },
  crm_records: {
    about: 'records',
    says: [
      opposite('gone', '"deleted"'),
      opposite('gone_at', '1'),
      opposite('moved_to', '"elsewhere"'),
      `jsonb_build_object('agreed', not new.agreed, 'read_at', 1)`,
    ],
  },
  crm_phones: { about: 'records', says: [opposite('phone', '"+15550100"')] },
  crm_links: {
    about: 'links',
    says: [
      `jsonb_build_object('is_primary', not new.is_primary)`,
      opposite('parted_at', '1'),
      says({ created_at: 1 }),
    ],
  },
  crm_creations: { about: 'links', says: [says({ key_contact_id: stranger, owner_id: 'a liar' })] },
  timeline_entries: { about: 'links', says: [says({ record_id: 'elsewhere', entry_id: 'a lie' })] },
};

/** Another, which nobody here knows. */
const longer = (column: string): string => `jsonb_build_object('${column}', new.${column} || '1')`;

/** What is tied to the same ids elsewhere, by who says so. */
const ties: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  identity_evidence: { more: [longer('b')], others: [longer('a')] },
  crm_phones: { more: [longer('record_id')] },
  crm_links: { more: [longer('record_id'), says({ primary: true, parted_at: null })] },
};
