import { changeTags, type Corrections } from '@sangam/core/corrections';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, nationalNumber } from './conformance/set-up.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { createCrmFixture, type CrmFixture } from './harness/crm-fixture.ts';
import { type MemoryCrm, memoryFields, type MemoryCrmRules } from './harness/memory-crm/index.ts';
import { type Change, numberChange, type Person, text } from './harness/whatsapp.ts';

/**
 * The same life twice, in two businesses at once: in one of them people are joined by hand and every join is taken back, in
 * the other nobody ever is. In the end both know the same of everybody, and so do their CRMs.
 */

/** Each has a number: one that is written into an empty field while two are one stays there. */
const beginnings: readonly Person[] = [
  { phone: `91${nationalNumber(1)}`, name: 'Asha' },
  { phone: `91${nationalNumber(2)}`, bsuid: 'IN.RAVI', name: 'Ravi' },
  { phone: `91${nationalNumber(3)}`, bsuid: 'IN.MEERA', name: 'Meera' },
  { phone: `91${nationalNumber(4)}`, name: 'Dev' },
];

const person = fc.nat({ max: beginnings.length - 1 });
const pair = fc.record({ person, other: person });
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('writes'), person, agoMs: fc.constantFrom(0, 0, minute, hour) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('STOP', 'START'), person }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('is tagged', 'is untagged'), person }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('changes number'), person }) },
  { weight: 4, arbitrary: fc.constant({ kind: 'settle' } as const) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('later'), ms: fc.nat({ max: hour }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('user creates'), person, other: fc.option(person) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('user opts out', 'user removes'), person }),
  },
  { weight: 1, arbitrary: pair.map((two) => ({ kind: 'user merges' as const, ...two })) },
  { weight: 6, arbitrary: pair.map((two) => ({ kind: 'join' as const, ...two })) },
  { weight: 1, arbitrary: pair.map((two) => ({ kind: 'join, and not' as const, ...two })) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('undo'), place: fc.nat({ max: 3 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Value> ? Value : never;

const rules: fc.Arbitrary<MemoryCrmRules> = fc.record({
  entries: fc.constantFrom('keyed', 'findable'),
  movesWithMerge: fc.boolean(),
  creates: fc.constantFrom('contact', 'lead'),
});

/** One of the two businesses. */
class Side {
  readonly crm: CrmWorkspace;
  readonly vendor: MemoryCrm;
  /** What each person's id was before anybody joined them. */
  readonly ids = new Map<number, string>();
  /** Records by what both sides call them. */
  readonly names = new Map<string, string>();

  constructor(crm: CrmWorkspace, vendor: MemoryCrm) {
    this.crm = crm;
    this.vendor = vendor;
  }

  async contactIdOf(one: Person): Promise<string | undefined> {
    return this.crm.contactOf(one).then(
      ({ contactId }) => contactId,
      () => undefined,
    );
  }

  /** Learns whom it knows by now, and calls new records by whom they were made for. */
  async learn(people: readonly Person[], joined: ReadonlySet<number>): Promise<void> {
    for (const [index, one] of people.entries()) {
      const contactId = joined.has(index) ? undefined : await this.contactIdOf(one);
      if (contactId !== undefined && !this.ids.has(index)) this.ids.set(index, contactId);
    }
    const made = await this.crm.transact((trx) =>
      trx
        .selectFrom('crm_creations')
        .select(['contact_id', 'key_contact_id'])
        .where('workspace_id', '=', this.crm.workspaceId)
        .execute(),
    );
    const contactOf = new Map(made.map((one) => [one.key_contact_id, one.contact_id]));
    for (const { recordId, values } of this.vendor.user.list()) {
      if (this.names.has(recordId)) continue;
      const key = values[memoryFields.key] ?? '';
      const whose = this.personOf(contactOf.get(key) ?? key);
      const others = [...this.names.values()].filter((name) => name.startsWith(`${whose}’s`));
      this.names.set(recordId, `${whose}’s ${String(others.length)}`);
    }
  }

  personOf(contactId: string | null): string {
    const [index] = [...this.ids].find(([, id]) => id === contactId) ?? [];
    return beginnings[index ?? -1]?.name ?? 'nobody';
  }

  idOfRecord(name: string): string | undefined {
    return [...this.names].find(([, known]) => known === name)?.[0];
  }

  stands(name: string): boolean {
    const recordId = this.idOfRecord(name);
    return this.vendor.user.list().some((record) => record.recordId === recordId);
  }

  async linksOf(contactId: string): Promise<{ readonly record: string; readonly primary: boolean }[]> {
    const rows = await this.crm.transact((trx) =>
      trx
        .selectFrom('crm_links')
        .select(['record_id', 'is_primary'])
        .where('workspace_id', '=', this.crm.workspaceId)
        .where('contact_id', '=', contactId)
        .where('parted_at', 'is', null)
        .execute(),
    );
    return rows
      .map(({ record_id: recordId, is_primary: primary }) => ({
        record: this.names.get(recordId) ?? recordId,
        primary,
      }))
      .toSorted((x, y) => (x.record < y.record ? -1 : 1));
  }

  /** All there is to know, in words that are the same on both sides. */
  async view(people: readonly Person[]): Promise<unknown> {
    const contacts = [];
    for (const [index, one] of people.entries()) {
      const fields = await this.crm.contactOf(one).catch(() => undefined);
      if (fields === undefined) continue;
      const { contactId, tags, optOut, phones, lastActivityAt, windowClosesAt } = fields;
      expect(contactId, `the id of person ${String(index)}`).toBe(this.ids.get(index));
      contacts.push({
        index,
        tags,
        optOut,
        phones,
        lastActivityAt,
        windowClosesAt,
        links: await this.linksOf(contactId),
      });
    }
    const conflicts = (await this.crm.conflicts()).map(({ kind, contactId, recordIds }) =>
      [kind, this.personOf(contactId), ...recordIds.map((id) => this.names.get(id) ?? id).toSorted()].join(
        ' ',
      ),
    );
    const records = this.vendor.user.list().map((record) => ({
      name: this.names.get(record.recordId) ?? record.recordId,
      optOut: this.crm.isOptedOut(record),
      tags: this.crm.tagsOf(record),
      lastActivity: this.crm.read(record, 'last activity'),
      timeline: this.vendor.user
        .timeline(record.recordId)
        .flatMap(({ text: shown }) => shown.split('\n'))
        .toSorted(),
    }));
    return {
      contacts,
      conflicts: conflicts.toSorted(),
      records: records.toSorted((x, y) => (x.name < y.name ? -1 : 1)),
      letters: (await this.crm.letters()).map(({ reason }) => reason),
    };
  }
}

class Lives {
  readonly people = [...beginnings];
  readonly #fixture: CrmFixture;
  readonly #joined: Side;
  readonly #plain: Side;
  readonly #corrections: Corrections;
  readonly #joins: { readonly people: readonly [number, number]; readonly decisionId: string }[] = [];
  /** People whose record is no more; whether they wrote since. */
  readonly #bereft = new Map<number, boolean>();
  readonly #numberSince = new Map<number, number>();
  #count = 0;

  constructor(fixture: CrmFixture, joined: Side, plain: Side) {
    this.#fixture = fixture;
    this.#joined = joined;
    this.#plain = plain;
    this.#corrections = fixture.process.corrections;
  }

  async settle(): Promise<void> {
    await this.#fixture.ride(hour);
    await this.#learn();
    if (this.#joins.length > 0) return;
    for (const [index, wrote] of this.#bereft) if (wrote) this.#bereft.delete(index);
  }

  async lives(one: Step): Promise<void> {
    this.#count += 1;
    switch (one.kind) {
      case 'writes':
        return this.#writes(one.person, `words ${String(this.#count)}`, one.agoMs);
      case 'STOP':
      case 'START':
        return this.#writes(one.person, one.kind, 0);
      case 'is tagged':
      case 'is untagged':
        return this.#isTagged(one.person, one.kind === 'is tagged');
      case 'changes number':
        return this.#changesNumber(one.person);
      case 'settle':
        return this.settle();
      case 'later':
        this.#fixture.clock.advance(one.ms);
        return;
      case 'user creates':
        return this.#userCreates(one.person, one.other);
      case 'user opts out':
        return this.#userOptsOut(one.person);
      case 'user removes':
        return this.#userRemoves(one.person);
      case 'user merges':
        return this.#userMerges(one.person, one.other);
      case 'join':
        return this.#join(one.person, one.other);
      case 'join, and not': {
        const before = this.#joins.length;
        await this.#join(one.person, one.other);
        if (this.#joins.length > before) await this.#undo(this.#joins.length - 1);
        return;
      }
      case 'undo':
        return this.#undo(one.place);
    }
  }

  /** Every join is taken back, and everything comes to rest. */
  async end(): Promise<void> {
    while (this.#joins.length > 0) await this.#undo(0);
    await this.settle();
    this.#fixture.clock.advance(minute);
    await this.#fixture.ride(8 * hour);
    await this.#learn();
  }

  get #sides(): readonly Side[] {
    return [this.#joined, this.#plain];
  }

  async #learn(): Promise<void> {
    const joined = new Set(this.#joins.flatMap(({ people }) => people));
    await this.#joined.learn(this.people, joined);
    await this.#plain.learn(this.people, new Set());
  }

  async #receive(change: Change): Promise<void> {
    for (const { crm } of this.#sides) await crm.receive(change);
  }

  async #writes(index: number, words: string, agoMs: number): Promise<void> {
    this.#fixture.clock.advance(1000);
    // Before they had the number, somebody else wrote under it.
    const at = Math.max(this.#fixture.clock.now() - agoMs, this.#numberSince.get(index) ?? 0);
    await this.#receive(text(this.people[index] ?? {}, `wamid.${String(this.#count)}`, at, words));
    if (this.#bereft.has(index) && agoMs === 0) this.#bereft.set(index, true);
  }

  async #isTagged(index: number, added: boolean): Promise<void> {
    const tags = ['vip'];
    this.#fixture.clock.advance(1000);
    for (const { crm, ids } of this.#sides) {
      const contactId = ids.get(index);
      if (contactId === undefined) continue;
      const change = { contactId, add: added ? tags : [], remove: added ? [] : tags };
      await crm.transact((trx) => changeTags(trx, memberId, change, this.#fixture.clock.now()));
    }
  }

  async #changesNumber(index: number): Promise<void> {
    const before = this.people[index];
    if (before?.phone === undefined) return;
    const after = { ...before, phone: `91${nationalNumber(100 + this.#count)}` };
    this.#fixture.clock.advance(1000);
    await this.#receive(
      numberChange(before, after, `wamid.${String(this.#count)}`, this.#fixture.clock.now()),
    );
    this.people[index] = after;
    this.#numberSince.set(index, this.#fixture.clock.now() + 1000);
    this.#fixture.clock.advance(1000);
  }

  async #userCreates(index: number, other: number | null): Promise<void> {
    const [phone, mobile] = [index, other ?? index].map((one) => this.people[one]?.phone);
    if (phone === undefined) return;
    for (const { vendor, names } of this.#sides) {
      const recordId = vendor.user.create({
        FirstName: 'Typed',
        [memoryFields.phone]: `+${phone}`,
        ...(mobile === undefined || mobile === phone ? {} : { [memoryFields.mobile]: `+${mobile}` }),
      });
      names.set(recordId, `user’s ${String(this.#count)}`);
    }
  }

  /** A person's primary record where nobody was joined; undefined: not the same on both sides. */
  async #primaryOf(index: number): Promise<string | undefined> {
    const contactId = this.#plain.ids.get(index);
    if (contactId === undefined) return undefined;
    const primary = (await this.#plain.linksOf(contactId)).find((link) => link.primary)?.record;
    return primary !== undefined && this.#sides.every((side) => side.stands(primary)) ? primary : undefined;
  }

  async #userOptsOut(index: number): Promise<void> {
    // A field that holds the opt-out of the person they were joined with cannot be set.
    if (this.#joins.length > 0) return;
    await this.settle();
    const primary = await this.#primaryOf(index);
    if (primary === undefined) return;
    for (const { crm, vendor, ...side } of this.#sides) {
      const recordId = [...side.names].find(([, name]) => name === primary)?.[0] ?? '';
      vendor.user.update(recordId, crm.valuesOf({ 'opt-out': { kind: 'flag', set: true } }));
    }
    await this.settle();
  }

  async #userRemoves(index: number): Promise<void> {
    await this.settle();
    const primary = await this.#primaryOf(index);
    if (primary === undefined) return;
    // What a joined person wrote makes one record; without a join it is the writer's alone.
    if ([...this.#groupOf(index)].some((one) => this.#bereft.has(one))) return;
    if ((await this.#withPrimary(primary)).length !== 1) return;
    for (const side of this.#sides) side.vendor.user.remove(side.idOfRecord(primary) ?? '');
    this.#bereft.set(index, false);
    await this.settle();
  }

  async #userMerges(index: number, other: number): Promise<void> {
    await this.settle();
    const [into, from] = [await this.#primaryOf(index), await this.#primaryOf(other)];
    if (into === undefined || from === undefined || into === from) return;
    for (const side of this.#sides) {
      side.vendor.user.merge(side.idOfRecord(into) ?? '', side.idOfRecord(from) ?? '');
    }
    await this.settle();
  }

  async #withPrimary(record: string): Promise<number[]> {
    const found: number[] = [];
    for (const [index, contactId] of this.#plain.ids) {
      const links = await this.#plain.linksOf(contactId);
      if (links.some((link) => link.primary && link.record === record)) found.push(index);
    }
    return found;
  }

  /** Everybody they are joined with, themselves included. */
  #groupOf(index: number): ReadonlySet<number> {
    const group = new Set([index]);
    for (let size = 0; size !== group.size;) {
      size = group.size;
      for (const { people } of this.#joins) {
        if (people.some((one) => group.has(one))) for (const one of people) group.add(one);
      }
    }
    return group;
  }

  async #join(index: number, other: number): Promise<void> {
    await this.settle();
    const [a, b] = [this.#joined.ids.get(index), this.#joined.ids.get(other)];
    if (a === undefined || b === undefined || index === other) return;
    const all = [...this.#groupOf(index), ...this.#groupOf(other)];
    if (all.some((one) => this.#bereft.has(one))) return;
    if (this.#groupOf(index).has(other)) return;
    const { workspaceId } = this.#joined.crm;
    const decisionId = await this.#corrections.join({ workspaceId, memberId }, a, b);
    this.#joins.push({ people: [index, other], decisionId });
  }

  async #undo(place: number): Promise<void> {
    const [undone] = this.#joins.splice(place % Math.max(1, this.#joins.length), 1);
    if (undone === undefined) return;
    const { workspaceId } = this.#joined.crm;
    await this.#corrections.undo({ workspaceId, memberId }, undone.decisionId);
  }
}

const memberId = '6a1a4d6a-0000-4000-8000-000000000001';

async function openSide(fixture: CrmFixture, kept: MemoryCrmRules): Promise<Side> {
  const accounts = memoryAccounts(kept);
  const crm = await fixture.addWorkspace(accounts.open, { polled: true });
  return new Side(crm, accounts.opened().crm);
}

test('joins by hand, once they are taken back, are as if they had never been', async () => {
  await fc.assert(
    fc.asyncProperty(
      rules,
      fc.array(step, { minLength: 10, maxLength: 30 }),
      person,
      async (kept, steps, leaves) => {
        const fixture = await createCrmFixture();
        try {
          const joined = await openSide(fixture, kept);
          const plain = await openSide(fixture, kept);
          const life = new Lives(fixture, joined, plain);
          for (const one of steps) await life.lives(one);
          await life.end();
          expect(await joined.view(life.people)).toEqual(await plain.view(life.people));
          // The id that stands in the CRM is theirs.
          for (const { crm, ids } of [joined, plain]) {
            const contactId = ids.get(leaves);
            if (contactId === undefined) continue;
            await fixture.process.eraser.erase({ workspaceId: crm.workspaceId, memberId }, contactId);
          }
          await fixture.ride(hour);
          expect(await joined.view(life.people)).toEqual(await plain.view(life.people));
        } finally {
          await fixture.close();
        }
      },
    ),
    // Another seed tells other lives.
    { numRuns: 15, seed: 19 },
  );
}, 600_000);
