import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { timelineLines, type TimelineMessage } from './index.ts';

const hour = 60 * 60 * 1000;
const start = 1_750_000_000_000;

function inbound(wamid: string, at: number, item: object = {}): TimelineMessage {
  return {
    wamid,
    origin: 'customer',
    direction: 'in',
    at,
    content: stored('message', at, {
      id: wamid,
      from: '919812345678',
      type: 'text',
      text: { body: wamid },
      ...item,
    }),
    times: {},
    errorCode: undefined,
  };
}

function outbound(wamid: string, at: number, more: Partial<TimelineMessage> = {}): TimelineMessage {
  return {
    wamid,
    origin: 'other tool',
    direction: 'out',
    at,
    content: undefined,
    times: { sent: at },
    errorCode: undefined,
    ...more,
  };
}

function stored(part: string, at: number, item: object): Buffer {
  return Buffer.from(
    JSON.stringify({ field: 'messages', part, item: { timestamp: String(Math.floor(at / 1000)), ...item } }),
  );
}

const options = { customer: 'Asha', text: 'full', timeZone: 'Asia/Kolkata' } as const;
const lines = (shown: TimelineMessage[], around = shown) => timelineLines(shown, around, options);

describe('lines of a timeline', () => {
  test('stand in the order they were written, those of one instant by their ids', () => {
    const shown = [inbound('c', start + 2), inbound('b', start), inbound('a', start)];
    expect(lines(shown).map(({ text }) => text)).toEqual(['a', 'b', 'c']);
  });

  test('are the same in whatever order their messages come', () => {
    const messages = [
      inbound('a', start),
      outbound('b', start + 1),
      outbound('c', start + 1),
      inbound('d', start + 2, { context: { id: 'b' } }),
      inbound('e', start + 2),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(messages, { minLength: messages.length }), (shuffled) => {
        expect(lines(shuffled)).toEqual(lines(messages));
      }),
    );
  });

  test('name who wrote, and say how far only ours got, and since when', () => {
    const times = { sent: start, delivered: start + 5 };
    const [theirs, ours, app] = lines([
      inbound('a', start),
      outbound('b', start + 1, { times }),
      outbound('c', start + 2, { origin: 'phone app' }),
    ]);
    expect(theirs).toEqual({ at: start, direction: 'in', sender: 'Asha', text: 'a', replied: false });
    expect(ours).toMatchObject({
      sender: 'Business (another tool)',
      status: 'delivered',
      statusAt: start + 5,
    });
    expect(ours).not.toHaveProperty('failure');
    expect(app?.sender).toBe('Business (phone app)');
  });

  test('say why one of ours failed', () => {
    const failed = (errorCode: number | undefined) =>
      lines([outbound('a', start, { times: { failed: start }, errorCode })])[0]?.failure;
    expect(failed(131_026)).toContain('may not be on WhatsApp');
    expect(failed(42)).toContain('42');
    expect(failed(undefined)).toBe('no reason given');
  });

  test.each([
    ['full', 'my PAN is ABCDE1234F'],
    ['masked', 'my PAN is ••••••••••'],
    ['not at all', ''],
  ] as const)('show their words %s', (text, shown) => {
    const said = [inbound('a', start, { text: { body: 'my PAN is ABCDE1234F' } })];
    expect(timelineLines(said, said, { customer: 'Asha', text, timeZone: 'Asia/Kolkata' })[0]?.text).toBe(
      shown,
    );
  });
});

describe('a message of ours is replied', () => {
  const replied = (shown: TimelineMessage[], around = shown): boolean[] =>
    lines(shown, around)
      .filter(({ direction }) => direction === 'out')
      .map((line) => line.replied);

  test('by the first message after it, up to 72 hours later', () => {
    expect(replied([outbound('a', start), inbound('b', start + 72 * hour)])).toEqual([true]);
    expect(replied([outbound('a', start), inbound('b', start + 72 * hour + 1)])).toEqual([false]);
    expect(replied([outbound('a', start)])).toEqual([false]);
  });

  test('by one of a later day, which is not shown', () => {
    const ours = outbound('a', start);
    expect(replied([ours], [ours, inbound('b', start + 30 * hour)])).toEqual([true]);
  });

  test('not by one before it, nor of its own instant', () => {
    expect(replied([inbound('b', start - 1), outbound('a', start)])).toEqual([false]);
    expect(replied([inbound('b', start), outbound('a', start)])).toEqual([false]);
  });

  test('alone, the last of several: one answer does not answer every earlier message', () => {
    expect(replied([outbound('a', start), outbound('b', start + 1), inbound('c', start + 2)])).toEqual([
      false,
      true,
    ]);
  });

  test('when it is quoted, however long after and whatever came between', () => {
    const quoting = inbound('c', start + 100 * hour, { context: { from: '918047100000', id: 'a' } });
    expect(replied([outbound('a', start), outbound('b', start + 1), quoting])).toEqual([true, false]);
  });

  test('and a customer’s message never is', () => {
    expect(lines([inbound('a', start), inbound('b', start + 1, { context: { id: 'a' } })])[0]?.replied).toBe(
      false,
    );
  });
});
