import { randomUUID } from 'node:crypto';
import { createChangeReceiver, createReceiver, type Receiver } from '@sangam/core/pipeline';
import { createDeadLetters, createEraser, type DeadLetters, readStatement } from '@sangam/core/corrections';
import { findContact, listAlerts, listDeadLetters, readDeadLetter, sweepRetention } from '@sangam/core/store';
import { lanes } from '@sangam/core/whatsapp';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createEngineFixture,
  type EngineFixture,
  engineNow,
  everyStoredRow,
  text,
  webhook,
} from './harness/index.ts';

/** Dead letters: whose word they hold, how they go on their way again, and how they rest. */

let engine: EngineFixture;
let receiver: Receiver;
let deadLetters: DeadLetters;
let received: number;
beforeEach(async () => {
  engine = await createEngineFixture();
  received = 0;
  const { store, directory } = engine;
  const clock = { now: () => engineNow };
  receiver = createReceiver({
    store,
    directory,
    clock,
    counts: {
      received: (events) => {
        received += events;
      },
      committed: () => undefined,
      parked: () => undefined,
    },
  });
  const changes = createChangeReceiver({
    store,
    receiver,
    clock,
    readChanges: (_crm, body) => JSON.parse(body.toString('utf8')) as never,
  });
  deadLetters = createDeadLetters({ store, receiver, changes, clock });
});
afterEach(() => engine.close());

const memberId = '6a1a4d6a-0000-4000-8000-000000000001';
const at = engineNow - 60_000;
const member = (): { workspaceId: string; memberId: string } => ({
  workspaceId: engine.workspaceId,
  memberId,
});
const receive = (body: object | string): Promise<void> =>
  receiver.receive(Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)), {
    kind: 'channel',
    workspaceId: engine.workspaceId,
    channelId: engine.channelId,
  });
const list = (setAside = false) =>
  engine.store.transact(engine.workspaceId, (trx) => listDeadLetters(trx, { limit: 100, setAside }));
const payloadOf = async (deadLetterId: string): Promise<string | undefined> => {
  const letter = await engine.store.transact(engine.workspaceId, (trx) => readDeadLetter(trx, deadLetterId));
  return letter?.payload?.toString('utf8');
};
const refused = (asked: Promise<void>, code: string): Promise<void> =>
  expect(asked).rejects.toMatchObject({ code });
/** What is said of opt-outs, and not over. */
const optOutAlerts = async (): Promise<string[]> => {
  const query = { limit: 100, state: 'open' } as const;
  const alerts = await engine.store.transact(engine.workspaceId, (trx) => listAlerts(trx, query));
  return alerts.filter(({ kind }) => kind === 'opt-out not applied').map(({ subject }) => subject);
};
/** A number of the same app that is connected only now. */
const connectNumber = async (phoneNumberId: string, wabaId: string): Promise<void> => {
  await engine.store.transact(engine.workspaceId, (trx) =>
    trx
      .insertInto('directory_channels')
      .values({
        phone_number_id: phoneNumberId,
        waba_id: wabaId,
        channel_id: randomUUID(),
        workspace_id: engine.workspaceId,
        app: 'own',
        portfolio: 'portfolio',
        region: 'IN',
      })
      .execute(),
  );
  engine.directory.refresh();
};
const events = async () =>
  (await readStatement(engine.store, engine.workspaceId, '2026-11-23', 'UTC')).events;

describe('a dead letter', () => {
  test('says whose word it holds: WhatsApp’s, a CRM’s, or our own', async () => {
    await receive(webhook(engine, [text({ phone: '919812345678' }, 'w.1', at, 'Hello')]));
    await engine.applyAll();
    const contactId = await engine.store.transact(engine.workspaceId, (trx) =>
      findContact(trx, { value: '+919812345678' }),
    );
    await engine.asDatabaseOwner("alter table tag_changes add check (tag <> 'poison')");
    await engine.asDatabaseOwner(
      `alter table inbox add check (position('poisoned' in encode(payload, 'escape')) = 0)`,
    );
    await receive(webhook(engine, [text({}, 'w.nobody', at, 'who am I')]));
    await receiver.takeInAll(engine.workspaceId, [
      {
        key: 'tag',
        lane: lanes.crm,
        payload: { field: 'sangam', part: 'tag_change', contactId, at, add: ['poison'], remove: [] },
      },
      {
        key: 'change',
        lane: lanes.crm,
        payload: {
          field: 'crm',
          connectionId: 'c',
          change: { kind: 'field', recordId: '1', field: 'city', value: 'poisoned', at },
        },
      },
    ]);
    await engine.applyAll();
    const sources = (await list()).map(({ reason, source }) => `${reason}: ${source}`);
    expect(sources.toSorted()).toEqual(['no_identity: whatsapp', 'not applicable: us', 'not storable: crm']);
    expect((await events()).missing).toBe(0);
  });
});

describe('a STOP the database refuses', () => {
  test('holds, and its letter stays whole, unlike that of another event', async () => {
    await engine.asDatabaseOwner(
      `alter table inbox add check (position('wamid.refused' in encode(payload, 'escape')) = 0)`,
    );
    await receive(
      webhook(engine, [
        text({ phone: '919812345678' }, 'wamid.refused.stop', at, 'STOP'),
        text({ phone: '919812345679' }, 'wamid.refused.hello', at, 'Hello'),
      ]),
    );
    const days = { deadLetterContents: 1, keptEvents: 1, occurrences: 1, audit: 1 };
    const later = engineNow + 2 * 24 * 60 * 60 * 1000;
    const suppressed = await engine.store.transact(engine.workspaceId, async (trx) => {
      await sweepRetention(trx, days, later);
      const { rows } = await sql<{ value: string }>`
        select value from suppression where workspace_id = ${engine.workspaceId}`.execute(trx);
      return rows.map(({ value }) => value);
    });
    expect(suppressed).toEqual(['+919812345678']);
    const letters = await list();
    expect(letters.map(({ reason }) => reason)).toEqual(['not storable', 'not storable']);
    const contents = await Promise.all(letters.map(({ deadLetterId }) => payloadOf(deadLetterId)));
    expect(contents.filter((payload) => payload !== undefined)).toEqual([
      expect.stringContaining('wamid.refused.stop'),
    ]);
  });
});

describe('that an opt-out is a dead letter is said until it is none', () => {
  const said = (words: string): object =>
    webhook(engine, [text({ phone: '919812345678' }, `wamid.${words}`, at, words)]);

  test('of one the database refuses as it comes', async () => {
    await engine.asDatabaseOwner(
      `alter table inbox add check (position('wamid.' in encode(payload, 'escape')) = 0)`,
    );
    await receive(said('Hello'));
    expect(await optOutAlerts()).toEqual([]);
    await receive(said('STOP'));
    expect(await optOutAlerts()).toEqual(['']);
  });

  test('of one that cannot be applied, which a replay alone does not mend', async () => {
    await engine.asDatabaseOwner(
      `alter table consent_entries add constraint refuses check (source <> 'wamid.STOP')`,
    );
    await receive(said('STOP'));
    await receive(said('Please stop'));
    await engine.applyAll();
    expect(await optOutAlerts()).toEqual(['']);
    await deadLetters.replayAll(member());
    await engine.applyAll();
    expect(await optOutAlerts()).toEqual(['']);
    await engine.asDatabaseOwner('alter table consent_entries drop constraint refuses');
    await deadLetters.replayAll(member());
    expect(await optOutAlerts()).toEqual(['']);
    await engine.applyAll();
    expect(await list()).toEqual([]);
    expect(await optOutAlerts()).toEqual([]);
  });

  test('of one on a number that is not connected', async () => {
    const other = { phoneNumberId: '77', wabaId: '88' };
    await receive(webhook(other, [text({ phone: '919812345678' }, 'w.1', at, 'Hello')]));
    expect(await optOutAlerts()).toEqual([]);
    for (const wamid of ['w.2', 'w.3']) {
      await receive(webhook(other, [text({ phone: '919812345678' }, wamid, at, 'STOP')]));
    }
    expect(await optOutAlerts()).toEqual(['foreign channel']);
    await deadLetters.replayAll(member());
    expect(await optOutAlerts()).toEqual(['foreign channel']);
    await connectNumber('77', '88');
    const [, one] = await list();
    await deadLetters.replay(member(), one?.deadLetterId ?? '');
    expect(await optOutAlerts()).toEqual(['foreign channel']);
    await deadLetters.replayAll(member());
    expect(await optOutAlerts()).toEqual([]);
  });

  test('ends with the last of those whose word it was', async () => {
    const people = ['919812345678', '919822222222'];
    for (const phone of people) await receive(webhook(engine, [text({ phone }, `w.${phone}`, at, 'Hello')]));
    await engine.applyAll();
    await engine.asDatabaseOwner('alter table consent_entries add constraint refuses check (false)');
    for (const phone of people) {
      await receive(webhook(engine, [text({ phone }, `w.stop.${phone}`, at, 'STOP')]));
      const other = { phoneNumberId: '77', wabaId: '88' };
      await receive(webhook(other, [text({ phone }, `w.other.${phone}`, at, 'STOP')]));
    }
    await engine.applyAll();
    const eraser = createEraser({
      store: engine.store,
      clock: { now: () => engineNow },
      keyOf: () => Promise.resolve(Buffer.alloc(32, 7)),
      traitsOf: () => undefined,
    });
    const open = [];
    for (const phone of people) {
      open.push(await optOutAlerts());
      const contactId = await engine.store.transact(engine.workspaceId, (trx) =>
        findContact(trx, { value: `+${phone}` }),
      );
      await eraser.erase(member(), contactId ?? '');
    }
    expect(open.map((subjects) => subjects.toSorted())).toEqual([
      ['', 'foreign channel'],
      ['', 'foreign channel'],
    ]);
    expect(await optOutAlerts()).toEqual([]);
  });
});

describe('a replay', () => {
  test('of what a contact’s record waits for needs nothing that arrived; of an event it does', async () => {
    await engine.store.transact(engine.workspaceId, async (trx) => {
      for (const { reason, contactId, key } of [
        { reason: 'INVALID', contactId: randomUUID(), key: null },
        { reason: 'not applicable', contactId: null, key: Buffer.alloc(16, 1) },
      ]) {
        await sql`
          insert into dead_letters (workspace_id, dead_letter_id, reason, explanation, source, connection_id, contact_id,
                                    lane, event_key, content_hash, received_at, parked_at, contents_swept_at)
          values (${engine.workspaceId}, ${randomUUID()}, ${reason}, 'No.', 'crm', ${randomUUID()}, ${contactId},
                  1, ${key}, ${Buffer.alloc(8)}, ${at}, ${at}, ${at})`.execute(trx);
      }
    });
    expect(await deadLetters.replayAll(member())).toEqual({ replayed: 1, kept: 1 });
    expect((await list()).map(({ reason }) => reason)).toEqual(['not applicable']);
  });

  test('of a number that was connected since counts its event once', async () => {
    await receive(
      webhook({ phoneNumberId: '77', wabaId: '88' }, [text({ phone: '919812345678' }, 'w.1', at, 'Hello')]),
    );
    expect(await events()).toMatchObject({ total: 1, missing: 0, parts: { parked: 1 } });
    expect(await deadLetters.replayAll(member())).toEqual({ replayed: 0, kept: 1 });
    await connectNumber('77', '88');
    expect(await deadLetters.replayAll(member())).toEqual({ replayed: 1, kept: 0 });
    await engine.applyAll();
    expect(await events()).toMatchObject({
      total: 1,
      missing: 0,
      parts: { applied: 1, parked: 0, 'handed on': 0 },
    });
    expect(received).toBe(1);
  });
});

describe('what nothing can replay', () => {
  test('is set aside with a reason, kept whole, and leaves the list', async () => {
    await receive('{"from":');
    const [letter] = await list();
    const id = letter?.deadLetterId ?? '';
    expect(await deadLetters.replayAll(member())).toEqual({ replayed: 0, kept: 1 });
    await refused(deadLetters.setAside(member(), randomUUID(), 'no such'), 'no_such_dead_letter');
    await deadLetters.setAside(member(), id, 'Cut off by the proxy.');
    await refused(deadLetters.setAside(member(), id, 'Again.'), 'replayable');
    expect(await list()).toEqual([]);
    expect(await list(true)).toMatchObject([{ setAsideWhy: 'Cut off by the proxy.' }]);
    expect(await payloadOf(id)).toBe('{"from":');
    expect(await deadLetters.replayAll(member())).toEqual({ replayed: 0, kept: 0 });
    expect(await events()).toMatchObject({ total: 1, missing: 0, parts: { parked: 1 } });
    const audit = (await everyStoredRow(engine.store, engine.workspaceId)).filter(
      ({ table, values }) => table === 'audit' && values['subject'] === id,
    );
    expect(audit.map(({ values }) => values['action'])).toContain('set dead letter aside');
  });

  test('is not what may go through once its cause is mended, and never a STOP', async () => {
    const waits = async (reason: string, eventKey: Buffer): Promise<string> => {
      const id = randomUUID();
      await engine.store.transact(engine.workspaceId, async (trx) => {
        await sql`
          insert into dead_letters (workspace_id, dead_letter_id, reason, explanation, source, lane, event_key,
                                    content_hash, payload, received_at, parked_at)
          values (${engine.workspaceId}, ${id}, ${reason}, 'As it is.', 'whatsapp', 1, ${eventKey}, ${Buffer.alloc(8)},
                  ${Buffer.from('{}')}, 1, 1)`.execute(trx);
      });
      return id;
    };
    const applicable = await waits('not applicable', Buffer.alloc(16, 1));
    await refused(deadLetters.setAside(member(), applicable, 'No.'), 'replayable');
    const stop = Buffer.alloc(16, 2);
    await engine.store.transact(engine.workspaceId, async (trx) => {
      await sql`
        insert into suppression (workspace_id, value, event_key, at)
        values (${engine.workspaceId}, '+919812345678', ${stop}, 1)`.execute(trx);
    });
    await refused(deadLetters.setAside(member(), await waits('no_message_id', stop), 'No.'), 'replayable');
    await deadLetters.setAside(member(), await waits('no_message_id', Buffer.alloc(16, 3)), 'Yes.');
  });

  test('is not what a person’s record waits for', async () => {
    const contactId = randomUUID();
    await engine.store.transact(engine.workspaceId, async (trx) => {
      await sql`
        insert into dead_letters (workspace_id, dead_letter_id, reason, explanation, source, connection_id, contact_id,
                                  received_at, parked_at)
        values (${engine.workspaceId}, ${randomUUID()}, 'INVALID', 'No.', 'crm', ${randomUUID()}, ${contactId},
                ${at}, ${at})`.execute(trx);
    });
    const [letter] = await list();
    await refused(deadLetters.setAside(member(), letter?.deadLetterId ?? '', 'Never mind.'), 'replayable');
    expect(await list()).toHaveLength(1);
  });
});
