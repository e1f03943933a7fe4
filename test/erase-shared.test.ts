import { randomUUID } from 'node:crypto';
import { linkByPhone, listErasures } from '@sangam/core/store';
import { describe, expect, test } from 'vitest';
import type { UserRecord } from './conformance/account.ts';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, somebody, setUpFor } from './conformance/set-up.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { everyRow } from './harness/every-row.ts';
import { memoryFields } from './harness/memory-crm/index.ts';
import { numberChange } from './harness/whatsapp.ts';

/** Of two people on one record one is erased: the other's record says what it says of them alone. */

const asha = somebody(1, 'Asha Rao');
const bela = somebody(2, 'Bela Sen');
const theirs = [asha.phone ?? '', asha.bsuid ?? '', 'Asha', 'Rao', 'secret of mine'];

const accounts = [
  ['a CRM unlike HubSpot', () => memoryAccounts().open],
  ['HubSpot', () => openHubspotAccount],
] as const;

describe.each(accounts)('at %s', (_, open) => {
  const stage = async (): Promise<{ fixture: CrmFixture; crm: CrmWorkspace }> =>
    setUpFor(open())({ polled: true });

  const recordOf = async (crm: CrmWorkspace, name: string): Promise<UserRecord> => {
    const found = (await crm.records()).find((record) => crm.read(record, 'first name') === name);
    if (found === undefined) throw new Error(`No record is named ${name}.`);
    return found;
  };

  /** Both write, and their records are merged in the CRM. */
  const sharing = async (named: 'Asha' | 'Bela') => {
    const { fixture, crm } = await stage();
    await crm.writes(bela, 'Hello');
    await crm.writes(asha, 'A secret of mine');
    await fixture.ride(hour);
    await crm.check();
    const [ofAsha, ofBela] = [await recordOf(crm, 'Asha'), await recordOf(crm, 'Bela')];
    const [into, from] = named === 'Asha' ? [ofAsha, ofBela] : [ofBela, ofAsha];
    fixture.clock.advance(minute);
    await crm.account.user.merge(into.recordId, from.recordId);
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    return { fixture, crm };
  };

  const belasAlone = async (fixture: CrmFixture, crm: CrmWorkspace): Promise<UserRecord> => {
    await fixture.ride(hour);
    await crm.check();
    await fixture.ride(hour);
    const record = await crm.record();
    const { contactId } = await crm.contactOf(bela);
    expect(record.values[crm.connector.traits.contactIdField]).toBe(contactId);
    expect(await crm.letters()).toEqual([]);
    expect(await crm.conflicts()).toEqual([]);
    const said = JSON.stringify([record, await everyRow(fixture.store, crm.workspaceId)]);
    expect(theirs.filter((trace) => said.includes(trace))).toEqual([]);
    const { rows } = await fixture.database.query<{ hashed: string }>(
      'select record_id, gone from crm_records where erased_values is not null',
    );
    expect(rows).toEqual([]);
    return record;
  };

  test('an opt-out that was theirs alone is lifted, and nothing of theirs is kept', async () => {
    const { fixture, crm } = await sharing('Bela');
    await crm.writes(asha, 'STOP');
    await fixture.ride(hour);
    expect(crm.isOptedOut(await crm.record())).toBe(true);
    const before = await crm.contactOf(bela);
    await crm.erase(asha);
    const left = await everyRow(fixture.store, crm.workspaceId);
    expect(theirs.filter((trace) => left.includes(trace))).toEqual([]);
    const record = await belasAlone(fixture, crm);
    expect(crm.isOptedOut(record)).toBe(false);
    expect(crm.read(record, 'opt-out time')).toBe('');
    expect(crm.read(record, 'first name')).toBe('Bela');
    expect(await crm.contactOf(bela)).toEqual({ ...before, windowState: expect.anything() });
  });

  test('the other’s own opt-out stays', async () => {
    const { fixture, crm } = await sharing('Bela');
    await crm.writes(asha, 'STOP');
    await crm.writes(bela, 'STOP');
    await fixture.ride(hour);
    await crm.erase(asha);
    expect(crm.isOptedOut(await belasAlone(fixture, crm))).toBe(true);
  });

  test('their tags go, and are not taken for what somebody typed', async () => {
    const { fixture, crm } = await sharing('Bela');
    await crm.tag(asha, ['hers']);
    await crm.tag(bela, ['vip']);
    await fixture.ride(hour);
    expect(crm.tagsOf(await crm.record())).toEqual(['hers', 'vip']);
    await crm.erase(asha);
    expect(crm.tagsOf(await belasAlone(fixture, crm))).toEqual(['vip']);
    expect((await crm.contactOf(bela)).tags).toEqual(['vip']);
  });

  test('a record that was named by them is known by the other from then on', async () => {
    const { fixture, crm } = await sharing('Asha');
    await crm.writes(asha, 'STOP');
    await fixture.ride(hour);
    await crm.erase(asha);
    const left = await everyRow(fixture.store, crm.workspaceId);
    expect(theirs.filter((trace) => left.includes(trace))).toEqual([]);
    const record = await belasAlone(fixture, crm);
    expect(crm.isOptedOut(record)).toBe(false);
    const says = (['first name', 'last name', 'phone', 'first message'] as const).map((source) =>
      crm.read(record, source),
    );
    expect(says).toEqual(['Bela', 'Sen', `+${bela.phone ?? ''}`, 'Hello']);
    expect(crm.read(record, 'bsuid')).toBe(bela.bsuid);
    const lastWords = fixture.clock.now();
    await crm.writes(bela, 'Still here');
    await fixture.ride(hour);
    expect(crm.timeOf(await crm.record(), 'last activity')).toBeGreaterThanOrEqual(lastWords);
  });

  test('what a person typed of them stays, and what we wrote gives way to nothing where the other has none', async () => {
    const { fixture, crm } = await stage();
    const short = { ...bela, name: 'Bela' };
    await crm.writes(short, 'Hello');
    await crm.writes(asha, 'A secret of mine');
    await fixture.ride(hour);
    await crm.check();
    const [into, from] = [await recordOf(crm, 'Asha'), await recordOf(crm, 'Bela')];
    fixture.clock.advance(minute);
    await crm.account.user.merge(into.recordId, from.recordId);
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    await crm.account.user.update(into.recordId, crm.valuesOf({ 'first name': 'Asha (typed)' }));
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    await crm.erase(asha);
    await fixture.ride(hour);
    const record = await crm.record();
    expect(crm.read(record, 'first name')).toBe('Asha (typed)');
    expect(crm.read(record, 'last name')).toBe('');
    expect(crm.read(record, 'first message')).toBe('Hello');
    await crm.account.user.update(record.recordId, crm.valuesOf({ 'last name': 'Rao' }));
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    expect(crm.read(await crm.record(), 'last name')).toBe('Rao');
    const [{ remains } = { remains: [] }] = await crm.transact((trx) => listErasures(trx, { limit: 9 }));
    expect(remains.map(({ recordIds }) => recordIds)).toEqual([[record.recordId]]);
    expect(await crm.letters()).toEqual([]);
  });

  test.each(['before', 'after'])(
    'what a person typed on the other’s record stays, also where it says what they were called (erased %s the merge)',
    async (when) => {
      const { fixture, crm } = await stage();
      await crm.writes({ ...bela, name: 'Bela' }, 'Hello');
      await crm.writes(asha, 'A secret of mine');
      await fixture.ride(hour);
      await crm.check();
      const [into, from] = [await recordOf(crm, 'Bela'), await recordOf(crm, 'Asha')];
      fixture.clock.advance(minute);
      await crm.account.user.update(into.recordId, crm.valuesOf({ 'last name': 'Rao' }));
      // Seen before the merge, by a poll where nothing is told.
      fixture.clock.advance(10 * minute);
      await fixture.ride(hour);
      await crm.writes({ ...bela, name: 'Bela' }, 'Still here');
      await fixture.ride(hour);
      if (when === 'before') await crm.erase(asha);
      fixture.clock.advance(minute);
      await crm.account.user.merge(into.recordId, from.recordId);
      fixture.clock.advance(minute);
      await fixture.ride(hour);
      if (when === 'after') await crm.erase(asha);
      await fixture.ride(hour);
      await crm.check();
      await fixture.ride(hour);
      expect(crm.read(await crm.record(), 'last name')).toBe('Rao');
    },
  );

  test('what we wrote of them on a record that was theirs before gives way where it is merged', async () => {
    const { fixture, crm } = await stage();
    const short = { ...bela, name: 'Bela' };
    await crm.writes(short, 'Hello');
    await crm.writes(asha, 'A secret of mine');
    await fixture.ride(hour);
    await crm.check();
    const [into, from] = [await recordOf(crm, 'Bela'), await recordOf(crm, 'Asha')];
    const other = await crm.account.user.create(crm.valuesOf({ 'first name': 'Typed' }));
    await fixture.ride(hour);
    await crm.check();
    const { contactId } = await crm.contactOf(asha);
    await fixture.process.corrections.relink(
      { workspaceId: crm.workspaceId, memberId: randomUUID() },
      { connectionId: crm.connectionId, contactId, recordId: other },
    );
    await crm.writes({ ...asha, name: 'Asha Sen' }, 'By another name');
    await fixture.ride(hour);
    await crm.erase(asha);
    await fixture.ride(hour);
    fixture.clock.advance(minute);
    await crm.account.user.merge(into.recordId, from.recordId);
    const merged = (await crm.records()).find(({ recordId }) => recordId !== other);
    if (crm.read(merged, 'last name') === '')
      await crm.account.user.update(merged?.recordId ?? '', crm.valuesOf({ 'last name': 'Rao' }));
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    await crm.check();
    await fixture.ride(hour);
    const record = (await crm.records()).find(({ recordId }) => recordId !== other);
    expect([crm.read(record, 'first name'), crm.read(record, 'last name')]).toEqual(['Bela', '']);
  });

  test('what we wrote of them gives way also where their record went into a third one’s before it was read', async () => {
    const { fixture, crm } = await stage();
    const [short, chad] = [
      { ...bela, name: 'Bela' },
      { ...somebody(3), name: 'Chad' },
    ];
    await crm.writes(short, 'Hello');
    await crm.writes(asha, 'A secret of mine');
    await crm.writes(chad, 'Hi');
    await fixture.ride(hour);
    await crm.check();
    const [into, from, third] = [
      await recordOf(crm, 'Asha'),
      await recordOf(crm, 'Bela'),
      await recordOf(crm, 'Chad'),
    ];
    fixture.clock.advance(minute);
    await crm.account.user.merge(into.recordId, from.recordId);
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    await crm.erase(asha);
    const shared = (await crm.records()).find(({ recordId }) => recordId !== third.recordId);
    // As where the one that has no last name of its own takes the other’s over.
    const rao = crm.valuesOf({ 'last name': 'Rao' });
    await crm.account.user.merge(third.recordId, shared?.recordId ?? '');
    const merged = await crm.record();
    if (crm.read(merged, 'last name') === '') await crm.account.user.update(merged.recordId, rao);
    fixture.clock.advance(minute);
    await fixture.ride(hour);
    await crm.check();
    await fixture.ride(hour);
    const record = await crm.record();
    expect([crm.read(record, 'first name'), crm.read(record, 'last name')]).toEqual(['Chad', '']);
    const said = JSON.stringify([record, await everyRow(fixture.store, crm.workspaceId)]);
    expect(theirs.filter((trace) => said.includes(trace))).toEqual([]);
  });

  test.each(['Asha', 'Bela'])(
    'what we wrote of them gives way also where nobody had told yet of the merge, into the record of %s',
    async (survivor) => {
      const { fixture, crm } = await stage();
      await crm.writes({ ...bela, name: 'Bela' }, 'Hello');
      await crm.writes(asha, 'A secret of mine');
      await fixture.ride(hour);
      await crm.check();
      const [ofAsha, ofBela] = [await recordOf(crm, 'Asha'), await recordOf(crm, 'Bela')];
      const [into, from] = survivor === 'Asha' ? [ofAsha, ofBela] : [ofBela, ofAsha];
      crm.deaf = true;
      fixture.clock.advance(minute);
      await crm.account.user.merge(into.recordId, from.recordId);
      const merged = await crm.record();
      // As where the one that has no last name of its own takes the other’s over.
      if (crm.read(merged, 'last name') === '')
        await crm.account.user.update(merged.recordId, crm.valuesOf({ 'last name': 'Rao' }));
      await crm.erase(asha);
      crm.deaf = false;
      fixture.clock.advance(minute);
      const record = await belasAlone(fixture, crm);
      const says = (['first name', 'last name', 'phone', 'first message'] as const).map((source) =>
        crm.read(record, source),
      );
      expect(says).toEqual(['Bela', '', `+${bela.phone ?? ''}`, 'Hello']);
    },
  );

  test('what their own record goes on saying is not remembered by a look, also where it holds no phone', async () => {
    const { fixture, crm } = await stage();
    const hidden = { bsuid: asha.bsuid ?? '', name: 'Asha Rao' };
    await crm.writes(hidden, 'A secret of mine');
    await fixture.ride(hour);
    await crm.check();
    const { contactId } = await crm.contactOf(hidden);
    await crm.erase(hidden);
    fixture.clock.advance(minute);
    await crm.account.user.update((await crm.record()).recordId, {
      [crm.account.stage.field]: crm.account.stage.values[1],
    });
    await fixture.ride(hour);
    await crm.check();
    await fixture.ride(hour);
    const left = await everyRow(fixture.store, crm.workspaceId);
    expect([...theirs, contactId].filter((trace) => left.includes(trace))).toEqual([]);
    expect(crm.read(await crm.record(), 'last name')).toBe('Rao');
  });

  test('what we wrote on the record of somebody who comes back is ours again', async () => {
    const { fixture, crm } = await stage();
    await crm.writes(asha, 'A secret of mine');
    await fixture.ride(hour);
    await crm.erase(asha);
    fixture.clock.advance(minute);
    await crm.writes({ ...asha, name: 'Asha Sen' }, 'Back again');
    await fixture.ride(hour);
    const again = await crm.record();
    expect(crm.read(again, 'last name')).toBe('Sen');
    expect(crm.read(again, 'first message')).toBe('Back again');
    const { phone } = somebody(7);
    if (phone === undefined) throw new Error('A phone was expected.');
    await crm.receive(numberChange(asha, { phone, bsuid: 'IN.ASHA7' }, 'wamid.change', fixture.clock.now()));
    await fixture.ride(hour);
    await crm.check();
    await fixture.ride(hour);
    expect(crm.read(await crm.record(), 'phone')).toBe(`+${phone}`);
  });

  test('who is erased while a record that is another’s too is read is written no further', async () => {
    const { fixture, crm } = await sharing('Bela');
    fixture.clock.advance(minute);
    await crm.account.user.update((await crm.record()).recordId, crm.valuesOf({ 'last name': 'Sharma' }));
    fixture.clock.advance(minute);
    await crm.poll();
    await crm.writes(asha, 'STOP');
    await fixture.process.apply();
    const said: boolean[] = [];
    let erasing: Promise<void> | undefined;
    crm.beforeCall = async () => {
      erasing ??= crm.erase(asha);
      await erasing;
      said.push(crm.isOptedOut(await crm.record()));
    };
    await fixture.ride(hour);
    crm.beforeCall = undefined;
    expect(new Set(said)).toEqual(new Set([false]));
    expect(crm.isOptedOut(await belasAlone(fixture, crm))).toBe(false);
  });

  test.each(['made', 'written'])(
    'who is erased while their record is %s leaves nothing here',
    async (how) => {
      const { fixture, crm } = await stage();
      await crm.check();
      if (how === 'written') {
        await crm.writes(asha, 'A secret of mine');
        await fixture.ride(hour);
      }
      await crm.writes(asha, 'Another secret of mine');
      await fixture.process.apply();
      let erased = false;
      crm.beforeCall = async () => {
        if (erased) return;
        erased = true;
        await crm.erase(asha);
      };
      await fixture.ride(hour);
      expect(erased).toBe(true);
      expect(await crm.records()).toHaveLength(how === 'made' ? 0 : 1);
      const left = await everyRow(fixture.store, crm.workspaceId);
      expect(theirs.filter((trace) => left.includes(trace))).toEqual([]);
      expect(await crm.letters()).toEqual([]);
    },
  );

  test('on a record that held their phone too their opt-out is lifted', async () => {
    const { fixture, crm } = await stage();
    await crm.writes(bela, 'Hello');
    await fixture.ride(hour);
    await crm.check();
    const { recordId } = await crm.record();
    const [, further = ''] = crm.connector.traits.phoneFields;
    fixture.clock.advance(minute);
    await crm.account.user.update(recordId, { [further]: `+${asha.phone ?? ''}` });
    await fixture.ride(hour);
    await crm.writes(asha, 'STOP');
    await fixture.ride(hour);
    expect(crm.isOptedOut(await recordOf(crm, 'Bela'))).toBe(true);
    await crm.erase(asha);
    await fixture.ride(hour);
    expect(crm.isOptedOut(await recordOf(crm, 'Bela'))).toBe(false);
    await crm.check();
    await fixture.ride(hour);
    expect(await everyRow(fixture.store, crm.workspaceId)).not.toContain(asha.phone);
  });

  test.each(['by nothing', 'by its phone, while it is written to as nobody’s'])(
    'what we wrote of them on a record a member gave them for a while is gone where they come back to it (tied since: %s)',
    async (tied) => {
      const { fixture, crm } = await stage();
      const hidden = { bsuid: asha.bsuid ?? '', name: 'Asha Rao' };
      const phone = crm.valuesOf({ phone: `+${asha.phone ?? ''}` });
      const isTied = tied !== 'by nothing';
      await crm.writes(hidden, 'A secret of mine');
      await fixture.ride(hour);
      await crm.check();
      const { recordId: own } = await crm.record();
      const other = await crm.account.user.create({
        ...crm.valuesOf({ 'last name': 'Typed' }),
        ...(isTied ? phone : {}),
      });
      const { contactId } = await crm.contactOf(hidden);
      const { corrections } = fixture.process;
      const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
      const link = { connectionId: crm.connectionId, contactId, recordId: other };
      const decision = await corrections.relink(actor, link);
      await fixture.ride(hour);
      if (isTied) await crm.writes(asha, 'Here is my number');
      await fixture.ride(hour);
      await corrections.undo(actor, decision);
      if (isTied)
        crm.beforeCall = async () => {
          const { connectionId } = crm;
          await crm.transact((trx) => linkByPhone(trx, connectionId, [other], fixture.clock.now()));
        };
      await fixture.ride(hour);
      await crm.erase(hidden);
      await crm.account.user.remove(own);
      await crm.account.user.update(other, phone);
      fixture.clock.advance(minute);
      await fixture.ride(hour);
      await crm.writes(asha, 'Back again');
      await fixture.ride(hour);
      const record = await crm.record();
      expect([record.recordId, crm.read(record, 'first message')]).toEqual([other, 'Back again']);
      expect(crm.read(record, 'last name')).toBe('Typed');
      expect(await everyRow(fixture.store, crm.workspaceId)).not.toContain('secret of mine');
    },
  );

  test('what we wrote of them on the record of somebody they were joined with for a while is known no more', async () => {
    const { fixture, crm } = await stage();
    await crm.writes(bela, 'Hello');
    await fixture.ride(hour);
    await crm.writes(asha, 'A secret of mine');
    await fixture.ride(hour);
    const [ofBela, ofAsha] = [await crm.contactOf(bela), await crm.contactOf(asha)];
    const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
    const { corrections } = fixture.process;
    const join = await corrections.join(actor, ofBela.contactId, ofAsha.contactId);
    await fixture.ride(minute);
    await crm.writes(asha, 'And more');
    await fixture.settle();
    await corrections.undo(actor, join);
    await fixture.settle();
    await crm.erase(asha);
    await fixture.settle();
    const said = await everyRow(fixture.store, crm.workspaceId);
    expect(theirs.filter((trace) => said.includes(trace))).toEqual([]);
    const writes = await fixture.database.query('select 1 from crm_writes');
    expect(writes.rows.length).toBeGreaterThan(0);
  });

  test('a record a member took from them, and that tells of them still, is listed with what is left of them', async () => {
    const { fixture, crm } = await stage();
    await crm.writes(asha, 'A secret of mine');
    await crm.writes(bela, 'Hello');
    await fixture.ride(hour);
    await crm.check();
    const [ofAsha, ofBela] = [await recordOf(crm, 'Asha'), await recordOf(crm, 'Bela')];
    const { contactId } = await crm.contactOf(asha);
    const { corrections } = fixture.process;
    const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
    const link = { connectionId: crm.connectionId, contactId };
    await corrections.relink(actor, { ...link, recordId: ofBela.recordId });
    await fixture.ride(hour);
    await corrections.unlink(actor, { ...link, recordId: ofBela.recordId });
    await corrections.unlink(actor, { ...link, recordId: ofAsha.recordId });
    await fixture.ride(hour);
    await crm.account.user.update(ofBela.recordId, crm.valuesOf({ phone: `+${bela.phone ?? ''}` }));
    await crm.writes(asha, 'Another secret of mine');
    await fixture.ride(hour);
    const made = (await crm.records()).find(
      ({ recordId }) => recordId !== ofAsha.recordId && recordId !== ofBela.recordId,
    );
    await crm.erase(asha);
    const [{ remains } = { remains: [] }] = await crm.transact((trx) => listErasures(trx, { limit: 9 }));
    expect(remains.flatMap(({ recordIds }) => recordIds).toSorted()).toEqual(
      [ofAsha.recordId, made?.recordId ?? ''].toSorted(),
    );
  });
});

test('a CRM that does not take the emptying of a field is asked once, and that is told', async () => {
  const account = memoryAccounts();
  const { fixture, crm } = await setUpFor(account.open)({ polled: true });
  await crm.writes({ ...bela, name: 'Bela' }, 'Hello');
  await crm.writes(asha, 'A secret of mine');
  await fixture.ride(hour);
  await crm.check();
  const { crm: vendor } = account.opened();
  const [ofAsha, ofBela] = ['Asha', 'Bela'].map((name) =>
    vendor.user.list().find(({ values }) => values['FirstName'] === name),
  );
  fixture.clock.advance(minute);
  vendor.user.merge(ofAsha?.recordId ?? '', ofBela?.recordId ?? '');
  fixture.clock.advance(minute);
  await fixture.ride(hour);
  let emptied = 0;
  vendor.judge = (item, values) => {
    if (values['LastName'] !== '') return undefined;
    emptied += 1;
    return {
      item,
      outcome: 'refused',
      code: 'required',
      field: 'LastName',
      explanation: 'It must be filled.',
    };
  };
  await crm.erase(asha);
  await fixture.ride(hour);
  const record = await crm.record();
  expect([crm.read(record, 'first name'), crm.read(record, 'last name')]).toEqual(['Bela', 'Rao']);
  expect(await crm.letters()).toMatchObject([{ reason: 'required' }]);
  const asked = (): number => vendor.calls.filter(({ operation }) => operation !== 'scan').length;
  const before = asked();
  await fixture.ride(hour);
  expect(asked()).toBe(before);
  for (const words of ['Still here', 'STOP', 'START']) {
    await crm.writes({ ...bela, name: 'Bela' }, words);
    await fixture.ride(hour);
    await crm.check();
    await fixture.ride(hour);
  }
  expect(emptied).toBe(1);
  expect(await crm.letters()).toMatchObject([{ reason: 'required' }]);
});

test('a refusal is told until its own record is written, whatever becomes of another record of the same person', async () => {
  const account = memoryAccounts();
  const { fixture, crm } = await setUpFor(account.open)({ polled: true });
  const short = { ...bela, name: 'Bela' };
  await crm.writes(short, 'Hello');
  await crm.writes(asha, 'A secret of mine');
  await fixture.ride(hour);
  await crm.check();
  const { crm: vendor } = account.opened();
  const ofAsha = vendor.user.list().find(({ values }) => values['FirstName'] === 'Asha')?.recordId ?? '';
  fixture.clock.advance(minute);
  vendor.user.update(ofAsha, { [memoryFields.mobile]: `+${bela.phone ?? ''}` });
  fixture.clock.advance(minute);
  await fixture.ride(hour);
  vendor.judge = (item, values) =>
    values['LastName'] === ''
      ? { item, outcome: 'refused', code: 'required', field: 'LastName', explanation: 'It must be filled.' }
      : undefined;
  await crm.erase(asha);
  await fixture.ride(hour);
  expect(await crm.letters()).toMatchObject([{ reason: 'required' }]);
  await crm.writes(short, 'Still here');
  await fixture.ride(hour);
  expect(await crm.letters()).toMatchObject([{ reason: 'required' }]);
  vendor.judge = undefined;
  await crm.replay();
  await fixture.ride(hour);
  expect(vendor.user.list().find(({ recordId }) => recordId === ofAsha)?.values['LastName']).toBe('');
  expect(await crm.letters()).toEqual([]);
});

test.each([
  ['Bela', 'Asha'],
  ['Asha', 'Bela'],
])(
  'what a merge into the record of %s carried along is not kept as a change where it is told only after the erasure',
  async (...names) => {
    const { fixture, crm } = await setUpFor(openHubspotAccount)({ webhooks: true });
    await crm.writes({ ...bela, name: 'Bela' }, 'Hello');
    const written = Math.floor(fixture.clock.now() / 1000) * 1000;
    await crm.writes(asha, 'A secret of mine');
    await fixture.ride(hour);
    await crm.check();
    const records = await crm.records();
    const [into, from] = names.map((name) => records.find((one) => crm.read(one, 'first name') === name));
    crm.deaf = true;
    fixture.clock.advance(minute);
    await crm.account.user.merge(into?.recordId ?? '', from?.recordId ?? '');
    await crm.erase(asha);
    crm.deaf = false;
    fixture.clock.advance(hour);
    await fixture.ride(hour);
    await crm.check();
    await fixture.ride(hour);
    const record = await crm.record();
    expect([crm.read(record, 'last name'), crm.read(record, 'first message')]).toEqual(['', 'Hello']);
    expect(crm.timeOf(record, 'first message time')).toBe(written);
    expect(await crm.occurrences()).toEqual([]);
    const left = await everyRow(fixture.store, crm.workspaceId);
    expect(theirs.filter((trace) => left.includes(trace))).toEqual([]);
  },
);
