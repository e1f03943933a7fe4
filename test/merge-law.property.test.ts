import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  addWorkspace,
  canonicalState,
  type Change,
  createEngine,
  echo,
  type Engine,
  engineNow,
  everyRow,
  history,
  message,
  numberChange,
  type Person,
  preference,
  status,
  text,
  webhook,
} from './harness/index.ts';

/** Promise 1: any order, duplication or batching of the same events gives the same joins and views. */

let engine: Engine;
/** Another business, whom the same people write to under the same ids. */
let neighbour: Awaited<ReturnType<typeof addWorkspace>>;
let neighbours: string;
beforeAll(async () => {
  engine = await createEngine();
  neighbour = await addWorkspace(engine.store);
  engine.directory.refresh();
  await engine.receiver.receive(
    Buffer.from(JSON.stringify(webhook(neighbour, fc.sample(change, { numRuns: 60, seed: 7 })))),
    { kind: 'channel', ...neighbour },
  );
  await engine.applyAll();
  neighbours = await everyRow(engine.store, neighbour.workspaceId);
  expect(neighbours).toContain('+919811111111');
});
afterAll(() => engine.close());

const phones = ['919811111111', '919822222222', '5511987654321', '551187654321'];
const bsuids = ['IN.A1', 'IN.B2', 'IN.C3'];
const at = fc.integer({ min: 1, max: 6 }).map((step) => engineNow - 60 * 60_000 + step * 1000);
const wamid = fc.constantFrom('w1', 'w2', 'w3', 'w4', 'w5', 'w6');
const person: fc.Arbitrary<Person> = fc
  .record(
    {
      phone: fc.constantFrom(...phones),
      bsuid: fc.constantFrom(...bsuids),
      parent: fc.constant('IN.ENT.P'),
      name: fc.constantFrom('Asha R', 'Bela'),
      username: fc.constantFrom('asha', 'bela'),
    },
    { requiredKeys: [] },
  )
  .filter((ids) => ids.phone !== undefined || ids.bsuid !== undefined);
const withPhone = person.filter((ids) => ids.phone !== undefined);
/** A message goes to one person; each status of it shows some of their ids. */
const recipients: readonly (Person & { phone: string; bsuid: string })[] = [
  { phone: '919811111111', bsuid: 'IN.A1' },
  { phone: '919811111111', bsuid: 'IN.C3' },
];
const sent: fc.Arbitrary<[Person, string]> = fc
  .tuple(fc.nat({ max: 1 }), fc.constantFrom('phone', 'bsuid', 'both'))
  .map(([index, shows]) => {
    const { phone, bsuid } = recipients[index] ?? { phone: '', bsuid: '' };
    const ids = shows === 'phone' ? { phone } : shows === 'bsuid' ? { bsuid } : { phone, bsuid };
    return [ids, `out${String(index)}`];
  });
const words = fc.constantFrom('hello', 'STOP', 'start', 'stop all', 'My name is Asha');

const change: fc.Arbitrary<Change> = fc.oneof(
  // One body a message, as WhatsApp has it, and several under one id, as it should not.
  {
    weight: 4,
    arbitrary: fc
      .tuple(person, at, words)
      .map(([who, time, said]) => text(who, JSON.stringify([who, time, said]), time, said)),
  },
  { weight: 1, arbitrary: fc.tuple(person, wamid, at, words).map((args) => text(...args)) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(
        sent,
        at,
        fc.constantFrom('sent', 'delivered', 'read', 'failed'),
        fc.constantFrom({}, { pricing: { category: 'service' } }, { pricing: { category: 'marketing' } }),
      )
      .map(([[who, id], time, name, more]) => status(who, id, time, name, more)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(sent, at)
      .map(([[who, id], time]) => status(who, id, time, 'failed', { errors: [{ code: 131050 }] })),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(person, at, fc.constantFrom('stop' as const, 'resume' as const, 'signup' as const))
      .map((args) => preference(...args)),
  },
  { weight: 1, arbitrary: fc.tuple(withPhone, withPhone, wamid, at).map((args) => numberChange(...args)) },
  { weight: 1, arbitrary: fc.tuple(sent, at, words).map(([[who, id], ...rest]) => echo(who, id, ...rest)) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...phones), wamid, at, words, fc.constantFrom('in' as const, 'out' as const))
      .map((args) => history(...args)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(person, wamid, at).map(([who, id, time]) =>
      message(who, id, time, {
        type: 'interactive',
        interactive: { type: 'nfm_reply', nfm_reply: { name: 'flow', response_json: '[1]' } },
        referral: { source_type: 'ad', source_id: '1' },
      }),
    ),
  },
);

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
          .array(change, { minLength: 1, maxLength: 9 })
          .chain((changes) => fc.tuple(fc.constant(changes), deliveries(changes))),
        async ([changes, delivery]) => {
          const plain = await stateAfter([changes]);
          expect(await stateAfter(delivery)).toEqual(plain);
          expect(await everyRow(engine.store, neighbour.workspaceId)).toBe(neighbours);
        },
      ),
      { numRuns: 120 },
    );
  }, 300_000);
});
