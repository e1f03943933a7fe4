import { randomUUID } from 'node:crypto';
import { createEngineFixture, type EngineFixture } from '@sangam/test';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  connectionsOf,
  insertContacts,
  keepOnePrimary,
  type LinkRow,
  linksOfContacts,
  markGone,
  markPriority,
  markRecords,
  markRestored,
  markTried,
  noteWrites,
  openWrites,
  repointLinks,
  saveJoinedLinks,
  saveLinks,
  saveSurvivors,
  subjectOfRecord,
  type WorkspaceTransaction,
} from '../index.ts';

/** Links that are moved together: none is lost, and nobody gets two primary records. */

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

const founding = { value: '+919812345678', at: 1 };

/** So many contacts, oldest first, each with a primary record, linked in that order. */
async function people(count: number): Promise<{ contactId: string; recordId: string }[]> {
  const made = Array.from({ length: count }, () => ({ contactId: randomUUID(), recordId: randomUUID() }));
  await transact((trx) =>
    insertContacts(
      trx,
      made.map(({ contactId }) => ({ contactId, founding, joins: {} })),
      1,
    ),
  );
  for (const [place, one] of made.entries()) {
    await transact((trx) =>
      saveLinks(trx, connectionId, [{ ...one, primary: true, reason: 'created' }], place + 1),
    );
  }
  return made;
}

async function linksOf(contactIds: readonly string[]): Promise<LinkRow[]> {
  return transact((trx) => linksOfContacts(trx, connectionId, contactIds));
}

describe('records merged', () => {
  const merged = (...moves: readonly (readonly [string, string])[]): Promise<void> =>
    transact((trx) =>
      repointLinks(
        trx,
        connectionId,
        moves.map(([from, to]) => ({ from, to })),
        { entriesMove: true, now: 1 },
      ),
    );

  test.each([
    ['in turn', (a: string, b: string, c: string) => [[a, b] as const, [b, c] as const]],
    ['the last told first', (a: string, b: string, c: string) => [[b, c] as const, [a, b] as const]],
  ])('one into another, and that into a third, told together %s', async (_order, moves) => {
    const [asha, ravi] = await people(2);
    if (asha === undefined || ravi === undefined) throw new Error('Two people were expected.');
    const last = randomUUID();
    await merged(...moves(asha.recordId, ravi.recordId, last));
    expect(await linksOf([asha.contactId, ravi.contactId])).toEqual(
      [asha, ravi].map(({ contactId }) => ({ contactId, recordId: last, primary: true })),
    );
  });

  test.each([true, false])(
    'what was written there is known for ours where they live on too (tried: %s)',
    async (tried) => {
      const [from, to] = [randomUUID(), randomUUID()];
      const open = await transact(async (trx) => {
        await markRecords(trx, connectionId, [from], { priority: markPriority.fields, reread: false }, 1);
        if (tried) await markTried(trx, connectionId, [subjectOfRecord(from)]);
        await noteWrites(trx, connectionId, [{ recordId: from, values: { name: 'Asha' } }], 2);
        await repointLinks(trx, connectionId, [{ from, to }], { entriesMove: true, now: 3 });
        return openWrites(trx, connectionId, [from, to], 3);
      });
      const written = { name: 'Asha' };
      expect(open).toHaveLength(2);
      expect(open).toContainEqual(expect.objectContaining({ recordId: from, written }));
      expect(open).toContainEqual(expect.objectContaining({ recordId: to, written, answered: !tried }));
    },
  );

  test('into themselves or each other leave links as they are', async () => {
    const [asha, ravi] = await people(2);
    if (asha === undefined || ravi === undefined) throw new Error('Two people were expected.');
    const before = await linksOf([asha.contactId, ravi.contactId]);
    await merged([asha.recordId, asha.recordId]);
    await merged([asha.recordId, ravi.recordId], [ravi.recordId, asha.recordId]);
    expect(await linksOf([asha.contactId, ravi.contactId])).toEqual(before);
  });
});

test('of several contacts joined while their records were being made, one record is primary', async () => {
  const ids = [randomUUID(), randomUUID(), randomUUID()].toSorted();
  const [survivor = ''] = ids;
  await transact(async (trx) => {
    await insertContacts(
      trx,
      ids.map((contactId) => ({ contactId, founding, joins: {} })),
      1,
    );
    await saveSurvivors(
      trx,
      ids.slice(1).map((contactId) => ({ contactId, survivorId: survivor })),
    );
    await saveLinks(
      trx,
      connectionId,
      ids.map((contactId, place) => ({
        contactId,
        recordId: String(place),
        primary: true,
        reason: 'created',
      })),
      1,
    );
  });
  const links = await linksOf([survivor]);
  expect(links).toHaveLength(3);
  expect(links.filter(({ primary }) => primary)).toHaveLength(1);
});

test('of contacts joined the oldest primary record stays, but one that is no more makes way', async () => {
  for (const isGone of [false, true]) {
    const [old, young] = await people(2);
    if (old === undefined || young === undefined) throw new Error('Two people were expected.');
    await transact(async (trx) => {
      if (isGone) await markGone(trx, connectionId, [{ recordId: old.recordId, how: 'deleted', at: 1 }]);
      const links = [old, young].map(({ recordId }, place) => ({
        connectionId,
        contactId: old.contactId,
        recordId,
        primary: true,
        reason: 'created' as const,
        partedAt: null,
        createdAt: place + 1,
      }));
      await saveJoinedLinks(trx, [old.contactId, young.contactId], { current: links, beforeJoin: [] });
      await keepOnePrimary(trx, [old.contactId]);
    });
    const primaries = (await linksOf([old.contactId])).filter(({ primary }) => primary);
    expect(primaries.map(({ recordId }) => recordId)).toEqual([isGone ? young.recordId : old.recordId]);
  }
});

test('a primary record that was deleted and comes back is no second one beside the one its person got meanwhile', async () => {
  const [asha] = await people(1);
  if (asha === undefined) throw new Error('A person was expected.');
  const { contactId, recordId } = asha;
  const since = randomUUID();
  await transact(async (trx) => {
    await markGone(trx, connectionId, [{ recordId, how: 'deleted', at: 1 }]);
    await saveLinks(trx, connectionId, [{ contactId, recordId: since, primary: true, reason: 'phone' }], 2);
    await markRestored(trx, connectionId, [{ recordId, at: 3 }], 3);
  });
  const primaries = (await linksOf([contactId])).filter(({ primary }) => primary);
  expect(primaries.map((link) => link.recordId)).toEqual([since]);
});
