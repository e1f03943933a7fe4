import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEngine, type Engine, engineNow, message, status, text, webhook } from './harness/index.ts';

let engine: Engine;
beforeEach(async () => {
  engine = await createEngine();
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

async function count(
  table: 'contacts' | 'dead_letters' | 'messages' | 'suppression' | 'inbox',
): Promise<number> {
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
    const raw = ['', '{', 'null', '[]', '"x"', '{"entry":{}}'].map((body) =>
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

describe('two contents under one key', () => {
  test('are both kept', async () => {
    const person = { phone: '919800000001' };
    await engine.receive(webhook(engine, [text(person, 'twice', at, 'first words')]));
    await engine.receive(webhook(engine, [text(person, 'twice', at, 'other words')]));
    await engine.applyAll();
    const contents = await engine.store.transact(engine.workspaceId, async (trx) => {
      const { rows } = await sql<{ content: Buffer }>`
        select content from messages where workspace_id = ${engine.workspaceId}
        union all select content from message_contents where workspace_id = ${engine.workspaceId}`.execute(
        trx,
      );
      return rows.map(({ content }) => content.toString()).join(' ');
    });
    expect(contents).toContain('first words');
    expect(contents).toContain('other words');
    expect(await count('messages')).toBe(1);
  });
});

describe('a STOP', () => {
  test('is in force when its 200 is sent, behind 100,000 statuses that wait', async () => {
    for (let body = 0; body < 100; body += 1) {
      const statuses = Array.from({ length: 1000 }, (_, index) =>
        status({ phone: '919812345678' }, `out.${String(body)}.${String(index)}`, at, 'delivered'),
      );
      await engine.receive(webhook(engine, statuses));
    }
    expect(await count('inbox')).toBe(100_000);
    await engine.receive(
      webhook(engine, [text({ phone: '919812345678', bsuid: 'IN.9' }, 'stop', at, 'STOP')]),
    );
    const suppressed = await engine.store.transact(engine.workspaceId, (trx) =>
      trx.selectFrom('suppression').select('value').where('workspace_id', '=', engine.workspaceId).execute(),
    );
    expect(suppressed.map(({ value }) => value).toSorted()).toEqual([
      '+919812345678',
      'bsuid:portfolio:IN.9',
    ]);
  });

  test('moves into the ledger when it is applied', async () => {
    await engine.receive(webhook(engine, [text({ phone: '919812345678' }, 'stop', at, 'Stop.')]));
    expect(await count('suppression')).toBe(1);
    await engine.applyAll();
    expect(await count('suppression')).toBe(0);
  });

  test('that cannot be applied stays in force', async () => {
    await engine.asDatabaseOwner("alter table messages add check (wamid <> 'stop')");
    await engine.receive(webhook(engine, [text({ phone: '919812345678' }, 'stop', at, 'STOP')]));
    await engine.applyAll();
    expect(await count('dead_letters')).toBe(1);
    expect(await count('suppression')).toBe(1);
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

describe('who becomes a contact', () => {
  const person = { phone: '919812345678', bsuid: 'IN.5' };

  test('not the recipient of a message another tool sent; once they write, it stands on their conversation', async () => {
    await engine.receive(
      webhook(engine, [status(person, 'out.1', at, 'sent'), status(person, 'out.1', at, 'read')]),
    );
    await engine.applyAll();
    expect(await count('contacts')).toBe(0);
    expect(await count('dead_letters')).toBe(0);
    await engine.receive(webhook(engine, [text(person, 'in.1', at, 'hello')]));
    await engine.applyAll();
    const lines = await engine.store.transact(engine.workspaceId, (trx) =>
      trx
        .selectFrom('messages')
        .select(['origin', 'contact_id', 'read_at'])
        .where('workspace_id', '=', engine.workspaceId)
        .where('wamid', '=', 'out.1')
        .execute(),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ origin: 'other tool', read_at: Math.floor(at / 1000) * 1000 });
    expect(lines[0]?.contact_id).not.toBeNull();
  });
});
