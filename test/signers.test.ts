import { randomUUID } from 'node:crypto';
import type { AccountChanges } from '@sangam/core/crm';
import { type ChangeRoute, createChangeReceiver } from '@sangam/core/pipeline';
import { createDeadLetters } from '@sangam/core/corrections';
import { findContact, listAlerts, listDeadLetters } from '@sangam/core/store';
import { afterEach, describe, expect, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { createCrmFixture, type CrmFixture } from './harness/crm-fixture.ts';
import { addWorkspace, createEngineFixture, text, webhook } from './harness/index.ts';

/** What somebody signs concerns what is theirs, and nobody else's. */

const said = [text({ phone: '919812345678' }, 'w.foreign', Date.now() - 1000, 'STOP')];

describe('a webhook of a number that another business has connected', () => {
  test('is kept with its signer, and reaches that business neither as a message nor as a STOP', async () => {
    const engine = await createEngineFixture();
    try {
      const other = await addWorkspace(engine.store);
      await engine.receive(webhook(other, said));
      const alerts = () => engine.store.transact(other.workspaceId, (trx) => listAlerts(trx, { limit: 10 }));
      expect(await alerts()).toEqual([]);
      await engine.receiver.receive(Buffer.from(JSON.stringify(webhook(other, said))), { kind: 'service' });
      for (const table of ['inbox', 'suppression', 'dead_letters'] as const) {
        const rows = await engine.store.transact(other.workspaceId, (trx) =>
          trx.selectFrom(table).select('event_key').where('workspace_id', '=', other.workspaceId).execute(),
        );
        expect(rows, table).toEqual([]);
      }
      const rows = await engine.store.transact(engine.workspaceId, (trx) =>
        listDeadLetters(trx, { limit: 10 }),
      );
      expect(rows.map(({ reason }) => reason)).toEqual(['foreign channel']);
      // The service's own app names no number that WhatsApp did not send it.
      expect(await alerts()).toMatchObject([
        { kind: 'opt-out not applied', subject: other.phoneNumberId, closedAt: null },
      ]);
    } finally {
      await engine.close();
    }
  });
});

describe('a webhook that names no account', () => {
  let fixture: CrmFixture;
  afterEach(() => fixture.close());

  test('is of the connection that signed it; once that is let go it waits until it is connected again', async () => {
    fixture = await createCrmFixture();
    const signer = await fixture.addWorkspace(openHubspotAccount);
    const { connectionId, workspaceId } = signer;
    const { store, receiver } = fixture.process;
    const { clock } = fixture;
    const { crm } = signer.connector.traits;
    const change = (value: string): AccountChanges => ({
      account: undefined,
      changes: [{ kind: 'field', recordId: '77', at: clock.now(), field: 'lifecyclestage', value }],
    });
    const changes = createChangeReceiver({
      store,
      receiver,
      clock,
      readChanges: (_crm, body) => [change(body.toString())],
    });
    const letters = createDeadLetters({ store, receiver, changes, clock });
    const tell = (value: string, route: ChangeRoute): Promise<void> =>
      changes.receive(crm, [change(value)], route, Buffer.from(value));
    const own: ChangeRoute = { kind: 'connection', workspaceId, connectionId };
    const told = async (): Promise<string[]> => {
      await fixture.process.apply();
      return (await signer.occurrences()).map(({ value }) => value).toSorted();
    };
    const entry = store.directory
      .selectFrom('directory_accounts')
      .selectAll()
      .where('connection_id', '=', connectionId);

    await tell('lead', own);
    await tell('customer', { kind: 'service' });
    expect(await told()).toEqual(['lead']);
    expect(await signer.letters()).toEqual([]);

    const account = await entry.executeTakeFirstOrThrow();
    await store.directory
      .deleteFrom('directory_accounts')
      .where('connection_id', '=', connectionId)
      .execute();
    await tell('opportunity', own);
    expect(await told()).toEqual(['lead']);
    expect(await signer.letters()).toMatchObject([
      { reason: 'foreign account', explanation: expect.stringContaining('connected again') },
    ]);
    const memberId = randomUUID();
    expect(await letters.replayAll({ workspaceId, memberId })).toMatchObject({ replayed: 0 });
    await store.directory.insertInto('directory_accounts').values(account).execute();
    expect(await letters.replayAll({ workspaceId, memberId })).toMatchObject({ replayed: 1 });
    expect(await told()).toEqual(['lead', 'opportunity']);
  });
});

describe('a privacy deletion', () => {
  let fixture: CrmFixture;
  afterEach(() => fixture.close());

  test('signed by a foreign app erases nobody; by the account’s own it does', async () => {
    fixture = await createCrmFixture();
    const owner = await fixture.addWorkspace(openHubspotAccount);
    const stranger = await fixture.addWorkspace(openHubspotAccount);
    const { crm } = owner.connector.traits;
    const { account } = owner.account;
    await owner.check();
    await owner.writes({ phone: '919812345678' });
    await fixture.settle();
    const { recordId } = await owner.record();
    const erased = { kind: 'erased' as const, recordId, at: fixture.clock.now() };
    const sign = ({ workspaceId, connectionId }: typeof owner): Promise<void> =>
      fixture.process.changes.receive(
        crm,
        [{ account, changes: [erased] }],
        { kind: 'connection', workspaceId, connectionId },
        Buffer.from('[]'),
      );
    const known = (): Promise<string | undefined> =>
      owner.transact((trx) => findContact(trx, { value: '+919812345678' }));

    await sign(stranger);
    await fixture.settle();
    expect(await known()).toBeDefined();
    expect((await stranger.letters()).map(({ reason }) => reason)).toEqual(['foreign account']);
    await sign(owner);
    await fixture.settle();
    expect(await known()).toBeUndefined();
  });
});
