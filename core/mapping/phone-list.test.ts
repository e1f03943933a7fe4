import { expect, test } from 'vitest';
import type { ContactFields, FieldMapping, FieldPolicy, Spelling } from '../crm/index.ts';
import { difference } from './index.ts';

/** A CRM whose lists of phones stand line by line, and are changed by lines that begin with a word. */
const spelling: Spelling = {
  write: (value) => (value.kind === 'text' ? (value.text ?? '') : undefined),
  same: (x, y) => x.replace(/\D/g, '') === y.replace(/\D/g, ''),
  readFlag: () => undefined,
  readTime: () => undefined,
  readTags: () => [],
  writeTags: () => undefined,
  phoneList: {
    in: (written) => written.split('\n').filter((line) => line !== ''),
    write: (phones) => phones.join('\n'),
    change: ({ added, removed }) =>
      [...removed.map((one) => `- ${one}`), ...added.map((one) => `+ ${one}`)].join('\n'),
  },
};

const [before, after, typed] = ['+919812345678', '+919900000000', '011 2345678'];
const asha: ContactFields = {
  contactId: 'c1',
  phone: before,
  phones: [before],
  formerPhones: [],
  firstName: 'Asha',
  lastName: '',
  leadSource: 'WhatsApp',
  windowState: 'closed',
  optOut: false,
  tags: [],
  flowAnswers: {},
};
const moved: ContactFields = { ...asha, phone: after, phones: [after], formerPhones: [before] };

function decide(
  contact: ContactFields,
  given: {
    readonly base?: Readonly<Record<string, string>>;
    readonly ours?: boolean;
    readonly current?: string;
    readonly policy?: FieldPolicy;
  },
) {
  const mapping: FieldMapping = {
    source: 'phone',
    field: { name: 'phones', label: 'Phones', kind: 'phones', writable: true },
    policy: given.policy ?? 'if-empty',
    transform: 'as is',
  };
  return difference({
    contact,
    mapping: [mapping],
    spelling,
    agreed: { base: given.base ?? {}, ours: given.ours === true ? ['phones'] : [] },
    current: given.current === undefined ? undefined : { phones: given.current },
    erased: new Map(),
  });
}

test.each([
  ['an empty list gets the number', asha, { base: {}, current: '' }, `+ ${before}`],
  ['beside a number somebody typed none is put', asha, { base: {}, current: typed }, undefined],
  [
    'one that is kept says it beside what was typed',
    asha,
    { base: {}, current: typed, policy: 'ours' },
    `+ ${before}`,
  ],
  [
    'a number that stands there in another form is not added',
    asha,
    { base: {}, current: `${typed}\n+91 98123-45678`, policy: 'ours' },
    undefined,
  ],
  [
    'what somebody emptied stays empty',
    asha,
    { base: { phones: before }, ours: true, current: '' },
    undefined,
  ],
  [
    'ours gives way to the new one, and what was typed beside it stays',
    moved,
    { base: { phones: before }, ours: true, current: `${before}\n${typed}` },
    `- ${before}\n+ ${after}`,
  ],
  [
    'so it does when the list was seen with both before',
    moved,
    {
      base: { phones: `${before}\n${typed}`, 'phones#ours': before },
      ours: true,
      current: `${before}\n${typed}`,
    },
    `- ${before}\n+ ${after}`,
  ],
  [
    'a former number that somebody typed stays',
    moved,
    {
      base: { phones: `${before}\n${typed}`, 'phones#ours': typed },
      ours: true,
      current: `${before}\n${typed}`,
    },
    undefined,
  ],
  [
    'a former number nobody of us wrote stays beside the new one',
    moved,
    { base: { phones: before }, current: before, policy: 'ours' },
    `+ ${after}`,
  ],
  [
    'the new one that is there already is not added again',
    moved,
    { base: { phones: before }, ours: true, current: `${before}\n+91 99000 00000` },
    `- ${before}`,
  ],
  [
    'a list the CRM decides is left',
    moved,
    { base: { phones: before }, current: before, policy: 'theirs' },
    undefined,
  ],
] as const)('%s', (_, contact, given, write) => {
  expect(decide(contact, given).write['phones']).toBe(write);
});

test('what has not been seen is read first', () => {
  expect(decide(asha, {}).needsRead).toBe(true);
  expect(decide(moved, { base: { phones: before }, ours: true }).needsRead).toBe(true);
});

test('which number is ours is known while people add theirs', () => {
  const seen = decide(asha, { base: { phones: before }, ours: true, current: `${before}\n${typed}` });
  expect(seen.agreed).toEqual({
    base: { phones: `${before}\n${typed}`, 'phones#ours': before },
    ours: ['phones'],
  });
  const next = decide(moved, { base: seen.agreed.base, ours: true, current: `${before}\n${typed}\n022 1` });
  expect(next.write['phones']).toBe(`- ${before}\n+ ${after}`);
  expect(next.agreed.base).toEqual({ phones: `${typed}\n022 1\n${after}`, 'phones#ours': after });
});

test.each(['if-empty', 'once'] as const)(
  'what somebody emptied stays empty the next time too (%s)',
  (policy) => {
    const first = decide(asha, { base: { phones: before }, ours: true, current: '', policy });
    expect(first.write).toEqual({});
    const next = decide(asha, { base: first.agreed.base, ours: true, current: '', policy });
    expect(next.write).toEqual({});
    const news = decide(moved, { base: first.agreed.base, ours: true, current: '', policy });
    expect(news.write['phones']).toBe(policy === 'once' ? undefined : `+ ${after}`);
  },
);
