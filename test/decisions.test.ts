import { createCorrections, type Corrections } from '@sangam/core/corrections';
import {
  findContact,
  type KeptLink,
  keptLinks,
  linkByPhone,
  linkContactsByPhone,
  linksOfContacts,
  listAlerts,
  listConflicts,
  listDecisions,
  markGone,
  openConflicts,
  raiseAlert,
  repointLinks,
  saveLinks,
  saveRecords,
  type WorkspaceTransaction,
} from '@sangam/core/store';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createEngineFixture, type EngineFixture, engineNow, text, until, webhook } from './harness/index.ts';

/** What people decide by hand: each decision is one transaction with all it does, and undoes whole. */

let engine: EngineFixture;
let corrections: Corrections;
let connectionId: string;
let asha: string;
beforeEach(async () => {
  engine = await createEngineFixture();
  corrections = createCorrections({
    store: engine.store,
    clock: { now: () => engineNow },
    connectors: { of: () => Promise.reject(new Error('There is no account.')), forget: () => undefined },
  });
  await engine.receive(webhook(engine, [text({ phone: '919812345678' }, 'w.1', engineNow - 9000, 'Hello')]));
  // Asha is the older of the two.
  await engine.applyAll();
  await engine.receive(webhook(engine, [text({ bsuid: 'IN.ASHA' }, 'w.2', engineNow - 8000, 'Hello')]));
  await engine.applyAll();
  asha = await known('+919812345678');
  connectionId = await inside(async (trx) => {
    const row = await trx
      .selectFrom('crm_connections')
      .select('connection_id')
      .where('workspace_id', '=', trx.workspaceId)
      .executeTakeFirstOrThrow();
    return row.connection_id;
  });
});
afterEach(() => engine.close());

const actor = (): { workspaceId: string; memberId: string } => ({
  workspaceId: engine.workspaceId,
  memberId: '6a1a4d6a-0000-4000-8000-000000000001',
});

function inside<Result>(work: (trx: WorkspaceTransaction) => Promise<Result>): Promise<Result> {
  return engine.store.transact(engine.workspaceId, work);
}

async function known(value: string): Promise<string> {
  const contactId = await inside((trx) => findContact(trx, { value }));
  if (contactId === undefined) throw new Error(`Nobody is known as ${value}.`);
  return contactId;
}

const links = (): Promise<KeptLink[]> => inside((trx) => keptLinks(trx, connectionId, asha));
const primary = async (): Promise<string | undefined> =>
  (await links()).find((link) => link.primary && link.partedAt === null)?.recordId;
const standing = async (): Promise<number> =>
  (await inside((trx) => listDecisions(trx, { limit: 100 }))).filter(({ undoneAt }) => undoneAt === null)
    .length;

const tie = (recordId: string, at: boolean): Promise<unknown> =>
  inside((trx) =>
    saveLinks(
      trx,
      connectionId,
      [{ contactId: asha, recordId, primary: at, reason: 'our id' }],
      engineNow - 5000,
    ),
  );

const named = (recordId: string) => ({ connectionId, contactId: asha, recordId });

describe('who is who', () => {
  test('is decided together with what tells it, or not at all', async () => {
    const other = await known('bsuid:portfolio:IN.ASHA');
    await engine.asDatabaseOwner('alter table inbox add constraint shut check (false) not valid');
    await expect(corrections.join(actor(), asha, other)).rejects.toThrow();
    expect(await standing()).toBe(0);
    await engine.asDatabaseOwner('alter table inbox drop constraint shut');
    const joined = await corrections.join(actor(), asha, other);
    await engine.applyAll();
    expect(await known('bsuid:portfolio:IN.ASHA')).toBe(await known('+919812345678'));

    await engine.asDatabaseOwner('alter table inbox add constraint shut check (false) not valid');
    await expect(corrections.undo(actor(), joined)).rejects.toThrow();
    expect(await standing()).toBe(1);
    await engine.asDatabaseOwner('alter table inbox drop constraint shut');
    await corrections.undo(actor(), joined);
    await engine.applyAll();
    expect(await known('bsuid:portfolio:IN.ASHA')).not.toBe(await known('+919812345678'));
  });
});

describe('a join', () => {
  test('says why two contacts cannot be joined', async () => {
    const other = await known('bsuid:portfolio:IN.ASHA');
    await expect(corrections.join(actor(), asha, asha)).rejects.toMatchObject({ code: 'same_contact' });
    await expect(corrections.join(actor(), asha, actor().memberId)).rejects.toMatchObject({
      code: 'no_such_contact',
    });
    await corrections.handOver(actor(), '+919812345678', engineNow - 8500);
    await engine.receive(webhook(engine, [text({ phone: '919812345678' }, 'w.3', engineNow - 1, 'Hello')]));
    await engine.applyAll();
    await engine.asDatabaseOwner(`delete from identities where contact_id = '${asha}'`);
    await expect(corrections.join(actor(), other, asha)).rejects.toMatchObject({
      code: 'contact_without_ids',
      message: expect.stringContaining(asha),
    });
  });

  test('waits for whoever is just giving one of them a record, and leaves one primary', async () => {
    const other = await known('bsuid:portfolio:IN.ASHA');
    const give = (contactId: string, recordId: string) => (trx: WorkspaceTransaction) =>
      saveLinks(trx, connectionId, [{ contactId, recordId, primary: true, reason: 'our id' }], engineNow);
    await inside(give(other, 'r2'));
    await corrections.join(actor(), asha, other);
    const watcher = new pg.Client({ connectionString: engine.databaseUrl });
    await watcher.connect();
    const isWaiting = async (): Promise<boolean> =>
      (await watcher.query('select 1 from pg_locks where not granted')).rows.length > 0;
    let applied: Promise<void> | undefined;
    await inside(async (trx) => {
      await give(asha, 'r1')(trx);
      applied = engine.applyAll();
      await until('apply to wait', isWaiting);
    });
    await applied;
    await watcher.end();
    expect((await links()).map(({ recordId, primary }) => [recordId, primary])).toEqual([
      ['r1', true],
      ['r2', false],
    ]);
  });

  test('is applied before it is undone, also within one millisecond', async () => {
    const other = await known('bsuid:portfolio:IN.ASHA');
    const received = async (): Promise<number[]> => {
      const rows = await inside((trx) =>
        trx
          .selectFrom('inbox')
          .select('received_at')
          .where('workspace_id', '=', trx.workspaceId)
          .orderBy('received_at')
          .execute(),
      );
      return rows.map((row) => row.received_at);
    };
    const decisionId = await corrections.join(actor(), asha, other);
    await corrections.undo(actor(), decisionId);
    expect(await received()).toEqual([engineNow, engineNow + 1]);
  });
});

describe('a conflict of two records', () => {
  const open = async (): Promise<string> => {
    await tie('r1', true);
    await tie('r2', false);
    await inside((trx) =>
      openConflicts(
        trx,
        [
          {
            connectionId,
            kind: 'two records',
            contactId: asha,
            recordIds: ['r1', 'r2'],
            explanation: 'Two.',
          },
        ],
        engineNow,
      ),
    );
    const [conflict] = await inside((trx) => listConflicts(trx, { limit: 100, state: 'open' }));
    return conflict?.conflictId ?? '';
  };

  test('accepted is one decision, and undoing it restores the links and opens it again', async () => {
    const conflictId = await open();
    const before = await links();
    const decisionId = await corrections.acceptConflict(actor(), conflictId, 'r2');
    expect(await primary()).toBe('r2');
    expect(await standing()).toBe(1);
    await corrections.undo(actor(), decisionId);
    expect(await links()).toEqual(before);
    expect(await inside((trx) => listConflicts(trx, { limit: 100, state: 'open' }))).toHaveLength(1);
  });

  test('is not half accepted', async () => {
    const conflictId = await open();
    const before = await links();
    await engine.asDatabaseOwner('alter table decisions add check (false) not valid');
    await expect(corrections.acceptConflict(actor(), conflictId, 'r2')).rejects.toThrow();
    expect(await links()).toEqual(before);
    expect(await inside((trx) => listConflicts(trx, { limit: 100, state: 'open' }))).toHaveLength(1);
  });

  test('accepted, and open anew since, is not opened twice', async () => {
    const conflictId = await open();
    const decisionId = await corrections.acceptConflict(actor(), conflictId, 'r1');
    await open();
    await corrections.undo(actor(), decisionId);
    expect(await inside((trx) => listConflicts(trx, { limit: 100, state: 'open' }))).toHaveLength(1);
  });
});

describe('a record put right', () => {
  beforeEach(() =>
    inside((trx) =>
      saveRecords(
        trx,
        connectionId,
        ['r2', 'r3'].map((recordId) => ({ recordId, keyContactId: undefined, base: {}, phones: [] })),
        engineNow,
      ),
    ),
  );

  test('goes back to the one before, and what was tied since stays', async () => {
    await tie('r1', true);
    const before = await links();
    const decisionId = await corrections.relink(actor(), named('r2'));
    expect(await primary()).toBe('r2');
    await tie('r3', false);
    await corrections.undo(actor(), decisionId);
    expect(await primary()).toBe('r1');
    const after = await links();
    expect(after.filter(({ recordId }) => recordId !== 'r3')).toEqual(before);
    expect(after.some(({ recordId }) => recordId === 'r3')).toBe(true);
  });

  test('is one that is known, or that the CRM is asked for', async () => {
    await tie('r1', true);
    await expect(corrections.relink(actor(), named('r9'))).rejects.toThrow('There is no account.');
    expect(await primary()).toBe('r1');
  });

  test('is undone from the last decision backwards', async () => {
    await tie('r1', true);
    const first = await corrections.relink(actor(), named('r2'));
    const second = await corrections.relink(actor(), named('r3'));
    await expect(corrections.undo(actor(), first)).rejects.toMatchObject({ code: 'later_decision' });
    expect(await primary()).toBe('r3');
    await corrections.undo(actor(), second);
    await corrections.undo(actor(), first);
    expect(await primary()).toBe('r1');
    await expect(corrections.undo(actor(), first)).rejects.toMatchObject({ code: 'no_such_decision' });
  });

  test('does not bring back the record of somebody who was found to be another person since', async () => {
    const other = await known('bsuid:portfolio:IN.ASHA');
    await tie('r1', true);
    await inside((trx) =>
      saveLinks(
        trx,
        connectionId,
        [{ contactId: other, recordId: 'r2', primary: true, reason: 'our id' }],
        engineNow - 5000,
      ),
    );
    const both = { phone: '919812345678', bsuid: 'IN.ASHA' };
    await engine.receive(webhook(engine, [text(both, 'w.3', engineNow - 7000, 'Hello')]));
    await engine.applyAll();
    const decisionId = await corrections.relink(actor(), named('r3'));
    expect((await links()).map(({ recordId }) => recordId)).toEqual(['r1', 'r2', 'r3']);
    await corrections.handOver(actor(), '+919812345678', engineNow - 8500);
    await engine.applyAll();
    expect(await known('bsuid:portfolio:IN.ASHA')).toBe(other);
    await corrections.undo(actor(), decisionId);
    expect(await links()).toMatchObject([{ recordId: 'r1', primary: true }]);
    expect(await inside((trx) => keptLinks(trx, connectionId, other))).toMatchObject([
      { recordId: 'r2', primary: true },
    ]);
  });

  test('is found where it lives on, when it was merged since, more than once', async () => {
    await tie('r1', true);
    const decisionId = await corrections.relink(actor(), named('r2'));
    for (const [from, to] of [
      ['r1', 'r8'],
      ['r8', 'r9'],
    ] as const) {
      await inside(async (trx) => {
        await markGone(trx, connectionId, [{ recordId: from, how: 'merged', at: engineNow, movedTo: to }]);
        await repointLinks(trx, connectionId, [{ from, to }], { entriesMove: false, now: engineNow });
      });
    }
    await corrections.undo(actor(), decisionId);
    expect((await links()).map(({ recordId }) => recordId)).toEqual(['r9']);
    expect(await primary()).toBe('r9');
  });
});

describe('parting', () => {
  test('is over when the CRM holds that record and their own for one', async () => {
    await tie('r1', true);
    await corrections.unlink(actor(), named('r1'));
    await tie('r0', true);
    await inside((trx) =>
      repointLinks(trx, connectionId, [{ from: 'r0', to: 'r1' }], { entriesMove: false, now: engineNow }),
    );
    expect(await inside((trx) => linksOfContacts(trx, connectionId, [asha]))).toMatchObject([
      { recordId: 'r1', primary: true },
    ]);
  });

  test('sticks, whatever finds the phone on that record again, until it is undone', async () => {
    await tie('r1', true);
    const decisionId = await corrections.unlink(actor(), named('r1'));
    const phones = [{ field: 'phone', place: 0, typed: '+919812345678', phone: '+919812345678' }];
    const seen = { recordId: 'r1', keyContactId: asha, base: {}, phones };
    await inside(async (trx) => {
      await saveRecords(trx, connectionId, [seen], engineNow);
      await linkByPhone(trx, connectionId, ['r1'], engineNow);
      await linkContactsByPhone(trx, [asha], engineNow);
    });
    expect(await inside((trx) => linksOfContacts(trx, connectionId, [asha]))).toEqual([]);
    // A phone that left the record does not make it forgotten.
    await inside(async (trx) => {
      await saveRecords(trx, connectionId, [{ ...seen, phones: [] }], engineNow);
      await linkByPhone(trx, connectionId, ['r1'], engineNow);
    });
    expect((await links()).map(({ partedAt }) => partedAt === null)).toEqual([false]);
    await corrections.undo(actor(), decisionId);
    expect(await primary()).toBe('r1');
  });
});

describe('an alert', () => {
  test('of a rush is over once the people are let in, and others stay', async () => {
    for (const kind of ['rush of new records', 'fields missing'] as const) {
      await inside((trx) => raiseAlert(trx, { connectionId, kind, message: kind }, engineNow));
    }
    await corrections.release(actor(), connectionId);
    const alerts = await inside((trx) => listAlerts(trx, { limit: 100 }));
    const open = alerts.filter(({ closedAt }) => closedAt === null);
    expect(open.map(({ kind }) => kind)).toEqual(['fields missing']);
  });
});
