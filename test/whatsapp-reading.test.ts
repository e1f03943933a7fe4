import { sql } from 'kysely';
import { contactFields } from '@sangam/core/pipeline';
import { readStatement } from '@sangam/core/corrections';
import { countKeptEvents, type KeptEventKey, listAlerts, listKeptEvents } from '@sangam/core/store';
import { timelineLines } from '@sangam/core/timeline';
import { parseSlice, type WebhookSlice } from '@sangam/core/whatsapp';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import {
  type Change,
  createEngineFixture,
  type EngineFixture,
  engineNow,
  history,
  message,
  preference,
  status,
  text,
  webhook,
} from './harness/index.ts';

/** How WhatsApp's events are read, from the webhook to what a CRM is told. */

let engine: EngineFixture;
beforeAll(async () => {
  engine = await createEngineFixture();
});
beforeEach(() => engine.forgetEverything());
afterAll(() => engine.close());

const second = 1000;
const at = engineNow - 60 * 60 * second;
const asha = { phone: '919812340001', name: 'Asha Rao' };
const business = '918047100000';

/** Each change comes in a webhook of its own, and is applied before the next. */
async function happen(...changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    await engine.receive(webhook(engine, [change]));
    await engine.applyAll();
  }
}

interface Told {
  readonly contactId: string;
  readonly phone?: string;
  readonly bsuid?: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly leadSource: string;
  readonly firstMessage?: string;
  readonly optOut: boolean;
  readonly windowClosesAt?: number;
  readonly waitingSince?: number;
  readonly lastInboundAt?: number;
}

/** What a CRM is told of everybody, oldest contact first. */
async function contacts(): Promise<Told[]> {
  return engine.store.transact(engine.workspaceId, async (trx) => {
    const { rows } = await sql<{ id: string }>`
      select contact_id as id from contacts
      where workspace_id = ${engine.workspaceId} and merged_into is null order by contact_id`.execute(trx);
    const ids = rows.map(({ id }) => id);
    const fields = await contactFields(trx, ids, engineNow);
    return ids.flatMap((id) => fields.find(({ contactId }) => contactId === id) ?? []);
  });
}

async function only(): Promise<Told> {
  const [one, ...others] = await contacts();
  if (one === undefined || others.length > 0)
    throw new Error(`There are ${String(others.length + 1)} contacts.`);
  return one;
}

async function rows<Row>(table: string): Promise<Row[]> {
  return engine.store.transact(engine.workspaceId, async (trx) => {
    const result = await sql<Row>`
      select * from ${sql.table(table)} where workspace_id = ${engine.workspaceId}`.execute(trx);
    return result.rows;
  });
}

async function suppressed(): Promise<string[]> {
  return (await rows<{ value: string }>('suppression')).map(({ value }) => value);
}

/** The lines of everything stored, oldest first. */
async function lines(): Promise<string[]> {
  const stored = await rows<{
    wamid: string;
    origin: 'customer' | 'history';
    direction: 'in' | 'out';
    at: number;
    content: Buffer | null;
    contact_id: string | null;
  }>('messages');
  const messages = stored
    .filter((row) => row.contact_id !== null)
    .map((row) => ({ ...row, content: row.content ?? undefined, times: {}, errorCode: undefined }));
  return timelineLines(messages, messages, { customer: 'Asha', text: 'full', timeZone: 'UTC' }).map(
    ({ sender, text: words }) => `${sender}: ${words}`,
  );
}

function button(wamid: string, time: number, id: string, title: string): Change {
  return message(asha, wamid, time, {
    type: 'interactive',
    interactive: { type: 'button_reply', button_reply: { id, title } },
  });
}

/** A medium of an imported history, told apart from its thread. */
function historyMedium(wamid: string, from: string, caption: string): Change {
  return {
    field: 'history',
    value: {
      messages: [
        {
          from,
          id: wamid,
          timestamp: String(at / second),
          type: 'image',
          image: { id: '7', mime_type: 'image/jpeg', caption },
        },
      ],
    },
  };
}

function placeholder(wamid: string, from: string): Change {
  return {
    field: 'history',
    value: {
      history: [
        {
          threads: [
            {
              id: asha.phone,
              messages: [{ from, id: wamid, timestamp: String(at / second), type: 'media_placeholder' }],
            },
          ],
        },
      ],
    },
  };
}

function system(from: string, body: object): Change {
  return {
    field: 'messages',
    value: {
      messages: [{ from, id: 'sys', timestamp: String(at / second + 50), type: 'system', system: body }],
    },
  };
}

describe('what a person said about being written to', () => {
  test('a menu called Start does not lift a STOP; START typed does', async () => {
    await happen(text(asha, 'w1', at, 'STOP'), button('w2', at + 60 * second, 'begin', 'Start'));
    expect((await only()).optOut).toBe(true);
    await happen(text(asha, 'w3', at + 90 * second, 'START'));
    expect((await only()).optOut).toBe(false);
  });

  test('a button that reads Start and stands for STOP stops', async () => {
    await happen(button('w1', at, 'STOP', 'Start'));
    expect((await only()).optOut).toBe(true);
  });

  test.each(['Please stop', 'unsubscribe me', 'स्टॉप', 'stop all messages'])(
    '"%s" is in force when it is received, and in the ledger once applied',
    async (words) => {
      await engine.receive(webhook(engine, [text(asha, 'w1', at, words)]));
      expect(await suppressed()).toEqual(['+919812340001']);
      await engine.applyAll();
      expect(await suppressed()).toEqual([]);
      expect((await only()).optOut).toBe(true);
    },
  );

  test('a STOP of an imported history counts from when it was said; a START there grants nothing', async () => {
    await happen(text(asha, 'w1', at, 'hello'), history(asha.phone, 'h1', at - 60 * second, 'Stop', 'in'));
    expect((await only()).optOut).toBe(true);
    await happen(history(asha.phone, 'h2', at - 30 * second, 'START', 'in'));
    expect((await only()).optOut).toBe(true);
    await happen(text(asha, 'w2', at + second, 'START'));
    expect((await only()).optOut).toBe(false);
  });

  test('what the business wrote is no STOP of the person', async () => {
    await happen(text(asha, 'w1', at, 'hello'), history(asha.phone, 'h1', at, 'Stop', 'out'));
    expect((await only()).optOut).toBe(false);
  });

  test('WhatsApp’s own stop counts however it is spelt', async () => {
    const change = preference(asha, at, 'stop');
    const spelt = JSON.parse(JSON.stringify(change).replace('"value":"stop"', '"value":"Stop"')) as Change;
    await engine.receive(webhook(engine, [spelt]));
    expect(await suppressed()).toEqual(['+919812340001']);
    await engine.applyAll();
    expect((await only()).optOut).toBe(true);
  });

  test('a STOP without a message id stays in force while it is a dead letter', async () => {
    const change = JSON.parse(
      JSON.stringify(text(asha, 'gone', at, 'STOP')).replace('"id":"gone",', ''),
    ) as Change;
    await happen(change);
    expect(await rows<{ reason: string }>('dead_letters')).toMatchObject([{ reason: 'no_message_id' }]);
    expect(await suppressed()).toEqual(['+919812340001']);
  });

  const everything = [{ purpose: 'everything', action: 'withdrawal' }];
  test.each([
    ['typed', text(asha, 'w1', at, 'STOP ALL'), everything],
    [
      'a caption',
      message(asha, 'w1', at, { type: 'image', image: { id: '1', caption: 'Stop all' } }),
      everything,
    ],
    ['a button', button('w1', at, 'stop_all', 'No more'), everything],
    ['WhatsApp’s own', preference(asha, at, 'stop'), [{ purpose: 'marketing', action: 'withdrawal' }]],
  ])('STOP ALL arrives as what it is: %s', async (_name, change, entries) => {
    await happen(change);
    expect(await rows('consent_entries')).toMatchObject(entries);
  });
});

describe('a change of numbers', () => {
  const after = '919812340002';
  test.each([
    [
      'whose `from` is the new one already',
      system(after, {
        type: 'user_changed_number',
        new_wa_id: after,
        body: `User changed number from \u200e${asha.phone}\u200e to \u200e${after}\u200e`,
      }),
      text({ phone: after, name: 'Asha Rao' }, 'w2', at + 100 * second, 'after'),
    ],
    [
      'where the new phone is hidden',
      system(asha.phone, { type: 'user_changed_number', user_id: 'IN.2' }),
      text({ bsuid: 'IN.2', name: 'Asha Rao' }, 'w2', at + 100 * second, 'after'),
    ],
    [
      'told by ids, only the phone of which is new',
      system('', { type: 'user_changed_number', wa_id: after, previous_user_id: 'IN.1' }),
      text({ phone: after }, 'w2', at + 100 * second, 'after'),
    ],
  ])('%s leaves one person, in whatever order it comes', async (_name, change, later) => {
    const before = text({ ...asha, bsuid: 'IN.1' }, 'w1', at, 'before');
    for (const order of [
      [before, change, later],
      [later, change, before],
      [before, later, change],
      [change, later, before],
    ]) {
      await engine.forgetEverything();
      await happen(...order);
      expect(await only()).toMatchObject({ firstMessage: 'before' });
      expect((await lines()).map((line) => line.split(': ')[1])).toEqual(['before', 'after']);
    }
  });

  const told = (wa: string | undefined, more: object, contacts?: readonly object[]): Change => ({
    field: 'messages',
    value: {
      ...(contacts === undefined ? {} : { contacts }),
      messages: [
        {
          from: asha.phone,
          id: 'sys',
          timestamp: String(at / second + 50),
          type: 'system',
          system: { type: 'user_changed_number', ...(wa === undefined ? {} : { wa_id: wa }) },
          ...more,
        },
      ],
    },
  });
  const mine = { phone: after, bsuid: 'IN.2', name: 'Asha Rao' };
  test.each([
    ['the contact, with the new phone', told(after, {}, [{ wa_id: after, user_id: 'IN.2' }]), mine],
    ['the contact, with the old phone', told(after, {}, [{ wa_id: asha.phone, user_id: 'IN.2' }]), mine],
    ['the sender', told(after, { from_user_id: 'IN.2' }), mine],
    ['nowhere, and the sender shows the old one', told(after, { from_user_id: 'IN.1' }), mine],
    [
      'the contact, while the sender shows the old one',
      told(after, { from_user_id: 'IN.1' }, [{ wa_id: after, user_id: 'IN.2' }]),
      mine,
    ],
    ['the sender, and the new phone is hidden', told(undefined, { from_user_id: 'IN.2' }), { bsuid: 'IN.2' }],
  ])('whose new BSUID stands in %s leaves one person, whose STOP holds', async (_name, change, writer) => {
    const before = text({ ...asha, bsuid: 'IN.1' }, 'w1', at, 'STOP');
    const later = text(writer, 'w2', at + 100 * second, 'after');
    for (const order of [
      [before, change, later],
      [later, change, before],
      [change, before, later],
    ]) {
      await engine.forgetEverything();
      await happen(...order);
      expect(await only()).toMatchObject({ firstMessage: 'STOP', optOut: true });
    }
  });

  test('joins nobody its ids do not name', async () => {
    await happen(
      text({ ...asha, bsuid: 'IN.1' }, 'w1', at, 'before'),
      text({ phone: '919812340007', bsuid: 'IN.7', name: 'Bela' }, 'w7', at, 'I am Bela'),
      told(after, { from_user_id: 'IN.2' }),
      text(mine, 'w2', at + 100 * second, 'after'),
      text({ phone: asha.phone, bsuid: 'IN.9', name: 'Chitra' }, 'w9', at + 200 * second, 'mine now'),
    );
    expect((await contacts()).map(({ firstName }) => firstName).toSorted()).toEqual([
      'Asha',
      'Bela',
      'Chitra',
    ]);
  });

  test('frees a phone whose holder hides the new one: who writes from it next is somebody else', async () => {
    await happen(
      text({ ...asha, bsuid: 'IN.1' }, 'w1', at, 'before'),
      system(asha.phone, { type: 'user_changed_number', user_id: 'IN.2', previous_user_id: 'IN.1' }),
      text({ phone: asha.phone, name: 'Bela' }, 'w2', at + 100 * second, 'mine now'),
    );
    expect(await contacts()).toMatchObject([{ firstMessage: 'before' }, { firstName: 'Bela' }]);
  });

  test('that proves nothing is kept, counted and shown, and not called applied', async () => {
    await happen(system(after, { type: 'user_changed_number', wa_id: after }));
    const kept = await engine.store.transact(engine.workspaceId, (trx) => listKeptEvents(trx, { limit: 10 }));
    expect(kept).toMatchObject([
      { kind: 'messages/message/user_changed_number', channelId: engine.channelId },
    ]);
    const day = new Date(engineNow).toISOString().slice(0, 10);
    const { events, balances } = await readStatement(engine.store, engine.workspaceId, day, 'UTC');
    expect(events).toMatchObject({ total: 1, parts: { applied: 0, kept: 1 } });
    expect(balances).toBe(true);
  });
});

describe('two contents of one message', () => {
  test.each(['m1', 'm2', 'm3', 'm4', 'm5', 'm6', 'm7', 'm8'])(
    'the medium is shown in place of its placeholder, in either order (%s)',
    async (wamid) => {
      const live = text(asha, 'w1', at + second, 'live');
      const both = [placeholder(wamid, asha.phone), historyMedium(wamid, asha.phone, 'a plant')];
      for (const order of [both, both.toReversed()]) {
        await engine.forgetEverything();
        await happen(live, ...order);
        expect(await lines()).toEqual(['Asha: [image] a plant', 'Asha: live']);
      }
    },
  );

  test.each(['u1', 'u2', 'u3', 'u4', 'u5', 'u6'])(
    'the decoded message in place of “unsupported” (%s)',
    async (wamid) => {
      const both = [
        message(asha, wamid, at, { type: 'unsupported', errors: [{ code: 131_060 }] }),
        text(asha, wamid, at, 'Hi from your ad'),
      ];
      for (const order of [both, both.toReversed()]) {
        await engine.forgetEverything();
        await happen(...order);
        expect(await lines()).toEqual(['Asha: Hi from your ad']);
        expect((await only()).firstMessage).toBe('Hi from your ad');
      }
    },
  );

  test.each(['b1', 'b2', 'b3', 'b4'])(
    'a medium the business sent is the customer’s, before its placeholder or after it (%s)',
    async (wamid) => {
      const live = text(asha, 'w1', at + second, 'live');
      const both = [placeholder(wamid, business), historyMedium(wamid, business, 'brochure')];
      for (const order of [
        [live, ...both],
        [live, ...both.toReversed()],
        [...both.toReversed(), live],
        [...both, live],
      ]) {
        await engine.forgetEverything();
        await happen(...order);
        expect(await lines()).toEqual(['Business: [image] brochure', 'Asha: live']);
        expect(await only()).toMatchObject({ phone: '+919812340001' });
      }
    },
  );
});

describe('two messages of one second', () => {
  test.each(['x1', 'x2', 'x3', 'x4', 'x5', 'x6'])('what came from the ad was first (%s)', async (wamid) => {
    const ad = message(asha, wamid, at, {
      type: 'text',
      text: { body: 'Hi, from your ad' },
      referral: { source_type: 'ad', source_id: '5', ctwa_clid: 'c' },
    });
    const image = message(asha, `${wamid}.2`, at, { type: 'image', image: { id: '1' } });
    const words = text(asha, `${wamid}.3`, at, 'How much is it?');
    for (const order of [
      [ad, image],
      [image, ad],
      [ad, words],
      [words, ad],
    ]) {
      await engine.forgetEverything();
      await happen(...order);
      expect(await only()).toMatchObject({ leadSource: 'WhatsApp CTWA', firstMessage: 'Hi, from your ad' });
    }
  });
});

describe('who a message is of', () => {
  test('is read where Meta spells the number in two ways', async () => {
    await happen({
      field: 'messages',
      value: {
        contacts: [{ profile: { name: 'Bruno Lima' }, wa_id: '5511987654321', user_id: 'BR.3' }],
        messages: [
          {
            id: 'w1',
            from: '551187654321',
            timestamp: String(at / second),
            type: 'text',
            text: { body: 'Oi' },
          },
        ],
      },
    });
    expect(await only()).toMatchObject({ firstName: 'Bruno', bsuid: 'BR.3', phone: '+5511987654321' });
  });

  test('never ourselves: our own number in `from` is an echo', async () => {
    const sent = (contact: object): Change => ({
      field: 'messages',
      value: {
        contacts: [contact],
        messages: [
          {
            id: 'e1',
            from: business,
            to: asha.phone,
            timestamp: String(at / second + 5),
            type: 'text',
            text: { body: 'We are open' },
          },
        ],
      },
    });
    for (const contact of [{ wa_id: business, profile: { name: 'Our Shop' } }, { wa_id: asha.phone }]) {
      await engine.forgetEverything();
      await happen(text(asha, 'w1', at, 'open?'), sent(contact));
      expect(await only()).toMatchObject({ firstName: 'Asha', lastInboundAt: at });
      expect(await lines()).toEqual(['Asha: open?', 'Business (phone app): We are open']);
    }
  });

  test('is named by signing up', async () => {
    await happen(preference(asha, at, 'signup'));
    expect(await only()).toMatchObject({ firstName: 'Asha', lastName: 'Rao', leadSource: 'WhatsApp' });
    // Also once everything is added up anew.
    await happen(
      text({ phone: '919812340009' }, 'w9', at, 'me too'),
      system(asha.phone, { type: 'user_changed_number', wa_id: '919812340009' }),
    );
    expect((await contacts()).filter(({ firstName }) => firstName === 'Asha')).toHaveLength(1);
  });
});

describe('an ad that opened the chat', () => {
  const opened = (time: number): Change =>
    message(asha, 'open', time, { type: 'request_welcome', referral: { source_type: 'ad', source_id: '7' } });

  test('is where the person came from once they write', async () => {
    const order = [opened(at), text(asha, 'w1', at + second, 'hello')];
    for (const changes of [order, order.toReversed()]) {
      await engine.forgetEverything();
      await happen(...changes);
      expect(await only()).toMatchObject({
        leadSource: 'WhatsApp CTWA',
        firstMessage: 'hello',
        waitingSince: at + second,
      });
    }
  });

  test('makes nobody a contact who says nothing, and opens no window', async () => {
    await happen(opened(at));
    expect(await contacts()).toEqual([]);
    await happen(preference(asha, at, 'signup'));
    expect(await only()).not.toHaveProperty('windowClosesAt');
  });

  test('later does not change where somebody came from', async () => {
    await happen(text(asha, 'w1', at, 'hello'), opened(at + second));
    expect(await only()).toMatchObject({ leadSource: 'WhatsApp Inbound', lastInboundAt: at });
  });
});

describe('times', () => {
  test('of the future are not believed', async () => {
    await happen(text(asha, 'w1', engineNow + 3_600_000, 'hello'));
    expect(await only()).toMatchObject({ lastInboundAt: engineNow, windowClosesAt: engineNow + 86_400_000 });
  });

  test('of an edit open no window', async () => {
    await happen(
      text(asha, 'w1', at, 'hello'),
      message(asha, 'w2', at + 60 * second, {
        type: 'edit',
        edit: { original_message_id: 'w1', message: { type: 'text', text: { body: 'hello!' } } },
      }),
    );
    expect((await only()).windowClosesAt).toBe(at + 86_400_000);
  });

  test('on the entry do not make a retry another event', async () => {
    const body = (time: number): object => {
      const whole = webhook(engine, [text(asha, 'w1', at, 'hello')]);
      const [entry] = whole['entry'] as object[];
      return { ...whole, entry: [{ ...entry, time }] };
    };
    await engine.receive(body(at / second));
    await engine.receive(body(at / second + 7));
    expect(await rows('inbox')).toHaveLength(1);
    await engine.applyAll();
    await engine.receive(body(at / second + 9));
    expect(await rows('inbox')).toHaveLength(0);
  });
});

test('WhatsApp’s own stop does not wait behind statuses', async () => {
  await engine.receive(
    webhook(
      engine,
      Array.from({ length: 600 }, (_, index) => status(asha, `out.${String(index)}`, at, 'delivered')),
    ),
  );
  await engine.receive(webhook(engine, [preference(asha, at, 'stop')]));
  const lanes = await rows<{ lane: number; payload: Buffer }>('inbox');
  const stop = lanes.filter(
    ({ payload }) => parseSlice(JSON.parse(payload.toString('utf8')) as WebhookSlice).kind === 'preference',
  );
  expect(stop.map(({ lane }) => lane)).toEqual([Math.min(...lanes.map(({ lane }) => lane))]);
  expect(lanes.filter(({ lane }) => lane === stop[0]?.lane)).toHaveLength(1);
});

describe('what nothing applies', () => {
  const template = (event: string, more: object = {}): Change => ({
    field: 'message_template_status_update',
    value: {
      event,
      message_template_id: 5,
      message_template_name: 'offer',
      message_template_language: 'en',
      ...more,
    },
  });
  const open = async (): Promise<{ kind: string; subject: string }[]> =>
    (await engine.store.transact(engine.workspaceId, (trx) => listAlerts(trx, { limit: 100 }))).filter(
      ({ closedAt }) => closedAt === null,
    );

  test('is listed by kind, newest first, page by page', async () => {
    await happen(
      template('APPROVED'),
      { field: 'calls', value: { calls: [{ id: 'c1', event: 'connect' }] } },
      { field: 'messages', value: { errors: [{ code: 130_429, title: 'Rate limit hit' }] } },
      { field: 'history', value: { history: [{ errors: [{ code: 2_593_109 }] }] } },
    );
    const list = (query: { limit: number; kind?: string; after?: KeptEventKey }) =>
      engine.store.transact(engine.workspaceId, (trx) => listKeptEvents(trx, query));
    const all = await list({ limit: 500 });
    expect(all.map(({ kind }) => kind).toSorted()).toEqual([
      'calls',
      'history',
      'message_template_status_update',
      'messages/errors',
    ]);
    const paged: string[] = [];
    for (let after: KeptEventKey | undefined; ;) {
      const [one] = await list({ limit: 1, ...(after === undefined ? {} : { after }) });
      if (one === undefined) break;
      paged.push(one.keptEventId);
      after = [one.at, one.keptEventId];
    }
    expect(paged).toEqual(all.map(({ keptEventId }) => keptEventId));
    expect(await list({ limit: 10, kind: 'calls' })).toHaveLength(1);
    expect(await engine.store.transact(engine.workspaceId, countKeptEvents)).toContainEqual({
      kind: 'messages/errors',
      count: 1,
    });
    expect(await open()).toEqual([]);
  });

  test('raises an alert for each template a person must look at, closed once it may be used again', async () => {
    await happen(
      template('PAUSED', { reason: 'QUALITY' }),
      template('REJECTED', { message_template_name: 'other' }),
      template('PAUSED', { reason: 'QUALITY', more: 1 }),
    );
    expect((await open()).map(({ kind, subject }) => `${kind}: ${subject}`).toSorted()).toEqual([
      'WhatsApp template: offer (en)',
      'WhatsApp template: other (en)',
    ]);
    await happen(template('APPROVED'));
    expect((await open()).map(({ subject }) => subject)).toEqual(['other (en)']);
  });

  test.each([
    [
      'account_update',
      { event: 'ACCOUNT_RESTRICTION', restriction_info: [{ restriction_type: 'X' }] },
      'WhatsApp account',
    ],
    [
      'account_update',
      { event: 'DISABLED_UPDATE', ban_info: { waba_ban_state: 'DISABLE' } },
      'WhatsApp account',
    ],
    ['account_update', { event: 'PARTNER_REMOVED' }, 'WhatsApp account'],
    [
      'account_alerts',
      { alert_severity: 'CRITICAL', alert_type: 'T', alert_description: 'Verify' },
      'WhatsApp account',
    ],
    ['account_review_update', { decision: 'REJECTED' }, 'WhatsApp account review'],
    [
      'phone_number_quality_update',
      { event: 'FLAGGED', display_phone_number: '1' },
      'WhatsApp number quality',
    ],
    [
      'message_template_quality_update',
      { new_quality_score: 'RED', message_template_name: 'o' },
      'WhatsApp template quality',
    ],
    [
      'template_category_update',
      { new_category: 'MARKETING', message_template_name: 'o' },
      'WhatsApp template category',
    ],
    ['security', { event: 'PIN_CHANGED', display_phone_number: '1' }, 'WhatsApp number security'],
    ['messages', { errors: [{ code: 131_031, title: 'Account locked' }] }, 'WhatsApp refuses the number'],
    ['messages', { errors: [{ title: 'Odd' }, { code: '131042' }] }, 'WhatsApp refuses the number'],
    [
      'phone_number_name_update',
      { decision: 'REJECTED', display_phone_number: '1' },
      'WhatsApp display name',
    ],
    ['flows', { event: 'FLOW_STATUS_CHANGE', flow_id: '1', new_status: 'BLOCKED' }, 'WhatsApp Flow'],
    ['flows', { event: 'ENDPOINT_AVAILABILITY', flow_id: 1, alert_state: 'ACTIVATED' }, 'WhatsApp Flow'],
  ])('asks a person to act on %s %j', async (field, value, kind) => {
    await happen({ field, value });
    expect(await open()).toMatchObject([{ kind }]);
  });

  const failed = (n: number, errors: readonly object[]): Change =>
    status(asha, `out${String(n)}`, at + n * second, 'failed', { errors });

  test.each([190, 10, 368, 131_031, 131_042, 131_045, 131_048, 131_064, 133_006])(
    'asks once for a person where all messages fail for one reason of the account (%i)',
    async (code) => {
      const refused = [1, 2, 3].map((n) => failed(n, [{ title: 'Odd' }, { code, title: 'Refused' }]));
      await engine.receive(webhook(engine, refused));
      await engine.applyAll();
      expect(await open()).toMatchObject([
        { kind: 'WhatsApp refuses the number', subject: engine.phoneNumberId },
      ]);
      expect(await rows('messages')).toHaveLength(3);
    },
  );

  test('asks nobody where a message failed for its person', async () => {
    await happen(
      failed(1, [{ code: 131_026 }]),
      failed(2, [{ code: 131_049 }]),
      failed(3, [{ title: 'Odd' }]),
    );
    expect(await open()).toEqual([]);
  });

  const ofAccount = (status: string): Change => ({
    field: 'account_alerts',
    value: { alert_info: { alert_severity: 'CRITICAL', alert_status: status, alert_type: 'T' } },
  });
  const ofFlow = (value: object): Change => ({ field: 'flows', value: { flow_id: '1', ...value } });
  test.each([
    [ofAccount('ACTIVE'), ofAccount('RESOLVED')],
    [
      ofFlow({ event: 'FLOW_STATUS_CHANGE', new_status: 'THROTTLED' }),
      ofFlow({ event: 'FLOW_STATUS_CHANGE', new_status: 'PUBLISHED' }),
    ],
    [
      ofFlow({ event: 'ENDPOINT_ERROR_RATE', alert_state: 'ACTIVATED' }),
      ofFlow({ event: 'ENDPOINT_ERROR_RATE', alert_state: 'DEACTIVATED' }),
    ],
  ])('closes what WhatsApp says is over: %j', async (trouble, relief) => {
    await happen(trouble);
    expect(await open()).toHaveLength(1);
    await happen(relief);
    expect(await open()).toEqual([]);
  });

  test('says that a STOP in a group was not applied', async () => {
    const inGroup = (words: string): Change =>
      message(asha, words, at, { group_id: 'g', type: 'text', text: { body: words } });
    await happen(inGroup('hello'), inGroup('start'));
    expect(await open()).toEqual([]);
    await happen(inGroup('Please stop'));
    expect(await open()).toMatchObject([{ kind: 'opt-out not applied' }]);
  });

  test.each([
    ['account_update', { event: 'MM_LITE_TERMS_SIGNED' }],
    ['message_template_quality_update', { new_quality_score: 'GREEN', message_template_name: 'o' }],
    ['phone_number_quality_update', { event: 'ONBOARDING', display_phone_number: '1' }],
    ['business_capability_update', { max_daily_conversation_per_phone: 10 }],
    [
      'account_alerts',
      { alert_info: { alert_severity: 'CRITICAL', alert_status: 'RESOLVED', alert_type: 'T' } },
    ],
    ['flows', { event: 'FLOW_STATUS_CHANGE', flow_id: '1', new_status: 'PUBLISHED' }],
    ['phone_number_name_update', { decision: 'APPROVED', display_phone_number: '1' }],
    ['messages', { errors: [{ title: 'Odd' }] }],
  ])('asks nobody about %s %j', async (field, value) => {
    await happen({ field, value });
    expect(await open()).toEqual([]);
    expect(await rows('kept_events')).toHaveLength(1);
  });
});
