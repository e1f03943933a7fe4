import type { ContactSource } from '@sangam/core/crm';
import { sweepWindows, sweepWrites } from '@sangam/core/store';
import { expect, test } from 'vitest';
import { status, text } from '../harness/whatsapp.ts';
import { day, hour, minute, searchCatchesUp, type SetUp, somebody } from './set-up.ts';

/** Who decides a field once both sides may have touched it. */
export function fields(setUp: SetUp): void {
  test.each([true, false])(
    'a name a person corrected in the CRM stays, told of it by webhook or not (%s)',
    async (webhooks) => {
      const { fixture, crm } = await setUp({ webhooks });
      await crm.writes(somebody(1, 'asha r'));
      await fixture.settle();
      const { recordId } = await crm.record();
      await crm.account.user.update(recordId, crm.valuesOf({ 'first name': 'Aasha', 'last name': 'Rao' }));
      await fixture.settle();
      for (const name of ['Asha Kumari Rao', 'Ash']) {
        fixture.clock.advance(minute);
        await crm.writes(somebody(1, name), 'Still me');
        await fixture.settle();
        const record = await crm.record();
        expect(crm.read(record, 'first name')).toBe('Aasha');
        expect(crm.read(record, 'last name')).toBe('Rao');
      }
    },
  );

  test('what stood for a name gives way to the first one, once: a name we wrote does not follow the profile', async () => {
    const { fixture, crm } = await setUp({ webhooks: true });
    await crm.writes({ phone: somebody(1).phone ?? '' });
    await fixture.settle();
    const named = await crm.record();
    // Whichever of the two a record must have.
    const name = `${crm.read(named, 'first name')} ${crm.read(named, 'last name')}`;
    expect(name).toContain(somebody(1).phone);
    fixture.clock.advance(minute);
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    expect(crm.read(await crm.record(), 'first name')).toBe('Asha');
    expect(crm.read(await crm.record(), 'last name')).toBe('Rao');
    fixture.clock.advance(minute);
    await crm.writes(somebody(1, 'Ashaben Shah'));
    await fixture.settle();
    expect(crm.read(await crm.record(), 'first name')).toBe('Asha');
    expect(crm.read(await crm.record(), 'last name')).toBe('Rao');
  });

  const unanswered = 'what we wrote is still ours to correct, whichever call was made and never answered';
  test.each([true, false])(`${unanswered}, told of it by webhook or not (%s)`, async (webhooks) => {
    const { fixture, crm } = await setUp({ webhooks });
    const longAgo = fixture.clock.now() - hour;
    const cut = (nth: number): void => {
      let calls = 0;
      crm.beforeCall = async (priority) => {
        if (priority === 'timeline') return;
        calls += 1;
        if (calls === nth) await crm.account.fault({ dropConnection: 'after', times: 1 });
      };
    };
    for (const nth of [1, 2, 3, 4]) {
      cut(nth);
      await crm.writes(somebody(nth, 'Asha'), 'second words');
      await fixture.settle();
      const earlier = (name: string, at: number): Promise<void> =>
        crm.receive(text(somebody(nth, 'Asha'), `wamid.${name}.${String(nth)}`, at, `${name} words`));
      await earlier('late', longAgo);
      await fixture.ride(hour);
      cut(nth);
      await earlier('later', longAgo - minute);
      await fixture.settle();
      await earlier('first', longAgo - 2 * minute);
      await fixture.ride(hour);
    }
    const records = await crm.records();
    const said = (source: ContactSource): string[] => records.map((record) => crm.read(record, source));
    expect(said('first message')).toEqual(Array.from({ length: 4 }, () => 'first words'));
    expect(await crm.occurrences()).toEqual([]);
  });

  test('what we wrote is ours too on a record the CRM told of before its making was known', async () => {
    const { fixture, crm } = await setUp({ webhooks: true });
    const longAgo = fixture.clock.now() - hour;
    let creating = false;
    crm.beforeCall = async (priority) => {
      if (priority !== 'new lead') return;
      if (!creating) {
        creating = true;
        return;
      }
      crm.beforeCall = undefined;
      await crm.account.fault({ dropConnection: 'after', times: 1 });
      // With somebody else to try, who failed waits longer than the account.
      await crm.writes(somebody(2, 'Ravi'));
      await fixture.process.apply();
      // However long it takes until anybody looks.
      await crm.transact((trx) => sweepWrites(trx, fixture.clock.now() + hour));
    };
    await crm.writes(somebody(1, 'Asha'), 'second words');
    await fixture.settle();
    await fixture.ride(hour);
    await crm.receive(text(somebody(1, 'Asha'), 'wamid.first', longAgo, 'first words'));
    await fixture.ride(hour);
    const records = await crm.records();
    const asha = records.filter((record) => crm.read(record, 'first name') === 'Asha');
    expect(asha.map((record) => crm.read(record, 'first message'))).toEqual(['first words']);
    expect(await crm.occurrences()).toEqual([]);
  });

  test('an opt-out of ours is taken back everywhere, whichever call that wrote it was never answered', async () => {
    const { fixture, crm } = await setUp({ webhooks: true });
    for (const nth of [1, 2, 3, 4]) {
      const person = somebody(nth, 'Asha');
      await crm.writes(person);
      await crm.writes(person, 'STOP');
      await fixture.ride(hour);
      let calls = 0;
      crm.beforeCall = async () => {
        calls += 1;
        if (calls === nth) await crm.account.fault({ dropConnection: 'after', times: 1 });
      };
      // Nobody's own: her own record stands already.
      await crm.account.user.create(crm.valuesOf({ 'first name': 'Asha', phone: `+${person.phone ?? ''}` }));
      await fixture.ride(hour);
      crm.beforeCall = undefined;
      expect((await crm.records()).slice(-2).map((record) => crm.isOptedOut(record))).toEqual([true, true]);
      await crm.writes(person, 'START');
      await fixture.ride(hour);
    }
    expect((await crm.records()).filter((record) => crm.isOptedOut(record))).toEqual([]);
  });

  test('an opt-out somebody set on another record of a person is lifted there too when they come back', async () => {
    const { fixture, crm } = await setUp({ webhooks: true });
    const asha = somebody(1, 'Asha');
    await crm.writes(asha);
    await fixture.ride(hour);
    const phone = crm.read(await crm.record(), 'phone');
    const other = await crm.account.user.create(crm.valuesOf({ 'first name': 'Asha', phone }));
    await fixture.ride(hour);
    await crm.account.user.update(other, crm.valuesOf({ 'opt-out': { kind: 'flag', set: true } }));
    await fixture.ride(hour);
    expect((await crm.records()).map((record) => crm.isOptedOut(record))).toEqual([true, true]);
    await crm.writes(asha, 'START');
    await fixture.ride(hour);
    expect((await crm.records()).map((record) => crm.isOptedOut(record))).toEqual([false, false]);
    expect((await crm.contactOf(asha)).optOut).toBe(false);
  });

  test('what a person emptied stays empty', async () => {
    const { fixture, crm } = await setUp({ webhooks: true });
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    const { recordId } = await crm.record();
    await crm.account.user.update(
      recordId,
      crm.valuesOf({ 'first name': '', 'first message': '', phone: '' }),
    );
    await fixture.settle();
    fixture.clock.advance(minute);
    await crm.writes(somebody(1, 'Asha Rao'), 'Again');
    await fixture.settle();
    const record = await crm.record();
    expect(crm.read(record, 'first name')).toBe('');
    expect(crm.read(record, 'first message')).toBe('');
    expect(crm.read(record, 'phone')).toBe('');
    expect(crm.read(record, 'last activity')).not.toBe('');
  });

  test('a tag taken off in the CRM stays off until it is added anew', async () => {
    const { fixture, crm } = await setUp({ webhooks: true });
    const asha = somebody(1);
    await crm.writes(asha);
    await fixture.process.apply();
    await crm.tag(asha, ['VIP', 'Wholesale']);
    await fixture.settle();
    const { recordId } = await crm.record();
    expect(crm.tagsOf(await crm.record())).toEqual(['VIP', 'Wholesale']);

    fixture.clock.advance(minute);
    await crm.account.user.update(recordId, crm.valuesOf({ tags: { kind: 'tags', tags: ['Wholesale'] } }));
    const seen: string[] = [];
    crm.beforeCall = async () => void seen.push(...crm.tagsOf(await crm.record()));
    await fixture.settle();
    fixture.clock.advance(minute);
    await crm.writes(asha, 'Hello again');
    await fixture.settle();
    crm.beforeCall = undefined;
    expect(seen).not.toContain('VIP');
    expect(crm.tagsOf(await crm.record())).toEqual(['Wholesale']);
    expect((await crm.contactOf(asha)).tags).toEqual(['Wholesale']);

    await crm.tag(asha, ['VIP']);
    await fixture.settle();
    expect(crm.tagsOf(await crm.record())).toEqual(['VIP', 'Wholesale']);
  });

  test("tags that stood on a record before it was anybody's are kept, and come to us", async () => {
    const { fixture, crm } = await setUp();
    const asha = somebody(1);
    await crm.account.user.create({
      ...crm.valuesOf({ 'first name': 'Asha', phone: `+${asha.phone ?? ''}` }),
      ...crm.valuesOf({ tags: { kind: 'tags', tags: ['Old customer'] } }),
    });
    searchCatchesUp(fixture, crm);
    await crm.writes(asha);
    await fixture.process.apply();
    await crm.tag(asha, ['VIP']);
    await fixture.settle();
    expect(crm.tagsOf(await crm.record())).toEqual(['Old customer', 'VIP']);
    expect((await crm.contactOf(asha)).tags.toSorted()).toEqual(['Old customer', 'VIP']);
  });

  test('a tag added in the CRM comes to us, and both sides adding at once keep both', async () => {
    const { fixture, crm } = await setUp({ webhooks: true });
    const asha = somebody(1);
    await crm.writes(asha);
    await fixture.settle();
    const { recordId } = await crm.record();
    await crm.account.user.update(recordId, crm.valuesOf({ tags: { kind: 'tags', tags: ['From the CRM'] } }));
    await crm.tag(asha, ['From WhatsApp']);
    await fixture.settle();
    const both = ['From WhatsApp', 'From the CRM'];
    expect(crm.tagsOf(await crm.record())).toEqual(both);
    expect((await crm.contactOf(asha)).tags.toSorted()).toEqual(both);
  });

  test('a record made without tags is known to have none: what is ours is written there without a look', async () => {
    const { fixture, crm } = await setUp();
    await crm.writes(somebody(1, 'Asha Rao'));
    await fixture.settle();
    fixture.clock.advance(minute);
    await crm.writes(somebody(1, 'Asha Rao'), 'Again');
    const before = await crm.account.calls();
    await fixture.settle();
    // The record and its conversation.
    expect((await crm.account.calls()) - before).toBe(2);
  });

  test('the service window closes by itself', async () => {
    const { fixture, crm } = await setUp();
    const sweep = (): Promise<void> => crm.transact((trx) => sweepWindows(trx, fixture.clock.now()));
    await sweep();
    await crm.writes(somebody(1));
    await fixture.settle();
    expect(crm.read(await crm.record(), 'window state')).toBe('open');
    fixture.clock.advance(day - hour);
    await sweep();
    await fixture.settle();
    expect(crm.read(await crm.record(), 'window state')).toBe('open');
    fixture.clock.advance(hour + minute);
    await sweep();
    await fixture.settle();
    expect(crm.read(await crm.record(), 'window state')).toBe('closed');
  });

  test('waiting since says the first message nobody answered, and is empty once somebody did', async () => {
    const { fixture, crm } = await setUp();
    const asha = somebody(1);
    const before = fixture.clock.now();
    await crm.writes(asha);
    const after = fixture.clock.now();
    await fixture.settle();
    const first = await crm.record();
    const since = crm.read(first, 'waiting since');
    expect(crm.timeOf(first, 'waiting since')).toBeGreaterThanOrEqual(before);
    expect(crm.timeOf(first, 'waiting since')).toBeLessThanOrEqual(after);
    fixture.clock.advance(hour);
    await crm.writes(asha, 'Anybody there?');
    await fixture.settle();
    expect(crm.read(await crm.record(), 'waiting since')).toBe(since);
    fixture.clock.advance(minute);
    await crm.answers(asha);
    await fixture.settle();
    expect(crm.read(await crm.record(), 'waiting since')).toBe('');
    fixture.clock.advance(minute);
    await crm.writes(asha, 'Thanks');
    await fixture.settle();
    const later = await crm.record();
    const again = crm.read(later, 'waiting since');
    expect(crm.timeOf(later, 'waiting since')).toBeGreaterThan(crm.timeOf(first, 'waiting since'));

    // What another tool sends is known by its statuses alone: a campaign is no answer.
    const told = async (wamid: string, category: string): Promise<void> => {
      fixture.clock.advance(minute);
      await crm.receive(status(asha, wamid, fixture.clock.now(), 'sent', { pricing: { category } }));
      await fixture.settle();
    };
    await told('wamid.campaign', 'marketing');
    expect(crm.read(await crm.record(), 'waiting since')).toBe(again);
    await told('wamid.answer', 'service');
    expect(crm.read(await crm.record(), 'waiting since')).toBe('');
  });
}
