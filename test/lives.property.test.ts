import { SangamError } from '@sangam/core/errors';
import { linksOfContacts } from '@sangam/core/store';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, nationalNumber, somebody } from './conformance/set-up.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { createCrmFixture, type CrmFixture } from './harness/crm-fixture.ts';
import { type MemoryCrm, memoryFields, type MemoryCrmRules, noAnswer } from './harness/memory-crm/index.ts';

/**
 * Whatever people, users of the CRM and the CRM itself do, in whatever order: each message stands once on its person's
 * record, an opt-out on all of theirs, and only users make a second record of anybody.
 */

const people = [0, 1, 2].map((index) => ({ ...somebody(index), number: nationalNumber(index) }));

const place = fc.nat({ max: 5 });
const person = fc.nat({ max: people.length - 1 });
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('writes'), person }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('STOP', 'START'), person }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('is answered'), person }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'settle' } as const) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('later'), ms: fc.nat({ max: 2 * hour }) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'check' } as const) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('user creates'), person }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('user removes', 'user restores'), place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('user merges'), place, into: place }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('user converts'), place }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const rules: fc.Arbitrary<MemoryCrmRules> = fc.record({
  writeClass: fc.constantFrom('keyed', 'findable'),
  entries: fc.constantFrom('keyed', 'findable'),
  batchSize: fc.constantFrom(1, 3, 100),
  searchLagMs: fc.constantFrom(0, 5000),
  twins: fc.constantFrom('make', 'refuse and name the holder'),
  movesWithMerge: fc.boolean(),
  creates: fc.constantFrom('contact', 'lead'),
});

/** What becomes of calls, one after the other and round and round. */
const calls = fc.array(
  fc.oneof(
    { weight: 8, arbitrary: fc.constant('answered' as const) },
    { weight: 1, arbitrary: fc.constantFrom('refused', 'lost', 'unheard', 'late') },
  ),
  { minLength: 10, maxLength: 30 },
);

function troubleOf(fates: readonly string[]): MemoryCrm['trouble'] {
  let call = 0;
  return () => {
    call += 1;
    switch (fates[call % fates.length]) {
      case 'refused':
        throw new SangamError({ code: 'unavailable', origin: 'crm', retry: 'later', message: '503' });
      case 'lost':
        throw noAnswer();
      case 'unheard':
        return { commitAfterMs: 0 };
      case 'late':
        return { commitAfterMs: 5000 };
      default:
        return undefined;
    }
  };
}

/** What happened, as somebody knows who watched from outside. */
class Life {
  readonly said: { readonly person: number; readonly words: string }[] = [];
  readonly optedOut = new Set<number>();
  /** People whose records users of the CRM made, removed or merged. */
  readonly touched = new Set<number>();
  /** People who lost a record, and have not written since. */
  readonly waiting = new Set<number>();
  readonly removed: string[] = [];
  readonly #fixture: CrmFixture;
  readonly #crm: CrmWorkspace;
  readonly #vendor: MemoryCrm;
  /** Whose records went into these. */
  readonly #carried = new Map<string, ReadonlySet<number>>();

  constructor(fixture: CrmFixture, crm: CrmWorkspace, vendor: MemoryCrm) {
    this.#fixture = fixture;
    this.#crm = crm;
    this.#vendor = vendor;
  }

  /** Whose record it is: by its phone, by what went into it, or because it was tied to them here. */
  async peopleOf(recordId: string): Promise<Set<number>> {
    const values = this.#vendor.user.list().find((record) => record.recordId === recordId)?.values ?? {};
    const phone = values[memoryFields.phone] ?? '';
    const tied = await Promise.all(
      people.map(async (_, index) => (await this.linksOf(index)).map((link) => link.recordId)),
    );
    return new Set(
      people.flatMap(({ number }, index) =>
        phone.endsWith(number) ||
        this.#carried.get(recordId)?.has(index) === true ||
        tied[index]?.includes(recordId) === true
          ? [index]
          : [],
      ),
    );
  }

  async linksOf(index: number): Promise<{ readonly recordId: string; readonly primary: boolean }[]> {
    const { connectionId } = this.#crm;
    const known = await this.contactIdOf(index);
    return known === undefined
      ? []
      : this.#crm.transact((trx) => linksOfContacts(trx, connectionId, [known]));
  }

  async contactIdOf(index: number): Promise<string | undefined> {
    const contact = await this.#crm.contactOf(people[index] ?? {}).catch(() => undefined);
    return contact?.contactId;
  }

  async lives(one: Step): Promise<void> {
    const { user } = this.#vendor;
    const recordAt = (at: number): string | undefined => user.list()[at]?.recordId;
    switch (one.kind) {
      case 'writes':
      case 'is answered':
        return this.#speaks(one.person, one.kind);
      case 'STOP':
      case 'START':
        await this.#crm.writes(people[one.person] ?? {}, one.kind);
        this.waiting.delete(one.person);
        if (one.kind === 'STOP') this.optedOut.add(one.person);
        else this.optedOut.delete(one.person);
        return;
      case 'settle':
        return this.#fixture.settle();
      case 'later':
        this.#fixture.clock.advance(one.ms);
        return;
      case 'check':
        return this.#crm.check();
      case 'user creates':
        this.touched.add(one.person);
        return void user.create({
          FirstName: 'Typed',
          [memoryFields.phone]: people[one.person]?.number ?? '',
        });
      case 'user removes':
        return this.#ends(recordAt(one.place), (recordId) => {
          user.remove(recordId);
          this.removed.push(recordId);
          return undefined;
        });
      case 'user restores': {
        const recordId = this.removed.splice(one.place % Math.max(1, this.removed.length), 1)[0];
        if (recordId === undefined) return;
        user.restore(recordId);
        for (const index of await this.peopleOf(recordId)) this.touched.add(index);
        return;
      }
      case 'user merges': {
        const into = recordAt(one.into);
        if (into === undefined || one.into === one.place) return;
        return this.#ends(recordAt(one.place), (recordId) => {
          user.merge(into, recordId);
          return into;
        });
      }
      case 'user converts': {
        const record = user.list()[one.place];
        if (record?.type !== 'lead') return;
        return this.#ends(record.recordId, (recordId) => user.convert(recordId));
      }
    }
  }

  async #speaks(index: number, kind: 'writes' | 'is answered'): Promise<void> {
    const words = `words ${String(this.said.length)}.`;
    this.said.push({ person: index, words });
    await this.#crm[kind === 'writes' ? 'writes' : 'answers'](people[index] ?? {}, words);
    if (kind === 'writes') this.waiting.delete(index);
  }

  /** `end` answers where the record lives on. */
  async #ends(recordId: string | undefined, end: (recordId: string) => string | undefined): Promise<void> {
    if (recordId === undefined) return;
    const whose = await this.peopleOf(recordId);
    const into = end(recordId);
    const others = into === undefined ? [] : await this.peopleOf(into);
    if (into === undefined) for (const index of whose) this.waiting.add(index);
    else this.#carried.set(into, new Set([...whose, ...others]));
    for (const index of [...whose, ...others]) this.touched.add(index);
  }
}

/** The promises, counted on the CRM's own side. */
async function expectKept(life: Life, crm: CrmWorkspace, vendor: MemoryCrm): Promise<void> {
  const standing = vendor.user.list();
  expect(await crm.letters()).toEqual([]);
  for (const [index, { number }] of people.entries()) {
    if ((await life.contactIdOf(index)) === undefined) continue;
    const who = `person ${String(index)}`;
    expect((await crm.contactOf(people[index] ?? {})).optOut, who).toBe(life.optedOut.has(index));
    const primaries = (await life.linksOf(index)).filter(
      ({ primary, recordId }) => primary && standing.some((record) => record.recordId === recordId),
    );
    const holding = standing.filter(({ values }) => values[memoryFields.phone]?.endsWith(number));
    if (!life.touched.has(index))
      expect(
        holding.map(({ recordId }) => recordId),
        who,
      ).toEqual([primaries[0]?.recordId]);
    if (!life.waiting.has(index) || primaries.length > 0) expect(primaries, who).toHaveLength(1);
    const shown = vendor.user
      .timeline(primaries[0]?.recordId ?? '')
      .flatMap(({ text }) => text.match(/words \d+\./g) ?? []);
    const mine = life.said.filter((one) => one.person === index).map(({ words }) => words);
    const found = shown.filter((words) => mine.includes(words)).toSorted();
    expect(found, who).toEqual(primaries.length === 0 ? [] : mine.toSorted());
  }
  for (const { recordId, values } of standing) {
    const whose = [...(await life.peopleOf(recordId))];
    const expected = whose.some((index) => life.optedOut.has(index));
    expect(crm.isOptedOut({ recordId, values }), `record ${recordId} of ${whose.join(', ')}`).toBe(expected);
  }
}

test('each message once on its person’s record, an opt-out on all of theirs, and one record unless users make more', async () => {
  await fc.assert(
    fc.asyncProperty(
      rules,
      fc.record({ polled: fc.boolean(), processes: fc.constantFrom(1, 2) }),
      calls,
      fc.array(step, { minLength: 10, maxLength: 40 }),
      async (kept, { polled, processes }, fates, steps) => {
        const accounts = memoryAccounts(kept);
        const fixture = await createCrmFixture();
        try {
          const crm = await fixture.addWorkspace(accounts.open, { polled });
          if (processes === 2) fixture.addProcess();
          await crm.check();
          const vendor = accounts.opened().crm;
          const life = new Life(fixture, crm, vendor);
          vendor.trouble = troubleOf(fates);
          for (const one of steps) await life.lives(one);
          vendor.trouble = undefined;
          fixture.clock.advance(minute);
          await fixture.ride(8 * hour);
          await crm.check();
          await fixture.ride(3 * hour);
          await expectKept(life, crm, vendor);
        } finally {
          await fixture.close();
        }
      },
    ),
    // Another seed tells other lives.
    { numRuns: 20, seed: 101 },
  );
}, 600_000);
