import { describe, expect, test } from 'vitest';
import { type ParsedEvent, parseSlice, splitWebhook, type Unreadable } from './index.ts';

/** Shapes that no published payload shows. Facts: docs/vendors/whatsapp.md §1 and §2. */

function parsed(field: string, value: object): (ParsedEvent | Unreadable)[] {
  return splitWebhook({
    entry: [{ id: 'waba', changes: [{ field, value: { metadata: { phone_number_id: '1' }, ...value } }] }],
  }).map(({ slice }) => parseSlice(slice));
}

const at = '1750000000';
const bsuid = 'IN.13491208655302741918';
const phone = { phone: '+919812345678', waId: '919812345678' };

function message(item: object, contact?: object): ParsedEvent | Unreadable | undefined {
  return parsed('messages', {
    ...(contact === undefined ? {} : { contacts: [contact] }),
    messages: [{ id: 'w1', timestamp: at, type: 'text', text: { body: 'hi' }, ...item }],
  })[0];
}

describe('a person without a phone', () => {
  const known = { profile: { name: 'Bela', username: '@Bela.K' }, user_id: bsuid };

  test.each([
    ['the key left out', {}, {}],
    ['an empty string', { from: '' }, { wa_id: '' }],
    ['the BSUID in its place', { from: bsuid }, { wa_id: bsuid }],
  ])('is read from %s', (_name, item, contact) => {
    expect(message({ from_user_id: bsuid, ...item }, { ...known, ...contact })).toMatchObject({
      kind: 'message',
      identities: { bsuid, username: 'bela.k' },
      profileName: 'Bela',
    });
    expect(message({ from_user_id: bsuid, ...item }, { ...known, ...contact })).not.toHaveProperty(
      'identities.phone',
    );
  });

  test('is known by the BSUID in `from` alone', () => {
    expect(message({ from: bsuid })).toMatchObject({ identities: { bsuid } });
  });

  test('gives their phone when we asked for it, and then both stand together', () => {
    const shared = {
      origin: 'contact_request',
      phones: [{ phone: '+91 98123 45678', wa_id: '919812345678' }],
    };
    expect(message({ from_user_id: bsuid, type: 'contacts', contacts: [shared] })).toMatchObject({
      identities: { ...phone, bsuid },
    });
  });

  test('does not give a phone that lacks its country', () => {
    const shared = { origin: 'contact_request', phones: [{ phone: '98123 45678' }] };
    expect(message({ from_user_id: bsuid, type: 'contacts', contacts: [shared] })).not.toHaveProperty(
      'identities.phone',
    );
  });

  test('does not become the person whose card they share', () => {
    const card = { origin: 'other', phones: [{ wa_id: '919812345678' }] };
    expect(message({ from_user_id: bsuid, type: 'contacts', contacts: [card] })).not.toHaveProperty(
      'identities.phone',
    );
  });
});

describe('a change of ids', () => {
  test.each([
    [
      'a number change in today’s form',
      {
        from: '919812345678',
        system: {
          type: 'user_changed_number',
          wa_id: '919899999999',
          user_id: 'IN.2',
          previous_user_id: 'IN.1',
        },
      },
      { before: { ...phone, bsuid: 'IN.1' }, identities: { phone: '+919899999999', bsuid: 'IN.2' } },
    ],
    [
      'a rotation without phones',
      { system: { type: 'user_changed_user_id', user_id: 'IN.2', previous_user_id: 'IN.1' } },
      { before: { bsuid: 'IN.1' }, identities: { bsuid: 'IN.2' } },
    ],
    [
      'a parent BSUID’s rotation',
      {
        system: {
          type: 'user_changed_user_id',
          user_id: 'IN.2',
          previous_user_id: 'IN.1',
          parent_user_id: 'IN.ENT.2',
          previous_parent_user_id: 'IN.ENT.1',
        },
      },
      { before: { parentBsuid: 'IN.ENT.1' }, identities: { parentBsuid: 'IN.ENT.2' } },
    ],
    [
      'the old name and key',
      { from: '919812345678', system: { type: 'customer_changed_number', new_wa_id: '919899999999' } },
      { before: phone, identities: { phone: '+919899999999' } },
    ],
    [
      'a number change whose `from` is the new number already',
      {
        from: '919899999999',
        system: {
          type: 'user_changed_number',
          new_wa_id: '919899999999',
          body: 'User changed number from \u200e919812345678\u200e to \u2066919899999999\u2069',
        },
      },
      { before: phone, identities: { phone: '+919899999999' } },
    ],
    [
      'a number change that names both numbers in words alone, as people write them',
      {
        from: '',
        system: {
          type: 'customer_changed_number',
          body: 'Asha changed from +91 98123 45678 to +91 98999 99999.',
        },
      },
      { before: phone, identities: { phone: '+919899999999' } },
    ],
    [
      'the number before in `customer`',
      {
        from: '919899999999',
        system: { type: 'customer_changed_number', wa_id: '919899999999', customer: '919812345678' },
      },
      { before: phone, identities: { phone: '+919899999999' } },
    ],
    [
      'a number change where the new phone is hidden',
      {
        from: '919812345678',
        system: {
          type: 'user_changed_number',
          user_id: 'IN.2',
          body: 'User Asha changed from 919812345678 to IN.2',
        },
      },
      { before: phone, identities: { bsuid: 'IN.2' } },
    ],
    [
      'the old id told in words only',
      {
        system: {
          type: 'user_changed_user_id',
          user_id: 'IN.2',
          body: 'User Asha changed from IN.1 to IN.2',
        },
      },
      { before: { bsuid: 'IN.1' }, identities: { bsuid: 'IN.2' } },
    ],
  ])('is read from %s', (_name, item, expected) => {
    expect(message({ type: 'system', text: undefined, ...item })).toMatchObject({
      kind: 'identity_change',
      ...expected,
    });
  });

  test('that does not show who the person was is kept', () => {
    const item = {
      type: 'system',
      text: undefined,
      from: '919899999999',
      system: { type: 'user_changed_number', wa_id: '919899999999' },
    };
    expect(message(item)).toMatchObject({ kind: 'kept', what: 'messages/message/user_changed_number' });
    expect(parsed('user_id_update', { user_id_update: [{ user_id: { current: 'IN.2' } }] })).toMatchObject([
      { kind: 'kept' },
    ]);
  });

  test('is read from the field that BSPs forward', () => {
    const update = { wa_id: '919812345678', user_id: { previous: 'IN.1', current: 'IN.2' }, timestamp: at };
    expect(parsed('user_id_update', { user_id_update: [update] })).toMatchObject([
      { kind: 'identity_change', before: { bsuid: 'IN.1' }, identities: { ...phone, bsuid: 'IN.2' } },
    ]);
  });

  test('is not a change of the security code', () => {
    expect(message({ type: 'system', system: { type: 'customer_identity_changed' } })).toMatchObject({
      kind: 'kept',
    });
  });
});

describe('the answers of a Flow', () => {
  const flow = (responseJson: unknown): ParsedEvent | Unreadable | undefined =>
    message({
      from: '919812345678',
      type: 'interactive',
      interactive: {
        type: 'nfm_reply',
        nfm_reply: { name: 'flow', body: 'Sent', response_json: responseJson },
      },
    });

  test.each([
    ['{"city":"Pune","flow_token":"t"}', { answers: { city: 'Pune', flow_token: 't' }, flowToken: 't' }],
    ['{"city":"Pune"}', { answers: { city: 'Pune' } }],
    ['[1,2]', { answers: [1, 2] }],
    ['"words"', { answers: 'words' }],
    ['{broken', { answers: '{broken' }],
    [{ city: 'Pune' }, { answers: { city: 'Pune' } }],
    [undefined, { answers: undefined }],
  ])('are read from %j', (responseJson, flowAnswer) => {
    expect(flow(responseJson)).toMatchObject({ kind: 'message', flowAnswer });
  });

  test('are capped', () => {
    const answer = flow(`{"a":"${'x'.repeat(100_000)}`);
    expect(answer).toHaveProperty('flowAnswer.answers.length', 64 * 1024);
  });
});

describe('what Meta’s agent does while it answers', () => {
  test('is read as messages we only watch, echoes of its sends, and statuses', () => {
    const contacts = [{ wa_id: '919812345678' }];
    expect(
      parsed('standby', {
        standby: {
          messages: [{ id: 'w1', from: '919812345678', timestamp: at, text: { body: 'hi' } }],
          contacts,
        },
      }),
    ).toMatchObject([{ kind: 'message', standby: true, identities: phone, type: 'text' }]);
    expect(
      parsed('standby', {
        standby: {
          message_echoes: [
            { id: 'w2', timestamp: at, message: { to: '919812345678', type: 'text', text: { body: 'yes' } } },
          ],
        },
      }),
    ).toMatchObject([{ kind: 'echo', origin: 'meta agent', identities: phone, text: 'yes' }]);
    expect(
      parsed('standby', {
        standby: { statuses: [{ id: 'w2', status: 'read', timestamp: at, recipient_id: '919812345678' }] },
      }),
    ).toMatchObject([{ kind: 'status', status: 'read' }]);
  });
});

describe('an imported history', () => {
  const thread = {
    id: '919812345678',
    messages: [
      {
        id: 'w1',
        from: '919812345678',
        timestamp: at,
        type: 'text',
        text: { body: 'in' },
        history_context: { status: 'READ' },
      },
      {
        id: 'w2',
        from: '918047100000',
        timestamp: at,
        type: 'text',
        text: { body: 'out' },
        history_context: { status: 'DELIVERED' },
      },
    ],
  };

  test('tells who wrote each message', () => {
    expect(parsed('history', { history: [{ metadata: { phase: 0 }, threads: [thread] }] })).toMatchObject([
      { kind: 'history', direction: 'in', identities: phone, text: 'in' },
      { kind: 'history', direction: 'out', identities: phone, text: 'out', status: 'delivered' },
    ]);
  });

  test('that was declined is kept', () => {
    expect(parsed('history', { history: [{ errors: [{ code: 2593109 }] }] })).toMatchObject([
      { kind: 'kept' },
    ]);
  });

  test('has media that come later', () => {
    const media = {
      id: 'w3',
      from: '919812345678',
      timestamp: at,
      type: 'image',
      image: { id: 'm', mime_type: 'image/jpeg' },
    };
    expect(parsed('history', { messages: [media] })).toMatchObject([
      { kind: 'history', type: 'image', identities: phone },
    ]);
  });
});

describe('a message', () => {
  test('of a group is kept apart', () => {
    expect(message({ from: '919812345678', group_id: 'g' })).toMatchObject({ kind: 'kept' });
  });

  test('has its words whole', () => {
    const words = `a\0b \ud83d ${'x'.repeat(10_000)}`;
    expect(message({ from: '919812345678', text: { body: words } })).toMatchObject({ text: words });
  });

  test('tells its time in seconds or milliseconds, as text or number, or not at all', () => {
    for (const timestamp of [at, 1_750_000_000, '1750000000000', 1_750_000_000_000]) {
      expect(message({ from: '919812345678', timestamp })).toMatchObject({ at: 1_750_000_000_000 });
    }
    expect(message({ from: '919812345678', timestamp: 'TIMESTAMP' })).toMatchObject({ at: undefined });
  });

  test('without an id says why it cannot be taken', () => {
    expect(message({ id: undefined, from: '919812345678' })).toMatchObject({
      kind: 'unreadable',
      reason: 'no_message_id',
    });
  });

  test('is not given to a contact that contradicts it', () => {
    const item = { from: '919812345678', from_user_id: 'IN.2' };
    expect(message(item, { wa_id: '919899999999', user_id: bsuid })).toMatchObject({
      identities: { ...phone, bsuid: 'IN.2' },
    });
  });

  test('has all its errors, also beside one without a code', () => {
    expect(message({ from: '919812345678', errors: [{ title: 'Odd' }, { code: '131051' }] })).toMatchObject({
      errors: [{ code: 0, title: 'Odd' }, { code: 131_051 }],
    });
  });
});
