import { randomUUID } from 'node:crypto';
import { createEngineFixture, type EngineFixture } from '@sangam/test';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  connectionsOf,
  holdContactsOf,
  insertContacts,
  saveLinks,
  type WorkspaceTransaction,
} from '../index.ts';

/** Whoever remembers what a CRM says of a record holds all whom it may give one. */

let engine: EngineFixture;
let connectionId = '';
beforeAll(async () => {
  engine = await createEngineFixture();
  const [connection] = await transact(connectionsOf);
  connectionId = connection?.connectionId ?? '';
});
afterAll(() => engine.close());

const transact = <Result>(work: (trx: WorkspaceTransaction) => Promise<Result>): Promise<Result> =>
  engine.store.transact(engine.workspaceId, work);

const none = { contactIds: [], recordIds: [], phones: [] };
const phone = '+919812345678';

test.each([
  ['who is named', (contactId: string) => ({ ...none, contactIds: [contactId] }), true],
  ['who is tied to a record', () => ({ ...none, recordIds: ['7'] }), true],
  ['whose phone it holds', () => ({ ...none, phones: [phone] }), true],
  ['nobody else', () => ({ ...none, recordIds: ['8'], phones: ['+919812345679'] }), false],
])('%s', async (_, of, holds) => {
  await engine.forgetEverything();
  const contactId = randomUUID();
  await transact(async (trx) => {
    await insertContacts(trx, [{ contactId, founding: { value: phone, at: 1 }, joins: {} }], 1);
    await saveLinks(trx, connectionId, [{ contactId, recordId: '7', primary: true, reason: 'created' }], 1);
    await trx
      .insertInto('identities')
      .values({ workspace_id: trx.workspaceId, value: phone, since: 1, contact_id: contactId })
      .execute();
  });
  const free = await transact(async (holding) => {
    await holdContactsOf(holding, connectionId, of(contactId));
    return transact(async (trx) => {
      const { rows } = await sql`
        select 1 from contacts where workspace_id = ${trx.workspaceId} for no key update skip locked`.execute(
        trx,
      );
      return rows.length;
    });
  });
  expect(free).toBe(holds ? 0 : 1);
});
