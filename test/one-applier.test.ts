import { createApplier } from '@sangam/core/pipeline';
import { lockWorkspace, readInbox, type Store } from '@sangam/core/store';
import { Dispatcher } from '@sangam/core/work';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createEngineFixture,
  type EngineFixture,
  engineNow,
  history,
  text,
  until,
  webhook,
} from './harness/index.ts';

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
});
afterEach(() => engine.close());

const at = engineNow - 60_000;

const contacts = async (): Promise<number> => {
  const rows = await engine.store.transact(engine.workspaceId, (trx) =>
    trx.selectFrom('contacts').select('contact_id').where('workspace_id', '=', engine.workspaceId).execute(),
  );
  return rows.length;
};

describe('a workspace', () => {
  test('is applied by one process at a time', async () => {
    await engine.receive(webhook(engine, [text({ phone: '919812345678' }, 'w.1', at, 'Hello')]));
    let tries = 0;
    const watched: Store = {
      ...engine.store,
      transact: (workspaceId, work) => {
        tries += 1;
        return engine.store.transact(workspaceId, work);
      },
    };
    const applier = createApplier({
      store: watched,
      directory: engine.directory,
      traitsOf: () => undefined,
      erasureKeyOf: () => Promise.resolve(Buffer.alloc(32, 7)),
      clock: { now: () => engineNow },
      dispatcher: new Dispatcher(engine.store, { now: () => engineNow }),
      counts: { applied: () => undefined, failed: () => undefined },
    });
    const draining = await engine.store.transact(engine.workspaceId, async (trx) => {
      await lockWorkspace(trx);
      const drained = applier.drain();
      await until('the other process to have tried', () => Promise.resolve(tries >= 3));
      expect(await contacts()).toBe(0);
      return { drained };
    });
    await draining.drained;
    expect(await contacts()).toBe(1);
  });
});

describe('a tick', () => {
  test('keeps a tenth for history, however much presses', async () => {
    const lane = (first: boolean): Promise<number> =>
      engine.store.transact(engine.workspaceId, async (trx) => {
        const rows = await readInbox(trx, 50);
        return rows.filter((row) => row.lane < 4 === first).length;
      });
    await engine.receive(
      webhook(
        engine,
        Array.from({ length: 80 }, (_, index) =>
          text({ phone: '919812345678' }, `w.${String(index)}`, at, 'Hello'),
        ),
      ),
    );
    expect([await lane(true), await lane(false)]).toEqual([45, 0]);
    await engine.receive(
      webhook(
        engine,
        Array.from({ length: 80 }, (_, index) =>
          history('919812345678', `h.${String(index)}`, at, 'Long ago', 'in'),
        ),
      ),
    );
    expect([await lane(true), await lane(false)]).toEqual([45, 5]);
  });
});
