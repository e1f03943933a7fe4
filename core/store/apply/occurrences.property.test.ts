import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '@sangam/test';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addOccurrences, listOccurrences, type Occurrence, openStore, type Store } from '../index.ts';

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

/** A field's history: each value another than the one before, changes at least a second apart. */
const history = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 200 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((steps) => {
    let at = 1_000_000;
    let last = 'start';
    return steps.flatMap(([value, seconds]) => {
      at += seconds * 1000;
      if (value === last) return [];
      last = value;
      return [{ value, at }];
    });
  });

const connectionId = randomUUID();
const occurrence = (recordId: string, value: string, changedAt: number, scanned: boolean): Occurrence => ({
  connectionId,
  recordId,
  field: 'stage',
  value,
  changedAt,
  changedBy: scanned ? undefined : 'user 7',
  scanned,
});

const remember = async (one: Occurrence): Promise<void> =>
  store.transact(workspaceId, (trx) => addOccurrences(trx, [one], one.changedAt));

const kept = async (recordId: string) => {
  const all = await store.transact(workspaceId, (trx) =>
    listOccurrences(trx, connectionId, { limit: 10_000 }),
  );
  return all
    .filter((one) => one.recordId === recordId)
    .map(({ value, changedAt, changedBy }) => ({ value, at: changedAt, changedBy }))
    .toSorted((x, y) => x.at - y.at);
};

/** Looks see what stands at their time, so long after the change that made it. */
const looks = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 150 })), { maxLength: 4 });

const seenBy = (steps: readonly { value: string; at: number }[], [index, seconds]: [number, number]) => {
  const step = steps[index % steps.length];
  const next = steps[(index % steps.length) + 1];
  if (step === undefined) throw new Error('No history.');
  const at = Math.min(step.at + seconds * 1000, (next?.at ?? Infinity) - 1);
  return { value: step.value, at };
};

test('however webhooks and looks mix, what webhooks told is known once, with their times', async () => {
  await fc.assert(
    fc.asyncProperty(history, looks, fc.infiniteStream(fc.nat()), async (steps, some, order) => {
      const recordId = randomUUID();
      const all = [
        ...steps.map(({ value, at }) => occurrence(recordId, value, at, false)),
        ...some
          .map((look) => seenBy(steps, look))
          .map(({ value, at }) => occurrence(recordId, value, at, true)),
      ];
      const shuffled = all
        .map((one) => ({ one, place: order.next().value ?? 0 }))
        .toSorted((x, y) => x.place - y.place)
        .map(({ one }) => one);
      for (const one of shuffled) await remember(one);
      for (const one of shuffled) await remember(one);
      expect(await kept(recordId)).toEqual(
        steps.map(({ value, at }) => ({ value, at, changedBy: 'user 7' })),
      );
    }),
    { numRuns: 60 },
  );
});

test('looks alone know each change they saw once', async () => {
  await fc.assert(
    fc.asyncProperty(history, looks, async (steps, some) => {
      const recordId = randomUUID();
      const seen = some.map((look) => seenBy(steps, look)).toSorted((x, y) => x.at - y.at);
      for (const { value, at } of seen) await remember(occurrence(recordId, value, at, true));
      const values = seen.map(({ value }) => value).filter((value, n, before) => value !== before[n - 1]);
      expect((await kept(recordId)).map(({ value }) => value)).toEqual(values);
    }),
    { numRuns: 30 },
  );
});
