import { SangamError } from '../errors.ts';
import { connectionOf, type ConnectionRow, liftBlock, listAlerts, parkFields } from '../store/index.ts';
import { createEngineFixture, type EngineFixture, engineNow, text, webhook } from '@sangam/test';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { alertSilentAccounts, callFailed, callNotMade, callWent, mayCall } from './breaker.ts';

let engine: EngineFixture;
let seen: ConnectionRow;
beforeEach(async () => {
  engine = await createEngineFixture();
  await mode('live');
  seen = await row();
});
afterEach(() => engine.close());

const now = Date.UTC(2026, 10, 23, 12);

async function row(): Promise<ConnectionRow> {
  const [{ connection_id: connectionId } = { connection_id: '' }] = await engine.store.transact(
    engine.workspaceId,
    (trx) =>
      trx
        .selectFrom('crm_connections')
        .select('connection_id')
        .where('workspace_id', '=', engine.workspaceId)
        .execute(),
  );
  const found = await engine.store.transact(engine.workspaceId, (trx) => connectionOf(trx, connectionId));
  if (found === undefined) throw new Error('There is no connection.');
  return found;
}

const mode = async (name: 'live' | 'test' | 'shadow', phones: readonly string[] = []): Promise<void> => {
  await engine.store.transact(engine.workspaceId, (trx) =>
    trx
      .updateTable('crm_connections')
      .set({ mode: name, test_phones: [...phones] })
      .where('workspace_id', '=', engine.workspaceId)
      .execute(),
  );
};

const error = (retry: 'later' | 'never'): SangamError =>
  new SangamError({ code: 'away', origin: 'crm', retry, message: `It says ${retry}.` });

const says = async (words: string): Promise<void> => {
  const change = text({ phone: '919812345678', name: 'Asha' }, `wamid.${words}`, engineNow, words);
  await engine.receive(webhook(engine, [change]));
  await engine.applyAll();
};

describe('an account whose calls failed', () => {
  test('is tried by one process, and by the next once that one did not need to', async () => {
    for (let times = 0; times < 4; times += 1) {
      await callFailed(engine.store, await row(), error('later'), 'records', now);
    }
    const failed = await row();
    const later = failed.nextCallAt;
    const tries = await Promise.all(
      Array.from({ length: 6 }, () => mayCall(engine.store, failed, 'records', later)),
    );
    const [leave, ...others] = tries.filter((one) => one !== undefined);
    expect(others).toEqual([]);
    await callNotMade(engine.store, failed, leave ?? {});
    expect(await mayCall(engine.store, await row(), 'records', later)).toBeDefined();
  });

  test.each(['live', 'test'] as const)(
    'is tried by records and the timeline in turn, so that what fails in one keeps nothing from the other, in mode %s',
    async (name) => {
      await says('Hello');
      await mode(name, ['+919812345678']);
      const lanes = ['records', 'timeline'] as const;
      const tries: string[] = [];
      for (let times = 0; times < 10; times += 1) {
        const failed = await row();
        // Whoever asks first.
        for (const lane of times % 3 === 0 ? lanes : lanes.toReversed()) {
          const leave = await mayCall(engine.store, failed, lane, failed.nextCallAt);
          if (leave?.probe !== undefined) tries.push(lane);
        }
        await callFailed(engine.store, await row(), error('later'), 'records', now);
      }
      expect(tries).toEqual(['records', 'timeline', 'records', 'timeline', 'records', 'timeline']);
    },
  );

  test('is tried by records in the timeline’s turn where timelines are blocked', async () => {
    await says('Hello');
    for (let times = 0; times < 5; times += 1) {
      await callFailed(engine.store, await row(), error('later'), 'records', now);
    }
    const failed = await row();
    // The entry is due by then, however long the account is left alone, and the turn is not over.
    const at = failed.nextCallAt + 4_000;
    expect(await mayCall(engine.store, failed, 'records', at)).toBeUndefined();
    await engine.asDatabaseOwner(`update crm_call_states set timeline_blocked_reason = 'A right lacks.'`);
    expect(await mayCall(engine.store, failed, 'records', at)).toBeDefined();
  });

  test('is tried again by whoever waits for a try that failed, once it may be, not when that try would have been over', async () => {
    await says('Hello');
    for (let times = 0; times < 4; times += 1) {
      await callFailed(engine.store, await row(), error('later'), 'timeline', now);
    }
    const failed = await row();
    const { connectionId, workspaceId, nextCallAt } = failed;
    expect(await mayCall(engine.store, failed, 'timeline', nextCallAt + 5_000)).toBeDefined();
    const records = { queue: 'records', workspaceId, targetId: connectionId } as const;
    const untilProbe = await engine.store.restDue(records, nextCallAt + 5_000);
    expect(untilProbe).toBe(nextCallAt + 35_000);
    await callFailed(engine.store, failed, error('later'), 'timeline', nextCallAt + 6_000);
    const next = (await row()).nextCallAt;
    expect(next).toBeLessThan(untilProbe ?? 0);
    expect(await engine.store.scanDue(next)).toContainEqual(records);
  });

  test('is tried by the others as soon as a try is given back, whatever they rest until', async () => {
    await says('Hello');
    for (let times = 0; times < 4; times += 1) {
      await callFailed(engine.store, await row(), error('later'), 'timeline', now);
    }
    const failed = await row();
    const { connectionId, workspaceId, nextCallAt } = failed;
    const leave = await mayCall(engine.store, failed, 'timeline', nextCallAt + 5_000);
    // Who looked while it was in hand may only now come to rest.
    await engine.asDatabaseOwner(
      `update directory_due set due_at = ${String(nextCallAt + 35_001)} where queue = 'records'`,
    );
    await callNotMade(engine.store, failed, leave ?? {});
    const records = { queue: 'records', workspaceId, targetId: connectionId };
    expect(await engine.store.scanDue(nextCallAt)).toContainEqual(records);
  });

  test('is tried by the other where the one whose turn it is does not come, but not while consent waits', async () => {
    await says('Hello');
    for (let times = 0; times < 4; times += 1) {
      await callFailed(engine.store, await row(), error('later'), 'records', now);
    }
    const failed = await row();
    const { nextCallAt } = failed;
    expect(await mayCall(engine.store, failed, 'timeline', nextCallAt + 4_999)).toBeUndefined();
    const leave = await mayCall(engine.store, failed, 'timeline', nextCallAt + 5_000);
    expect(leave).toBeDefined();
    await callNotMade(engine.store, failed, leave ?? {});
    await says('STOP');
    expect(await mayCall(engine.store, failed, 'timeline', nextCallAt + 60_000)).toBeUndefined();
    expect(await mayCall(engine.store, failed, 'records', nextCallAt)).toBeDefined();
  });

  test.each(['test', 'shadow'] as const)(
    'is not kept for what may not be written in mode %s, and nobody is told that it does not answer',
    async (name) => {
      await says('Hello');
      await says('STOP');
      for (let times = 0; times < 5; times += 1) {
        await callFailed(engine.store, await row(), error('later'), 'records', now);
      }
      const silent = async (): Promise<number> => {
        const later = now + 60 * 60_000;
        await alertSilentAccounts(engine.store, engine.workspaceId, later);
        const alerts = await engine.store.transact(engine.workspaceId, (trx) =>
          listAlerts(trx, { limit: 9 }),
        );
        return alerts.length;
      };
      await mode(name, ['+919899999999']);
      expect(await silent()).toBe(0);
      for (const lane of ['timeline', 'scan', 'records'] as const) {
        const failed = await row();
        const leave = await mayCall(engine.store, failed, lane, failed.nextCallAt);
        expect(leave?.probe, lane).toBeDefined();
        await callNotMade(engine.store, failed, leave ?? {});
      }
      if (name === 'shadow') return;
      await mode(name, ['+919812345678']);
      expect(await silent()).toBe(1);
      const failed = await row();
      expect(await mayCall(engine.store, failed, 'timeline', failed.nextCallAt)).toBeUndefined();
      expect(await mayCall(engine.store, failed, 'scan', failed.nextCallAt)).toBeUndefined();
      expect(await mayCall(engine.store, failed, 'records', failed.nextCallAt)).toBeDefined();
    },
  );

  test('that failed for several at once has failed once', async () => {
    await Promise.all(
      Array.from({ length: 5 }, () => callFailed(engine.store, seen, error('later'), 'records', now)),
    );
    expect((await row()).failedAttempts).toBe(1);
  });

  test('waits as long as the longest wait that is known, whoever was told', async () => {
    await callFailed(engine.store, seen, error('later'), 'records', now + 600_000);
    const longest = (await row()).nextCallAt;
    await callFailed(engine.store, seen, error('later'), 'records', now);
    expect((await row()).nextCallAt).toBe(longest);
  });

  test('that is blocked stays so, whatever else was under way, until a person lifts it', async () => {
    await callFailed(engine.store, seen, error('later'), 'records', now);
    const open = await row();
    await callFailed(engine.store, open, error('never'), 'records', now);
    await callWent(engine.store, open, now);
    await callNotMade(engine.store, open, {});
    await callFailed(engine.store, open, error('later'), 'records', now);
    expect((await row()).blockedReason).toBe('It says never.');
    const alerts = () => engine.store.transact(engine.workspaceId, (trx) => listAlerts(trx, { limit: 100 }));
    expect((await alerts()).map(({ closedAt }) => closedAt)).toEqual([null]);
    await engine.store.transact(engine.workspaceId, (trx) => liftBlock(trx, seen.connectionId, now));
    expect(await row()).toMatchObject({ blockedReason: null, failedAttempts: 0, nextCallAt: 0 });
    expect((await alerts()).map(({ closedAt }) => closedAt)).toEqual([now]);
  });
});

describe('what a call of before a person acted came to', () => {
  const lift = (): Promise<void> =>
    engine.store.transact(engine.workspaceId, (trx) => liftBlock(trx, seen.connectionId, now));
  const openAlerts = async (): Promise<readonly string[]> => {
    const alerts = await engine.store.transact(engine.workspaceId, (trx) => listAlerts(trx, { limit: 100 }));
    return alerts.filter(({ closedAt }) => closedAt === null).map(({ kind }) => kind);
  };

  test('blocks nothing, pauses nothing and alerts nobody', async () => {
    await callFailed(engine.store, seen, error('never'), 'records', now);
    await lift();
    await callFailed(engine.store, seen, error('never'), 'timeline', now);
    await callFailed(engine.store, seen, error('later'), 'scan', now);
    expect(await row()).toMatchObject({ blockedReason: null, failedAttempts: 0, nextCallAt: 0 });
    expect(await openAlerts()).toEqual([]);
  });

  test('does not block timelines again', async () => {
    const refused = new SangamError({
      code: 'missing_scope',
      origin: 'crm',
      retry: 'never',
      message: 'A right lacks.',
    });
    await callFailed(engine.store, seen, refused, 'timeline', now);
    expect(await row()).toMatchObject({ timelineBlockedReason: 'A right lacks.' });
    await lift();
    await callFailed(engine.store, seen, refused, 'timeline', now);
    expect(await row()).toMatchObject({ timelineBlockedReason: null });
    expect(await openAlerts()).toEqual([]);
  });
});

describe('fields that vanished', () => {
  test('are parked beside those another process parked meanwhile', async () => {
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((field) =>
        engine.store.transact(engine.workspaceId, (trx) =>
          parkFields(trx, seen.connectionId, [field], { at: now, why: 'gone' }),
        ),
      ),
    );
    expect(Object.keys((await row()).parkedFields).toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });
});
