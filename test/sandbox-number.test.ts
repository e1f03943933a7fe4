import { systemClock } from '@sangam/core/clock';
import { ownNumbers, releaseChannel } from '@sangam/core/store';
import { ensureSandboxWorkspace } from '@sangam/service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTown, type Town } from './harness/index.ts';

let town: Town;
beforeAll(async () => {
  town = await createTown();
});
afterAll(() => town.close());

test('the sandbox’s number comes back at the next start after it was let go, and is nobody of ours meanwhile', async () => {
  const { store, box, parties } = town;
  const { channelId, displayPhoneNumber } = parties.whatsapp;
  const own = () => store.transact(parties.workspaceId, ownNumbers);
  const start = () => ensureSandboxWorkspace(store, box, systemClock);
  expect(await own()).toContain(displayPhoneNumber);
  await store.transact(parties.workspaceId, (trx) => releaseChannel(trx, channelId, systemClock.now()));
  expect(await own()).not.toContain(displayPhoneNumber);

  const again = await start();
  expect(again.whatsapp.channelId).toBe(channelId);
  expect(await own()).toContain(displayPhoneNumber);
  expect((await start()).whatsapp).toEqual(again.whatsapp);
});
