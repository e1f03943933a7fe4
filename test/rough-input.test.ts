import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createEngineFixture,
  type EngineFixture,
  engineNow,
  message,
  status,
  text,
  webhook,
} from './harness/index.ts';

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
});
afterEach(() => engine.close());

const at = engineNow - 60_000;
const good = Array.from({ length: 100 }, (_, index) =>
  text(
    { phone: `9198${String(10_000_000 + index)}`, name: `Good ${String(index)}` },
    `good.${String(index)}`,
    at,
    'hello',
  ),
);

async function count(table: 'contacts' | 'dead_letters' | 'inbox' | 'suppression'): Promise<number> {
  return engine.store.transact(engine.workspaceId, async (trx) => {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from ${sql.table(table)} where workspace_id = ${engine.workspaceId}`.execute(
      trx,
    );
    return rows[0]?.n ?? 0;
  });
}

async function firstMessages(): Promise<string[]> {
  return engine.store.transact(engine.workspaceId, async (trx) => {
    const rows = await trx
      .selectFrom('contacts')
      .select('first_message')
      .where('workspace_id', '=', engine.workspaceId)
      .execute();
    return rows.map((row) => row.first_message ?? '');
  });
}

const bad: Record<string, object> = {
  'a NUL': text({ phone: '919700000001', name: 'N\0ul' }, 'bad.nul', at, 'a\0b'),
  'a lone surrogate': text({ phone: '919700000002', name: '\ud83d' }, 'bad.surrogate', at, 'x\udc00y'),
  '10,000 characters': text({ phone: '919700000003' }, 'bad.long', at, 'अ'.repeat(10_000)),
  'a wamid of 10,000 characters': text({ phone: '919700000004' }, 'w'.repeat(10_000), at, 'hi'),
  HTML: text({ phone: '919700000005', name: '<b>Bold</b>' }, 'bad.html', at, '<script>alert(1)</script>'),
  'an emoji name': text({ phone: '919700000006', name: '👨‍👩‍👧‍👦' }, 'bad.emoji', at, '🎉'),
  'a phone that is none': text({ phone: '12' }, 'bad.phone', at, 'hi'),
  'no sender at all': message({}, 'bad.nobody', at, { type: 'text', text: { body: 'hi' } }),
  'no time': message({ phone: '919700000007' }, 'bad.time', Number.NaN, {
    type: 'text',
    text: { body: 'hi' },
  }),
  'a time far in the future': text({ phone: '919700000008' }, 'bad.future', 9_999_999_999_000, 'hi'),
  'a status of nothing': status({}, 'bad.status', at, 'sent'),
  'a text that is a number': message({ phone: '919700000009' }, 'bad.number', at, {
    type: 'text',
    text: { body: 5 },
  }),
};

describe('bad input', () => {
  test('rides with a hundred good messages, and all of those go through', async () => {
    const bodies = [...good, ...Object.values(bad)].map((change) =>
      engine.receive(webhook(engine, [change as never])),
    );
    const deep = `{"entry":[{"id":"1","changes":[{"field":"x","value":${'['.repeat(9000)}${']'.repeat(9000)}}]}]}`;
    const raw = ['', '{', 'null', '[]', '"x"', '{"entry":{}}', deep].map((body) =>
      engine.receiver.receive(Buffer.from(body), {
        kind: 'channel',
        workspaceId: engine.workspaceId,
        channelId: engine.channelId,
      }),
    );
    await Promise.all([...bodies, ...raw]);
    await engine.applyAll();
    const said = await firstMessages();
    expect(said.filter((words) => words === 'hello')).toHaveLength(100);
    expect(said).toContain('ab');
    expect(said).toContain('अ'.repeat(10_000));
    expect(said).toContain('<script>alert(1)</script>');
    // Nothing is left behind, and what could not be read says so.
    expect(await count('inbox')).toBe(0);
    const letters = await engine.store.transact(engine.workspaceId, (trx) =>
      trx
        .selectFrom('dead_letters')
        .select('reason')
        .where('workspace_id', '=', engine.workspaceId)
        .execute(),
    );
    expect(letters.map(({ reason }) => reason).toSorted()).toEqual([
      'no_identity',
      'no_identity',
      'unparsed',
      'unparsed',
      'unparsed',
    ]);
  });

  test('in one batch with the rest is found by halving, and its neighbours are through', async () => {
    // The database refuses one event, for a reason no parser could have seen.
    await engine.asDatabaseOwner("alter table messages add check (wamid <> 'poison')");
    const poison = text({ phone: '919700000010' }, 'poison', at, 'hello');
    await engine.receive(webhook(engine, [...good.slice(0, 50), poison, ...good.slice(50)]));
    await engine.applyAll();
    expect(await count('contacts')).toBe(100);
    expect(await count('inbox')).toBe(0);
    const [letter, ...others] = await engine.store.transact(engine.workspaceId, (trx) =>
      trx
        .selectFrom('dead_letters')
        .select(['reason', 'payload'])
        .where('workspace_id', '=', engine.workspaceId)
        .execute(),
    );
    expect(others).toEqual([]);
    expect(letter?.reason).toBe('not applicable');
    expect(letter?.payload?.toString()).toContain('poison');
  });
});

describe('a webhook of 20,000 events', () => {
  const many = (channel: { phoneNumberId: string; wabaId: string }): unknown =>
    webhook(
      channel,
      Array.from({ length: 20_000 }, (_, index) =>
        text({ phone: `9197${String(10_000_000 + index)}` }, `many.${String(index)}`, at, 'STOP'),
      ),
    );

  test('is taken, every STOP of it', async () => {
    await engine.receive(many(engine));
    expect(await count('inbox')).toBe(20_000);
    expect(await count('suppression')).toBe(20_000);
  });

  test('is taken when none of them is ours', async () => {
    await engine.receive(many({ phoneNumberId: '1', wabaId: '2' }));
    expect(await count('dead_letters')).toBe(20_000);
  });
});

describe('a webhook of a channel its signer does not own', () => {
  test('is acknowledged, kept and never applied', async () => {
    await engine.receive(
      webhook({ phoneNumberId: '1', wabaId: '2' }, [text({ phone: '919812345678' }, 'foreign', at, 'hello')]),
    );
    await engine.applyAll();
    expect(await count('contacts')).toBe(0);
    const letters = await engine.store.transact(engine.workspaceId, (trx) =>
      trx
        .selectFrom('dead_letters')
        .select('reason')
        .where('workspace_id', '=', engine.workspaceId)
        .execute(),
    );
    expect(letters).toEqual([{ reason: 'foreign channel' }]);
  });
});
