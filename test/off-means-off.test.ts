import { randomUUID } from 'node:crypto';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { hour, somebody } from './conformance/set-up.ts';
import { createCrmFixture } from './harness/crm-fixture.ts';

/** Promise 10: in shadow nothing is written, in test only people whose phones are listed, on records and timelines. */

const asha = somebody(1, 'Asha');
const ravi = somebody(2, 'Ravi');

const business = async () => {
  const fixture = await createCrmFixture();
  onTestFinished(() => fixture.close());
  const crm = await fixture.addWorkspace(openHubspotAccount);
  const mode: typeof crm.setMode = (name, phones) => crm.setMode(name, phones);
  /** Everybody's workers have gone round: somebody else's business, live, got what it waited for, more than once. */
  const other = await fixture.addWorkspace(openHubspotAccount);
  const goRound = async (): Promise<void> => {
    for (const index of [11, 12, 13]) {
      await other.writes(somebody(index), randomUUID());
      await fixture.ride(hour);
    }
  };
  return { fixture, crm, mode, goRound };
};

/** What stands at the CRM, whatever it is. */
const everything = async ({ crm }: Awaited<ReturnType<typeof business>>) => {
  const records = await crm.records();
  const timelines = await Promise.all(
    records.map(async ({ recordId }) => (await crm.account.user.timeline(recordId)).map(({ text }) => text)),
  );
  return { records, timelines };
};

describe('in shadow', () => {
  test('nobody becomes a record, and what stands stays as it is, its timeline too', async () => {
    const one = await business();
    const { fixture, crm, mode, goRound } = one;
    await crm.writes(asha);
    await fixture.ride(hour);
    const before = await everything(one);
    expect(before.timelines[0]).toHaveLength(1);
    await mode('shadow');
    const calls = await crm.account.calls();
    await crm.writes(asha, 'A second word');
    await crm.writes(ravi);
    await crm.writes(asha, 'STOP');
    await goRound();
    expect(await everything(one)).toEqual(before);
    expect(await crm.account.calls()).toBe(calls);
    // All of it waited.
    await mode('live');
    await fixture.ride(hour);
    const after = await everything(one);
    expect(after.records).toHaveLength(2);
    expect(after.timelines.join()).toContain('A second word');
    expect(
      crm.isOptedOut(after.records.find(({ recordId }) => recordId === before.records[0]?.recordId)),
    ).toBe(true);
  });
});

describe('in test', () => {
  test('only people whose phone is listed are written, on records and timelines', async () => {
    const one = await business();
    const { fixture, crm, mode, goRound } = one;
    for (const person of [asha, ravi]) await crm.writes(person);
    await fixture.ride(hour);
    const before = await everything(one);
    const at = before.records.findIndex((record) => crm.read(record, 'phone') === `+${ravi.phone ?? ''}`);
    await mode('test', [`+${asha.phone ?? ''}`]);
    for (const person of [asha, ravi, somebody(3)]) await crm.writes(person, `In test ${randomUUID()}`);
    await goRound();
    const during = await everything(one);
    expect(during.records).toHaveLength(2);
    expect(during.records[at]).toEqual(before.records[at]);
    expect(during.timelines[at]).toEqual(before.timelines[at]);
    expect(during.timelines[1 - at]?.join()).toContain('In test');
    expect(during.records[1 - at]).not.toEqual(before.records[1 - at]);
  });

  test('who had a listed phone before somebody else got it is not written', async () => {
    const one = await business();
    const { fixture, crm, mode, goRound } = one;
    await crm.writes(asha);
    await fixture.ride(hour);
    const next = { ...somebody(4, 'Neha'), ...(asha.phone === undefined ? {} : { phone: asha.phone }) };
    await crm.writes(next);
    await fixture.ride(hour);
    const before = await everything(one);
    const at = before.records.findIndex((record) => crm.read(record, 'first name') === 'Asha');
    await mode('test', [`+${asha.phone ?? ''}`]);
    for (const person of [{ bsuid: asha.bsuid ?? '', name: 'Asha' }, next]) {
      await crm.writes(person, `In test ${randomUUID()}`);
    }
    await goRound();
    const during = await everything(one);
    expect(during.records).toHaveLength(2);
    expect(during.records[at]).toEqual(before.records[at]);
    expect(during.timelines[at]).toEqual(before.timelines[at]);
    expect(during.timelines[1 - at]?.join()).toContain('In test');
  });

  test('a record of somebody else that carries a listed phone too is not written', async () => {
    const one = await business();
    const { fixture, crm, mode, goRound } = one;
    for (const person of [asha, ravi]) await crm.writes(person);
    await fixture.ride(hour);
    await crm.check();
    const [, further = ''] = crm.connector.traits.phoneFields;
    const ravis = (await crm.records()).find((record) => crm.read(record, 'first name') === 'Ravi');
    const recordId = ravis?.recordId ?? '';
    await crm.account.user.update(recordId, { [further]: `+${asha.phone ?? ''}` });
    await crm.check();
    await fixture.ride(hour);
    const before = await everything(one);
    const at = before.records.findIndex((record) => record.recordId === recordId);
    await mode('test', [`+${asha.phone ?? ''}`]);
    for (const person of [asha, ravi]) await crm.writes(person, `In test ${randomUUID()}`);
    await crm.writes(asha, 'STOP');
    await goRound();
    const during = await everything(one);
    expect(during.records[at]).toEqual(before.records[at]);
    expect(during.timelines[at]).toEqual(before.timelines[at]);
    await mode('live');
    await fixture.ride(hour);
    expect((await crm.records()).map((record) => crm.isOptedOut(record))).toEqual([true, true]);
  });
});
