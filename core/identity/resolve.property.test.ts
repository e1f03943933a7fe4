import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Evidence, resolveIdentities } from './index.ts';

const phones = ['+911', '+912', '+913'];
const bsuids = ['bsuid:p1:A', 'bsuid:p1:B', 'bsuid:p1:C', 'bsuid:p2:D', 'bsuid:parent:X'];
const at = fc.integer({ min: 1, max: 6 });
const evidence: fc.Arbitrary<Evidence> = fc.oneof(
  fc.record({
    kind: fc.constant('pair' as const),
    a: fc.constantFrom(...phones),
    b: fc.constantFrom(...bsuids),
    at,
  }),
  fc.record({
    kind: fc.constant('same' as const),
    a: fc.constantFrom(...bsuids),
    b: fc.constantFrom(...bsuids),
    at,
  }),
  fc
    .record({
      kind: fc.constant('phone_change' as const),
      a: fc.constantFrom(...phones),
      b: fc.constantFrom(...phones),
      at,
    })
    .filter(({ a, b }) => a !== b),
  fc
    .record({
      kind: fc.constant('joined' as const),
      a: fc.constantFrom(...phones, ...bsuids),
      b: fc.constantFrom(...phones, ...bsuids),
      at,
      aAt: at,
      bAt: at,
    })
    .filter(({ a, b }) => a !== b),
  fc.constantFrom(...phones).chain((a) =>
    fc.record({
      kind: fc.constant('hand_over' as const),
      a: fc.constant(a),
      b: fc.constant(a),
      at,
    }),
  ),
);

/** Who every id is at every time, without regard to names. */
function partition(items: readonly Evidence[]): string[][] {
  const people = resolveIdentities(items, [...phones, ...bsuids]);
  const anchors = [
    ...bsuids.map((bsuidKey) => ({ bsuidKey, at: 0 })),
    ...phones.flatMap((phone) => [0, 1, 2, 3, 4, 5, 6, 7].map((time) => ({ phone, at: time }))),
  ];
  const groups = Map.groupBy(anchors, (anchor) => people.personOf(anchor));
  return [...groups.values()]
    .map((group) => group.map((anchor) => JSON.stringify(anchor)).toSorted())
    .toSorted();
}

test('who is who does not depend on the order or the repetition of evidence', () => {
  fc.assert(
    fc.property(
      fc.array(evidence, { maxLength: 12 }).chain((items) =>
        fc.tuple(
          fc.constant(items),
          fc.shuffledSubarray([...items, ...items], {
            minLength: items.length * 2,
            maxLength: items.length * 2,
          }),
        ),
      ),
      ([items, shuffled]) => {
        expect(partition(shuffled)).toEqual(partition(items));
      },
    ),
    { numRuns: 500 },
  );
});

test('everyone who was asked for is somebody', () => {
  fc.assert(
    fc.property(fc.array(evidence, { maxLength: 12 }), (items) => {
      const people = resolveIdentities(items, [...phones, ...bsuids]);
      for (const phone of phones) expect(people.personOf({ phone, at: 3 })).toBeDefined();
      for (const bsuidKey of bsuids) expect(people.personOf({ bsuidKey, at: 3 })).toBeDefined();
    }),
  );
});
