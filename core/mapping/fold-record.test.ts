import { describe, expect, test } from 'vitest';
import type { ContactFields } from '../crm/index.ts';
import { foldRecord, optOutOf } from './index.ts';

const asha: ContactFields = {
  contactId: 'asha',
  phone: '+919812345678',
  phones: ['+919812345678'],
  formerPhones: [],
  firstName: 'Asha',
  lastName: 'Rao',
  leadSource: 'WhatsApp Inbound',
  lastActivityAt: 100,
  lastInboundAt: 90,
  windowState: 'closed',
  windowClosesAt: 190,
  waitingSince: 90,
  optOut: false,
  tags: ['vip'],
  flowAnswers: { city: 'Pune', size: 'L' },
};
const ravi: ContactFields = {
  ...asha,
  contactId: 'ravi',
  firstName: 'Ravi',
  lastActivityAt: 80,
  lastInboundAt: 95,
  windowState: 'open',
  windowClosesAt: 195,
  waitingSince: 70,
  tags: ['new', 'vip'],
  flowAnswers: { city: 'Delhi', day: 'Monday' },
};
const { waitingSince: _, windowClosesAt: __, lastActivityAt: ___, lastInboundAt: ____, ...silent } = asha;
const stopped = (contact: ContactFields, optOutAt: number): ContactFields => ({
  ...contact,
  optOut: true,
  optOutAt,
});

describe('a record that is primary for two people', () => {
  test('is named by the first and says the most of both', () => {
    for (const [one, other] of [
      [asha, ravi],
      [ravi, asha],
    ] as const) {
      expect(foldRecord([one, other], [])).toMatchObject({
        firstName: one.firstName,
        lastActivityAt: 100,
        lastInboundAt: 95,
        windowState: 'open',
        windowClosesAt: 195,
        waitingSince: 70,
        optOut: false,
        tags: ['new', 'vip'],
        flowAnswers: { city: one.flowAnswers['city'], size: 'L', day: 'Monday' },
      });
    }
  });

  test('says what one of them alone knows, and nothing nobody does', () => {
    expect(foldRecord([silent, asha], [])).toMatchObject({ lastActivityAt: 100, waitingSince: 90 });
    const nothing = foldRecord([silent, { ...silent, contactId: 'other' }], []) ?? {};
    for (const unknown of ['lastActivityAt', 'lastInboundAt', 'windowClosesAt', 'waitingSince', 'optOutAt']) {
      expect(nothing).not.toHaveProperty(unknown);
    }
  });

  test('holds no phone of an earlier time that is another’s on it', () => {
    const moved = { ...asha, phones: ['+919800000001'], formerPhones: ['+919812345678', '+919812300000'] };
    expect(foldRecord([moved, { ...ravi, phones: ['+919812345678'] }], [])?.formerPhones).toEqual([
      '+919812300000',
    ]);
  });

  test('is opted out while one of them is, since the latest', () => {
    expect(foldRecord([stopped(asha, 5), ravi], [])).toMatchObject({ optOut: true, optOutAt: 5 });
    expect(foldRecord([asha, stopped(ravi, 7)], [])).toMatchObject({ optOut: true, optOutAt: 7 });
    expect(foldRecord([stopped(asha, 5), stopped(ravi, 7)], [])).toMatchObject({ optOut: true, optOutAt: 7 });
  });

  test('does not date its opt-out by somebody who has come back', () => {
    expect(foldRecord([{ ...asha, optOutAt: 9 }, stopped(ravi, 7)], [])).toMatchObject({ optOutAt: 7 });
    expect(foldRecord([{ ...asha, optOutAt: 9 }, ravi], [])).not.toHaveProperty('optOutAt');
  });
});

describe('who only stands on a record', () => {
  test('brings the opt-out and nothing else', () => {
    expect(foldRecord([asha], [stopped(ravi, 7)])).toEqual({ ...asha, optOut: true, optOutAt: 7 });
  });

  test('makes it nobody’s own', () => {
    expect(foldRecord([], [ravi])).toBeUndefined();
    expect(optOutOf([ravi, stopped(asha, 5)])).toEqual({ optOut: true, optOutAt: 5 });
    expect(optOutOf([ravi, asha])).toEqual({ optOut: false });
    expect(optOutOf([])).toEqual({ optOut: false });
  });
});

test('one person alone is their record', () => {
  expect(foldRecord([asha], [])).toBe(asha);
});
