import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createEngineFixture,
  type EngineFixture,
  engineNow,
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

async function count(table: 'dead_letters' | 'suppression' | 'inbox'): Promise<number> {
  return engine.store.transact(engine.workspaceId, async (trx) => {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from ${sql.table(table)} where workspace_id = ${engine.workspaceId}`.execute(
      trx,
    );
    return rows[0]?.n ?? 0;
  });
}

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
