import { randomUUID } from 'node:crypto';
import { createEngineFixture, type EngineFixture, engineNow, text, webhook } from '@sangam/test';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccountTraits } from '../crm/index.ts';
import {
  connectionsOf,
  decideConnection,
  type ConnectionRow,
  findContact,
  leaseDirty,
  type LinkRow,
  linksOfContacts,
  saveLinks,
  saveRecords,
} from '../store/index.ts';
import { Dispatcher } from '../work/index.ts';
import { lanes } from '../whatsapp/index.ts';
import { createApplier } from './apply/applier.ts';
import { type Finding, foldFindings } from './reconcile/findings.ts';
import { rememberFindings } from './reconcile/remember-findings.ts';

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
});
afterEach(() => engine.close());

const people = Array.from({ length: 16 }, (_, index) => `9198123456${String(index + 10)}`);
const rounds = 40;
const erasureKeyOf = (): Promise<Buffer> => Promise.resolve(Buffer.alloc(32, 7));

/** Another order of the same, a different one each round. */
const turned = <Item>(items: readonly Item[], by: number): Item[] =>
  items.map((_, index) => items[(index * 5 + by * 3) % items.length]).filter((item) => item !== undefined);

describe('what is applied and what is remembered of the CRM', () => {
  test('end as they should, whatever rows they cross on', async () => {
    const { store, workspaceId } = engine;
    const write = (round: number, words: string): Promise<void> =>
      engine.receive(
        webhook(
          engine,
          turned(people, round).map((phone) =>
            text({ phone }, `w.${phone}.${String(round)}`, engineNow - 60_000 + round, words),
          ),
        ),
      );
    await write(0, 'Hello');
    await engine.applyAll();
    const connection = await engine.store.transact(workspaceId, async (trx): Promise<ConnectionRow> => {
      const [first] = await connectionsOf(trx);
      if (first === undefined) throw new Error('There is no connection.');
      await decideConnection(trx, first.connectionId, { mode: 'live' });
      return first;
    });
    const { connectionId } = connection;
    const links = await engine.store.transact(workspaceId, async (trx) => {
      const tied: LinkRow[] = [];
      for (const [index, phone] of people.entries()) {
        const contactId = await findContact(trx, { value: `+${phone}` });
        if (contactId !== undefined) tied.push({ contactId, recordId: `r${String(index)}`, primary: true });
      }
      const records = tied.map(({ recordId }, index) => ({
        recordId,
        keyContactId: undefined,
        base: {},
        phones: [
          { field: 'phone', place: 0, typed: `+${people[index] ?? ''}`, phone: `+${people[index] ?? ''}` },
        ],
      }));
      await saveRecords(trx, connectionId, records, engineNow);
      await saveLinks(
        trx,
        connectionId,
        tied.map((link) => ({ ...link, reason: 'phone' as const })),
        engineNow,
      );
      return tied;
    });

    const nothing = new Set<string>();
    const followed = {
      connectionId,
      fields: nothing,
      theirs: nothing,
      ours: nothing,
      same: () => true,
      numbersIn: () => [],
    };
    const problems: unknown[] = [];
    const apply = async (round: number): Promise<void> => {
      await write(round, round % 3 === 0 ? 'STOP' : 'Hello');
      await engine.receiver.takeInAll(
        workspaceId,
        turned(links, round + 1).map(({ recordId }) => ({
          key: `created ${recordId} ${String(round)}`,
          lane: lanes.crm,
          payload: {
            field: 'crm',
            connectionId,
            change: { kind: 'created', recordId, at: engineNow - 60_000 + round },
          },
        })),
      );
      await createApplier({
        store,
        directory: engine.directory,
        // Nothing is asked of it here: no change names a field.
        traitsOf: () => ({}) as AccountTraits,
        erasureKeyOf,
        clock: { now: () => engineNow },
        dispatcher: new Dispatcher(store, { now: () => engineNow }),
        counts: { applied: () => undefined, failed: (error) => problems.push(error) },
      }).drain();
    };
    const remember = async (round: number): Promise<void> => {
      const lease = randomUUID();
      const leased = await store.transact(workspaceId, (trx) =>
        leaseDirty(trx, { connectionId, lease, size: 12, now: engineNow, leaseMs: 0 }),
      );
      const found = turned(links, round + 2).map(({ recordId, contactId }): Finding => ({
        instead: recordId.endsWith('1') ? [[recordId, 2]] : [],
        mended: [{ contactId, recordId }],
        links: [{ contactId, recordId, primary: true, reason: 'phone' }],
        agreed: [{ recordId, keyContactId: contactId, base: {}, ours: [], refused: {}, phones: [] }],
        back: round % 4 === 0 ? [[contactId, 1]] : [],
      }));
      const outcomes = turned(leased, round).map((dirty) => [dirty, 'updated'] as const);
      await store.transact(workspaceId, (trx) =>
        rememberFindings(
          trx,
          connection,
          { leased, lease, mapping: [], entriesMove: false, followed, erasureKeyOf },
          foldFindings([{ outcomes }, ...found]),
          engineNow,
        ),
      );
    };
    for (let round = 1; round <= rounds; round += 1) {
      await Promise.all([apply(round), remember(round), remember(round + 1)]);
    }
    expect(problems).toEqual([]);
    const left = await store.transact(workspaceId, async (trx) => ({
      marks: await leaseDirty(trx, {
        connectionId,
        lease: randomUUID(),
        size: 100,
        now: engineNow,
        leaseMs: 0,
      }),
      links: await linksOfContacts(
        trx,
        connectionId,
        links.map(({ contactId }) => contactId),
      ),
    }));
    expect(left.links.filter(({ primary }) => primary)).toHaveLength(links.length);
    expect(new Set(left.marks.map(({ subject }) => subject)).size).toBe(left.marks.length);
  });
});
