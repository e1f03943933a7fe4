import { systemClock } from '@sangam/core/clock';
import { connectionsAt, listAlerts, ownNumbers, raiseAlerts, releaseChannel } from '@sangam/core/store';
import { ensureSandboxWorkspace } from '@sangam/service';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createServiceFixture, type ServiceFixture } from './harness/index.ts';

let fixture: ServiceFixture;
beforeAll(async () => {
  fixture = await createServiceFixture();
});
afterAll(() => fixture.close());

test('the sandbox’s number comes back at the next start after it was let go, and is nobody of ours meanwhile', async () => {
  const { store, box, parties } = fixture;
  const { channelId, displayPhoneNumber } = parties.whatsapp;
  const own = () => store.transact(parties.workspaceId, ownNumbers);
  const start = () => ensureSandboxWorkspace(store, box, systemClock, ['hubspot']);
  expect(await own()).toContain(displayPhoneNumber);
  await store.transact(parties.workspaceId, (trx) => releaseChannel(trx, channelId, systemClock.now()));
  expect(await own()).not.toContain(displayPhoneNumber);

  const again = await start();
  expect(again.whatsapp.channelId).toBe(channelId);
  expect(await own()).toContain(displayPhoneNumber);
  expect((await start()).whatsapp).toEqual(again.whatsapp);
});

test('a CRM that is not named any more is let go, and is not come back to by itself', async () => {
  const { store, box, parties } = fixture;
  const { connectionId } = parties.hubspot;
  const disconnected = async (): Promise<boolean> => {
    const rows = await store.transact(parties.workspaceId, (trx) => connectionsAt(trx, 'hubspot'));
    return rows.find((row) => row.connectionId === connectionId)?.disconnectedAt !== null;
  };
  expect(await disconnected()).toBe(false);
  const kinds = ['account not answering', 'connection blocked', 'webhooks ended', 'webhooks silent'] as const;
  await store.transact(parties.workspaceId, (trx) =>
    raiseAlerts(
      trx,
      kinds.map((kind) => ({ connectionId, kind, message: 'Of what is over then.' })),
      systemClock.now(),
    ),
  );
  const without = await ensureSandboxWorkspace(store, box, systemClock, []);
  expect(without.crms).toEqual({});
  expect(await disconnected()).toBe(true);
  const open = await store.transact(parties.workspaceId, (trx) =>
    listAlerts(trx, { limit: 10, after: undefined, state: 'open' }),
  );
  expect(open.map(({ kind }) => kind)).toEqual([]);
  const again = await ensureSandboxWorkspace(store, box, systemClock, ['hubspot']);
  expect(again.crms['hubspot']?.connectionId).toBe(connectionId);
  expect(await disconnected()).toBe(true);
});
