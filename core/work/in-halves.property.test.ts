import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SangamError } from '../errors.ts';
import { inHalves } from './in-halves.ts';

const refusedBatch = (): SangamError =>
  new SangamError({
    code: 'batch_refused',
    origin: 'crm',
    retry: 'never',
    message: 'Something is the matter.',
  });

test('halving finds every culprit, lets everybody else through once, and costs about 2·log₂ calls a culprit', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 200 }).chain((size) =>
        fc.record({
          size: fc.constant(size),
          bad: fc.uniqueArray(fc.integer({ min: 0, max: size - 1 }), { maxLength: 4 }),
        }),
      ),
      async ({ size, bad }) => {
        let calls = 0;
        const outcomes = await inHalves(
          Array.from({ length: size }, (_, index) => index),
          async (part) => {
            calls += 1;
            if (part.some((item) => bad.includes(item))) throw refusedBatch();
            return part.map((item) => ({ item, written: true }));
          },
          (item) => ({ item, written: false }),
        );
        expect(outcomes.map(({ item }) => item)).toEqual(Array.from({ length: size }, (_, index) => index));
        expect(outcomes.filter(({ written }) => !written).map(({ item }) => item)).toEqual(
          bad.toSorted((x, y) => x - y),
        );
        expect(calls).toBeLessThanOrEqual(1 + 2 * bad.length * Math.ceil(Math.log2(size)));
      },
    ),
  );
});
