import { expect, test } from 'vitest';
import type { CrmWorkspace } from '../harness/crm-workspace.ts';
import { until } from '../harness/until.ts';
import type { AccountFault } from './account.ts';
import { day, hour, minute, type SetUp, somebody } from './set-up.ts';

/** Of the calls for the timeline from here on, this one goes wrong. */
function cutTimeline(crm: CrmWorkspace, fault: AccountFault, nth: number): void {
  let calls = 0;
  crm.beforeCall = async (priority) => {
    if (priority !== 'timeline') return;
    calls += 1;
    if (calls === nth) await crm.account.fault({ ...fault, times: 1 });
  };
}

/** What a record shows of conversations. */
export function timeline(setUp: SetUp): void {
  test('shows one entry a conversation-day with its ticks and replies, rewritten and never doubled', async () => {
    const { fixture, crm } = await setUp();
    const asha = somebody(1, 'Asha Rao');
    const shown = async () => crm.account.user.timeline((await crm.record()).recordId);
    await crm.writes(asha, 'Is the blue one there?');
    const answer = await crm.answers(asha, 'Yes, in two sizes');
    await fixture.settle();
    const [entry, ...others] = await shown();
    expect(others).toEqual([]);
    expect(entry?.text).toContain('Is the blue one there?');
    expect(entry?.text).toContain('Yes, in two sizes');
    expect(entry?.text).toContain('Asha');

    const looks = new Set([entry?.text]);
    for (const name of ['delivered', 'read']) {
      fixture.clock.advance(2 * minute);
      await crm.reached(asha, answer, name);
      await fixture.ride(hour);
      const now = await shown();
      expect(now.map(({ id }) => id)).toEqual([entry?.id]);
      looks.add(now[0]?.text);
    }
    fixture.clock.advance(2 * minute);
    await crm.writes(asha, 'The large one please');
    await fixture.ride(hour);
    const replied = await shown();
    expect(replied.map(({ id }) => id)).toEqual([entry?.id]);
    expect(replied[0]?.text).toMatch(/replied/i);
    looks.add(replied[0]?.text);
    expect(looks.size).toBe(4);

    fixture.clock.advance(day);
    await crm.writes(asha, 'Good morning');
    await fixture.ride(hour);
    const both = await shown();
    expect(both).toHaveLength(2);
    expect(both[1]?.text).toContain('Good morning');
    expect(both[1]?.text).not.toContain('blue one');
  });

  test('is found again after a call nobody answered', async () => {
    const { fixture, crm } = await setUp();
    const faults = [{ dropConnection: 'after' }, { dropConnection: 'before' }, { status: 503 }] as const;
    let people = 0;
    for (const fault of faults) {
      for (const nth of [1, 2]) {
        cutTimeline(crm, fault, nth);
        await crm.writes(somebody(people), `words of ${String(people)}`);
        people += 1;
        await fixture.ride(6 * hour);
      }
    }
    const shown = await Promise.all(
      (await crm.records()).map(({ recordId }) => crm.account.user.timeline(recordId)),
    );
    expect(shown.map((entries) => entries.length)).toEqual(Array.from({ length: people }, () => 1));
    expect(await crm.letters()).toEqual([]);
  });

  test('that is made long after nobody answered is found, and a twin is gone within the hour', async () => {
    const { fixture, crm } = await setUp();
    const { settleMs, timeline: traits } = crm.connector.traits;
    const shown = async () => crm.account.user.timeline((await crm.record()).recordId);
    cutTimeline(crm, { commitAfterMs: settleMs + 3 * minute }, 1);
    await crm.writes(somebody(1), 'first words');
    await fixture.settle();
    expect(await shown()).toEqual([]);
    // Before the CRM acts we look, find nothing and write it ourselves.
    await fixture.pass(settleMs + 2 * minute);
    expect(await shown()).toHaveLength(1);
    fixture.clock.advance(2 * minute);
    // Under a key of ours there is no second one.
    const entries = traits.writeClass === 'keyed' ? 1 : 2;
    await until('what was late', async () => (await shown()).length === entries);
    await fixture.ride(hour);
    const [entry, ...others] = await shown();
    expect(others).toEqual([]);
    await crm.writes(somebody(1), 'and more');
    await fixture.ride(hour);
    expect(await shown()).toMatchObject([{ id: entry?.id, text: expect.stringContaining('and more') }]);
  });

  test.each([
    ['full', true],
    ['not at all', false],
  ] as const)('text written %s', async (text, visible) => {
    const { fixture, crm } = await setUp({ settings: { timeline: { text } } });
    await crm.writes(somebody(1), 'my order is late');
    await fixture.settle();
    const [entry, ...others] = await crm.account.user.timeline((await crm.record()).recordId);
    expect(others).toEqual([]);
    expect(entry?.text.includes('my order is late')).toBe(visible);
  });

  test('text written masked shows what was said, and neither cards nor codes', async () => {
    const { fixture, crm } = await setUp({ settings: { timeline: { text: 'masked' } } });
    await crm.writes(somebody(1), 'Paid with 4111 1111 1111 1111, my PAN is ABCDE1234F');
    await fixture.settle();
    const [entry] = await crm.account.user.timeline((await crm.record()).recordId);
    expect(entry?.text).toContain('Paid with');
    expect(entry?.text).not.toContain('4111 1111');
    expect(entry?.text).not.toContain('ABCDE1234F');
  });

  test('shows one entry a message where an admin wants that, each with its own ticks', async () => {
    const { fixture, crm } = await setUp({ settings: { timeline: { entries: 'per message' } } });
    const shown = async () => crm.account.user.timeline((await crm.record()).recordId);
    await crm.writes(somebody(1), 'Is the blue one there?');
    const answer = await crm.answers(somebody(1), 'Yes, in two sizes');
    await fixture.ride(hour);
    const before = await shown();
    expect(before.map(({ text }) => text)).toEqual([
      expect.stringContaining('Is the blue one there?'),
      expect.stringContaining('Yes, in two sizes'),
    ]);
    await crm.reached(somebody(1), answer, 'read');
    await fixture.ride(hour);
    const after = await shown();
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect(after[0]).toEqual(before[0]);
    expect(after[1]?.text).toMatch(/read/);

    cutTimeline(crm, { dropConnection: 'after' }, 1);
    await crm.writes(somebody(1), 'The large one please');
    await fixture.ride(6 * hour);
    const texts = (await shown()).map(({ text }) => text);
    expect(texts).toEqual([
      after[0]?.text,
      expect.stringMatching(/Yes, in two sizes.*replied/s),
      expect.stringContaining('The large one please'),
    ]);
    expect(texts[1]).not.toContain('The large one please');
  });

  test('none is written where an admin wants none', async () => {
    const { fixture, crm } = await setUp({ settings: { timeline: { entries: 'none' } } });
    await crm.writes(somebody(1));
    await fixture.settle();
    expect(await crm.account.user.timeline((await crm.record()).recordId)).toEqual([]);
  });
}

/** An entry is written no more often than its CRM asks for. */
export function rests(setUp: SetUp): void {
  test('rests between two writes as long as the CRM asks for, and says all of it then', async () => {
    const { fixture, crm } = await setUp();
    const { restMs } = crm.connector.traits.timeline;
    const asha = somebody(1, 'Asha Rao');
    let writtenAt = 0;
    let before = '';
    const shown = async (): Promise<string> => {
      const [entry, ...others] = await crm.account.user.timeline((await crm.record()).recordId);
      expect(others).toEqual([]);
      return entry?.text ?? '';
    };
    /** It says so by now, or as before while it rests. */
    const saysOrRests = async (words: RegExp, rest: number): Promise<void> => {
      const rested = fixture.clock.now() - writtenAt >= rest;
      await fixture.settle();
      const now = await shown();
      if (!rested) expect(now).toBe(before);
      else expect(now).toMatch(words);
      if (now !== before) [before, writtenAt] = [now, fixture.clock.now()];
    };
    await crm.writes(asha, 'Is the blue one there?');
    const answer = await crm.answers(asha, 'Yes, in two sizes');
    await saysOrRests(/in two sizes/, 0);

    await crm.reached(asha, answer, 'delivered');
    await saysOrRests(/delivered/, restMs.status);
    await crm.writes(asha, 'The large one please');
    await saysOrRests(/large one/, restMs.message);
    await fixture.ride(restMs.message + minute);
    // What a message brings along need not be written again.
    for (const words of [/large one/, /delivered/]) expect(await shown()).toMatch(words);

    [before, writtenAt] = [await shown(), fixture.clock.now()];
    await crm.reached(asha, answer, 'read');
    await fixture.pass(restMs.status / 2);
    await saysOrRests(/read/, restMs.status);
    await fixture.ride(restMs.status + minute);
    expect(await shown()).toMatch(/read/);
  });

  test('rests as long after a write during which it changed', async () => {
    const { fixture, crm } = await setUp();
    const { restMs } = crm.connector.traits.timeline;
    const asha = somebody(1, 'Asha Rao');
    const shown = async (): Promise<string | undefined> =>
      (await crm.account.user.timeline((await crm.record()).recordId))[0]?.text;
    const answer = await crm.answers(asha, 'Yes, in two sizes');
    await crm.writes(asha, 'Is the blue one there?');
    let isTold = false;
    crm.beforeCall = async (priority) => {
      if (priority !== 'timeline' || isTold) return;
      isTold = true;
      await crm.reached(asha, answer, 'delivered');
      await fixture.process.apply();
    };
    await fixture.settle();
    expect(isTold).toBe(true);
    expect(await shown()).toMatch(/two sizes/);
    // Without a rest it is written anew at once.
    if (restMs.status > 0) expect(await shown()).not.toMatch(/delivered/);
    await fixture.ride(restMs.status + minute);
    expect(await shown()).toMatch(/delivered/);
  });
}
