import {
  createEngineFixture,
  type EngineFixture,
  engineNow,
  numberChange,
  text,
  webhook,
} from '@sangam/test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  channelSending,
  type ChannelSending,
  insertChannelState,
  learnDailyLimit,
  setChannelSending,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { createSends } from './ask.ts';
import { type Claimed, claimSends } from './claim.ts';
import { departSends } from './depart.ts';

/** Whom a message goes to as it is claimed and as it departs, and what WhatsApp tells of limits. */

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
  const { workspaceId, channelId, phoneNumberId, wabaId } = engine;
  await engine.store.transact(workspaceId, async (trx) => {
    await trx
      .insertInto('channels')
      .values({
        workspace_id: workspaceId,
        channel_id: channelId,
        provider: 'meta',
        phone_number_id: phoneNumberId,
        waba_id: wabaId,
        display_phone_number: '+91 80471 00000',
        created_at: 0,
      })
      .execute();
    await insertChannelState(trx, channelId);
  });
});
afterEach(() => engine.close());

const inTransaction = <Result>(work: (trx: WorkspaceTransaction) => Promise<Result>): Promise<Result> =>
  engine.store.transact(engine.workspaceId, work);

async function channel(trx: WorkspaceTransaction): Promise<ChannelSending> {
  const found = await channelSending(trx, engine.channelId);
  if (found === undefined) throw new Error('There is no channel.');
  return found;
}

async function theirContact(value: string): Promise<string> {
  const { contact_id: contactId } = await inTransaction((trx) =>
    trx
      .selectFrom('identities')
      .select('contact_id')
      .where('workspace_id', '=', engine.workspaceId)
      .where('value', '=', value)
      .executeTakeFirstOrThrow(),
  );
  return contactId ?? '';
}

async function claimed(contactId: string): Promise<readonly Claimed[]> {
  const sends = createSends({ store: engine.store, clock: { now: () => engineNow } });
  await sends.ask(
    engine.workspaceId,
    { kind: 'member', id: crypto.randomUUID() },
    { clientId: crypto.randomUUID(), to: { contactId }, content: { type: 'text', text: 'Hello' } },
  );
  const batch = await inTransaction(async (trx) =>
    claimSends(trx, await channel(trx), 10, { now: engineNow, heldAt: performance.now() }),
  );
  return batch.claimed;
}

test('of who is known by ids alone, the last one WhatsApp told', async () => {
  const ids = ['IN.1AAAA', 'IN.9BBBB', 'IN.5CCCC', 'IN.3DDDD'];
  const [first = ''] = ids;
  await engine.receive(
    webhook(engine, [text({ bsuid: first, name: 'Asha' }, 'wamid.1', engineNow - 60_000, 'Hi')]),
  );
  await engine.applyAll();
  for (const [index, bsuid] of ids.entries()) {
    const before = ids[index - 1];
    if (before === undefined) continue;
    await engine.receive(
      webhook(engine, [
        numberChange(
          { bsuid: before },
          { bsuid },
          `wamid.change-${bsuid}`,
          engineNow - 50_000 + index * 1_000,
        ),
      ]),
    );
    await engine.applyAll();
  }
  const [one] = await claimed(await theirContact(`bsuid:portfolio:${first}`));
  expect(one?.bsuid).toBe('IN.3DDDD');
});

test('a number that was put into test after a message was claimed sends to nobody who is not listed', async () => {
  const person = { phone: '919812345678', name: 'Asha' };
  await engine.receive(webhook(engine, [text(person, 'wamid.1', engineNow - 60_000, 'Hi')]));
  await engine.applyAll();
  const slice = await claimed(await theirContact('+919812345678'));
  expect(slice).toHaveLength(1);
  await inTransaction((trx) =>
    setChannelSending(trx, engine.channelId, { mode: 'test', testPhones: [], throughput: 80 }),
  );
  const departing = await inTransaction((trx) => departSends(trx, engine.channelId, slice, engineNow));
  expect(departing).toEqual([]);
});

test('who gave up their number is not written to on it', async () => {
  const [phone, asha] = ['919812345678', 'IN.1AAAA'];
  await engine.receive(
    webhook(engine, [text({ phone, bsuid: asha, name: 'Asha' }, 'wamid.1', engineNow - 60_000, 'Hi')]),
  );
  await engine.applyAll();
  const contactId = await theirContact(`+${phone}`);
  await engine.receive(
    webhook(engine, [text({ phone, bsuid: 'IN.2BBBB', name: 'Ravi' }, 'wamid.2', engineNow - 30_000, 'Hi')]),
  );
  await engine.applyAll();
  const [one] = await claimed(contactId);
  expect(one).toMatchObject({ waId: undefined, bsuid: asha });
});

const limit = async (): Promise<number | null> =>
  inTransaction(async (trx) => (await channel(trx)).dailyLimit);

test.each([
  ['business_capability_update', { max_daily_conversations_per_business: 'TIER_2K' }, 2_000],
  ['business_capability_update', { max_daily_conversations_per_business: 'TIER_250' }, 250],
  ['business_capability_update', { max_daily_conversations_per_business: 10_000 }, 10_000],
  ['business_capability_update', { max_daily_conversations_per_business: 'TIER_UNLIMITED' }, null],
  ['business_capability_update', { max_daily_conversations_per_business: -1 }, null],
  ['business_capability_update', { max_daily_conversation_per_phone: 100_000 }, 100_000],
  [
    'phone_number_quality_update',
    { event: 'UPGRADE', max_daily_conversations_per_business: 'TIER_10K' },
    10_000,
  ],
  // What says nothing of it leaves it as it is.
  ['business_capability_update', { max_phone_numbers_per_business: 20 }, 1],
  ['business_capability_update', { max_daily_conversations_per_business: 'TIER_NOT_SET' }, 1],
])('%s %j: so many people a day', async (field, value, people) => {
  await inTransaction((trx) => learnDailyLimit(trx, engine.wabaId, 1));
  await engine.receive(webhook(engine, [{ field, value }]));
  await engine.applyAll();
  expect(await limit()).toBe(people);
});
