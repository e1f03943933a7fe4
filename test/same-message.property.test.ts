import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  canonicalState,
  type Change,
  createEngineFixture,
  type EngineFixture,
  engineNow,
  message,
  numberChange,
  type Person,
  preference,
  status,
  text,
  webhook,
} from './harness/index.ts';

/**
 * Promise 1 where contents meet: several under one id, several in one second, media told apart from whose they are, two
 * outgoing messages whose statuses overlap, phones that give way to hidden ones. One message has one body, so that people
 * speak often.
 */

let engine: EngineFixture;
beforeAll(async () => {
  engine = await createEngineFixture();
  // Where timelines stand is another law.
  await engine.asDatabaseOwner('update crm_connections set disconnected_at = 1');
});
afterAll(() => engine.close());

const business = '918047100000';
const phones = ['919811111111', '5511987654321'] as const;
const steps = [1, 2, 3].map((step) => engineNow - 60 * 60_000 + step * 1000);
const at = fc.constantFrom(...steps);
const phone = fc.constantFrom(...phones);
const person: fc.Arbitrary<Person> = fc.constantFrom(
  { phone: phones[0], bsuid: 'IN.A1', name: 'Asha R' },
  { phone: phones[0], name: 'Dr. Asha' },
  { bsuid: 'IN.A1', username: 'asha' },
  { phone: phones[1], bsuid: 'BR.B1', name: 'Bela' },
  { phone: '551187654321' },
  { bsuid: 'IN.A2' },
);

/** A message's time, as all its contents give it. */
function timeOf(index: number): number {
  return steps[index % steps.length] ?? 0;
}

const bodies = [
  { type: 'text', text: { body: 'hello' } },
  { type: 'text', text: { body: 'STOP' } },
  { type: 'image', image: { id: '1' } },
  { type: 'text', text: { body: 'from the ad' }, referral: { source_type: 'ad', source_id: '1' } },
  { type: 'request_welcome', referral: { source_type: 'ad', source_id: '2' } },
  { type: 'unsupported', errors: [{ code: 131_060 }] },
  { type: 'image', errors: [{ code: 131_052 }] },
  { type: 'interactive', interactive: { button_reply: { id: 'begin', title: 'Start' } } },
];
const body = fc.constantFrom(...bodies);

/** A message of its own: what it is follows from who wrote it, when and what. */
const spoken = fc
  .tuple(person, at, fc.nat({ max: bodies.length - 1 }))
  .map(([who, time, index]) =>
    message(
      who,
      `s.${who.phone ?? ''}.${who.bsuid ?? ''}.${String(time)}.${String(index)}`,
      time,
      bodies[index] ?? {},
    ),
  );

/** One of several contents of one message. */
const content = fc
  .tuple(fc.constantFrom(0, 1), body)
  .map(([index, said]) => message({ phone: phones[index] ?? '' }, `c${String(index)}`, timeOf(index), said));

function imported(index: number, item: object, thread: string | undefined): Change {
  const whole = { id: `h${String(index)}`, timestamp: String(timeOf(index) / 1000), ...item };
  return {
    field: 'history',
    value:
      thread === undefined
        ? { messages: [whole] }
        : { history: [{ threads: [{ id: thread, messages: [whole] }] }] },
  };
}

/** A message of an imported history: its placeholder, which names the person, or its medium, which may not. */
const history = fc
  .tuple(fc.nat({ max: 3 }), fc.constantFrom('placeholder', 'medium', 'other medium'))
  .map(([index, kind]) => {
    const customer = phones[index % 2] ?? '';
    const from = index < 2 ? business : customer;
    return kind === 'placeholder'
      ? imported(index, { from, type: 'media_placeholder', history_context: { status: 'READ' } }, customer)
      : imported(index, { from, type: 'image', image: { id: kind, caption: kind } }, undefined);
  });

/** Two outgoing messages, so that statuses meet. */
const ticked = fc
  .tuple(fc.constantFrom(0, 1), at, fc.constantFrom('sent', 'delivered', 'read', 'failed'))
  .map(([index, time, name]) => status({ phone: phones[index] ?? '' }, `out${String(index)}`, time, name));

const moved = fc.oneof(
  fc
    .tuple(phone, at)
    .map(([from, time]) =>
      numberChange({ phone: from }, { bsuid: 'IN.A2' }, `m.${from}.${String(time)}`, time),
    ),
  at.map((time) => numberChange({ bsuid: 'IN.A1' }, { phone: phones[1] }, `m.b.${String(time)}`, time)),
  at.map((time): Change => ({
    field: 'messages',
    value: {
      messages: [
        {
          from: phones[1],
          id: `m.w.${String(time)}`,
          timestamp: String(time / 1000),
          type: 'system',
          system: {
            type: 'user_changed_number',
            wa_id: phones[1],
            body: `User changed from \u200e${phones[0]}\u200e to ${phones[1]}`,
          },
        },
      ],
    },
  })),
);

const change: fc.Arbitrary<Change> = fc.oneof(
  { weight: 4, arbitrary: spoken },
  { weight: 3, arbitrary: content },
  { weight: 3, arbitrary: history },
  { weight: 2, arbitrary: ticked },
  { weight: 1, arbitrary: moved },
  {
    weight: 1,
    arbitrary: fc
      .tuple(person, at, fc.constantFrom('stop' as const, 'resume' as const, 'signup' as const))
      .map((args) => preference(...args)),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(phone, at)
      .map(([who, time]) => text({ phone: who }, `t.${who}.${String(time)}`, time, 'start')),
  },
);

async function stateAfter(delivery: readonly (readonly Change[])[]): Promise<unknown> {
  await engine.forgetEverything();
  for (const batch of delivery) {
    // One body a message: what stands together in a webhook shares its contacts.
    for (const one of batch) await engine.receive(webhook(engine, [one]));
    await engine.applyAll();
  }
  return canonicalState(engine.store, engine.workspaceId);
}

test('contents of one message, of one second and of hidden people add up to the same in any order', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc
        .array(change, { minLength: 2, maxLength: 9 })
        .chain((changes) =>
          fc.tuple(
            fc.constant(changes),
            fc.shuffledSubarray([...changes, ...changes], { minLength: changes.length * 2 }),
            fc.integer({ min: 1, max: 5 }),
          ),
        ),
      async ([changes, shuffled, size]) => {
        const plain = await stateAfter([changes]);
        const batches = Array.from({ length: Math.ceil(shuffled.length / size) }, (_, index) =>
          shuffled.slice(index * size, (index + 1) * size),
        );
        expect(await stateAfter(batches)).toEqual(plain);
      },
    ),
    { numRuns: 120 },
  );
});
