import { describe, expect, test } from 'vitest';
import type { ContactFields, CrmValues, FieldMapping, FieldOwner } from '../crm/index.ts';
import { baseAfter, valuesToWrite } from './index.ts';

const asha: ContactFields = {
  contactId: 'c1',
  phone: '+919812345678',
  firstName: 'Asha',
  lastName: '',
  leadSource: 'WhatsApp Inbound',
  windowState: 'open',
  optOut: false,
  tags: [],
};

const nameless: ContactFields = { ...asha, firstName: '' };

/** A one-field mapping whose value is always `ours`. */
function owned(owner: Exclude<FieldOwner, 'both'>, ours: string | undefined): FieldMapping[] {
  return [{ crmField: 'field', owner, value: () => ours }];
}

describe('an owned field', () => {
  test.each<{
    owner: Exclude<FieldOwner, 'both'>;
    ours: string | undefined;
    theirs: string | undefined;
    written: CrmValues;
  }>([
    { owner: 'once', ours: 'a', theirs: undefined, written: { field: 'a' } },
    { owner: 'once', ours: 'a', theirs: '', written: { field: 'a' } },
    { owner: 'once', ours: 'a', theirs: 'b', written: {} },
    { owner: 'once', ours: '', theirs: '', written: {} },
    { owner: 'if-empty', ours: 'a', theirs: undefined, written: { field: 'a' } },
    { owner: 'if-empty', ours: 'a', theirs: '', written: { field: 'a' } },
    { owner: 'if-empty', ours: 'a', theirs: 'b', written: {} },
    { owner: 'if-empty', ours: '', theirs: 'b', written: {} },
    { owner: 'if-empty', ours: undefined, theirs: '', written: {} },
    { owner: 'if-empty', ours: '', theirs: undefined, written: {} },
    { owner: 'ours', ours: 'a', theirs: undefined, written: { field: 'a' } },
    { owner: 'ours', ours: 'a', theirs: 'a', written: {} },
    { owner: 'ours', ours: 'a', theirs: 'b', written: { field: 'a' } },
    { owner: 'ours', ours: '', theirs: 'b', written: { field: '' } },
    { owner: 'ours', ours: '', theirs: undefined, written: {} },
    { owner: 'ours', ours: undefined, theirs: 'b', written: {} },
    { owner: 'theirs', ours: 'a', theirs: undefined, written: {} },
    { owner: 'theirs', ours: 'a', theirs: '', written: {} },
    { owner: 'theirs', ours: 'a', theirs: 'b', written: {} },
  ])('$owner: ours "$ours", theirs "$theirs" writes $written', ({ owner, ours, theirs, written }) => {
    const current = theirs === undefined ? undefined : { field: theirs };
    expect(valuesToWrite(asha, owned(owner, ours), current)).toEqual(written);
  });

  test('is empty when the record does not hold it at all', () => {
    expect(valuesToWrite(asha, owned('if-empty', 'a'), {})).toEqual({ field: 'a' });
  });

  test('is left alone when the CRM only spells the same value differently', () => {
    const mapping: FieldMapping[] = [
      {
        crmField: 'at',
        owner: 'ours',
        value: () => '2026-11-23T10:00:00.000Z',
        same: (ours, theirs) => Date.parse(ours) === Date.parse(theirs),
      },
    ];
    expect(valuesToWrite(asha, mapping, { at: '2026-11-23T10:00:00Z' })).toEqual({});
    expect(valuesToWrite(asha, mapping, { at: '2026-11-23T10:00:01Z' })).toEqual({
      at: '2026-11-23T10:00:00.000Z',
    });
  });
});

describe('a stand-in', () => {
  const mapping: FieldMapping[] = [
    {
      crmField: 'name',
      owner: 'if-empty',
      value: (contact) => contact.firstName,
      standIns: (contact) => [...(contact.phone === undefined ? [] : [contact.phone]), 'WhatsApp contact'],
    },
  ];

  test('is given to a new record only', () => {
    expect(valuesToWrite(nameless, mapping, undefined)).toEqual({ name: '+919812345678' });
    expect(valuesToWrite(nameless, mapping, { name: '' })).toEqual({});
    expect(valuesToWrite(asha, mapping, undefined)).toEqual({ name: 'Asha' });
  });

  test('gives way to the name once it is known, and to nothing else', () => {
    expect(valuesToWrite(asha, mapping, { name: '+919812345678' })).toEqual({ name: 'Asha' });
    expect(valuesToWrite(asha, mapping, { name: 'WhatsApp contact' })).toEqual({ name: 'Asha' });
    expect(valuesToWrite(nameless, mapping, { name: '+919812345678' })).toEqual({});
    expect(valuesToWrite(asha, mapping, { name: 'Mrs Rao' })).toEqual({});
  });
});

describe('a shared field', () => {
  const mapping: FieldMapping[] = [
    {
      crmField: 'tags',
      owner: 'both',
      value: (contact) => contact.tags.join(','),
      merge: (ours, theirs) => (theirs.includes(ours) ? undefined : `${theirs},${ours}`),
    },
  ];

  test('gets our value on a new record', () => {
    expect(valuesToWrite({ ...asha, tags: ['vip'] }, mapping, undefined)).toEqual({ tags: 'vip' });
    expect(valuesToWrite(asha, mapping, undefined)).toEqual({});
  });

  test('keeps what the other side put there', () => {
    expect(valuesToWrite({ ...asha, tags: ['vip'] }, mapping, { tags: 'rep' })).toEqual({ tags: 'rep,vip' });
    expect(valuesToWrite({ ...asha, tags: ['vip'] }, mapping, { tags: 'rep,vip' })).toEqual({});
  });
});

describe('a value that still is what we wrote', () => {
  test.each(['once', 'if-empty'] as const)(
    'is ours to correct under %s, until somebody changes it',
    (owner) => {
      const mapping = owned(owner, 'earlier');
      expect(valuesToWrite(asha, mapping, { field: 'later' }, { field: 'later' })).toEqual({
        field: 'earlier',
      });
      expect(valuesToWrite(asha, mapping, { field: 'typed' }, { field: 'later' })).toEqual({});
      expect(valuesToWrite(asha, mapping, { field: 'later' }, {})).toEqual({});
    },
  );

  test('is remembered for the fields where it decides something', () => {
    const mapping = [...owned('once', 'a'), { ...owned('ours', 'b')[0], crmField: 'other' } as FieldMapping];
    expect(baseAfter(mapping, { field: 'old' }, { field: 'a', other: 'b' })).toEqual({ field: 'a' });
    expect(baseAfter(mapping, { field: 'old' }, {})).toEqual({ field: 'old' });
  });
});
