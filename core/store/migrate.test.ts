import { sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import pg from 'pg';
import { expect, test } from 'vitest';
import { createEmptyDatabase, createTestDatabase } from '@sangam/test';
import { migrate } from './index.ts';
import { foundation } from './migrations/0001-foundation.ts';
import { migrations } from './migrations/index.ts';
import { openDatabase } from './with-database.ts';

/** A database as these migrations leave it. */
async function databaseOf(applied: Readonly<Record<string, Migration>>) {
  const database = await createEmptyDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  const db = openDatabase(database.url);
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve(applied) } });
  expect((await migrator.migrateToLatest()).error).toBeUndefined();
  return {
    db,
    url: database.url,
    rows: async (statement: string): Promise<unknown[]> => (await client.query(statement)).rows,
    drop: async (): Promise<void> => {
      await db.destroy();
      await client.end();
      await database.drop();
    },
  };
}

test('a database of the first version comes along, with its links, bases and what still waited', async () => {
  const { db, url, rows, drop } = await databaseOf({ '0001-foundation': foundation });
  const [workspace, connection, asha, bela] = [1, 2, 3, 4].map(
    (n) => `00000000-0000-4000-8000-00000000000${String(n)}`,
  );
  await sql`
    insert into workspaces (workspace_id, name, sandbox, created_at) values (${workspace}, 'Old', true, 1)`.execute(
    db,
  );
  await sql`
    insert into crm_connections (workspace_id, connection_id, crm, created_at)
    values (${workspace}, ${connection}, 'hubspot', 1)`.execute(db);
  await sql`
    insert into crm_links (workspace_id, connection_id, contact_id, record_id, written_as, base, created_at)
    values (${workspace}, ${connection}, ${asha}, '101', ${asha}, ${Buffer.from('{"firstname":"Asha"}')}, 5),
           (${workspace}, ${connection}, ${asha}, '102', ${bela}, ${Buffer.from('{}')}, 6)`.execute(db);
  await sql`
    insert into dirty_contacts (workspace_id, connection_id, contact_id, marked_at)
    values (${workspace}, ${connection}, ${asha}, 7), (${workspace}, ${connection}, ${bela}, 8)`.execute(db);

  await migrate(url);
  expect(await rows('select mode from crm_connections')).toEqual([{ mode: 'live' }]);
  expect(await rows('select record_id, is_primary as "primary" from crm_links order by record_id')).toEqual([
    { record_id: '101', primary: true },
    { record_id: '102', primary: false },
  ]);
  expect(
    await rows("select convert_from(base, 'UTF8') as base, agreed from crm_records where record_id = '101'"),
  ).toEqual([{ base: '{"firstname":"Asha"}', agreed: true }]);
  expect(await rows('select subject from dirty_records order by subject')).toEqual([
    { subject: `contact:${bela ?? ''}` },
    { subject: 'record:101' },
    { subject: 'record:102' },
  ]);
  await drop();
});

test('contacts of before joins could be taken back know who they were founded as, and of whom was said what shows no id', async () => {
  const before = Object.entries(migrations).filter(([name]) => name < '0019');
  const { db, url, rows, drop } = await databaseOf(Object.fromEntries(before));
  const [workspace, asha, bela, chad, dev] = [1, 2, 3, 4, 5].map(
    (n) => `00000000-0000-4000-8000-00000000000${String(n)}`,
  );
  await sql`
    insert into contacts (workspace_id, contact_id, created_at)
    values (${workspace}, ${asha}, 1), (${workspace}, ${bela}, 1), (${workspace}, ${chad}, 1), (${workspace}, ${dev}, 1)`.execute(
    db,
  );
  await sql`
    insert into messages (workspace_id, channel_id, wamid, contact_id, origin, direction, type, at, event_key, content_hash,
                          phone, bsuid_key)
    select ${workspace}, ${workspace}, at::text, contact_id::uuid, origin, 'in', type, at, '', '', phone, bsuid
    from (values (${asha}, 'customer', 'request_welcome', 1, '+911', 'IN.0'),
                 (${asha}, 'business', 'text', 2, '+912', null),
                 (${asha}, 'customer', 'text', 7, '+913', null),
                 (${asha}, 'customer', 'text', 6, '+914', 'IN.A'),
                 (${bela}, 'customer', 'text', 9, '+915', null),
                 (${null}, 'customer', 'text', 3, '+916', null)) m (contact_id, origin, type, at, phone, bsuid)`.execute(
    db,
  );
  await sql`
    insert into message_contents (workspace_id, channel_id, wamid, event_key, content_hash, contact_id, origin, direction,
                                  type, at, content, phone)
    values (${workspace}, ${workspace}, '9', '', '', ${bela}, 'customer', 'in', 'text', 8, '', '+917')`.execute(
    db,
  );
  await sql`
    insert into consent_entries (workspace_id, event_key, content_hash, contact_id, purpose, action, effective_at,
                                 recorded_at, rank, method, source, phone)
    select ${workspace}, method::bytea, '', contact_id::uuid, 'marketing', 'withdrawal', at, at, 1, method, '', phone
    from (values (${chad}, 'preference', 5, '+918'), (${chad}, 'keyword', 4, '+919'),
                 (${dev}, 'crm', 2, null)) c (contact_id, method, at, phone)`.execute(db);
  await sql`
    insert into tag_changes (workspace_id, event_key, content_hash, tag, action, contact_id, at, bsuid_key)
    values (${workspace}, '', '', 'vip', 'add', ${asha}, 1, 'IN.A'), (${workspace}, '', '', 'late', 'add', ${dev}, 1, null)`.execute(
    db,
  );

  await migrate(url);
  expect(
    await rows('select contact_id, founded_by, founded_at::int from contacts order by contact_id'),
  ).toEqual([
    { contact_id: asha, founded_by: 'IN.A', founded_at: 6 },
    { contact_id: bela, founded_by: '+917', founded_at: 8 },
    { contact_id: chad, founded_by: '+918', founded_at: 5 },
    { contact_id: dev, founded_by: null, founded_at: null },
  ]);
  expect(await rows('select method, said_of from consent_entries order by method')).toEqual([
    { method: 'crm', said_of: dev },
    { method: 'keyword', said_of: null },
    { method: 'preference', said_of: null },
  ]);
  expect(await rows('select tag, said_of from tag_changes order by tag')).toEqual([
    { tag: 'late', said_of: dev },
    { tag: 'vip', said_of: null },
  ]);
  await drop();
});

test('foreign letters that were all taken for opt-outs are looked at anew, but for those a STOP stands for', async () => {
  const before = Object.entries(migrations).filter(([name]) => name < '0021');
  const { db, url, rows, drop } = await databaseOf(Object.fromEntries(before));
  const workspace = '00000000-0000-4000-8000-000000000001';
  const park = (reason: string, key: number, optOut: boolean) =>
    sql`
    insert into dead_letters (workspace_id, dead_letter_id, reason, explanation, source, event_key, content_hash, payload,
                              received_at, parked_at, opt_out)
    values (${workspace}, gen_random_uuid(), ${reason}, '', 'whatsapp', ${Buffer.alloc(16, key)}, ${Buffer.alloc(8)}, '{}',
            1, 1, ${optOut})`.execute(db);
  await park('foreign channel', 1, true);
  await park('foreign channel', 2, true);
  await park('foreign channel', 3, false);
  await park('not applicable', 4, true);
  await sql`
    insert into suppression (workspace_id, value, event_key, at)
    values (${workspace}, '+919812345678', ${Buffer.alloc(16, 2)}, 1)`.execute(db);
  await migrate(url);
  expect(await rows('select opt_out from dead_letters order by event_key')).toEqual(
    [null, true, false, true].map((opt_out) => ({ opt_out })),
  );
  await drop();
});

test('who was erased before stretches were known was never anybody else; a join held for when it was decided', async () => {
  const before = Object.entries(migrations).filter(([name]) => name < '0026');
  const { db, url, rows, drop } = await databaseOf(Object.fromEntries(before));
  const workspace = '00000000-0000-4000-8000-000000000001';
  await sql`
    insert into erased_identities (workspace_id, hash, erased_at)
    values (${workspace}, ${Buffer.alloc(32, 1)}, 500)`.execute(db);
  await sql`
    insert into identity_evidence (workspace_id, kind, a, b, occurrence, at)
    values (${workspace}, 'joined', '+911', '+912', 700, 700), (${workspace}, 'pair', '+911', 'bsuid:p:1', 0, 300)`.execute(
    db,
  );
  await migrate(url);
  expect(await rows('select since, until from erased_identities')).toEqual([{ since: '0', until: '500' }]);
  expect(await rows('select kind, a_at, b_at from identity_evidence order by kind')).toEqual([
    { kind: 'joined', a_at: '700', b_at: '700' },
    { kind: 'pair', a_at: null, b_at: null },
  ]);
  await drop();
});

test('a conflict that closed by itself is said to have ended, one that was accepted stays so', async () => {
  const before = Object.entries(migrations).filter(([name]) => name < '0027');
  const { db, url, rows, drop } = await databaseOf(Object.fromEntries(before));
  const workspace = '00000000-0000-4000-8000-000000000001';
  const close = (state: string, explanation: string) =>
    sql`
    insert into conflicts (workspace_id, conflict_id, kind, subject, record_ids, explanation, state, opened_at)
    values (${workspace}, gen_random_uuid(), 'two records', ${explanation}, '{}', ${explanation}, ${state}, 1)`.execute(
      db,
    );
  await close('accepted', 'Two.');
  await close('accepted', 'Two. Closed by itself: the records were merged.');
  await close('dismissed', 'Neither. Closed by itself: no.');
  await close('open', 'Open.');
  await migrate(url);
  expect(await rows('select explanation, state from conflicts order by length(explanation)')).toMatchObject([
    { state: 'accepted' },
    { state: 'open' },
    { state: 'dismissed' },
    { state: 'ended' },
  ]);
  await drop();
});

test.each([
  [
    'of a newer version',
    `insert into kysely_migration (name, timestamp) values ('9999-later', '2030-01-01')`,
    /newer version of Sangam: it holds the migration 9999-later/,
  ],
  [
    'whose migration was another',
    `update migration_hashes set hash = 'other' where name = '0001-foundation'`,
    /migration 0001-foundation was changed/,
  ],
])('a database %s is refused with what to do', async (_name, change, message) => {
  const database = await createTestDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query(change);
  await client.end();
  await expect(migrate(database.url)).rejects.toThrow(message);
  await database.drop();
});

test('what was stored in words of before is read in those of now, and what people wrote stays', async () => {
  const before = Object.entries(migrations).filter(([name]) => name < '0037');
  const { db, url, rows, drop } = await databaseOf(Object.fromEntries(before));
  const workspace = '00000000-0000-4000-8000-000000000001';
  const said = '{"home": and "owner":';
  const decided = {
    before: [
      { recordId: said, home: true },
      { recordId: '2', home: false },
    ],
  };
  const mapped = [{ source: { constant: said }, field: { name: 'owner' }, owner: 'once' }];
  await sql`
    insert into workspaces (workspace_id, name, sandbox, created_at) values (${workspace}, 'Old', true, 1)`.execute(
    db,
  );
  await sql`
    insert into decisions (workspace_id, decision_id, kind, subject, member_id, at)
    values (${workspace}, ${workspace}, 'link', convert_to(${JSON.stringify(decided)}, 'UTF8'), ${workspace}, 1)`.execute(
    db,
  );
  await sql`
    insert into crm_connections (workspace_id, connection_id, crm, created_at, mapping)
    values (${workspace}, ${workspace}, 'hubspot', 1, convert_to(${JSON.stringify(mapped)}, 'UTF8'))`.execute(
    db,
  );
  await migrate(url);
  expect(await rows("select convert_from(subject, 'UTF8') as subject from decisions")).toEqual([
    {
      subject: JSON.stringify({
        before: [
          { recordId: said, primary: true },
          { recordId: '2', primary: false },
        ],
      }),
    },
  ]);
  expect(await rows("select convert_from(mapping, 'UTF8') as mapping from crm_connections")).toEqual([
    { mapping: JSON.stringify([{ source: { constant: said }, field: { name: 'owner' }, policy: 'once' }]) },
  ]);
  await drop();
});

test('a database that others use is refused with what to do', async () => {
  const database = await createEmptyDatabase();
  const client = new pg.Client({ connectionString: database.url });
  await client.connect();
  await client.query('create table contacts (id int)');
  await client.end();
  await expect(migrate(database.url)).rejects.toThrow(
    'DATABASE_URL names a database that others use: relation "contacts" already exists. Give Sangam a database of its own',
  );
  await database.drop();
});

test('what opens an account, how its calls fare and how far it was scanned comes along, and which letters are about timelines', async () => {
  const before = Object.entries(migrations).filter(([name]) => name < '0047');
  const { db, url, rows, drop } = await databaseOf(Object.fromEntries(before));
  const [workspace, connection, fresh] = [1, 2, 3].map(
    (n) => `00000000-0000-4000-8000-00000000000${String(n)}`,
  );
  await sql`
    insert into workspaces (workspace_id, name, sandbox, created_at) values (${workspace}, 'Old', true, 1)`.execute(
    db,
  );
  await sql`
    insert into crm_connections (workspace_id, connection_id, crm, created_at, auth_kind, refresh_token, webhook_secret,
                                 blocked_reason, failed_attempts, next_call_at, indexed_at, poll_cursor)
    values (${workspace}, ${connection}, 'hubspot', 1, 'oauth', '\\x02', '\\x06', 'Act.', 9, 10, 12, 'cursor')`.execute(
    db,
  );
  await sql`
    insert into crm_connections (workspace_id, connection_id, crm, created_at)
    values (${workspace}, ${fresh}, 'hubspot', 2)`.execute(db);
  for (const [reason, of] of [
    ['timeline_refused', connection],
    ['refused', connection],
    ['timeline_refused', null],
  ]) {
    await sql`
      insert into dead_letters (workspace_id, dead_letter_id, reason, explanation, source, received_at, parked_at,
                                connection_id, contact_id)
      values (${workspace}, gen_random_uuid(), ${reason}, '', 'crm', 1, 1, ${of}, ${of})`.execute(db);
  }
  await migrate(url);
  expect(
    await rows(`select k.auth_kind, encode(k.refresh_token, 'hex') as refresh, encode(k.webhook_secret, 'hex') as webhook,
                       s.blocked_reason, s.failed_attempts, s.next_call_at::int, p.indexed_at::int, p.poll_cursor
                from crm_connections c join crm_credentials k using (workspace_id, connection_id)
                join crm_call_states s using (workspace_id, connection_id)
                join crm_scan_states p using (workspace_id, connection_id) order by c.created_at`),
  ).toEqual([
    {
      auth_kind: 'oauth',
      refresh: '02',
      webhook: '06',
      blocked_reason: 'Act.',
      failed_attempts: 9,
      next_call_at: 10,
      indexed_at: 12,
      poll_cursor: 'cursor',
    },
    {
      auth_kind: 'keys',
      refresh: null,
      webhook: null,
      blocked_reason: null,
      failed_attempts: 0,
      next_call_at: 0,
      indexed_at: null,
      poll_cursor: null,
    },
  ]);
  expect(
    await rows(`select reason, about_timeline as timeline from dead_letters
                order by connection_id is null, reason`),
  ).toEqual([
    { reason: 'refused', timeline: false },
    { reason: 'timeline_refused', timeline: true },
    { reason: 'timeline_refused', timeline: false },
  ]);
  await drop();
});
