import { randomUUID } from 'node:crypto';
import type { ConnectionMode } from '@sangam/core/store';
import { describe, expect, onTestFinished, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { hour, somebody } from './conformance/set-up.ts';
import { createCrmFixture } from './harness/crm-fixture.ts';

/** What an admin decides after a worker read the connection, and before it leased anything, holds for that tick too. */

const asha = somebody(1, 'Asha');
const ravi = somebody(2, 'Ravi');

const business = async () => {
  const fixture = await createCrmFixture();
  onTestFinished(() => fixture.close());
  const crm = await fixture.addWorkspace(openHubspotAccount);
  await crm.writes(asha, 'First words');
  await fixture.ride(hour);
  /** Once, while a tick waits for it. */
  const meanwhile = (lane: 'records' | 'timeline', decide: () => Promise<void>): void => {
    crm.beforeLease = async (of) => {
      if (of !== lane) return;
      crm.beforeLease = undefined;
      await decide();
    };
  };
  const mode: typeof crm.setMode = (name, phones) => crm.setMode(name, phones);
  return { fixture, crm, meanwhile, mode };
};

test('a record made for somebody who is joined while it is made takes the opt-out of who they are', async () => {
  const { fixture, crm } = await business();
  await crm.writes(asha, 'STOP');
  await crm.writes(ravi, 'Hello');
  await fixture.process.apply();
  const [one, other] = [await crm.contactOf(asha), await crm.contactOf(ravi)];
  let joined = false;
  crm.beforeCall = async () => {
    if (joined || !crm.isOptedOut((await crm.records())[0])) return;
    joined = true;
    const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
    await fixture.process.corrections.join(actor, one.contactId, other.contactId);
    await fixture.process.apply();
  };
  await fixture.ride(hour);
  expect(joined).toBe(true);
  expect((await crm.records()).map((record) => crm.isOptedOut(record))).toEqual([true, true]);
});

test('of records made for two who are joined while they are made, both take the opt-out of either', async () => {
  const { fixture, crm } = await business();
  const [elder, younger] = [somebody(3, 'Elder'), somebody(4, 'Younger')];
  await crm.writes(elder, 'Hello');
  await fixture.process.apply();
  await crm.writes(younger, 'STOP');
  await fixture.process.apply();
  const [one, other] = [await crm.contactOf(elder), await crm.contactOf(younger)];
  let joining: Promise<void> | undefined;
  const join = async (): Promise<void> => {
    const actor = { workspaceId: crm.workspaceId, memberId: randomUUID() };
    await fixture.process.corrections.join(actor, one.contactId, other.contactId);
    await fixture.process.apply();
  };
  crm.beforeCall = async () => {
    joining ??= join();
    await joining;
  };
  await fixture.ride(hour);
  const records = (await crm.records()).slice(1);
  expect(records.map((record) => crm.isOptedOut(record))).toEqual([true, true]);
});

test('another mapping is written to everybody', async () => {
  const { fixture, crm, meanwhile } = await business();
  const city = { name: 'city', label: 'City', kind: 'text', writable: true } as const;
  meanwhile('records', () =>
    crm.remap([{ source: 'first message', field: city, policy: 'ours', transform: 'as is' }]),
  );
  await crm.writes(asha, 'More words');
  await fixture.ride(hour);
  expect((await crm.record()).values['city']).toBe('First words');
});

describe.each(['records', 'timeline'] as const)('of the %s', (lane) => {
  test.each<[ConnectionMode, string[]]>([
    ['shadow', []],
    ['test', [`+${ravi.phone ?? ''}`]],
  ])('nothing is written that mode %s forbids', async (name, phones) => {
    const { fixture, crm, meanwhile, mode } = await business();
    const shown = async (): Promise<unknown> => {
      const record = await crm.record();
      if (lane === 'records') return record;
      return (await crm.account.user.timeline(record.recordId)).map(({ text }) => text);
    };
    const before = await shown();
    await crm.writes(asha, 'More words');
    meanwhile(lane, () => mode(name, phones));
    await fixture.settle();
    expect(crm.beforeLease).toBeUndefined();
    expect(await shown()).toEqual(before);
    await mode('live');
    await fixture.ride(hour);
    expect(await shown()).not.toEqual(before);
  });
});
