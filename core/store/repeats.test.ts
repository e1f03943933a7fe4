import { createTestDatabase, type TestDatabase } from '@sangam/test';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openStore, type Store } from './index.ts';

let database: TestDatabase;
let store: Store;
const workspaceId = '00000000-0000-4000-8000-000000000001';

beforeAll(async () => {
  database = await createTestDatabase();
  store = openStore(database.url);
});
afterAll(async () => {
  await store.close();
  await database.drop();
});

describe('a transaction', () => {
  test('that PostgreSQL chose as a deadlock’s victim is repeated, and nobody sees it', async () => {
    const tries: string[] = [];
    let bothHold = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      let holding = 0;
      bothHold = () => {
        holding += 1;
        if (holding >= 2) resolve();
      };
    });
    const crossing = (first: number, second: number): Promise<string> =>
      store.transact(workspaceId, async (trx) => {
        tries.push(String(first));
        await sql`select pg_advisory_xact_lock(${first}::bigint)`.execute(trx);
        bothHold();
        await held;
        await sql`select pg_advisory_xact_lock(${second}::bigint)`.execute(trx);
        return 'done';
      });
    expect(await Promise.all([crossing(1, 2), crossing(2, 1)])).toEqual(['done', 'done']);
    expect(tries.length).toBeGreaterThan(2);
  });

  test('that could not be serialised is repeated, a refusal is not', async () => {
    let tries = 0;
    const failing = (code: string, times: number): Promise<number> =>
      store.transact(workspaceId, async (trx) => {
        tries += 1;
        if (tries <= times) {
          await sql.raw(`do $$ begin raise exception using errcode = '${code}'; end $$`).execute(trx);
        }
        return tries;
      });
    expect(await failing('40001', 2)).toBe(3);
    tries = 0;
    await expect(failing('23505', 1)).rejects.toMatchObject({ code: '23505' });
    expect(tries).toBe(1);
  });
});
