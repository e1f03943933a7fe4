import { randomUUID } from 'node:crypto';
import { readStatement } from '@sangam/core/corrections';
import { describe, expect, test } from 'vitest';
import type { UserRecord } from './conformance/account.ts';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, nationalNumber, somebody, setUpFor } from './conformance/set-up.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { everyRow } from './harness/every-row.ts';
import { history, numberChange, type Person, text } from './harness/whatsapp.ts';

/** A number that was given to somebody else: the record of who had it before is not the new one's. */

const number = `91${nationalNumber(1)}`;
const another = `91${nationalNumber(9)}`;

interface Way {
  readonly asha: Person;
  readonly newcomer: Person;
  /** Asha's number afterwards. */
  readonly left: string;
  readonly happens: (fixture: CrmFixture, crm: CrmWorkspace) => Promise<void>;
}

const ways: Readonly<Record<string, Way>> = {
  'WhatsApp tells of another number of hers': {
    asha: somebody(1, 'Asha Rao'),
    newcomer: { phone: number, bsuid: 'IN.NEW', name: 'Neha Jain' },
    left: `+${another}`,
    async happens(fixture, crm) {
      const change = { phone: another, bsuid: 'IN.ASHA2' };
      await crm.receive(numberChange(somebody(1), change, 'wamid.change', fixture.clock.now()));
    },
  },
  'a member says so': {
    asha: { phone: number, name: 'Asha Rao' },
    newcomer: { phone: number, name: 'Neha Jain' },
    left: '',
    async happens(fixture, crm) {
      const { corrections } = fixture.process;
      const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
      await corrections.handOver(actor, `+${number}`, fixture.clock.now());
    },
  },
  'another user id writes from it': {
    asha: somebody(1, 'Asha Rao'),
    newcomer: { phone: number, bsuid: 'IN.NEW', name: 'Neha Jain' },
    left: '',
    happens: async () => undefined,
  },
};

const accounts = [
  ['a CRM unlike HubSpot', () => memoryAccounts().open],
  ['HubSpot', () => openHubspotAccount],
] as const;

describe.each(accounts)('at %s', (_, open) => {
  const recordOf = async (crm: CrmWorkspace, person: string): Promise<UserRecord> => {
    const found = (await crm.records()).find((record) => crm.read(record, 'first name') === person);
    if (found === undefined) throw new Error(`No record is named ${person}.`);
    return found;
  };
  const words = async (crm: CrmWorkspace, { recordId }: UserRecord): Promise<string> =>
    (await crm.account.user.timeline(recordId)).map(({ text }) => text).join('\n');

  describe.each(Object.entries(ways))('where %s', (__, { asha, newcomer, left, happens }) => {
    test.each([true, false])(
      'a phone we wrote is put right, and who has it now has a record of their own (applied apart: %s)',
      async (apart) => {
        const { fixture, crm } = await setUpFor(open())({ polled: true });
        await crm.check();
        await crm.writes(asha, 'Hers');
        await fixture.ride(hour);
        fixture.clock.advance(minute);
        await happens(fixture, crm);
        if (apart) await fixture.ride(hour);
        fixture.clock.advance(minute);
        await crm.writes(newcomer, 'From the other');
        await fixture.ride(hour);
        await crm.check();
        await fixture.ride(hour);
        expect(await crm.records()).toHaveLength(2);
        const [hers, theirs] = [await recordOf(crm, 'Asha'), await recordOf(crm, 'Neha')];
        expect(crm.read(hers, 'phone')).toBe(left);
        expect(crm.read(theirs, 'phone')).toBe(`+${number}`);
        expect(await words(crm, hers)).not.toContain('From the other');
        expect(await words(crm, theirs)).toContain('From the other');
        await crm.writes(newcomer, 'STOP');
        await fixture.ride(hour);
        expect(crm.isOptedOut(await recordOf(crm, 'Asha'))).toBe(false);
        expect(crm.isOptedOut(await recordOf(crm, 'Neha'))).toBe(true);
        expect(await crm.conflicts()).toEqual([]);
        expect(await crm.letters()).toEqual([]);
      },
    );

    test('an opt-out of before that comes late is on the record of who has it now', async () => {
      const { fixture, crm } = await setUpFor(open())({ polled: true });
      await crm.check();
      await crm.writes(asha, 'Hers');
      await fixture.ride(hour);
      const stopped = fixture.clock.now();
      fixture.clock.advance(minute);
      await happens(fixture, crm);
      fixture.clock.advance(minute);
      await crm.writes(newcomer, 'From the other');
      await fixture.ride(hour);
      expect(crm.isOptedOut(await recordOf(crm, 'Neha'))).toBe(false);
      await crm.receive(text(asha, 'wamid.late', stopped, 'STOP'));
      await fixture.ride(hour);
      expect((await crm.contactOf(newcomer)).optOut).toBe(true);
      expect(crm.isOptedOut(await recordOf(crm, 'Asha'))).toBe(true);
      expect(crm.isOptedOut(await recordOf(crm, 'Neha'))).toBe(true);
    });

    test('a phone a rep typed stays, and is a conflict', async () => {
      const { fixture, crm } = await setUpFor(open())({ polled: true });
      const typed = nationalNumber(1);
      const recordId = await crm.account.user.create(crm.valuesOf({ 'first name': 'Asha', phone: typed }));
      fixture.clock.advance(minute);
      await crm.check();
      await crm.writes(asha, 'Hers');
      await fixture.ride(hour);
      fixture.clock.advance(minute);
      await happens(fixture, crm);
      fixture.clock.advance(minute);
      await crm.writes(newcomer, 'From the other');
      await fixture.ride(hour);
      await crm.check();
      await fixture.ride(hour);
      expect(await crm.records()).toHaveLength(2);
      const [hers, theirs] = [await recordOf(crm, 'Asha'), await recordOf(crm, 'Neha')];
      expect(hers.recordId).toBe(recordId);
      expect(crm.read(hers, 'phone')).toBe(typed);
      expect(await words(crm, hers)).not.toContain('From the other');
      expect(await words(crm, theirs)).toContain('From the other');
      expect(await crm.conflicts()).toMatchObject([
        { kind: 'two records', recordIds: [theirs.recordId, recordId] },
      ]);
      expect(await crm.letters()).toEqual([]);
    });
  });
});

describe('who had it before is erased', () => {
  const recordsOf = async (crm: CrmWorkspace, name: string): Promise<string> => {
    const records = (await crm.records()).filter((record) => crm.read(record, 'first name') === name);
    const shown = await Promise.all(records.map(({ recordId }) => crm.account.user.timeline(recordId)));
    return JSON.stringify([records.map((record) => crm.isOptedOut(record)), shown]);
  };
  const erase = async (fixture: CrmFixture, crm: CrmWorkspace, person: Person): Promise<void> => {
    await crm.erase(person);
    fixture.clock.advance(minute);
    await fixture.ride(hour);
  };
  const dropped = async (fixture: CrmFixture, crm: CrmWorkspace): Promise<number> => {
    const today = new Date(fixture.clock.now()).toISOString().slice(0, 10);
    const { events } = await readStatement(fixture.store, crm.workspaceId, today, 'UTC');
    return events.parts['dropped'] ?? 0;
  };

  test.each(Object.entries(ways))(
    'what is older and shows the number alone is dropped and counted, where %s',
    async (_, { asha, newcomer, happens }) => {
      const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
      await crm.writes(asha, 'Hers');
      const herFirst = fixture.clock.now();
      await fixture.ride(hour);
      const { contactId } = await crm.contactOf(asha);
      fixture.clock.advance(hour);
      await happens(fixture, crm);
      fixture.clock.advance(minute);
      await crm.writes(newcomer, 'From the other');
      await fixture.ride(hour);
      const before = await recordsOf(crm, 'Neha');
      await fixture.process.eraser.erase({ workspaceId: crm.workspaceId, memberId: randomUUID() }, contactId);
      fixture.clock.advance(minute);
      const alone = { phone: number };
      const counted = await dropped(fixture, crm);
      await crm.receive(text(alone, 'wamid.old', herFirst - 1000, 'Before her first'));
      await crm.receive(text(alone, 'wamid.stop', herFirst + 1000, 'STOP'));
      await crm.receive(history(number, 'wamid.in', herFirst - 5000, 'Older still', 'in'));
      await crm.receive(history(number, 'wamid.out', herFirst - 4000, 'Ours to her', 'out'));
      await fixture.ride(hour);
      expect(await recordsOf(crm, 'Neha')).toBe(before);
      expect(await crm.contactOf(newcomer)).toMatchObject({ optOut: false, firstMessage: 'From the other' });
      expect((await dropped(fixture, crm)) - counted).toBe(4);
    },
  );

  test.each(Object.entries(ways))(
    'an opt-out that came with the number stays until its new holder lifts it, where %s',
    async (_, { asha, newcomer, happens }) => {
      const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
      await crm.writes(asha, 'STOP');
      await fixture.ride(hour);
      const { contactId } = await crm.contactOf(asha);
      fixture.clock.advance(hour);
      await happens(fixture, crm);
      fixture.clock.advance(minute);
      await crm.writes(newcomer, 'From the other');
      await fixture.ride(hour);
      const before = await crm.contactOf(newcomer);
      expect(before.optOut).toBe(true);
      await fixture.process.eraser.erase({ workspaceId: crm.workspaceId, memberId: randomUUID() }, contactId);
      expect(await crm.contactOf(newcomer)).toEqual(before);
      await crm.writes(newcomer, 'Still here');
      await fixture.ride(hour);
      expect(await recordsOf(crm, 'Neha')).toContain('[true]');
      await crm.writes(newcomer, 'START');
      await fixture.ride(hour);
      expect(await recordsOf(crm, 'Neha')).toContain('[false]');
    },
  );

  test.each(Object.entries(ways))(
    'an opt-out reaches who has the number next also where she is erased before they ever wrote, where %s',
    async (_, { asha, newcomer, happens }) => {
      const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
      await crm.writes(asha, 'STOP ALL');
      await fixture.ride(hour);
      const { contactId } = await crm.contactOf(asha);
      fixture.clock.advance(hour);
      await happens(fixture, crm);
      await fixture.ride(hour);
      // What the CRM still says of her is not asked.
      await crm.account.user.remove((await crm.record()).recordId);
      await fixture.process.eraser.erase({ workspaceId: crm.workspaceId, memberId: randomUUID() }, contactId);
      const left = await everyRow(fixture.store, crm.workspaceId);
      const traces = [number, another, asha.bsuid ?? 'Asha', 'IN.ASHA2', 'Asha', contactId];
      expect(traces.filter((trace) => left.includes(trace))).toEqual([]);
      fixture.clock.advance(minute);
      await crm.writes(newcomer, 'From the other');
      await fixture.ride(hour);
      expect((await crm.contactOf(newcomer)).optOut).toBe(true);
      expect(crm.isOptedOut(await crm.record())).toBe(true);
      await crm.writes(newcomer, 'START');
      await fixture.ride(hour);
      expect((await crm.contactOf(newcomer)).optOut).toBe(false);
      fixture.clock.advance(minute);
      // Who has it after them takes over what they said.
      await crm.writes({ phone: number, bsuid: 'IN.THIRD', name: 'Third' }, 'Hello');
      await fixture.ride(hour);
      expect((await crm.contactOf({ bsuid: 'IN.THIRD' })).optOut).toBe(false);
    },
  );

  test.each(Object.entries(ways))(
    'who has it next gets a record of their own also where she is erased before they ever wrote, where %s',
    async (_, { asha, newcomer, happens }) => {
      const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
      await crm.writes(asha, 'Hers');
      await fixture.ride(hour);
      const { contactId } = await crm.contactOf(asha);
      await happens(fixture, crm);
      await fixture.ride(hour);
      await fixture.process.eraser.erase({ workspaceId: crm.workspaceId, memberId: randomUUID() }, contactId);
      fixture.clock.advance(minute);
      await crm.writes(newcomer, 'From the other');
      await fixture.ride(hour);
      await crm.check();
      await fixture.ride(hour);
      expect(await crm.records()).toHaveLength(2);
      expect(await recordsOf(crm, 'Neha')).not.toContain('Hers');
      expect(await recordsOf(crm, 'Neha')).toContain('From the other');
      expect(await recordsOf(crm, 'Asha')).not.toContain('From the other');
    },
  );

  test('who comes back is opted out of nothing, and hands nothing on', async () => {
    const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
    const asha = somebody(1, 'Asha Rao');
    await crm.writes(asha, 'STOP');
    await fixture.ride(hour);
    await crm.account.user.remove((await crm.record()).recordId);
    await erase(fixture, crm, asha);
    await crm.writes({ phone: number }, 'Hello again');
    await fixture.ride(hour);
    expect((await crm.contactOf({ phone: number })).optOut).toBe(false);
    await crm.writes(asha, 'And again');
    await fixture.ride(hour);
    expect((await crm.contactOf(asha)).optOut).toBe(false);
    await crm.writes({ phone: number, bsuid: 'IN.NEW', name: 'Neha Jain' }, 'From the other');
    await fixture.ride(hour);
    expect((await crm.contactOf({ bsuid: 'IN.NEW' })).optOut).toBe(false);
  });

  test('what the newcomer wrote before we knew they had it, and shows their user id, is theirs', async () => {
    const asha = somebody(1, 'Asha Rao');
    const newcomer = { phone: number, bsuid: 'IN.NEW', name: 'Neha Jain' };
    const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
    await crm.writes(asha, 'Hers');
    fixture.clock.advance(hour);
    const stopped = fixture.clock.now();
    fixture.clock.advance(minute);
    await crm.writes(newcomer, 'From the other');
    await fixture.ride(hour);
    await erase(fixture, crm, { bsuid: asha.bsuid ?? '' });
    await crm.receive(text(newcomer, 'wamid.late', stopped, 'STOP'));
    await fixture.ride(hour);
    expect((await crm.contactOf({ bsuid: 'IN.NEW' })).optOut).toBe(true);
  });

  test('who has it now gets a record of their own, and not hers that stands in the CRM', async () => {
    const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
    const typed = nationalNumber(1);
    await crm.account.user.create(crm.valuesOf({ 'first name': 'Asha', phone: typed }));
    fixture.clock.advance(minute);
    await crm.check();
    await crm.writes(somebody(1, 'Asha Rao'), 'Hers');
    await fixture.ride(hour);
    fixture.clock.advance(minute);
    await crm.writes({ phone: number, bsuid: 'IN.NEW', name: 'Neha Jain' }, 'From the other');
    await fixture.process.apply();
    await erase(fixture, crm, { bsuid: somebody(1).bsuid ?? '' });
    expect(await recordsOf(crm, 'Asha')).not.toContain('From the other');
    expect(await recordsOf(crm, 'Neha')).toContain('From the other');
  });

  test('whoever writes from it next is not who had it before them', async () => {
    const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
    const asha = somebody(1, 'Asha Rao');
    await crm.writes(asha, 'Hers');
    fixture.clock.advance(minute);
    await crm.writes({ phone: number, bsuid: 'IN.NEW', name: 'Neha Jain' }, 'From the other');
    await fixture.ride(hour);
    const { contactId } = await crm.contactOf({ bsuid: asha.bsuid ?? '' });
    await erase(fixture, crm, { bsuid: 'IN.NEW' });
    // What is told of Asha has everything about the number looked at once more.
    const [was, is] = [{ bsuid: asha.bsuid ?? '' }, { bsuid: 'IN.ASHA2' }];
    await crm.receive(numberChange(was, is, 'wamid.rotated', fixture.clock.now()));
    await fixture.ride(hour);
    await crm.writes({ phone: number, name: 'Third' }, 'STOP');
    await fixture.ride(hour);
    expect((await crm.contactOf({ phone: number })).contactId).not.toBe(contactId);
    expect((await crm.contactOf({ bsuid: asha.bsuid ?? '' })).optOut).toBe(false);
  });
});

test.each([
  ['who never opted in', ['Hello'], true],
  ['who opted in', ['START'], false],
])('an opt-out goes on with the number from somebody %s', async (_, words, stands) => {
  const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
  await crm.writes(somebody(1, 'Asha Rao'), 'STOP');
  for (const said of words) await crm.writes({ phone: number, bsuid: 'IN.NEW', name: 'Neha Jain' }, said);
  await crm.writes({ phone: number, bsuid: 'IN.THIRD', name: 'Third' }, 'Hello');
  await fixture.ride(hour);
  const third = await crm.contactOf({ bsuid: 'IN.THIRD' });
  expect(third.optOut).toBe(stands);
  // So it stays when the one between them is erased.
  await crm.erase({ bsuid: 'IN.NEW' });
  await fixture.ride(hour);
  expect((await crm.contactOf({ bsuid: 'IN.THIRD' })).optOut).toBe(stands);
});
