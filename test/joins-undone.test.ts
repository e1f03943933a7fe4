import { changeTags, createCorrections, type Corrections } from '@sangam/core/corrections';
import { findContact, keptLinks, linksOfContacts, listConflicts } from '@sangam/core/store';
import { beforeEach, describe, expect, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { day, hour, minute, nationalNumber, setUpFor } from './conformance/set-up.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import { type MemoryCrm, memoryFields } from './harness/memory-crm/index.ts';
import { numberChange, type Person, text } from './harness/whatsapp.ts';

/** Two contacts joined by hand, and the join taken back: each has what they had, and what came meanwhile of their own. */

const asha: Person = { phone: `91${nationalNumber(1)}`, name: 'Asha' };
const ravi: Person = { phone: `91${nationalNumber(2)}`, name: 'Ravi' };
const meera: Person = { bsuid: 'IN.MEERA', name: 'Meera' };

let fixture: CrmFixture;
let crm: CrmWorkspace;
let vendor: MemoryCrm;
let corrections: Corrections;
beforeEach(async () => {
  const accounts = memoryAccounts();
  ({ fixture, crm } = await setUpFor(accounts.open)());
  vendor = accounts.opened().crm;
  corrections = fixture.process.corrections;
});

const actor = (): { workspaceId: string; memberId: string } => ({
  workspaceId: crm.workspaceId,
  memberId: '6a1a4d6a-0000-4000-8000-000000000001',
});
const idOf = async (person: Person): Promise<string> => (await crm.contactOf(person)).contactId;
const known = async (person: Person): Promise<boolean> =>
  crm.contactOf(person).then(
    () => true,
    () => false,
  );
const settle = (): Promise<void> => fixture.ride(hour);

/** They write in turn, each gets a record; their ids as the CRM has them. */
async function meet(...people: readonly Person[]): Promise<string[]> {
  const ids: string[] = [];
  for (const person of people) {
    await crm.writes(person, `Hello from ${person.name ?? ''}`);
    await settle();
    ids.push(await idOf(person));
  }
  return ids;
}
async function join(a: string, b: string): Promise<string> {
  const decisionId = await corrections.join(actor(), a, b);
  await settle();
  return decisionId;
}
async function undo(decisionId: string): Promise<void> {
  await corrections.undo(actor(), decisionId);
  await settle();
}

const recordOf = (contactId: string): { recordId: string; values: Readonly<Record<string, string>> } => {
  const [record, ...others] = vendor.user
    .list()
    .filter(({ values }) => values[memoryFields.key] === contactId);
  if (record === undefined || others.length > 0) throw new Error(`Not one record of ${contactId}.`);
  return record;
};
const shown = (contactId: string): string =>
  vendor.user
    .timeline(recordOf(contactId).recordId)
    .map((entry) => entry.text)
    .join('\n');
const optedOut = (contactId: string): boolean => crm.isOptedOut(recordOf(contactId));

describe('the id that stands in the CRM', () => {
  test('erases its own person, and nobody else', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    await undo(await join(ashas, ravis));
    expect(recordOf(ravis).values[memoryFields.phone]).toContain(nationalNumber(2));
    await fixture.process.eraser.erase(actor(), ravis);
    expect([await known(asha), await known(ravi)]).toEqual([true, false]);
  });

  test.each([
    ['wrote first, in the same second', 0],
    ['wrote long before we heard of it', -hour],
  ])('stays with its person where the younger contact %s', async (_when, earlier) => {
    await crm.receive(text(asha, 'w1', fixture.clock.now(), 'First heard'));
    await settle();
    await crm.receive(
      text(ravi, 'w2', fixture.clock.now() - (fixture.clock.now() % 1000) + earlier, 'Heard later'),
    );
    await settle();
    const [ashas, ravis] = [await idOf(asha), await idOf(ravi)];
    await undo(await join(ashas, ravis));
    expect([await idOf(asha), await idOf(ravi)]).toEqual([ashas, ravis]);
    expect(shown(ashas)).toContain('First heard');
    expect(shown(ashas)).not.toContain('Heard later');
    expect(shown(ravis)).toContain('Heard later');
  });

  test('is taken for what was said of it: tags go with it, whenever they were given', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    await crm.tag(ravi, ['before']);
    await settle();
    const joined = await join(ashas, ravis);
    expect((await crm.contactOf(ravi)).tags).toEqual(['before']);
    await crm.transact((trx) =>
      changeTags(
        trx,
        actor().memberId,
        { contactId: ravis, add: ['meanwhile'], remove: [] },
        fixture.clock.now(),
      ),
    );
    await undo(joined);
    expect((await crm.contactOf(asha)).tags).toEqual([]);
    expect((await crm.contactOf(ravi)).tags).toEqual(['before', 'meanwhile']);
    expect(crm.tagsOf(recordOf(ashas))).toEqual([]);
    expect(crm.tagsOf(recordOf(ravis))).toEqual(['before', 'meanwhile']);
  });
});

describe('an opt-out', () => {
  test.each(['before', 'during', 'after'])(
    'of one, written %s the join, is on no record of the other',
    async (when) => {
      const [ashas = '', ravis = ''] = await meet(asha, ravi);
      const stop = async (at: string): Promise<void> => {
        if (when === at) await crm.writes(ravi, 'STOP');
        await settle();
      };
      await stop('before');
      const joined = await join(ashas, ravis);
      await stop('during');
      if (when !== 'after') expect([optedOut(ashas), optedOut(ravis)]).toEqual([true, true]);
      await undo(joined);
      await stop('after');
      expect([optedOut(ashas), optedOut(ravis)]).toEqual([false, true]);
      await crm.writes(asha, 'STOP');
      await crm.writes(ravi, 'START');
      await settle();
      expect([optedOut(ashas), optedOut(ravis)]).toEqual([true, false]);
    },
  );

  test('somebody set on the record of the younger goes with that record', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const joined = await join(ashas, ravis);
    vendor.user.update(recordOf(ravis).recordId, crm.valuesOf({ 'opt-out': { kind: 'flag', set: true } }));
    await crm.poll();
    await crm.check();
    await settle();
    expect([optedOut(ashas), optedOut(ravis)]).toEqual([true, true]);
    await undo(joined);
    expect([optedOut(ashas), optedOut(ravis)]).toEqual([false, true]);
  });
});

describe('a conflict of two records', () => {
  test('that the join opened closes with it, and opens again when they are joined again', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    for (const time of ['first', 'again']) {
      const joined = await join(ashas, ravis);
      expect(await crm.conflicts(), time).toMatchObject([{ kind: 'two records', contactId: ashas }]);
      await undo(joined);
      expect(await crm.conflicts()).toEqual([]);
      const [closed] = await crm.transact((trx) => listConflicts(trx, { limit: 1 }));
      expect(closed, 'nobody accepted it').toMatchObject({
        state: 'ended',
        explanation: expect.stringMatching(/Closed by itself: .* taken apart/),
      });
    }
    expect([await idOf(asha), await idOf(ravi)]).toEqual([ashas, ravis]);
  });

  test('of one’s record alone goes with it to its person', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const joined = await join(ashas, ravis);
    vendor.user.remove(recordOf(ashas).recordId);
    await crm.poll();
    await crm.writes(ravi, 'STOP');
    await settle();
    const { recordId } = recordOf(ravis);
    fixture.clock.advance(minute);
    vendor.user.update(recordId, crm.valuesOf({ 'opt-out': { kind: 'flag', set: false } }));
    await crm.check();
    await settle();
    const about = async () =>
      (await crm.conflicts())
        .filter(({ kind }) => kind === 'opt-out cleared')
        .map(({ contactId, recordIds }) => [contactId, ...recordIds]);
    expect(await about()).toEqual([[ashas, recordId]]);
    await undo(joined);
    expect(await about()).toEqual([[ravis, recordId]]);
  });

  test('decided meanwhile is undone before the join is', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const joined = await join(ashas, ravis);
    const [conflict] = await crm.conflicts();
    const ravisRecord = recordOf(ravis).recordId;
    const accepted = await corrections.acceptConflict(actor(), conflict?.conflictId ?? '', ravisRecord);
    await settle();
    await expect(corrections.undo(actor(), joined)).rejects.toMatchObject({ code: 'later_decision' });
    await undo(accepted);
    await undo(joined);
    await crm.writes(asha, 'Asha again');
    await crm.writes(ravi, 'Ravi again');
    await settle();
    expect(shown(ashas)).toContain('Asha again');
    expect(shown(ashas)).not.toContain('Ravi');
    expect(shown(ravis)).toContain('Ravi again');
    expect(shown(ravis)).not.toContain('Asha');
  });

  test('a link changed before the join is undone after it', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const { recordId } = recordOf(ravis);
    const { connectionId } = crm;
    const parted = await corrections.unlink(actor(), { connectionId, contactId: ravis, recordId });
    await settle();
    const joined = await join(ashas, ravis);
    await expect(corrections.undo(actor(), parted)).rejects.toMatchObject({ code: 'later_decision' });
    await undo(joined);
    await undo(parted);
    await crm.writes(ravi, 'Ravi again');
    await settle();
    expect(
      vendor.user
        .timeline(recordId)
        .map((entry) => entry.text)
        .join('\n'),
    ).toContain('Ravi again');
  });
});

describe('a record of both', () => {
  const phoneOf = ({ phone = '' }: Person): string => `+${phone}`;

  test('that one of them was parted from is theirs while they are one, and the other’s afterwards', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const { connectionId } = crm;
    const { recordId } = recordOf(ravis);
    vendor.user.update(recordId, { [memoryFields.mobile]: phoneOf(asha) });
    await crm.check();
    await settle();
    await corrections.unlink(actor(), { connectionId, contactId: ashas, recordId });
    const joined = await join(ashas, ravis);
    expect((await crm.conflicts()).map(({ recordIds }) => recordIds.toSorted())).toEqual([
      [recordOf(ashas).recordId, recordId].toSorted(),
    ]);
    await undo(joined);
    const partedFrom = async (contactId: string): Promise<string[]> =>
      (await crm.transact((trx) => keptLinks(trx, connectionId, contactId)))
        .filter(({ partedAt }) => partedAt !== null)
        .map((link) => link.recordId);
    expect([await partedFrom(ashas), await partedFrom(ravis)]).toEqual([[recordId], []]);
  });

  test('that was typed for one of them takes the place of their own, where that was deleted', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const joined = await join(ashas, ravis);
    vendor.user.remove(recordOf(ravis).recordId);
    const recordId = vendor.user.create({ FirstName: 'Typed', [memoryFields.phone]: phoneOf(ravi) });
    await crm.check();
    await settle();
    expect(vendor.user.timeline(recordId)).toEqual([]);
    await undo(joined);
    expect(vendor.user.timeline(recordId)).toMatchObject([{ text: 'Hello from Ravi' }]);
    const linked = await crm.transact((trx) => linksOfContacts(trx, crm.connectionId, [ravis]));
    expect(linked.filter(({ primary }) => primary)).toMatchObject([{ recordId }]);
  });

  test('does not keep from one what the CRM did not take of the other', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const joined = await join(ashas, ravis);
    vendor.judge = (item, values) =>
      'Tags' in values
        ? { item, outcome: 'refused', field: 'Tags', code: 'invalid', explanation: 'No such tag.' }
        : undefined;
    await crm.tag(ravi, ['vip']);
    await settle();
    expect(crm.tagsOf(recordOf(ashas))).toEqual([]);
    vendor.judge = undefined;
    await corrections.undo(actor(), joined);
    await crm.tag(asha, ['vip']);
    await settle();
    expect(crm.tagsOf(recordOf(ashas))).toEqual(['vip']);
  });
});

describe('what happened meanwhile', () => {
  test('stands with whom it came from: messages, and a number that changed', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const joined = await join(ashas, ravis);
    await crm.writes(ravi, 'Ravi meanwhile');
    await settle();
    expect(shown(ashas)).toContain('Ravi meanwhile');
    const moved: Person = { phone: `91${nationalNumber(9)}`, name: 'Ravi' };
    await crm.receive(numberChange(ravi, moved, 'change', fixture.clock.now()));
    await crm.writes(moved, 'Ravi on his new number');
    await settle();
    await undo(joined);
    expect(await idOf(moved)).toBe(ravis);
    expect(shown(ashas)).not.toContain('Ravi');
    expect(shown(ravis)).toMatch(/Ravi meanwhile[^]*Ravi on his new number/);
  });

  test('is nothing, where the join was taken back before anybody applied it', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const decisionId = await corrections.join(actor(), ashas, ravis);
    await undo(decisionId);
    expect([await idOf(asha), await idOf(ravi)]).toEqual([ashas, ravis]);
    await undo(await join(ashas, ravis));
    const again = await corrections.join(actor(), ravis, ashas);
    await settle();
    expect(await idOf(ravi)).toBe(ashas);
    await undo(again);
    expect([await idOf(asha), await idOf(ravi)]).toEqual([ashas, ravis]);
  });

  test('joined again before the undo was applied, they are one', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const first = await join(ashas, ravis);
    await corrections.undo(actor(), first);
    const second = await corrections.join(actor(), ashas, ravis);
    await settle();
    expect(await idOf(ravi)).toBe(ashas);
    await undo(second);
    expect(await idOf(ravi)).toBe(ravis);
  });

  test('decided, taken back and decided again within one millisecond, they are one', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const at = fixture.clock.now();
    const still = createCorrections({
      store: fixture.store,
      clock: { now: () => at },
      connectors: { of: () => Promise.reject(new Error('Nobody is asked.')), forget: () => undefined },
    });
    await still.undo(actor(), await still.join(actor(), ashas, ravis));
    const again = await still.join(actor(), ashas, ravis);
    await settle();
    expect(await idOf(ravi)).toBe(ashas);
    await undo(again);
    expect(await idOf(ravi)).toBe(ravis);
  });

  test('a number handed over, taken back and handed over again at one time is somebody else’s', async () => {
    const [ashas = ''] = await meet(asha);
    fixture.clock.advance(minute);
    const phone = `+${asha.phone ?? ''}`;
    const from = fixture.clock.now();
    await corrections.undo(actor(), await corrections.handOver(actor(), phone, from));
    const again = await corrections.handOver(actor(), phone, from);
    await settle();
    fixture.clock.advance(minute);
    await crm.writes({ ...asha, name: 'Neha' }, 'From the other');
    await settle();
    expect(await idOf(asha)).not.toBe(ashas);
    await undo(again);
    expect(await idOf(asha)).toBe(ashas);
  });

  test('erasing the one they were erases both, and leaves nothing to undo', async () => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    const joined = await join(ashas, ravis);
    await fixture.process.eraser.erase(actor(), ravis);
    await corrections.undo(actor(), joined).catch(() => undefined);
    await settle();
    expect([await known(asha), await known(ravi)]).toEqual([false, false]);
    expect(await crm.letters()).toEqual([]);
    expect(await crm.transact((trx) => findContact(trx, { contactId: ashas }))).toBeUndefined();
  });
});

describe('a join of somebody whose number is another’s by now', () => {
  const neha: Person = { phone: `91${nationalNumber(1)}`, name: 'Neha' };
  const moved: Person = { phone: `91${nationalNumber(9)}`, name: 'Asha' };
  const ways: Readonly<Record<string, (since: number) => Promise<unknown>>> = {
    'a member says so': (since) => corrections.handOver(actor(), `+${asha.phone ?? ''}`, since),
    'WhatsApp tells of her other number': (since) =>
      crm.receive(numberChange(asha, moved, 'wamid.change', since)),
  };

  test.each(Object.entries(ways))('is with her, not with them, where %s late', async (_, tell) => {
    const [ashas = '', ravis = ''] = await meet(asha, ravi);
    fixture.clock.advance(minute);
    const since = fixture.clock.now();
    fixture.clock.advance(minute);
    await join(ashas, ravis);
    fixture.clock.advance(minute);
    await tell(since);
    await settle();
    await crm.writes(neha, 'From the other');
    await crm.writes(neha, 'STOP');
    await settle();
    expect(await idOf(ravi)).toBe(ashas);
    expect(await idOf(neha)).not.toBe(ashas);
    expect([(await crm.contactOf(ravi)).optOut, (await crm.contactOf(neha)).optOut]).toEqual([false, true]);
    expect(shown(ashas)).toContain('Hello from Asha');
    expect(shown(ashas)).not.toContain('From the other');
  });

  test('is made and undone by what founded her, where she has no number any more', async () => {
    const [ashas = ''] = await meet(asha);
    fixture.clock.advance(minute);
    await corrections.handOver(actor(), `+${asha.phone ?? ''}`, fixture.clock.now());
    fixture.clock.advance(minute);
    await crm.writes(neha, 'From the other');
    await settle();
    const nehas = await idOf(neha);
    const joined = await join(ashas, nehas);
    expect(await idOf(neha)).toBe(ashas);
    await undo(joined);
    expect(await idOf(neha)).toBe(nehas);
    expect(shown(ashas)).not.toContain('From the other');
    expect(shown(nehas)).not.toContain('Hello from Asha');
  });
});

test('a join decided when both had one time is undone all the same', async () => {
  const [ashas = '', ravis = ''] = await meet(asha, ravi);
  const joined = await join(ashas, ravis);
  await fixture.database.query(
    `update decisions set subject = convert_to(
       jsonb_set(held, '{evidence,0}', (held #> '{evidence,0}') - 'aAt' - 'bAt')::text, 'utf8')
     from (select decision_id, convert_from(subject, 'utf8')::jsonb as held from decisions) d
     where decisions.decision_id = d.decision_id`,
  );
  expect(await idOf(ravi)).toBe(ashas);
  await undo(joined);
  expect(await idOf(ravi)).toBe(ravis);
});

describe('a number that was written while they were one', () => {
  test('leaves the record of somebody who has none, and the other’s opt-out with it', async () => {
    const [meeras = '', ashas = ''] = await meet(meera, asha);
    const joined = await join(meeras, ashas);
    expect(recordOf(meeras).values[memoryFields.phone]).toContain(nationalNumber(1));
    await undo(joined);
    expect(recordOf(meeras).values[memoryFields.phone] ?? '').toBe('');
    await crm.writes(asha, 'STOP');
    await settle();
    expect([optedOut(meeras), optedOut(ashas)]).toEqual([false, true]);
  });

  test('that a person typed stays', async () => {
    const [meeras = '', ashas = ''] = await meet(meera, asha);
    const joined = await join(meeras, ashas);
    vendor.user.update(recordOf(meeras).recordId, { [memoryFields.phone]: '' });
    await settle();
    vendor.user.update(recordOf(meeras).recordId, {
      [memoryFields.phone]: `+91 ${nationalNumber(1)}`,
    });
    await settle();
    await undo(joined);
    expect(recordOf(meeras).values[memoryFields.phone]).toBe(`+91 ${nationalNumber(1)}`);
  });
});

describe('of three joined in two steps', () => {
  test.each([
    ['the first', 0],
    ['the second', 1],
  ])('%s join undone leaves the other', async (_which, place) => {
    const ids = await meet(asha, ravi, meera);
    const [ashas = '', ravis = '', meeras = ''] = ids;
    const joins = [await join(ashas, ravis), await join(ravis, meeras)];
    expect(await idOf(meera)).toBe(ashas);
    await undo(joins[place] ?? '');
    expect([await idOf(asha), await idOf(ravi), await idOf(meera)]).toEqual(
      place === 0 ? [ashas, ravis, ravis] : [ashas, ashas, meeras],
    );
    expect(await crm.conflicts()).toMatchObject([{ contactId: place === 0 ? ravis : ashas }]);
    await undo(joins[1 - place] ?? '');
    expect([await idOf(asha), await idOf(ravi), await idOf(meera)]).toEqual(ids);
    expect(await crm.conflicts()).toEqual([]);
    for (const [index, name] of ['Asha', 'Ravi', 'Meera'].entries())
      expect(shown(ids[index] ?? '')).toBe(`Hello from ${name}`);
    await fixture.ride(minute);
  });
});

describe('a number of theirs that we wrote on the other’s record, whose own was deleted', () => {
  test('says nothing of whose that is while it cannot be put right', async () => {
    const [meeras = '', ravis = ''] = await meet(meera, ravi);
    const decisionId = await join(meeras, ravis);
    vendor.user.remove(recordOf(ravis).recordId);
    await crm.check();
    await settle();
    const { recordId, values } = recordOf(meeras);
    expect(values[memoryFields.phone]).toContain(nationalNumber(2));
    vendor.locked.add(recordId);
    await corrections.undo(actor(), decisionId);
    await crm.writes(ravi, 'STOP');
    await fixture.settle();
    vendor.locked.delete(recordId);
    await settle();
    expect(recordOf(meeras).values[memoryFields.phone]).toBe('');
    expect([optedOut(meeras), optedOut(ravis)]).toEqual([false, true]);
    expect(shown(meeras)).not.toContain('Ravi');
    expect(await crm.conflicts()).toEqual([]);
  });

  test('says nothing of it where the CRM makes no second record with a number', async () => {
    const account = memoryAccounts({ twins: 'refuse and name the holder' });
    ({ fixture, crm } = await setUpFor(account.open)());
    vendor = account.opened().crm;
    corrections = fixture.process.corrections;
    const [meeras = '', ravis = ''] = await meet(meera, ravi);
    const decisionId = await join(meeras, ravis);
    vendor.user.remove(recordOf(ravis).recordId);
    await crm.check();
    await settle();
    const { recordId } = recordOf(meeras);
    vendor.locked.add(recordId);
    await corrections.undo(actor(), decisionId);
    await crm.writes(ravi, 'Here again');
    await fixture.settle();
    expect(vendor.user.list()).toHaveLength(1);
    vendor.locked.delete(recordId);
    await fixture.ride(day);
    expect(recordOf(meeras).values[memoryFields.phone]).toBe('');
    expect(shown(ravis)).toContain('Here again');
    expect(shown(meeras)).not.toContain('Here again');
    expect(await crm.conflicts()).toEqual([]);
    expect(await crm.letters()).toEqual([]);
  });

  test('says nothing of it to a look before it was put right', async () => {
    ({ fixture, crm } = await setUpFor((clock) => openHubspotAccount(clock))({ webhooks: true }));
    corrections = fixture.process.corrections;
    await crm.check();
    const ride = async (): Promise<void> => {
      fixture.clock.advance(minute);
      await settle();
    };
    const [a, r] = [
      { ...asha, bsuid: 'IN.ASHA' },
      { ...ravi, bsuid: 'IN.RAVI' },
    ];
    const [ashas = '', ravis = ''] = await meet(a, r);
    const named = async (name: string) =>
      (await crm.records()).find((record) => crm.read(record, 'first name') === name);
    const own = await named('Ravi');
    const decisionId = await join(ashas, ravis);
    await ride();
    await crm.account.user.remove(own?.recordId ?? '');
    await ride();
    await crm.check();
    await crm.writes(a, 'a-second');
    await crm.writes(r, 'r-second');
    await ride();
    expect(JSON.stringify(await crm.record())).toContain(nationalNumber(2));
    await corrections.undo(actor(), decisionId);
    await crm.check();
    await ride();
    await crm.writes(r, 'STOP');
    await ride();
    expect((await crm.records()).length).toBe(2);
    expect([crm.isOptedOut(await named('Asha')), crm.isOptedOut(await named('Ravi'))]).toEqual([false, true]);
    const { recordId = '' } = (await named('Asha')) ?? {};
    const texts = (await crm.account.user.timeline(recordId)).map((entry) => entry.text).join('\n');
    expect(texts).toContain('a-second');
    expect(texts).not.toContain('r-second');
    expect(await crm.conflicts()).toEqual([]);
  });
});
