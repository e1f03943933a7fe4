import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DueQueue } from './due-queue.ts';

test('whatever goes in and out in between, the earliest comes first', () => {
  const step = fc.oneof(fc.constant('pop' as const), fc.record({ dueAt: fc.nat(5), order: fc.nat(5) }));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const queue = new DueQueue<{ dueAt: number; order: number }>();
      const model: { dueAt: number; order: number }[] = [];
      for (const next of steps) {
        if (next === 'pop') {
          model.sort((a, b) => a.dueAt - b.dueAt || a.order - b.order);
          expect(queue.peek()).toEqual(model[0]);
          expect(queue.pop()).toEqual(model.shift());
        } else {
          queue.push(next);
          model.push(next);
        }
        expect(queue.size).toBe(model.length);
      }
    }),
  );
});
