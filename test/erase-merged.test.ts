import { expect, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, setUpFor, somebody } from './conformance/set-up.ts';
import { everyRow } from './harness/every-row.ts';
import { numberChange } from './harness/whatsapp.ts';

/** Somebody is erased whose record went, or goes, into another’s: what it carried along is no change of anybody’s. */

const asha = somebody(1, 'Asha Rao');
const bela = { ...somebody(2), name: 'Bela' };

test.each([
  ['at once', 'before'],
  ['late', 'before'],
  ['late', 'after'],
] as const)(
  'told %s, of who was erased %s the merge: names, choices and tags alike',
  async (told, erased) => {
    const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
    await crm.check();
    await crm.writes(bela, 'Hello');
    await crm.writes(asha, 'A secret of mine');
    await fixture.ride(hour);
    await crm.tag(asha, ['hers']);
    await fixture.ride(hour);
    const records = await crm.records();
    const [ofAsha, ofBela] = ['Asha', 'Bela'].map((name) =>
      records.find((record) => crm.read(record, 'first name') === name),
    );
    fixture.clock.advance(minute);
    if (told === 'late') crm.deaf = true;
    if (erased === 'before') await crm.erase(asha);
    await crm.account.user.merge(ofBela?.recordId ?? '', ofAsha?.recordId ?? '');
    await fixture.ride(hour);
    // Their records are read by the way, so that what was known of the merge before it is told of is seen to give way.
    await crm.writes(bela, 'Still here');
    await crm.tag(bela, ['vip']);
    await fixture.ride(hour);
    if (erased === 'after') await crm.erase(asha);
    await fixture.ride(hour);
    crm.deaf = false;
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    await crm.check();
    await fixture.ride(hour);
    const merged = await crm.record();
    expect([crm.read(merged, 'first name'), crm.read(merged, 'last name')]).toEqual(['Bela', '']);
    expect(await crm.occurrences()).toEqual([]);
    const left = await everyRow(fixture.store, crm.workspaceId);
    expect(
      [asha.phone ?? '', 'Asha', 'Rao', 'secret of mine'].filter((trace) => left.includes(trace)),
    ).toEqual([]);
  },
);

test.each([
  ['a CRM unlike HubSpot', () => memoryAccounts().open],
  ['HubSpot', () => openHubspotAccount],
] as const)(
  'who comes back is found at %s on the record theirs went into, of which nobody had told: what stood before is gone',
  async (_, open) => {
    const { fixture, crm } = await setUpFor(open())({ polled: true });
    await crm.writes(asha, 'A secret of mine');
    await fixture.ride(hour);
    const theirs = await crm.record();
    const other = await crm.account.user.create(crm.valuesOf({ 'first name': 'Typed' }));
    await fixture.ride(hour);
    await crm.check();
    crm.deaf = true;
    fixture.clock.advance(minute);
    await crm.account.user.merge(theirs.recordId, other);
    await crm.erase(asha);
    fixture.clock.advance(minute);
    await crm.writes(asha, 'Back again');
    await fixture.pass(hour);
    crm.deaf = false;
    await fixture.ride(hour);
    expect(crm.read(await crm.record(), 'first message')).toBe('Back again');
    const left = await everyRow(fixture.store, crm.workspaceId);
    expect(left).not.toContain('secret of mine');
    expect([await crm.occurrences(), await crm.letters(), await crm.conflicts()]).toEqual([[], [], []]);
  },
);

test('what was written to their record by an id they had then is not known of the one it went into either', async () => {
  const { fixture, crm } = await setUpFor(memoryAccounts().open)({ polled: true });
  await crm.writes(bela, 'Hello');
  await crm.writes(asha, 'A secret of mine');
  await fixture.ride(hour);
  const records = await crm.records();
  const [ofBela = '', ofAsha = ''] = ['Bela', 'Asha'].map(
    (name) => records.find((record) => crm.read(record, 'first name') === name)?.recordId,
  );
  await crm.account.user.merge(ofBela, ofAsha);
  await fixture.settle();
  await crm.account.user.remove(ofBela);
  const moved = { ...asha, bsuid: 'IN.ASHA7', phone: somebody(7).phone ?? '' };
  fixture.clock.advance(minute);
  await crm.receive(numberChange(asha, moved, 'wamid.moved', fixture.clock.now()));
  await crm.writes(moved, 'Another secret of mine');
  await fixture.settle();
  await crm.erase(moved);
  const left = await everyRow(fixture.store, crm.workspaceId);
  expect([asha.bsuid ?? '', 'Rao', 'secret of mine'].filter((trace) => left.includes(trace))).toEqual([]);
});
