import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addWorkspace,
  anyChange,
  canonicalState,
  type Change,
  createEngineFixture,
  type EngineFixture,
  everyRow,
  webhook,
} from './harness/index.ts';

/** Promise 1: any order, duplication or batching of the same events gives the same joins and views. */

let engine: EngineFixture;
/** Another business, whom the same people write to under the same ids. */
let neighbour: Awaited<ReturnType<typeof addWorkspace>>;
let neighbours: string;
beforeAll(async () => {
  engine = await createEngineFixture();
  neighbour = await addWorkspace(engine.store);
  engine.directory.refresh();
  await engine.receiver.receive(
    Buffer.from(JSON.stringify(webhook(neighbour, fc.sample(anyChange, { numRuns: 60, seed: 7 })))),
    { kind: 'channel', ...neighbour },
  );
  await engine.applyAll();
  neighbours = await everyRow(engine.store, neighbour.workspaceId);
  expect(neighbours).toContain('+919811111111');
});
afterAll(() => engine.close());

/** How a sequence is delivered: batches of webhooks, with an apply after each. */
type Delivery = readonly (readonly Change[])[];

async function stateAfter(delivery: Delivery): Promise<unknown> {
  await engine.forgetEverything();
  for (const batch of delivery) {
    await engine.receive(webhook(engine, batch));
    await engine.applyAll();
  }
  return canonicalState(engine.store, engine.workspaceId);
}

function deliveries(changes: readonly Change[]): fc.Arbitrary<Delivery> {
  return fc
    .tuple(
      fc.shuffledSubarray([...changes, ...changes], { minLength: changes.length * 2 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 30, maxLength: 30 }),
    )
    .map(([shuffled, sizes]) => {
      const batches: Change[][] = [];
      let start = 0;
      for (const size of sizes) {
        if (start >= shuffled.length) break;
        batches.push(shuffled.slice(start, start + size));
        start += size;
      }
      if (start < shuffled.length) batches.push(shuffled.slice(start));
      return batches;
    });
}

describe('the merge law', () => {
  test('holds for identities joined, rotated and recycled, statuses, consent and every other kind', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(anyChange, { minLength: 1, maxLength: 9 })
          .chain((changes) => fc.tuple(fc.constant(changes), deliveries(changes))),
        async ([changes, delivery]) => {
          const plain = await stateAfter([changes]);
          expect(await stateAfter(delivery)).toEqual(plain);
          expect(await everyRow(engine.store, neighbour.workspaceId)).toBe(neighbours);
        },
      ),
      { numRuns: 120 },
    );
  });
});
