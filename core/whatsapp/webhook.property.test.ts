import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSlice, splitWebhook, verifySignature } from './index.ts';

/** Webhooks as they come, with anything at all in any place. */
const anything = fc.jsonValue({ maxDepth: 3 });
const item = fc.oneof(
  anything,
  fc.record(
    {
      id: fc.oneof(fc.string(), anything),
      from: fc.oneof(fc.constant('919812345678'), anything),
      from_user_id: fc.oneof(fc.constant('IN.123'), anything),
      timestamp: fc.oneof(fc.constant('1750000000'), anything),
      type: fc.oneof(fc.constantFrom('text', 'system', 'interactive', 'reaction', 'edit'), anything),
      text: anything,
      system: anything,
      interactive: anything,
      contacts: anything,
      context: anything,
      errors: anything,
      status: fc.oneof(fc.constantFrom('sent', 'read'), anything),
      recipient_id: anything,
    },
    { requiredKeys: [] },
  ),
);
const value = fc.oneof(
  anything,
  fc.record(
    {
      metadata: fc.oneof(fc.record({ phone_number_id: fc.oneof(fc.string(), anything) }), anything),
      contacts: fc.oneof(fc.array(anything, { maxLength: 2 }), anything),
      messages: fc.oneof(fc.array(item, { maxLength: 3 }), anything),
      statuses: fc.oneof(fc.array(item, { maxLength: 3 }), anything),
      message_echoes: fc.oneof(fc.array(item, { maxLength: 2 }), anything),
      user_preferences: fc.oneof(fc.array(item, { maxLength: 2 }), anything),
      history: fc.oneof(fc.array(anything, { maxLength: 2 }), anything),
      standby: anything,
      errors: anything,
    },
    { requiredKeys: [] },
  ),
);
const envelope = fc.oneof(
  anything,
  fc.record({
    entry: fc.oneof(
      anything,
      fc.array(
        fc.record({
          id: fc.oneof(fc.string(), anything),
          changes: fc.oneof(
            anything,
            fc.array(fc.record({ field: fc.oneof(fc.string(), anything), value }), { maxLength: 2 }),
          ),
        }),
        { maxLength: 2 },
      ),
    ),
  }),
);

describe('any body at all', () => {
  test('is split, and each of its events is read', () => {
    fc.assert(
      fc.property(envelope, (body) => {
        for (const event of splitWebhook(body)) expect(parseSlice(event.slice).kind).toBeTypeOf('string');
      }),
      { numRuns: 1000 },
    );
  });

  test('is split the same way twice', () => {
    fc.assert(
      fc.property(envelope, (body) => {
        expect(splitWebhook(structuredClone(body))).toEqual(splitWebhook(body));
      }),
    );
  });

  test('leaves nothing out: a value that is no known list is kept whole', () => {
    fc.assert(
      fc.property(fc.string(), anything, (field, whole) => {
        const events = splitWebhook({
          entry: [{ id: '1', changes: [{ field, value: { unheard_of: whole } }] }],
        });
        expect(events).toHaveLength(1);
        expect(events[0]?.slice.item).toEqual({ unheard_of: whole });
      }),
    );
  });
});

describe('however events are batched', () => {
  const message = fc.nat({ max: 20 }).map((n) => ({
    id: `w${String(n)}`,
    from: '919812345678',
    timestamp: '1750000000',
    type: 'text',
    text: { body: 'hi' },
  }));
  const change = (messages: object[]): object => ({
    field: 'messages',
    value: { metadata: { phone_number_id: '1' }, messages },
  });

  test('the same events come out', () => {
    fc.assert(
      fc.property(
        fc.array(message, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 5 }),
        (messages, size) => {
          const together = splitWebhook({ entry: [{ id: 'w', changes: [change(messages)] }] });
          const apart: object[] = [];
          for (let start = 0; start < messages.length; start += size) {
            apart.push({ id: 'w', changes: [change(messages.slice(start, start + size))] });
          }
          expect(splitWebhook({ entry: apart })).toEqual(together);
        },
      ),
    );
  });
});

describe('a signature', () => {
  const sign = (body: Buffer, secret: string): string =>
    `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;
  const body = Buffer.from('{"a":"\\u00e9"}');

  test('passes with either of two live secrets', () => {
    expect(verifySignature(body, sign(body, 'new'), ['new', 'old'])).toBe(true);
    expect(verifySignature(body, sign(body, 'old'), ['new', 'old'])).toBe(true);
  });

  test.each([
    undefined,
    '',
    'sha256=',
    'sha256=00',
    'sha1=abc',
    `sha256=${'0'.repeat(64)}`,
    `sha256=${'z'.repeat(64)}`,
  ])('fails closed for %s', (header) => {
    expect(verifySignature(body, header, ['secret'])).toBe(false);
  });

  test('fails for any other body, secret or header', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.string(), fc.string(), (bytes, header, secret) => {
        const other = Buffer.from(bytes);
        expect(verifySignature(other, header, [secret])).toBe(false);
        expect(verifySignature(Buffer.concat([other, Buffer.from('x')]), sign(other, secret), [secret])).toBe(
          false,
        );
        expect(verifySignature(other, sign(other, `${secret}x`), [secret])).toBe(false);
      }),
    );
  });
});
