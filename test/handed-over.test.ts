import { randomUUID } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { UserRecord } from './conformance/account.ts';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, nationalNumber, somebody, stageFor } from './conformance/stage.ts';
import type { CrmWorld } from './harness/crm-world.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { numberChange, type Person } from './harness/whatsapp.ts';

/** A number that was given to somebody else: the record of who had it before is not the new one's. */

const number = `91${nationalNumber(1)}`;
const another = `91${nationalNumber(9)}`;

interface Way {
  readonly asha: Person;
  readonly newcomer: Person;
  /** Asha's number afterwards. */
  readonly left: string;
  readonly happens: (world: CrmWorld, crm: CrmWorkspace) => Promise<void>;
}

const ways: Readonly<Record<string, Way>> = {
  'WhatsApp tells of another number of hers': {
    asha: somebody(1, 'Asha Rao'),
    newcomer: { phone: number, bsuid: 'IN.NEW', name: 'Neha Jain' },
    left: `+${another}`,
    async happens(world, crm) {
      const change = { phone: another, bsuid: 'IN.ASHA2' };
      await crm.receive(numberChange(somebody(1), change, 'wamid.change', world.clock.now()));
    },
  },
  'a member says so': {
    asha: { phone: number, name: 'Asha Rao' },
    newcomer: { phone: number, name: 'Neha Jain' },
    left: '',
    async happens(world, crm) {
      const { putRight } = world.process;
      const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
      await putRight.handOver(actor, `+${number}`, world.clock.now());
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
        const { world, crm } = await stageFor(open())({ polled: true });
        await crm.check();
        await crm.writes(asha, 'Hers');
        await world.ride(hour);
        world.clock.advance(minute);
        await happens(world, crm);
        if (apart) await world.ride(hour);
        world.clock.advance(minute);
        await crm.writes(newcomer, 'From the other');
        await world.ride(hour);
        await crm.check();
        await world.ride(hour);
        expect(await crm.records()).toHaveLength(2);
        const [hers, theirs] = [await recordOf(crm, 'Asha'), await recordOf(crm, 'Neha')];
        expect(crm.read(hers, 'phone')).toBe(left);
        expect(crm.read(theirs, 'phone')).toBe(`+${number}`);
        expect(await words(crm, hers)).not.toContain('From the other');
        expect(await words(crm, theirs)).toContain('From the other');
        await crm.writes(newcomer, 'STOP');
        await world.ride(hour);
        expect(crm.isOptedOut(await recordOf(crm, 'Asha'))).toBe(false);
        expect(crm.isOptedOut(await recordOf(crm, 'Neha'))).toBe(true);
        expect(await crm.conflicts()).toEqual([]);
        expect(await crm.letters()).toEqual([]);
      },
    );

    test('a phone a rep typed stays, and is a conflict', async () => {
      const { world, crm } = await stageFor(open())({ polled: true });
      const typed = nationalNumber(1);
      const recordId = await crm.account.user.create(crm.valuesOf({ 'first name': 'Asha', phone: typed }));
      world.clock.advance(minute);
      await crm.check();
      await crm.writes(asha, 'Hers');
      await world.ride(hour);
      world.clock.advance(minute);
      await happens(world, crm);
      world.clock.advance(minute);
      await crm.writes(newcomer, 'From the other');
      await world.ride(hour);
      await crm.check();
      await world.ride(hour);
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
