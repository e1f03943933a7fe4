import type { AccountFacts, CrmValues, FieldOptions, WriteOutcome } from '@sangam/core/crm';
import { expect, test } from 'vitest';
import { createOptionIds, labelOfTold } from './option-ids.ts';

const separated = (by: string) => ({
  split: (written: string) => written.split(by),
  join: (parts: readonly string[]) => parts.join(by),
});
const forms = { ids: separated(','), labels: separated('; ') };

/** An account whose options somebody else may change at any time. */
function account() {
  const options: Record<string, FieldOptions & { labels: Record<string, string> }> = {
    stage: { several: false, labels: { '1': 'new', '2': 'won, at last' } },
    tags: { several: true, labels: { '7': 'vip' } },
  };
  let known: Partial<AccountFacts> = { options: structuredClone(options) };
  const calls: string[] = [];
  /** Options the vendor adds to none of its fields, and says nothing. */
  const ignored = new Set<string>();
  let next = 100;
  const ids = createOptionIds({
    forms,
    facts: { now: () => known },
    async renew() {
      calls.push('renew');
      known = { options: structuredClone(options) };
    },
    async add(field, labels) {
      calls.push(`add ${field} ${labels.join('|')}`);
      for (const label of labels) {
        const there = options[field]?.labels;
        if (there === undefined) throw new Error(`${field} has no options.`);
        if (ignored.has(label)) continue;
        if (Object.values(there).includes(label)) throw new Error(`${label} is there already.`);
        there[String(next)] = label;
        next += 1;
      }
    },
  });
  const sent: CrmValues[] = [];
  /** As the vendor gets them, and as the engine is answered. */
  const write = async (...writes: readonly CrmValues[]): Promise<readonly WriteOutcome[]> =>
    ids.write(
      writes.map((values, index) => ({ recordId: String(index), values })),
      ({ recordId }) => recordId,
      async (made) =>
        made.map(({ recordId, values }) => {
          sent.push(values);
          return { item: recordId, outcome: 'written', recordId, created: false, values };
        }),
    );
  return { options, ids, calls, ignored, sent, write };
}

test('options go out by their ids and come in by their labels', async () => {
  const { ids, calls, sent, write } = account();
  const inside = { stage: 'won, at last', tags: 'vip', name: 'Asha' };
  const [answer] = await write(inside);
  expect(sent).toEqual([{ stage: '2', tags: '7', name: 'Asha' }]);
  expect(answer).toMatchObject({ outcome: 'written', values: inside });
  expect(await ids.toLabels(sent)).toEqual([inside]);
  await write({ stage: '', tags: '' });
  expect(sent[1]).toEqual({ stage: '', tags: '' });
  expect(calls).toEqual([]);
});

test('an option that is missing is added first, once, however many writes want it at a time', async () => {
  const { calls, sent, write } = account();
  await Promise.all([write({ tags: 'vip; Diwali' }, { tags: 'Diwali' }), write({ tags: 'Diwali' })]);
  expect(sent).toEqual([{ tags: '7,100' }, { tags: '100' }, { tags: '100' }]);
  expect(calls).toEqual(['renew', 'add tags Diwali', 'renew']);
});

test('an option somebody else added meanwhile is not added again', async () => {
  const { options, calls, sent, write } = account();
  Object.assign(options['tags']?.labels ?? {}, { '50': 'Diwali' });
  await write({ tags: 'Diwali' });
  expect(sent).toEqual([{ tags: '50' }]);
  expect(calls).toEqual(['renew']);
});

test.each([
  ['of the one', { stage: 'lost', name: 'Asha' }, 'stage'],
  ['of one among others', { tags: 'vip; lost' }, 'tags'],
])(
  'an option the account does not get refuses the field %s that carries it, and empties none',
  async (_, wants, field) => {
    const { ignored, sent, write } = account();
    ignored.add('lost');
    const [refused, ...others] = await write(wants, { stage: 'new' });
    expect(refused).toMatchObject({ item: '0', outcome: 'refused', field });
    expect(others).toMatchObject([{ item: '1', outcome: 'written' }]);
    expect(sent).toEqual([{ stage: '1' }]);
  },
);

test('an id that is not known is looked up', async () => {
  const { ids, options } = account();
  Object.assign(options['stage']?.labels ?? {}, { '3': 'lost' });
  expect(await ids.toLabels([{ stage: '3' }])).toEqual([{ stage: 'lost' }]);
});

test('an id no option has is looked up once; it is left out beside others, and is not nothing', async () => {
  const { ids, calls } = account();
  for (let times = 0; times < 3; times += 1)
    expect(await ids.toLabels([{ stage: '9', tags: '8,7' }])).toEqual([{ stage: '9', tags: 'vip' }]);
  expect(calls).toEqual(['renew']);
});

test.each([
  ['stage', '2', 'won, at last'],
  ['stage', '', ''],
  ['stage', '9', undefined],
  ['tags', '7,8', undefined],
  ['tags', '7', 'vip'],
  ['name', '7', '7'],
])('a webhook that says %s %j says %j', (field, written, label) => {
  const { options } = account();
  expect(labelOfTold(forms, field, written, { options })).toBe(label);
});
