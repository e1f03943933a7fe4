import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { canonicalState, createEngineFixture, type EngineFixture, sampleCorpus } from './harness/index.ts';

/** Promise 1 over everything WhatsApp is known to send, shuffled, repeated, batched anew. */

let engine: EngineFixture;
beforeAll(async () => {
  engine = await createEngineFixture();
});
afterAll(() => engine.close());

interface Entries {
  readonly entry: readonly unknown[];
}

async function stateAfter(bodies: readonly unknown[], applyEvery: number): Promise<unknown> {
  await engine.forgetEverything();
  for (const [index, body] of bodies.entries()) {
    await engine.receive(body);
    if (index % applyEvery === applyEvery - 1) await engine.applyAll();
  }
  await engine.applyAll();
  return canonicalState(engine.store, engine.workspaceId);
}

test('one body of each kind, and every published one, add up to the same state in any order, repeated, in any batches', async () => {
  const corpus = sampleCorpus(engine);
  const plain = await stateAfter(corpus, corpus.length);
  await fc.assert(
    fc.asyncProperty(
      fc.shuffledSubarray([...corpus, ...corpus], { minLength: corpus.length * 2 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 10, max: 200 }),
      async (shuffled, together, applyEvery) => {
        const bodies: Entries[] = [];
        for (let start = 0; start < shuffled.length; start += together) {
          const group = shuffled.slice(start, start + together) as Entries[];
          bodies.push({ entry: group.flatMap(({ entry }) => entry) });
        }
        expect(await stateAfter(bodies, applyEvery)).toEqual(plain);
      },
    ),
    { numRuns: 6 },
  );
});
