import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCorrections } from '@sangam/core/corrections';
import { findContact, giveBackTimeline, listAlerts, listDeadLetters } from '@sangam/core/store';
import { memoryAccounts } from './conformance/memory-account.ts';
import { hour, minute, setUpFor } from './conformance/set-up.ts';
import {
  canonicalState,
  type Change,
  createEngineFixture,
  echo,
  type EngineFixture,
  engineNow,
  message,
  preference,
  status,
  text,
  webhook,
} from './harness/index.ts';

/** Several contacts who turn out to be one person by one message; and an opt-out that cannot be applied. */

const at = (step: number): number => engineNow - 60 * 60_000 + step * 1000;

describe('three contacts joined by one message', () => {
  test('show their one day once, on the record that lives on, and are heard afterwards', async () => {
    const accounts = memoryAccounts();
    const { fixture, crm } = await setUpFor(accounts.open)();
    await crm.receive(preference({ phone: '919822222222', name: 'Bela' }, fixture.clock.now(), 'signup'));
    await fixture.settle();
    const [primary] = await crm.records();
    await crm.writes({ phone: '5511987654321', bsuid: 'IN.A1', parent: 'IN.ENT.P' }, 'from the first');
    await crm.writes({ phone: '919811111111', bsuid: 'IN.B2' }, 'from the second');
    await fixture.ride(minute);
    expect(await crm.records()).toHaveLength(3);

    const all = { phone: '919822222222', bsuid: 'IN.B2', parent: 'IN.ENT.P', name: 'Bela' };
    await crm.writes(all, 'from all of them');
    await crm.writes(all, 'STOP');
    await fixture.ride(hour);
    expect(await crm.letters()).toEqual([]);
    const shown = await Promise.all(
      (await crm.records()).map(async (record) => ({
        recordId: record.recordId,
        texts: (await crm.account.user.timeline(record.recordId)).map((entry) => entry.text),
      })),
    );
    expect(shown.filter(({ texts }) => texts.length > 0)).toEqual([
      { recordId: primary?.recordId, texts: ['from the first\nfrom the second\nfrom all of them\nSTOP'] },
    ]);
    const record = (await crm.records()).find(({ recordId }) => recordId === primary?.recordId);
    expect(crm.isOptedOut(record)).toBe(true);
  });
});

describe('in the engine', () => {
  let engine: EngineFixture;
  beforeEach(async () => {
    engine = await createEngineFixture();
  });
  afterEach(() => engine.close());

  const apply = async (...changes: readonly Change[]): Promise<void> => {
    await engine.receive(webhook(engine, changes));
    await engine.applyAll();
  };

  /** Found by merge-law.property.test.ts with seed -458668052. */
  test('an order in which two vanishing contacts have an entry of one day comes to the same as any other', async () => {
    const parent = 'IN.ENT.P';
    const changes = {
      w3: text(
        { phone: '919811111111', bsuid: 'IN.C3', parent, username: 'bela' },
        'w3',
        at(2),
        'My name is Asha',
      ),
      out2: echo({ phone: '919811111111', bsuid: 'IN.C3' }, 'out2', at(2), 'My name is Asha'),
      out3: status({ phone: '919811111111' }, 'out3', at(1), 'delivered', {
        pricing: { category: 'marketing' },
      }),
      signup: preference({ phone: '919822222222', name: 'Bela', username: 'bela' }, at(2), 'signup'),
      w4: text({ phone: '5511987654321', bsuid: 'IN.A1', parent, name: 'Asha R' }, 'w4', at(3), 'start'),
      w5: message(
        { phone: '919822222222', bsuid: 'IN.B2', parent, name: 'Bela', username: 'asha' },
        'w5',
        at(2),
        {
          type: 'interactive',
          interactive: { type: 'nfm_reply', nfm_reply: { name: 'flow', response_json: '[1]' } },
          referral: { source_type: 'ad', source_id: '1' },
        },
      ),
      w6: text({ phone: '919811111111', bsuid: 'IN.B2', username: 'bela' }, 'w6', at(3), 'My name is Asha'),
    };
    await apply(...Object.values(changes));
    const together = await canonicalState(engine.store, engine.workspaceId);
    await engine.forgetEverything();
    for (const one of [
      'signup',
      'out2',
      'w4',
      'w6',
      'w3',
      'w4',
      'w6',
      'signup',
      'out3',
      'w3',
      'out3',
      'w5',
    ] as const) {
      await apply(changes[one]);
    }
    expect(await canonicalState(engine.store, engine.workspaceId)).toEqual(together);
  });

  const people = [1, 2, 3, 4].map((place) => ({ phone: `9198123000${String(place)}0` }));
  const idsOf = async (): Promise<string[]> => {
    const found = people.map(({ phone }) =>
      engine.store.transact(engine.workspaceId, (trx) => findContact(trx, { value: `+${phone}` })),
    );
    return (await Promise.all(found)).map((contactId) => contactId ?? '');
  };
  const writes = (place: number, day: number): Promise<void> =>
    apply(
      text(
        people[place] ?? {},
        `w.${String(place)}.${String(day)}`,
        engineNow - day * 24 * 60 * 60_000,
        'Hi',
      ),
    );
  const byHand = () => {
    const actor = {
      workspaceId: engine.workspaceId,
      memberId: '6a1a4d6a-0000-4000-8000-000000000001',
    };
    const corrections = createCorrections({
      store: engine.store,
      clock: { now: () => engineNow },
      connectors: { of: () => Promise.reject(new Error('There is no CRM here.')), forget: () => undefined },
    });
    return {
      join: (a = '', b = '') => corrections.join(actor, a, b),
      undo: (decisionId: string) => corrections.undo(actor, decisionId),
    };
  };
  /** By day who has an entry. */
  const entries = async (): Promise<Record<string, string[]>> => {
    const rows = await engine.store.transact(engine.workspaceId, (trx) =>
      trx
        .selectFrom('timeline_entries')
        .select(['contact_id', 'part'])
        .where('workspace_id', '=', engine.workspaceId)
        .execute(),
    );
    const names = new Map((await ids).map((contactId, place) => [contactId, 'ABCD'[place] ?? '']));
    return Object.fromEntries(
      [...Map.groupBy(rows, ({ part }) => part)].map(([part, some]) => [
        part,
        some.map((row) => names.get(row.contact_id) ?? row.contact_id).toSorted(),
      ]),
    );
  };
  /** All were written: what is nobody's any more has to be taken away first. */
  const shown = (): Promise<void> =>
    engine.asDatabaseOwner(`update timeline_entries set entry_id = entry_key, record_id = '1'`);
  let ids: Promise<string[]>;
  const yesterday = '2026-11-22';
  /** Everybody is known since the day before yesterday. */
  const meet = async (): Promise<string[]> => {
    for (const place of people.keys()) await writes(place, 2);
    ids = idsOf();
    return ids;
  };

  test('of two groups that part, a day that two of one person bring is theirs once', async () => {
    const [a = '', b = '', c = '', d = ''] = await meet();
    await writes(1, 1);
    await writes(3, 1);
    const { join } = byHand();
    await join(a, b);
    await join(c, d);
    await engine.applyAll();
    expect((await entries())[yesterday]).toEqual(['A', 'C']);
    await shown();
    await engine.store.transact(engine.workspaceId, (trx) =>
      giveBackTimeline(
        trx,
        [
          { contactId: a, before: a, after: a },
          { contactId: b, before: a, after: b },
          { contactId: c, before: c, after: c },
          { contactId: d, before: c, after: b },
        ],
        engineNow,
      ),
    );
    expect((await entries())[yesterday]).toEqual(['B', 'D']);
  });

  test('whoever is somebody of their own again has their days, wherever those came to stand', async () => {
    const [a = '', b = '', c = ''] = await meet();
    const { join, undo } = byHand();
    await writes(2, 1);
    const first = await join(b, c);
    await engine.applyAll();
    await writes(0, 1);
    await shown();
    const second = await join(a, b);
    await engine.applyAll();
    expect((await entries())[yesterday]).toEqual(['A', 'B']);
    await undo(second);
    await undo(first);
    await engine.applyAll();
    expect(
      await engine.store.transact(engine.workspaceId, (trx) => listDeadLetters(trx, { limit: 10 })),
    ).toEqual([]);
    expect((await entries())[yesterday]).toEqual(['A', 'C']);
    expect(await idsOf()).toEqual(await ids);
  });

  const alerts = () => engine.store.transact(engine.workspaceId, (trx) => listAlerts(trx, { limit: 100 }));

  test.each([
    ['a STOP', text({ phone: '919812345678' }, 'w1', at(1), 'STOP')],
    ["WhatsApp's own stop", preference({ phone: '919812345678' }, at(1), 'stop')],
  ])('an opt-out that becomes a dead letter alerts: %s', async (_name, change) => {
    await engine.asDatabaseOwner('alter table consent_entries add check (false)');
    await apply(change);
    await apply(text({ phone: '919812345679' }, 'w2', at(2), 'STOP ALL'));
    expect(await alerts()).toMatchObject([
      {
        kind: 'opt-out not applied',
        connectionId: null,
        closedAt: null,
        message: expect.stringContaining('Replay'),
      },
    ]);
  });

  test('another dead letter does not', async () => {
    await engine.asDatabaseOwner("alter table messages add check (wamid <> 'w1')");
    await apply(text({ phone: '919812345678' }, 'w1', at(1), 'Please stop calling'));
    expect(await alerts()).toEqual([]);
  });
});
