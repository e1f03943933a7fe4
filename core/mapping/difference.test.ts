import { describe, expect, test } from 'vitest';
import type { ContactFields, CrmField, FieldMapping, Spelling } from '../crm/index.ts';
import { difference, valuesForNew } from './index.ts';

const field = (name: string, kind: CrmField['kind']): CrmField => ({
  name,
  label: name,
  kind,
  writable: true,
});
const map = (
  source: FieldMapping['source'],
  name: string,
  policy: FieldMapping['policy'],
  kind: CrmField['kind'] = 'text',
): FieldMapping => ({ source, field: field(name, kind), policy, transform: 'as is' });

/** A CRM that writes times as milliseconds, flags as yes and no, and lists with commas. */
const spelling: Spelling = {
  write(value) {
    switch (value.kind) {
      case 'text':
        return value.text ?? '';
      case 'time':
        return value.at === undefined ? '' : String(value.at);
      case 'flag':
        return value.set ? 'yes' : 'no';
      case 'tags':
        return value.tags.join(',');
    }
  },
  same: (x, y) => x.trim() === y.trim(),
  readFlag: (written) => (written === 'yes' ? true : written === 'no' ? false : undefined),
  readTime: () => undefined,
  readTags: (written) => written.split(',').filter((tag) => tag !== ''),
  writeTags(wanted, current) {
    const theirs = current.split(',').filter((tag) => tag !== '');
    const equal = new Set(theirs).symmetricDifference(new Set(wanted)).size === 0;
    return equal ? undefined : wanted.join(',');
  },
};

const asha: ContactFields = {
  contactId: 'c1',
  phone: '+919812345678',
  phones: ['+919812345678'],
  formerPhones: [],
  firstName: 'Asha',
  lastName: 'Rao',
  leadSource: 'WhatsApp Inbound',
  firstMessage: 'Hello',
  lastActivityAt: 100,
  windowState: 'open',
  windowClosesAt: 200,
  optOut: false,
  tags: ['vip'],
  flowAnswers: { city: 'Pune' },
};

const decide = (
  mapping: FieldMapping,
  contact: ContactFields,
  sides: { base?: string; ours?: boolean; current?: string; erased?: boolean },
) => {
  const { name } = mapping.field;
  return difference({
    contact,
    mapping: [mapping],
    spelling,
    agreed: {
      base: sides.base === undefined ? {} : { [name]: sides.base },
      ours: sides.ours === true ? [name] : [],
    },
    current: sides.current === undefined ? undefined : { [name]: sides.current },
    erased: new Map(sides.erased === true ? [[name, [sides.current ?? '']]] : []),
  });
};

describe('a new record', () => {
  test('gets every value, a stand-in where a name is missing, and nothing of theirs', () => {
    const mapping = [
      { ...map('first name', 'first', 'if-empty'), standIns: ['phone' as const, "'Somebody'" as const] },
      map('last name', 'last', 'theirs'),
      map('opt-out', 'stop', 'both', 'flag'),
      map({ flowAnswer: 'city' }, 'town', 'once'),
    ];
    expect(valuesForNew({ ...asha, firstName: '' }, mapping, spelling)).toEqual({
      first: '+919812345678',
      stop: 'no',
      town: 'Pune',
    });
  });
});

describe('a field filled where it is empty', () => {
  const first = map('first name', 'first', 'if-empty');

  test('is left as a person typed it', () => {
    expect(decide(first, asha, { base: 'Asha', ours: true, current: 'Aasha' })).toMatchObject({
      write: {},
      agreed: { base: { first: 'Aasha' }, ours: [] },
    });
  });

  test('does not follow the profile once it holds a name, though we wrote it', () => {
    const renamed = { ...asha, firstName: 'Ashaben' };
    expect(decide(first, renamed, { base: 'Asha', ours: true, current: 'Asha' })).toMatchObject({
      write: {},
      needsRead: false,
    });
    expect(decide(first, renamed, { base: 'Asha', ours: true })).toMatchObject({ write: {} });
  });

  test('that is written once is corrected while it is still what we wrote', () => {
    const source = map('lead source', 'source', 'once');
    const fromAd = { ...asha, leadSource: 'WhatsApp CTWA' as const };
    const before = 'WhatsApp Inbound';
    expect(decide(source, fromAd, { base: before, ours: true, current: before }).write).toEqual({
      source: 'WhatsApp CTWA',
    });
    expect(decide(source, fromAd, { base: before, current: before }).write).toEqual({});
  });

  test('and was always empty is not emptied by a person', () => {
    for (const policy of ['if-empty', 'once'] as const) {
      const line = map('first name', 'first', policy);
      expect(decide(line, asha, { base: '', current: '' }).write).toEqual({ first: 'Asha' });
      expect(decide(line, asha, { base: '', ours: true, current: '' }).write).toEqual({ first: 'Asha' });
      expect(decide(line, asha, { current: '' }).write).toEqual({ first: 'Asha' });
    }
  });

  test('stays empty once a person emptied it, until there is something new to say', () => {
    expect(decide(first, asha, { base: 'Asha', ours: true, current: '' }).write).toEqual({});
    expect(
      decide(first, { ...asha, firstName: 'Usha' }, { base: 'Asha', ours: true, current: '' }).write,
    ).toEqual({ first: 'Usha' });
  });

  test('is looked at before it is written', () => {
    expect(decide(first, asha, { base: '' }).needsRead).toBe(true);
    expect(decide(first, asha, { base: 'Asha', ours: true }).needsRead).toBe(false);
  });

  test('lets a stand-in of ours give way to the first name, whatever phone it was, and nothing a person typed', () => {
    const named = { ...first, standIns: ['phone' as const, 'username' as const, "'Somebody'" as const] };
    for (const standIn of ['+919812345678', '+919800000000', '@asha.rao', 'Somebody']) {
      const mine = { base: standIn, ours: true, current: standIn };
      expect(decide(named, asha, mine).write, standIn).toEqual({ first: 'Asha' });
      expect(decide(named, asha, { base: standIn, current: standIn }).write, standIn).toEqual({});
    }
  });
});

describe('a phone that is somebody else’s by now', () => {
  const phone = map('phone', 'phone', 'if-empty');
  const [former, present] = ['+919800000000', '+919812345678'];
  const moved = { ...asha, phone: present, formerPhones: [former] };

  test('gives way to the present one, or to nothing, where we wrote it and it still stands', () => {
    const mine = { base: former, ours: true, current: former };
    expect(decide(phone, moved, mine).write).toEqual({ phone: present });
    const { phone: _, ...none } = moved;
    expect(decide(phone, none, mine).write).toEqual({ phone: '' });
    expect(decide(phone, moved, { base: former, ours: true }).needsRead).toBe(true);
  });

  test('stays where a person typed it, or something else', () => {
    expect(decide(phone, moved, { base: former, current: former }).write).toEqual({});
    expect(decide(phone, moved, { base: former, ours: true, current: '+919833333333' }).write).toEqual({});
  });
});

describe('a value of somebody erased', () => {
  test('gives way to the contact’s own, or to what a new record gets, whoever owns the field', () => {
    for (const policy of ['if-empty', 'once', 'ours', 'both'] as const) {
      const line = map('first name', 'first', policy);
      const erased = { current: 'Bela', erased: true };
      expect(decide(line, asha, erased), policy).toMatchObject({
        write: { first: 'Asha' },
        agreed: { base: { first: 'Asha' }, ours: ['first'] },
      });
    }
    const last = map('last name', 'last', 'if-empty');
    const short = { ...asha, lastName: '' };
    expect(decide(last, short, { current: 'Sen', erased: true }).write).toEqual({ last: '' });
    const named = { ...last, standIns: ["'Somebody'" as const] };
    expect(decide(named, short, { current: 'Sen', erased: true }).write).toEqual({ last: 'Somebody' });
    expect(decide(last, short, { current: 'Sen' }).write).toEqual({});
  });
});

describe('a field of ours', () => {
  const waiting = map('waiting since', 'waiting', 'ours', 'time');

  test('is written wherever it differs, without a look', () => {
    expect(decide(waiting, { ...asha, waitingSince: 5 }, { base: '' })).toMatchObject({
      write: { waiting: '5' },
      needsRead: false,
    });
  });

  test('is emptied when there is nothing left to say', () => {
    expect(decide(waiting, asha, { base: '5', ours: true }).write).toEqual({ waiting: '' });
    expect(decide(waiting, asha, {}).write).toEqual({});
  });
});

describe('an opt-out', () => {
  const stop = map('opt-out', 'stop', 'both', 'flag');
  const stopped = { ...asha, optOut: true };

  test('is written at once, looked at or not', () => {
    for (const sides of [{}, { base: 'no' }, { base: 'no', current: 'no' }, { current: '' }]) {
      expect(decide(stop, stopped, sides), JSON.stringify(sides)).toMatchObject({
        write: { stop: 'yes' },
        needsRead: false,
        taken: [],
      });
    }
  });

  test('that a person set in the CRM is taken over, and not written away', () => {
    expect(decide(stop, asha, { base: 'no', ours: true, current: 'yes' })).toMatchObject({
      write: {},
      taken: [{ kind: 'opt-out', set: true }],
    });
  });

  test('that a person cleared in the CRM is told, and is put back by the next look', () => {
    const cleared = decide(stop, stopped, { base: 'yes', ours: true, current: 'no' });
    expect(cleared).toMatchObject({ write: {}, taken: [{ kind: 'opt-out', set: false }] });
    expect(decide(stop, stopped, { base: 'no' }).write).toEqual({ stop: 'yes' });
  });

  test('both sides knew of is lifted when the person comes back', () => {
    expect(decide(stop, asha, { base: 'yes', current: 'yes' }).write).toEqual({ stop: 'no' });
    expect(decide(stop, asha, { base: 'yes' }).needsRead).toBe(true);
  });
});

describe('tags', () => {
  const tags = map('tags', 'tags', 'both', 'choices');

  test('that a person removed are kept off, and told', () => {
    expect(
      decide(tags, { ...asha, tags: ['a', 'b'] }, { base: 'a,b', ours: true, current: 'a' }),
    ).toMatchObject({
      write: {},
      taken: [{ kind: 'tags', add: [], remove: ['b'] }],
    });
  });

  test('that a person added stay, and come to us', () => {
    expect(decide(tags, { ...asha, tags: ['a'] }, { base: 'a', current: 'a,x' })).toMatchObject({
      write: {},
      taken: [{ kind: 'tags', add: ['x'], remove: [] }],
    });
  });

  test('of ours that changed are written beside theirs', () => {
    expect(decide(tags, { ...asha, tags: ['b'] }, { base: 'a', current: 'a,x' }).write).toEqual({
      tags: 'x,b',
    });
  });
});
