import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { contactFields } from '@sangam/core/pipeline';
import { createEraser, readStatement } from '@sangam/core/corrections';
import { findContact } from '@sangam/core/store';
import {
  createEngineFixture,
  type EngineFixture,
  engineNow,
  everyRow,
  message,
  preference,
  status,
  text,
  webhook,
} from './harness/index.ts';

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
});
afterEach(() => engine.close());

const asha = { phone: '919812345678', bsuid: 'IN.ASHA', name: 'Asha Rao' };
const bela = { phone: '919822222222', name: 'Bela Sen' };
const at = engineNow - 60_000;
const erasedAt = engineNow - 10_000;
const member = '6a1a4d6a-0000-4000-8000-000000000001';

const contactOf = (phone: string): Promise<string | undefined> =>
  engine.store.transact(engine.workspaceId, (trx) => findContact(trx, { value: phone }));

async function erase(phone: string): Promise<void> {
  const eraser = createEraser({
    store: engine.store,
    clock: { now: () => erasedAt },
    keyOf: () => Promise.resolve(Buffer.alloc(32, 7)),
    traitsOf: () => undefined,
  });
  const contactId = await contactOf(phone);
  const { workspaceId } = engine;
  expect(await eraser.erase({ workspaceId, memberId: member }, contactId ?? '')).toMatchObject({
    askedBy: `member ${member}`,
    remains: [],
  });
}

const life = (): object[] => [
  webhook(engine, [text(asha, 'wamid.asha.1', at, 'A secret of mine')]),
  webhook(engine, [status(asha, 'wamid.out.1', at + 1_000, 'delivered')]),
  webhook(engine, [text(asha, 'wamid.asha.2', at + 2_000, 'STOP')]),
  webhook(engine, [text(bela, 'wamid.bela.1', at, 'Something else')]),
];

describe('an erased person', () => {
  test('leaves no trace but hashes, also when everything is delivered once more', async () => {
    const bodies = life();
    for (const body of bodies) await engine.receive(body);
    await engine.applyAll();
    await engine.receive({ object: 'whatsapp_business_account', entry: [{ about: '919812345678' }] });
    await erase('+919812345678');
    const again = [...bodies, webhook(engine, [status(asha, 'wamid.out.2', at + 3_000, 'read')])];
    for (const body of again) await engine.receive(body);
    await engine.applyAll();

    const left = await everyRow(engine.store, engine.workspaceId);
    for (const trace of ['9812345678', 'IN.ASHA', 'Asha', 'secret of mine', 'wamid.asha', 'wamid.out']) {
      expect(left.includes(trace), trace).toBe(false);
    }
    expect(left).toContain('Bela');
    expect(await contactOf('+919812345678')).toBeUndefined();
  });

  test('leaves none by a STOP that comes only afterwards, or that nobody can read', async () => {
    await engine.receive(webhook(engine, [text(asha, 'wamid.asha.1', at, 'A secret of mine')]));
    await engine.applyAll();
    await erase('+919812345678');
    await engine.receive(webhook(engine, [text(asha, 'wamid.asha.2', at + 2_000, 'STOP')]));
    await engine.receive(
      webhook(engine, [
        message(asha, 'wamid.asha.3', at, { group_id: 'g', type: 'text', text: { body: 'STOP' } }),
      ]),
    );
    await engine.receive(webhook(engine, [preference(asha, at + 2_000, 'stop')]));
    await engine.applyAll();
    const left = await everyRow(engine.store, engine.workspaceId);
    expect(['9812345678', 'IN.ASHA', 'wamid.asha'].filter((trace) => left.includes(trace))).toEqual([]);
  });

  test('who writes again is a new person, opted out of nothing', async () => {
    for (const body of life()) await engine.receive(body);
    await engine.applyAll();
    const before = await contactOf('+919812345678');
    await erase('+919812345678');
    await engine.receive(webhook(engine, [text(asha, 'wamid.asha.9', engineNow, 'Hello again')]));
    await engine.applyAll();
    const after = await contactOf('+919812345678');
    expect(after).toBeDefined();
    expect(after).not.toBe(before);
    const [contact] = await engine.store.transact(engine.workspaceId, (trx) =>
      contactFields(trx, [after ?? ''], engineNow),
    );
    expect(contact).toMatchObject({ optOut: false, firstMessage: 'Hello again' });
  });
});

describe('the statement of a day', () => {
  const today = async () => readStatement(engine.store, engine.workspaceId, '2026-11-23', 'UTC');

  test('balances while events wait, after they are applied, parked and dropped', async () => {
    for (const body of life()) await engine.receive(body);
    await engine.receive(webhook(engine, [text({}, 'wamid.nobody', at, 'who am I')]));
    expect((await today()).events).toMatchObject({ total: 5, missing: 0, parts: { waiting: 5 } });
    await engine.applyAll();
    expect((await today()).events).toMatchObject({
      missing: 0,
      parts: { applied: 4, parked: 1, waiting: 0 },
    });
    await erase('+919812345678');
    await engine.receive(webhook(engine, [status(asha, 'wamid.out.3', at, 'read')]));
    await engine.applyAll();
    const statement = await today();
    expect(statement.events).toMatchObject({ total: 6, missing: 0, parts: { dropped: 1 } });
    expect(statement.balances).toBe(true);
    expect(statement.connections[0]?.records.says).toContain('accounted for');
  });

  test('says what is missing', async () => {
    for (const body of life()) await engine.receive(body);
    await engine.asDatabaseOwner('delete from inbox where lane <= 1');
    const { balances, events } = await today();
    expect(balances).toBe(false);
    expect(events.missing).toBe(3);
  });
});
