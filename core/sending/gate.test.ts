import { describe, expect, test } from 'vitest';
import type { Template } from '../whatsapp/index.ts';
import type { AskedMessage, GateFacts } from './asking.ts';
import { decide } from './gate.ts';
import { sendingSettings } from './settings.ts';

const now = Date.parse('2026-11-27T12:00:00Z');
const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

const template: Template = {
  templateId: '1',
  name: 'offer',
  language: 'en',
  category: 'marketing',
  status: 'approved',
  quality: 'green',
  parameterFormat: 'positional',
  body: 'Hello {{1}}',
  buttons: [],
  unsupported: [],
};

const text: AskedMessage = { content: { type: 'text', text: 'Hello' }, expiresAt: now + day, cappedAt: null };
const offer: AskedMessage = {
  content: { type: 'template', template: { name: 'offer', language: 'en', body: ['Asha'] } },
  expiresAt: now + day,
  cappedAt: null,
};

/** Somebody who wrote a minute ago and agreed to marketing, on a live number. */
const open: GateFacts = {
  now,
  channel: { mode: 'live', testPhones: [], marketingBlockedReason: null, region: 'IN' },
  settings: sendingSettings.parse({}),
  person: {
    phone: '+919812345678',
    consent: { marketing: 'granted', stoppedEverything: false },
    stopUnderWay: false,
    lastInboundAt: now - minute,
    windowClosesAt: now + day - minute,
    freeEntryUntil: null,
    fields: undefined,
    marketingSent: 0,
  },
  gate: {
    restUntil: 0,
    filledUntil: 0,
    unreachable: 0,
    unreachableAt: null,
    windowDeniedAt: null,
    outsideAt: null,
  },
  template: { template, pausedUntil: null },
  medium: 'none',
  sentSomethingElse: false,
  dailyLeft: null,
};
const closed = { lastInboundAt: now - 2 * day, windowClosesAt: now - day };

type Change = { readonly [Key in keyof GateFacts]?: Partial<GateFacts[Key]> | GateFacts[Key] };
function as(change: Change): GateFacts {
  const changed = Object.entries(change).map(([key, part]) => {
    const whole: unknown = Reflect.get(open, key);
    const isObject = typeof part === 'object' && part !== null && typeof whole === 'object' && whole !== null;
    return [key, isObject ? { ...whole, ...part } : part];
  });
  return { ...open, ...(Object.fromEntries(changed) as object) };
}

test('what stands in nobody’s way leaves, with its values', () => {
  expect(decide(text, open)).toMatchObject({
    outcome: 'go',
    category: 'service',
    shown: 'Hello',
    outside: false,
  });
  expect(decide(offer, open)).toMatchObject({ outcome: 'go', category: 'marketing', shown: 'Hello Asha' });
});

describe('for good', () => {
  test.each<[string, AskedMessage, Change, string]>([
    ['its time is over', { ...text, expiresAt: now }, {}, 'expired'],
    ['nothing is known to send to', text, { person: { phone: undefined } }, 'no address'],
    ['there is no such template', offer, { template: 'missing' }, 'template unknown'],
    [
      'the template is rejected',
      offer,
      { template: { template: { ...template, status: 'rejected' } } },
      'template not approved',
    ],
    [
      'they stopped everything, an answer too',
      text,
      { person: { consent: { marketing: 'withdrawn', stoppedEverything: true } } },
      'opted out',
    ],
    [
      'they stopped marketing',
      offer,
      { person: { consent: { marketing: 'withdrawn', stoppedEverything: false } } },
      'opted out',
    ],
    ['a STOP has come that nobody has read yet', offer, { person: { stopUnderWay: true } }, 'opted out'],
    [
      'they could not be reached twice since they wrote',
      text,
      { gate: { unreachable: 2, unreachableAt: now } },
      'not on WhatsApp',
    ],
    ['their window is closed', text, { person: closed }, 'window closed'],
    ['WhatsApp said so since they wrote', text, { gate: { windowDeniedAt: now } }, 'window closed'],
    [
      'it was held back, and something else was sent',
      { ...offer, cappedAt: now - 2 * day },
      { sentSomethingElse: true },
      'something else was sent',
    ],
    [
      'they had as much as they may',
      offer,
      { settings: { marketingCap: { messages: 1, days: 7 } }, person: { marketingSent: 1 } },
      'marketing cap',
    ],
    [
      'a value does not fit',
      { ...offer, content: { type: 'template', template: { name: 'offer', language: 'en', body: [''] } } },
      {},
      'values do not fit',
    ],
    ['the number is in shadow', text, { channel: { mode: 'shadow' } }, 'shadow'],
    [
      'the number is in test, and they are not listed',
      text,
      { channel: { mode: 'test', testPhones: ['+911'] } },
      'not listed',
    ],
  ])('%s', (_what, asked, change, reason) => {
    expect(decide(asked, as(change))).toMatchObject({ outcome: 'refused', reason, dueAt: null });
  });
});

describe('for a while', () => {
  test.each<[string, AskedMessage, Change, 'held' | 'queued', string, number]>([
    [
      'nobody knows whether they agree',
      offer,
      { person: { consent: { marketing: 'unknown', stoppedEverything: false } } },
      'held',
      'no consent',
      now + day,
    ],
    [
      'the template is paused',
      offer,
      { template: { pausedUntil: now + 3 * hour } },
      'held',
      'template paused',
      now + 3 * hour,
    ],
    [
      'the template is in review',
      offer,
      { template: { template: { ...template, status: 'pending' } } },
      'held',
      'template in review',
      now + day,
    ],
    [
      'the number’s marketing is stopped',
      offer,
      { channel: { marketingBlockedReason: 'Too many reports.' } },
      'held',
      'channel marketing stopped',
      now + day,
    ],
    [
      'a STOP has come, and this is an answer',
      text,
      { person: { stopUnderWay: true } },
      'queued',
      'stop under way',
      now + 1000,
    ],
    [
      'WhatsApp wants this person left alone',
      text,
      { gate: { restUntil: now + minute } },
      'queued',
      'rests',
      now + minute,
    ],
    [
      'it was held back less than a day ago',
      { ...offer, cappedAt: now - hour, expiresAt: now + 2 * day },
      { person: closed },
      'queued',
      'WhatsApp limits marketing',
      now + 23 * hour,
    ],
    [
      'it is late where they live',
      offer,
      { settings: { quietHours: { from: '17:00', until: '18:00' } } },
      'queued',
      'quiet hours',
      Date.parse('2026-11-27T18:00:00+05:30'),
    ],
    [
      'the account has reached its day’s people',
      offer,
      { person: closed, dailyLeft: 0 },
      'queued',
      'daily limit',
      now + hour / 4,
    ],
    [
      'they were sent as many as go at once',
      text,
      { gate: { filledUntil: now + 45 * 6000 } },
      'queued',
      'pair limit',
      now + 6000,
    ],
  ])('%s', (_what, asked, change, outcome, reason, dueAt) => {
    expect(decide(asked, as(change))).toMatchObject({ outcome, reason, dueAt });
  });

  test('what waits is looked at once more at its end', () => {
    const soon = { ...offer, expiresAt: now + minute };
    const unknown = as({ person: { consent: { marketing: 'unknown', stoppedEverything: false } } });
    expect(decide(soon, unknown)).toMatchObject({ outcome: 'held', dueAt: now + minute });
  });
});

describe('no longer', () => {
  test.each<[string, AskedMessage, Change]>([
    [
      'they wrote since they could not be reached',
      text,
      { gate: { unreachable: 2, unreachableAt: now - hour } },
    ],
    [
      'they wrote since WhatsApp said that their window is closed',
      text,
      { gate: { windowDeniedAt: now - hour } },
    ],
    ['they wrote since WhatsApp held it back', { ...offer, cappedAt: now - hour }, {}],
    [
      'they came from an ad, and everything is free',
      { ...offer, cappedAt: now - hour },
      { person: { ...closed, freeEntryUntil: now + hour } },
    ],
    ['a day has passed since WhatsApp held it back', { ...offer, cappedAt: now - day }, { person: closed }],
    [
      'the day’s people include them',
      offer,
      { person: closed, dailyLeft: 0, gate: { outsideAt: now - hour } },
    ],
    ['in test they are listed', text, { channel: { mode: 'test', testPhones: ['+919812345678'] } }],
    [
      'marketing is stopped, and this is an answer',
      text,
      { channel: { marketingBlockedReason: 'Too many reports.' } },
    ],
    [
      'it is late, and this is an answer',
      text,
      { settings: { quietHours: { from: '17:00', until: '18:00' } } },
    ],
    [
      'they withdrew marketing, and this is an answer',
      text,
      { person: { consent: { marketing: 'withdrawn', stoppedEverything: false } } },
    ],
  ])('%s', (_what, asked, change) => {
    expect(decide(asked, as(change))).toMatchObject({ outcome: 'go' });
  });
});

test('a template nobody has looked for is looked for before anything is decided', () => {
  expect(decide(offer, as({ template: 'unknown' }))).toEqual({ outcome: 'sync' });
});

test('what would leave is shown although the number is in shadow', () => {
  expect(decide(offer, as({ channel: { mode: 'shadow' } }))).toMatchObject({
    would: { shown: 'Hello Asha' },
  });
});
