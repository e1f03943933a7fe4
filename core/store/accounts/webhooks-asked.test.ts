import { createEngineFixture, type EngineFixture } from '@sangam/test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { askWebhooksAt, claimAsking, connectionsOf, webhooksComeUntil } from '../index.ts';

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
});
afterEach(() => engine.close());

test('of two processes that ask at once one does, and its answer counts until something else is to be asked', async () => {
  const connection = () =>
    engine.store.transact(engine.workspaceId, async (trx) => {
      const [found] = await connectionsOf(trx);
      if (found === undefined) throw new Error('There is no connection.');
      return found;
    });
  const { connectionId } = await connection();
  const claim = (seen: number, until: number): Promise<boolean> =>
    engine.store.transact(engine.workspaceId, (trx) => claimAsking(trx, connectionId, { seen, until }));
  const answered = (claimed: number): Promise<boolean> =>
    engine.store.transact(engine.workspaceId, (trx) =>
      webhooksComeUntil(trx, connectionId, claimed, { url: 'u', until: 900, againAt: 500, now: 1 }),
    );
  await engine.store.transact(engine.workspaceId, (trx) => askWebhooksAt(trx, connectionId, 0));
  expect([await claim(0, 100), await claim(0, 101)]).toEqual([true, false]);
  await engine.store.transact(engine.workspaceId, (trx) => askWebhooksAt(trx, connectionId, 0));
  expect(await answered(100)).toBe(false);
  expect(await connection()).toMatchObject({ webhooksUntil: null, askWebhooksAt: 0 });
  expect([await claim(0, 200), await answered(200)]).toEqual([true, true]);
  expect(await connection()).toMatchObject({ webhooksUntil: 900, askWebhooksAt: 500 });

  // They come since then, however often that is renewed: until they ended, or go elsewhere.
  const since = async (claimed: number, url: string, now: number): Promise<number | null> => {
    await engine.store.transact(engine.workspaceId, (trx) =>
      webhooksComeUntil(trx, connectionId, claimed, { url, until: now + 100, againAt: claimed + 1, now }),
    );
    return (await connection()).webhooksSince;
  };
  expect([
    await since(500, 'u', 10),
    await since(501, 'u', 20),
    await since(502, 'v', 30),
    await since(503, 'v', 200),
  ]).toEqual([1, 1, 30, 200]);
});
