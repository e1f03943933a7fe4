import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { type MemoryAccount, memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, nationalNumber, somebody, setUpFor } from './conformance/set-up.ts';
import type { CrmFixture } from './harness/crm-fixture.ts';
import type { CrmWorkspace } from './harness/crm-workspace.ts';
import { type MemoryCrmRules, memoryFields } from './harness/memory-crm/index.ts';
import { message, text } from './harness/whatsapp.ts';

/** A word about consent hurries, and loses nobody on the way. */

interface Scene {
  readonly fixture: CrmFixture;
  readonly crm: CrmWorkspace;
  readonly account: MemoryAccount;
}

const scene = async (rules: MemoryCrmRules = {}): Promise<Scene> => {
  const accounts = memoryAccounts(rules);
  const { fixture, crm } = await setUpFor(accounts.open)();
  return { fixture, crm, account: accounts.opened() };
};

const asha = somebody(1, 'Asha Rao');
const phone = `+91${nationalNumber(1)}`;

/** Two messages that are applied in one batch. */
async function writesBoth({ fixture, crm }: Scene, ...words: readonly string[]): Promise<void> {
  const at = fixture.clock.now();
  await crm.receive(
    ...words.map((said, index) =>
      text(asha, `w-${String(at)}-${String(index)}`, at - 5000 + index * 1000, said),
    ),
  );
}

test.each(['START', 'STOP'])(
  'a person whose first word is %s gets the record that holds their phone, with their conversation',
  async (word) => {
    const set = await scene();
    const { fixture, crm, account } = set;
    const recordId = account.crm.user.create({ FirstName: 'Asha', [memoryFields.phone]: phone });
    await crm.check();
    await writesBoth(set, word, 'please answer me');
    await fixture.ride(hour);
    const record = await crm.record();
    expect(record.recordId).toBe(recordId);
    expect(crm.isOptedOut(record)).toBe(word === 'STOP');
    expect(crm.read(record, 'last activity')).not.toBe('');
    const shown = account.crm.user.timeline(recordId).map((entry) => entry.text);
    expect(shown.join('\n')).toContain('please answer me');
  },
);

test.each([true, false])(
  'a person whose record was deleted and who writes STOP and more at once has a record again (known: %s)',
  async (known) => {
    const set = await scene();
    const { fixture, crm, account } = set;
    await crm.writes(asha);
    await fixture.settle();
    await crm.check();
    account.crm.user.remove((await crm.record()).recordId);
    if (known) {
      await crm.check();
      await fixture.settle();
    }
    fixture.clock.advance(minute);
    await writesBoth(set, 'STOP', 'please answer me');
    await fixture.ride(hour);
    const record = await crm.record();
    expect(crm.isOptedOut(record)).toBe(true);
    const shown = account.crm.user.timeline(record.recordId).map((entry) => entry.text);
    expect(shown.join('\n')).toContain('please answer me');
  },
);

test.each(['before', 'after'])(
  'a STOP shows on a record that holds the phone, though it was said %s the unlinking',
  async (when) => {
    const { fixture, crm } = await scene();
    await crm.writes(asha);
    await fixture.settle();
    const { recordId } = await crm.record();
    const { corrections } = fixture.process;
    const stop = async (): Promise<void> => {
      fixture.clock.advance(minute);
      await crm.writes(asha, 'STOP');
      await fixture.process.apply();
    };
    if (when === 'before') await stop();
    const { contactId } = await crm.contactOf(asha);
    const actor = { workspaceId: crm.workspaceId, memberId: '00000000-0000-4000-8000-000000000009' };
    await corrections.unlink(actor, { contactId, connectionId: crm.connectionId, recordId });
    if (when === 'after') await stop();
    await fixture.ride(hour);
    const parted = (await crm.records()).find((one) => one.recordId === recordId);
    expect(crm.isOptedOut(parted)).toBe(true);
  },
);

test('a STOP that comes while its record is called does not wait out what the call was told', async () => {
  const { fixture, crm, account } = await scene();
  await crm.check();
  await crm.writes(asha);
  await fixture.settle();
  const { recordId } = await crm.record();
  account.crm.locked.add(recordId);
  fixture.clock.advance(minute);
  await crm.writes(asha, 'Hello again');
  await fixture.process.apply();
  // It has failed so often that its next try would be tomorrow.
  await fixture.database.query('update dirty_records set attempts = 7 where workspace_id = $1', [
    crm.workspaceId,
  ]);
  let during = false;
  crm.beforeCall = async (priority) => {
    if (during || priority === 'timeline') return;
    during = true;
    await crm.writes(asha, 'STOP');
    await fixture.process.apply();
  };
  account.crm.judge = () => {
    // Unlocked right after that one call.
    queueMicrotask(() => account.crm.locked.clear());
    return undefined;
  };
  await fixture.pass(minute);
  expect(during).toBe(true);
  expect(crm.isOptedOut(await crm.record())).toBe(true);
});

test('one record that two new people share is come upon twice in a batch, and both are on it', async () => {
  const { fixture, crm, account } = await scene({ twins: 'refuse and name the holder', searchLagMs: hour });
  const bela = somebody(2, 'Bela Sen');
  await crm.check();
  const recordId = account.crm.user.create({
    FirstName: 'Family',
    [memoryFields.phone]: phone,
    [memoryFields.mobile]: `+91${nationalNumber(2)}`,
  });
  await crm.receive(
    message(asha, 'w-1', fixture.clock.now() - 2000, { type: 'text', text: { body: 'STOP' } }),
    message(bela, 'w-2', fixture.clock.now() - 1000, { type: 'text', text: { body: 'Hello' } }),
  );
  await fixture.ride(hour);
  const record = await crm.record();
  expect(record.recordId).toBe(recordId);
  expect(crm.isOptedOut(record)).toBe(true);
  expect(await crm.letters()).toEqual([]);
});

test('a record that was another person’s, and where somebody types a number now, takes the opt-out of whose number it is', async () => {
  const { fixture, crm, account } = await scene();
  const bela = somebody(2, 'Bela Sen');
  await crm.writes(asha);
  await crm.writes(bela);
  await fixture.ride(hour);
  const recordOf = async (name: string): Promise<string> =>
    (await crm.records()).find((one) => crm.read(one, 'first name') === name)?.recordId ?? '';
  const [ofAsha, ofBela] = [await recordOf('Asha'), await recordOf('Bela')];
  const { contactId } = await crm.contactOf(asha);
  const { connectionId, workspaceId } = crm;
  const member = { workspaceId, memberId: randomUUID() };
  await fixture.process.corrections.relink(member, { connectionId, contactId, recordId: ofBela });
  await fixture.ride(hour);
  account.crm.user.update(ofAsha, { [memoryFields.phone]: nationalNumber(2) });
  await crm.check();
  await crm.writes(bela, 'STOP');
  await fixture.ride(hour);
  const record = (await crm.records()).find((one) => one.recordId === ofAsha);
  expect(record === undefined ? undefined : crm.isOptedOut(record)).toBe(true);
});

test('a record that was nobody’s own for a while takes the opt-out of whose phone is typed in a field nobody maps', async () => {
  const { fixture, crm, account } = await scene();
  const bela = somebody(2, 'Bela');
  await crm.writes(asha);
  await crm.writes(bela);
  await fixture.ride(hour);
  await crm.check();
  const ofAsha = (await crm.records()).find((record) => crm.read(record, 'first name') === 'Asha');
  const recordId = ofAsha?.recordId ?? '';
  const { contactId } = await crm.contactOf(asha);
  const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
  const { corrections } = fixture.process;
  const parting = await corrections.unlink(actor, { connectionId: crm.connectionId, contactId, recordId });
  await fixture.ride(hour);
  await corrections.undo(actor, parting);
  await fixture.ride(hour);
  account.crm.user.update(recordId, { [memoryFields.mobile]: nationalNumber(2) });
  await crm.check();
  await crm.writes(bela, 'STOP');
  await fixture.ride(hour);
  const shown = (await crm.records()).find((record) => record.recordId === recordId);
  expect(crm.isOptedOut(shown)).toBe(true);
});
