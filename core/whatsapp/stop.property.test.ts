import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { optWords, recogniseOptWord } from '../consent/index.ts';
import { parseSlice, splitWebhook, stopOf, type WebhookEvent } from './index.ts';

const words = optWords(['en']);

function only(field: string, value: object): WebhookEvent {
  const [event] = splitWebhook({ entry: [{ id: 'waba', changes: [{ field, value }] }] });
  if (event === undefined) throw new Error('No event came out.');
  return event;
}

function written(item: object): WebhookEvent {
  return only('messages', {
    messages: [{ id: 'w1', from: '919812345678', timestamp: '1750000000', ...item }],
  });
}

const asha = { phone: '+919812345678', waId: '919812345678' };

describe('a STOP by itself', () => {
  test.each([
    ['a text', { type: 'text', text: { body: ' Stop! ' } }],
    ['a template button’s text', { type: 'button', button: { text: 'Unsubscribe', payload: 'x' } }],
    ['a template button’s payload', { type: 'button', button: { text: 'No thanks', payload: 'STOP' } }],
    ['a reply button', { type: 'interactive', interactive: { button_reply: { id: 'b', title: 'Stop' } } }],
    [
      'a reply button’s id',
      { type: 'interactive', interactive: { button_reply: { id: 'stop', title: 'X' } } },
    ],
    [
      'a choice from a list',
      { type: 'interactive', interactive: { list_reply: { id: 'stop_all', title: 'Stop all' } } },
    ],
    ['a caption', { type: 'image', image: { id: 'm', caption: 'STOP' } }],
    ['an edit', { type: 'edit', edit: { original_message_id: 'w0', message: { text: { body: 'stop' } } } }],
  ])('is seen in %s', (_name, item) => {
    expect(stopOf(written(item), words)).toEqual(asha);
  });

  test('is seen in WhatsApp’s own control', () => {
    const preference = (value: string): WebhookEvent =>
      only('user_preferences', { user_preferences: [{ wa_id: '919812345678', value, timestamp: 1 }] });
    expect(stopOf(preference('stop'), words)).toEqual(asha);
    expect(stopOf(preference('resume'), words)).toBeUndefined();
  });

  test('is seen while Meta’s agent answers', () => {
    const standby = { messages: [{ id: 'w1', from: '919812345678', text: { body: 'stop' } }] };
    expect(stopOf(only('standby', { standby }), words)).toEqual(asha);
  });

  test.each([
    ['the business says', 'smb_message_echoes', 'message_echoes'],
    ['was said long ago', 'history', 'messages'],
  ])('is not what %s', (_name, field, list) => {
    const item = { id: 'w1', from: '1', to: '919812345678', text: { body: 'stop' } };
    expect(stopOf(only(field, { [list]: [item] }), words)).toBeUndefined();
  });

  test('is not a group’s', () => {
    expect(stopOf(written({ group_id: 'g', text: { body: 'stop' } }), words)).toBeUndefined();
  });
});

/** Receive looks before parsing, apply after; a STOP one sees and the other does not would be sent to. */
test('receive and apply agree on every message', () => {
  const said = fc.option(fc.constantFrom('stop', 'Stop all', 'start', 'hello', ''), { nil: undefined });
  const reply = fc.option(fc.record({ id: said, title: said }), { nil: undefined });
  const medium = fc.option(fc.record({ id: fc.constant('m'), caption: said }), { nil: undefined });
  const content = {
    text: fc.oneof(said, fc.record({ body: said })),
    button: fc.option(fc.record({ text: said, payload: said }), { nil: undefined }),
    interactive: fc.option(
      fc.record({ body: fc.record({ text: said }), button_reply: reply, list_reply: reply }),
      { nil: undefined },
    ),
    image: medium,
    video: medium,
    document: medium,
    order: fc.record({ text: said }),
  };
  const edit = fc.option(fc.record({ message: fc.record(content) }), { nil: undefined });
  fc.assert(
    fc.property(fc.record({ ...content, edit }, { requiredKeys: [] }), (item) => {
      const event = written(item);
      const parsed = parseSlice(event.slice);
      if (parsed.kind !== 'message') throw new Error('It is a message.');
      const word =
        recogniseOptWord(parsed.text ?? '', words) ?? recogniseOptWord(parsed.buttonPayload ?? '', words);
      expect(stopOf(event, words) !== undefined).toBe(word === 'stop' || word === 'stop all');
    }),
    { numRuns: 500 },
  );
});
