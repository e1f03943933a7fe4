import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createChangeReceiver, createReceiver, type Receiver, settleOptOuts } from '@sangam/core/pipeline';
import { createDeadLetters, type DeadLetters, readStatement } from '@sangam/core/corrections';
import {
  dayMs,
  type RetentionDays,
  serviceWorkspaceId,
  sweepRetention,
  listDeadLetters,
  readDeadLetter,
} from '@sangam/core/store';
import { createRetention } from '@sangam/service';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  canonicalState,
  createEngineFixture,
  type EngineFixture,
  engineNow,
  preference,
  startProcess,
  status,
  text,
  until,
  webhook,
} from './harness/index.ts';

/** What is kept for a time only, what is kept for good, and what a repeat does whose event key is gone. */

const days: RetentionDays = { deadLetterContents: 180, keptEvents: 400, occurrences: 400, audit: 2_555 };

let engine: EngineFixture;
let receiver: Receiver;
let deadLetters: DeadLetters;
let now: number;
beforeEach(async () => {
  engine = await createEngineFixture();
  now = engineNow;
  const { store, directory } = engine;
  const clock = { now: () => now };
  receiver = createReceiver({
    store,
    directory,
    clock,
    counts: { received: () => undefined, committed: () => undefined, parked: () => undefined },
  });
  const changes = createChangeReceiver({ store, receiver, clock, readChanges: () => [] });
  deadLetters = createDeadLetters({ store, receiver, changes, clock });
});
afterEach(() => engine.close());

const receive = async (body: object | string): Promise<void> => {
  const { workspaceId, channelId } = engine;
  const bytes = Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
  await receiver.receive(bytes, { kind: 'channel', workspaceId, channelId });
};
const sweep = (other: Partial<RetentionDays> = {}, workspaceId = engine.workspaceId): Promise<boolean> =>
  engine.store.transact(workspaceId, (trx) => sweepRetention(trx, { ...days, ...other }, now));
const rowsOf = async (table: string): Promise<number> => {
  const { rows } = await engine.store.transact(engine.workspaceId, (trx) =>
    sql<{ n: number }>`
      select count(*)::int as n from ${sql.table(table)} where workspace_id = ${engine.workspaceId}`.execute(
      trx,
    ),
  );
  return rows[0]?.n ?? -1;
};
const member = () => ({ workspaceId: engine.workspaceId, memberId: randomUUID() });
const letters = (setAside = false) =>
  engine.store.transact(engine.workspaceId, async (trx) => {
    const listed = await listDeadLetters(trx, { limit: 100, setAside });
    return (await Promise.all(listed.map(({ deadLetterId }) => readDeadLetter(trx, deadLetterId)))).filter(
      (letter) => letter !== undefined,
    );
  });

describe('a repeat', () => {
  const at = engineNow - 10 * 60_000;
  const asha = { phone: '919812345678', bsuid: 'IN.1', name: 'Asha Rao' };
  const ravi = { phone: '919898989898' };
  const bodies = (): object[] =>
    [
      text(asha, 'w.1', at, 'Hello'),
      text(asha, 'w.2', at + 1000, 'STOP'),
      text(asha, 'w.3', at + 2000, 'START'),
      text(ravi, 'w.4', at + 3000, 'STOP'),
      preference(ravi, at + 4000, 'stop'),
      status(asha, 'w.out', at + 5000, 'delivered'),
      { field: 'account_review_update', value: { decision: 'APPROVED' } },
    ].map((change) => webhook(engine, [change]));
  const deliver = async (): Promise<void> => {
    for (const body of bodies()) await receive(body);
    await engine.applyAll();
  };
  const day = (): string => new Date(now).toISOString().slice(0, 10);

  test('within 400 days is dropped by its event key', async () => {
    await deliver();
    now += 399 * dayMs;
    expect(await sweep()).toBe(false);
    expect(await rowsOf('event_keys')).toBe(bodies().length);
    await deliver();
    expect((await readStatement(engine.store, engine.workspaceId, day(), 'UTC')).events.total).toBe(0);
  });

  test('after that is applied once more, and changes nothing', async () => {
    await deliver();
    const before = await canonicalState(engine.store, engine.workspaceId);
    now += 402 * dayMs;
    expect(await sweep({ keptEvents: 36_500 })).toBe(false);
    expect(await rowsOf('event_keys')).toBe(0);
    await deliver();
    expect(await canonicalState(engine.store, engine.workspaceId)).toEqual(before);
    // The START after it stands, so that no STOP holds beside the ledger.
    expect(await rowsOf('suppression')).toBe(0);
    const { events } = await readStatement(engine.store, engine.workspaceId, day(), 'UTC');
    expect(events).toMatchObject({ total: bodies().length, missing: 0 });
  });
});

/** So many rows of each kind of one workspace, as old as told. */
async function fill(count: number, at: number, workspaceId = engine.workspaceId): Promise<void> {
  const id = `'${workspaceId}'`;
  const time = String(at);
  for (const statement of [
    `insert into event_keys select ${id}, sha256(('k' || g || '${time}')::bytea), '\\x01', ${time} + g`,
    `insert into kept_events (workspace_id, event_key, content_hash, what, channel_id, at, received_at, payload)
     select ${id}, sha256(('k' || g || '${time}')::bytea), '\\x01', 'account_update', null, 0, ${time} + g, 'x'`,
    `insert into audit select ${id}, gen_random_uuid(), gen_random_uuid(), 'export', '', ${time} + g`,
    `insert into occurrences (workspace_id, connection_id, record_id, field, value, changed_at, seen_at)
     select ${id}, (select min(connection_id::text)::uuid from crm_connections where workspace_id = ${id}),
            g::text, 'city', 'Pune', ${time}, ${time} + g`,
    `insert into dead_letters (workspace_id, dead_letter_id, reason, explanation, source, payload, received_at, parked_at)
     select ${id}, gen_random_uuid(), 'unparsed', '', 'whatsapp', 'x', ${time}, ${time} + g`,
  ]) {
    await engine.asDatabaseOwner(`${statement} from generate_series(1, ${String(count)}) g`);
  }
  await engine.asDatabaseOwner('analyze');
}

const kinds = ['event_keys', 'kept_events', 'audit', 'occurrences'] as const;

describe('a sweep', () => {
  const old = engineNow - 3_000 * dayMs;

  test('takes the oldest of each kind by an index, a small batch at a time, and nothing that is young', async () => {
    await fill(3_500, old);
    await fill(2_000, engineNow - dayMs);
    const { more, scanned } = await engine.store.transact(engine.workspaceId, async (trx) => {
      const left = await sweepRetention(trx, days, now);
      const { rows } = await sql<{ relname: string }>`
        select relname from pg_stat_xact_user_tables where seq_scan > 0`.execute(trx);
      return { more: left, scanned: rows.map(({ relname }) => relname) };
    });
    expect(more).toBe(true);
    for (const table of [...kinds, 'dead_letters']) expect(scanned).not.toContain(table);
    for (const table of kinds) expect([table, await rowsOf(table)]).toEqual([table, 4_500]);

    const retention = createRetention({ store: engine.store, days, clock: { now: () => now } });
    const again = await retention(engine.workspaceId);
    for (const table of kinds) expect([table, await rowsOf(table)]).toEqual([table, 2_000]);
    expect(again).toBeGreaterThan(now + 5 * 60 * 60_000);
    expect(await rowsOf('dead_letters')).toBe(5_500);
    expect(await sweep()).toBe(false);
  });

  test('of one workspace leaves the others alone', async () => {
    await fill(10, old);
    const retention = createRetention({ store: engine.store, days, clock: { now: () => now } });
    await retention(randomUUID());
    for (const table of kinds) expect([table, await rowsOf(table)]).toEqual([table, 10]);
    await retention(engine.workspaceId);
    for (const table of kinds) expect([table, await rowsOf(table)]).toEqual([table, 0]);
  });

  test('is made by a running service, of what no business owns too', async () => {
    await engine.asDatabaseOwner(
      `insert into crm_connections (workspace_id, connection_id, crm, created_at)
       values ('${serviceWorkspaceId}', gen_random_uuid(), 'none', 0)`,
    );
    await fill(10, old);
    await fill(10, old, serviceWorkspaceId);
    const folder = await mkdtemp(path.join(tmpdir(), 'sangam-retention-'));
    const service = await startProcess(undefined, {
      DATABASE_URL: engine.databaseUrl,
      DATA_DIR: folder,
      PORT: '0',
      LOG_LEVEL: 'silent',
      SECRETS_KEY: randomBytes(32).toString('base64'),
    });
    const left = async (workspaceId: string): Promise<number> => {
      const { rows } = await engine.store.transact(workspaceId, (trx) =>
        sql<{ n: number }>`
          select count(*)::int as n from event_keys where workspace_id = ${workspaceId}`.execute(trx),
      );
      return rows[0]?.n ?? -1;
    };
    try {
      await until(
        'both to be swept',
        async () => (await left(engine.workspaceId)) + (await left(serviceWorkspaceId)) === 0,
      );
    } finally {
      await service.stop('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('a dead letter past its time', () => {
  const elsewhere = { phoneNumberId: '77', wabaId: '88' };
  const at = engineNow - 60_000;

  test('stays and says that its contents are gone; it is not replayed, and may be set aside', async () => {
    await receive('no JSON');
    await receive(webhook(engine, [text({}, 'w.nobody', at, 'who am I')]));
    await receive(webhook(elsewhere, [text({ phone: '919812345678' }, 'w.1', at, 'Hello')]));
    await engine.applyAll();
    now += 179 * dayMs;
    await sweep();
    expect((await letters()).every(({ payload }) => payload !== null)).toBe(true);
    now += 2 * dayMs;
    await sweep();
    const all = await letters();
    expect(all.map(({ reason }) => reason).toSorted()).toEqual([
      'foreign channel',
      'no_identity',
      'unparsed',
    ]);
    for (const letter of all) {
      expect(letter).toMatchObject({ payload: null, contentsSweptAt: now });
    }
    expect(await deadLetters.replayAll(member())).toEqual({ replayed: 0, kept: 3 });
    expect(await letters()).toHaveLength(3);
    for (const { deadLetterId } of all) {
      await deadLetters.setAside(member(), deadLetterId, 'too old');
    }
    expect(await letters(true)).toHaveLength(3);
  });

  test('keeps a STOP nobody handled whole: it is applied when its cause is mended, years later', async () => {
    await engine.asDatabaseOwner(
      `alter table consent_entries add constraint poison check (method <> 'keyword')`,
    );
    await receive(webhook(engine, [text({ phone: '919812345678' }, 'w.stop', at, 'STOP')]));
    await engine.applyAll();
    await receive(webhook(elsewhere, [text({ phone: '919898989898' }, 'w.stop', at, 'STOP')]));
    now += 3_000 * dayMs;
    await sweep();
    const kept = await letters();
    expect(kept.map(({ reason }) => reason).toSorted()).toEqual(['foreign channel', 'not applicable']);
    expect(kept.every(({ payload }) => payload?.includes('STOP') === true)).toBe(true);
    expect(await rowsOf('suppression')).toBe(1);

    await engine.asDatabaseOwner('alter table consent_entries drop constraint poison');
    await engine.asDatabaseOwner(
      `insert into directory_channels (phone_number_id, waba_id, channel_id, workspace_id, app, portfolio, region, created_at)
       values ('77', '88', gen_random_uuid(), '${engine.workspaceId}', 'own', 'portfolio', 'IN', 0)`,
    );
    engine.directory.refresh();
    expect(await deadLetters.replayAll(member())).toEqual({ replayed: 2, kept: 0 });
    await engine.applyAll();
    expect(await rowsOf('consent_entries')).toBe(2);
    await sweep();
    expect(await rowsOf('consent_entries')).toBe(2);
  });

  /** As an earlier version left them, the payloads as SQL, in this order. */
  async function fillInDoubt(...payloads: readonly string[]): Promise<void> {
    for (const [index, payload] of payloads.entries()) {
      const letterId = `00000000-0000-4000-8000-00000000000${String(index)}`;
      await engine.asDatabaseOwner(
        `insert into dead_letters (workspace_id, dead_letter_id, reason, explanation, source, payload, received_at, parked_at,
                                   opt_out)
         values ('${engine.workspaceId}', '${letterId}', 'foreign channel', '', 'whatsapp', ${payload}, ${String(at)},
                 ${String(at)}, null)`,
      );
    }
  }

  test('of before it was noted who opted out is looked at once: a STOP stays whole, the rest goes', async () => {
    const said = ['Hello', 'STOP', 'Where is my order?'];
    await receive(
      webhook(
        elsewhere,
        said.map((words, index) => text({ phone: `91989898989${String(index)}` }, `w.${words}`, at, words)),
      ),
    );
    await engine.asDatabaseOwner(`update dead_letters set opt_out = null`);
    await fillInDoubt(`'{"of":"earlier"}'`, `'not json'`);
    now += 3_000 * dayMs;
    await sweep();
    expect((await letters()).every(({ payload }) => payload !== null)).toBe(true);
    await createRetention({ store: engine.store, days, clock: { now: () => now } })(engine.workspaceId);
    const kept = (await letters()).flatMap(({ payload }) => payload?.toString() ?? []);
    expect(kept.toSorted()).toEqual(['not json', expect.stringContaining('STOP'), '{"of":"earlier"}']);
  });

  test('however large are looked at 8 MB at once, or one', async () => {
    const [part, whole] = [
      "convert_to(repeat('x', 3 << 20), 'UTF8')",
      "convert_to(repeat('x', 9 << 20), 'UTF8')",
    ];
    await fillInDoubt(...Array.from({ length: 5 }, () => part), whole);
    const left: number[] = [];
    while (await engine.store.transact(engine.workspaceId, settleOptOuts)) {
      const { rows } = await engine.store.transact(engine.workspaceId, (trx) =>
        sql<{ n: number }>`
          select count(*)::int as n from dead_letters
          where workspace_id = ${engine.workspaceId} and opt_out is null`.execute(trx),
      );
      left.push(rows[0]?.n ?? -1);
    }
    expect(left).toEqual([4, 2, 1, 0]);
  });
});
