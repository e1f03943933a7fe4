import { describe, expect, test } from 'vitest';
import { splitWebhook, type WebhookEvent } from './index.ts';

function split(value: object): WebhookEvent[] {
  return splitWebhook({ entry: [{ id: 'waba', changes: [{ field: 'messages', value }] }] });
}

const message = { id: 'w1', from: '919812345678', timestamp: '1750000000', text: { body: 'hi' } };

describe('beside what is understood', () => {
  test('an unheard-of list is kept', () => {
    const events = split({ messages: [message], metadata: { phone_number_id: '1' }, polls: [{ id: 'p' }] });
    expect(events.map(({ slice }) => [slice.part, slice.item])).toEqual([
      ['message', message],
      ['value', { polls: [{ id: 'p' }] }],
    ]);
  });

  test('errors do not hide what they stand with', () => {
    const events = split({ calls: [{ id: 'c' }], errors: [{ code: 1 }] });
    expect(events.map(({ slice }) => [slice.part, slice.item])).toEqual([
      ['errors', [{ code: 1 }]],
      ['value', { calls: [{ id: 'c' }] }],
    ]);
  });

  test('a list that is no list is kept', () => {
    expect(split({ messages: [message], statuses: { id: 'w2', status: 'read' } })).toHaveLength(2);
  });

  test('an unheard-of list of a standby is kept', () => {
    expect(split({ standby: { messages: [message], polls: [{ id: 'p' }] } })).toHaveLength(2);
    expect(split({ standby: { messages: [message], contacts: [{ wa_id: '919812345678' }] } })).toHaveLength(
      1,
    );
  });

  test('nothing is made of plain words and empty lists', () => {
    expect(split({ messages: [message], messaging_product: 'whatsapp', errors: [], polls: [] })).toHaveLength(
      1,
    );
  });
});

describe('the contact of an item', () => {
  const contactOf = (item: object, ...contacts: object[]): unknown =>
    split({ messages: [{ ...message, ...item }], contacts })[0]?.slice.contact;
  const byPhone = { wa_id: '919812345678', profile: { name: 'Asha' } };
  const byBsuid = { user_id: 'IN.1', profile: { name: 'Bela' } };

  test('is the one with its id, wherever it stands', () => {
    expect(contactOf({}, byBsuid, byPhone)).toEqual(byPhone);
    expect(contactOf({ from: 'IN.1' }, byPhone, byBsuid)).toEqual(byBsuid);
    expect(contactOf({ from: '', from_user_id: 'IN.1' }, byPhone, { ...byBsuid, wa_id: 'IN.1' })).toEqual({
      ...byBsuid,
      wa_id: 'IN.1',
    });
  });

  test('is the only one where nothing contradicts it', () => {
    expect(contactOf({}, byBsuid)).toEqual(byBsuid);
    expect(contactOf({}, byBsuid, byBsuid)).toBeUndefined();
  });

  test('is the same subscriber, however each id is written', () => {
    const brazil = { wa_id: '5511987654321', user_id: 'BR.1' };
    expect(contactOf({ from: '551187654321' }, byPhone, brazil)).toEqual(brazil);
    expect(contactOf({ from: '+91 98123-45678' }, brazil, byPhone)).toEqual(byPhone);
    expect(contactOf({ from: '\u200e919812345678\u2069' }, brazil, byPhone)).toEqual(byPhone);
  });

  test('is the only one of one sender also where Meta writes another number, unless its BSUID is another’s', () => {
    const other = { wa_id: '919899999999', user_id: 'IN.1' };
    expect(contactOf({}, other)).toEqual(other);
    expect(contactOf({ from_user_id: 'IN.2' }, other)).toBeUndefined();
  });

  test('is never the business itself', () => {
    const slices = splitWebhook({
      entry: [
        {
          changes: [
            {
              field: 'messages',
              value: {
                metadata: { display_phone_number: '+91 80471 00000' },
                contacts: [{ wa_id: '918047100000' }, byPhone],
                messages: [{ ...message, from: '918047100000', to: '919812345678' }],
              },
            },
          ],
        },
      ],
    });
    expect(slices.map(({ key, slice }) => [key, slice.part, slice.contact])).toEqual([
      ['echo:w1', 'echo', byPhone],
    ]);
  });

  test('is nobody whose id of the same kind differs, also where a BSUID stands in the phone’s place', () => {
    const two = split({
      messages: [
        { ...message, from: '919899999999' },
        { ...message, id: 'w2', from: '919877777777' },
      ],
      contacts: [byPhone],
    });
    expect(two.map(({ slice }) => slice.contact)).toEqual([undefined, undefined]);
    expect(contactOf({ from: 'IN.2' }, byBsuid)).toBeUndefined();
    expect(contactOf({ from: '', from_user_id: 'IN.2' }, { wa_id: 'IN.1' })).toBeUndefined();
  });
});
