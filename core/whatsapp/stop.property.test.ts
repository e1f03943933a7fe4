import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { optWords } from '../consent/index.ts';
import { consentSaid, parseSlice, splitWebhook, stopOf, type WebhookEvent } from './index.ts';

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
    [
      'a button’s payload under words that start',
      { type: 'button', button: { text: 'Start', payload: 'STOP' } },
    ],
    ['a message without an id', { id: undefined, type: 'text', text: { body: 'STOP' } }],
    ['an edit', { type: 'edit', edit: { original_message_id: 'w0', message: { text: { body: 'stop' } } } }],
  ])('is seen in %s', (_name, item) => {
    expect(stopOf(written(item), words)).toEqual(asha);
  });

  test('is seen in WhatsApp’s own control', () => {
    const preference = (value: string): WebhookEvent =>
      only('user_preferences', { user_preferences: [{ wa_id: '919812345678', value, timestamp: 1 }] });
    expect(stopOf(preference('stop'), words)).toEqual(asha);
    expect(stopOf(preference('Stop'), words)).toEqual(asha);
    expect(stopOf(preference(' STOP '), words)).toEqual(asha);
    expect(stopOf(preference('resume'), words)).toBeUndefined();
  });

  test('is seen while Meta’s agent answers', () => {
    const standby = { messages: [{ id: 'w1', from: '919812345678', text: { body: 'stop' } }] };
    expect(stopOf(only('standby', { standby }), words)).toEqual(asha);
  });

  const thread = (from: string): WebhookEvent =>
    only('history', {
      history: [
        { threads: [{ id: '919812345678', messages: [{ id: 'w1', from, text: { body: 'Please stop' } }] }] },
      ],
    });

  test('is seen in what the person said long ago', () => {
    expect(stopOf(thread('919812345678'), words)).toEqual(asha);
  });

  test('is not what the business says, now or long ago', () => {
    const item = { id: 'w1', from: '918047100000', to: '919812345678', text: { body: 'stop' } };
    expect(stopOf(only('smb_message_echoes', { message_echoes: [item] }), words)).toBeUndefined();
    expect(stopOf(thread('918047100000'), words)).toBeUndefined();
    const metadata = { display_phone_number: '918047100000' };
    expect(stopOf(only('messages', { metadata, messages: [item] }), words)).toBeUndefined();
  });

  test('is a typed "do not disturb", or a template’s, and no menu’s', () => {
    const row = { list_reply: { id: 'dnd', title: 'Do not disturb', description: 'until 10 am' } };
    expect(stopOf(written({ type: 'text', text: { body: 'DND please' } }), words)).toEqual(asha);
    expect(stopOf(written({ type: 'button', button: { text: 'DND', payload: 'DND' } }), words)).toEqual(asha);
    expect(stopOf(written({ type: 'interactive', interactive: row }), words)).toBeUndefined();
  });

  test('is not the end of what they bought', () => {
    const row = { list_reply: { id: 'cancel_subscription', title: 'Cancel my subscription' } };
    expect(stopOf(written({ type: 'interactive', interactive: row }), words)).toBeUndefined();
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
      const said = consentSaid(parsed, words);
      expect(stopOf(event, words) !== undefined).toBe(said?.action === 'withdrawal');
      const shown = [parsed.text, parsed.buttonPayload].map((word) => (word ?? '').toLowerCase());
      if (shown.some((word) => word === 'stop' || word === 'stop all'))
        expect(said?.action).toBe('withdrawal');
      else expect(said?.action).not.toBe('withdrawal');
    }),
    { numRuns: 500 },
  );
});

describe('a grant', () => {
  const said = (item: object): string | undefined => {
    const parsed = parseSlice(written(item).slice);
    return parsed.kind === 'message' ? consentSaid(parsed, words)?.action : parsed.kind;
  };
  const button = (id: string, title: string): object => ({
    type: 'interactive',
    interactive: { type: 'button_reply', button_reply: { id, title } },
  });

  test.each([
    ['START as the whole message', { type: 'text', text: { body: 'Start' } }],
    ['a button whose payload says it', button('opt_in', 'Yes, go on')],
    ['a button whose payload could be a menu’s, under a title that cannot', button('start', 'Subscribe')],
    [
      'a template’s button that says nothing else',
      { type: 'button', button: { text: 'Subscribe', payload: 'Subscribe' } },
    ],
    [
      'a row of a list whose id says it',
      { type: 'interactive', interactive: { list_reply: { id: 'unstop', title: 'Offers again' } } },
    ],
  ])('is %s', (_name, item) => {
    expect(said(item)).toBe('grant');
  });

  test.each([
    ['a menu’s button', button('begin_quiz', 'Start')],
    ['a menu’s button whose id is start too', button('start', 'Start')],
    ['a button that begins something else', button('START', '🔄 Start over')],
    ['a row of a menu', { type: 'interactive', interactive: { list_reply: { id: 'START', title: 'Menu' } } }],
    ['a template’s Start', { type: 'button', button: { text: 'Start', payload: 'Start' } }],
    ['a button to subscribe to something else', button('plan_gold', 'Subscribe')],
    ['a template’s button without a payload', { type: 'button', button: { text: 'Subscribe' } }],
    [
      'a row of a list',
      { type: 'interactive', interactive: { type: 'list_reply', list_reply: { id: 'r1', title: 'START' } } },
    ],
    ['a caption', { type: 'image', image: { id: 'm', caption: 'start' } }],
    ['an edit', { type: 'edit', edit: { original_message_id: 'w0', message: { text: { body: 'start' } } } }],
    ['a word with a courtesy', { type: 'text', text: { body: 'please start' } }],
  ])('is not %s', (_name, item) => {
    expect(said(item)).toBeUndefined();
  });

  test('is never imported', () => {
    const [event] = splitWebhook({
      entry: [
        {
          changes: [
            {
              field: 'history',
              value: {
                history: [
                  {
                    threads: [
                      {
                        id: '919812345678',
                        messages: [{ id: 'w1', from: '919812345678', text: { body: 'START' } }],
                      },
                    ],
                  },
                ],
              },
            },
          ],
        },
      ],
    });
    const parsed = event === undefined ? undefined : parseSlice(event.slice);
    expect(parsed).toMatchObject({ kind: 'history', direction: 'in' });
    if (parsed?.kind === 'history') expect(consentSaid(parsed, words)).toBeUndefined();
  });
});
