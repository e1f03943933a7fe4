import { randomUUID } from 'node:crypto';
import {
  createEngineFixture,
  type EngineFixture,
  engineNow,
  tellStatistics,
  text,
  webhook,
} from '@sangam/test';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AccountTraits, Spelling } from '../crm/index.ts';
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
import { takeIn } from './check/take-in.ts';
import { type Finding, foldFindings } from './reconcile/findings.ts';
import { rememberFindings } from './reconcile/remember-findings.ts';

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
});
afterEach(() => engine.close());

const people = Array.from({ length: 16 }, (_, index) => `9198123456${String(index + 10)}`);
const rounds = 15;
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
      return { ...first, mode: 'live' };
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
    const receive = async (round: number): Promise<void> => {
      await write(round, round % 3 === 0 ? 'STOP' : 'Hello');
      await engine.receiver.takeInAll(
        workspaceId,
        turned(links, round + 1).map(({ recordId }) => ({
          key: `touched ${recordId} ${String(round)}`,
          lane: lanes.crm,
          payload: {
            field: 'crm',
            connectionId,
            change: { kind: 'touched', recordId, at: engineNow - 60_000 + round },
          },
        })),
      );
    };
    // Nothing else is asked of them here: no change names a field.
    const traits = {
      timeline: { writeClass: 'keyed', movesWithMerge: false, restMs: { message: 0, status: 0 } },
      defaultMapping: [] as AccountTraits['defaultMapping'],
      followedFields: [] as AccountTraits['followedFields'],
      phoneFields: ['phone'] as AccountTraits['phoneFields'],
      spelling: { same: (x: string, y: string) => x === y } as Partial<Spelling> as Spelling,
    } as AccountTraits;
    const applier = createApplier({
      store,
      directory: engine.directory,
      traitsOf: () => traits,
      erasureKeyOf,
      clock: { now: () => engineNow },
      dispatcher: new Dispatcher(store, { now: () => engineNow }),
      counts: {
        applied: ({ parked }) => problems.push(...parked),
        failed: (error) => problems.push(error),
      },
    });
    const remember = async (round: number): Promise<void> => {
      const lease = randomUUID();
      const leased = await store.transact(workspaceId, (trx) =>
        leaseDirty(trx, { connection, lease, size: 12, now: engineNow, leaseMs: 0 }),
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
    const scan = (round: number): Promise<unknown> => {
      const records = turned(links, round + 3).map(({ recordId, contactId }) => {
        const phone = `+${people[Number(recordId.slice(1))] ?? ''}`;
        return { askedAs: recordId, recordId, contactId, values: { phone, stage: String(round) } };
      });
      const page = { records, gone: [], merged: [] };
      return store.transact(workspaceId, (trx) =>
        takeIn(trx, connection, traits, page, true, erasureKeyOf, engineNow),
      );
    };
    for (let round = 1; round <= rounds; round += 1) {
      await receive(round);
      await Promise.all([applier.drain(), remember(round), remember(round + 1), scan(round)]);
    }
    expect(problems).toEqual([]);
    // A batch that ends in one is repeated, a second later, and nobody sees it.
    await tellStatistics(store, workspaceId);
    const { rows } = await store.transact(workspaceId, (trx) =>
      sql`select deadlocks from pg_stat_database where datname = current_database()`.execute(trx),
    );
    expect(rows).toEqual([{ deadlocks: 0 }]);
    const left = await store.transact(workspaceId, async (trx) => ({
      marks: await leaseDirty(trx, {
        connection,
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
