import { expect, test } from 'vitest';
import { connectionSettings, readStoredSettings } from './index.ts';

const standard = connectionSettings.parse({});
const phones = Array.from({ length: 10_020 }, (_, index) => `+9198${String(10_000_000 + index)}`);
const keywords = Array.from({ length: 20 }, (_, index) => `word ${String(index)}`);

test.each([
  [
    'what is within its bounds',
    { timeline: { text: 'masked' } },
    [],
    { timeline: { ...standard.timeline, text: 'masked' } },
  ],
  [
    'a list that is too long',
    { creation: { ...standard.creation, blockedPhones: phones } },
    ['creation.blockedPhones'],
    { creation: { ...standard.creation, blockedPhones: phones.slice(0, 10_000) } },
  ],
  [
    'items that are too long',
    {
      creation: {
        ...standard.creation,
        keywords: keywords.map((word, at) => (at % 3 === 0 ? 'x'.repeat(1_001) : word)),
      },
    },
    ['creation.keywords'],
    { creation: { ...standard.creation, keywords: keywords.filter((_, at) => at % 3 > 0) } },
  ],
  [
    'a number that is too small',
    { creation: { ...standard.creation, rush: { factor: 0.5, least: 7, hold: true } } },
    ['creation.rush'],
    { creation: { ...standard.creation, rush: { factor: 1, least: 7, hold: true } } },
  ],
  [
    'a word of before',
    { timeline: { entries: 'per hour', text: 'masked' } },
    ['timeline.entries'],
    { timeline: { entries: 'per conversation-day', text: 'masked' } },
  ],
  [
    'a rule without what it needs',
    { owner: { kind: 'fixed', ownerId: 'x'.repeat(101) } },
    ['owner.ownerId'],
    {},
  ],
  ['a rule of before', { owner: { kind: 'by weather' } }, ['owner.kind'], {}],
  [
    'one line of many',
    { owner: { kind: 'by ad', owners: { a: '1', b: 'x'.repeat(101), ['c'.repeat(101)]: '2' } } },
    ['owner.owners'],
    { owner: { kind: 'by ad', owners: { a: '1' } } },
  ],
  ['no object at all', 'settings', [''], {}],
])('%s is read', (_name, stored, cut, settings) => {
  expect(readStoredSettings(stored)).toEqual({ settings: { ...standard, ...settings }, cut });
});
