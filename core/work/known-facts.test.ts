import { createEngineFixture, type EngineFixture, until } from '@sangam/test';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ConnectionRow, connectionsOf, saveFacts } from '../store/index.ts';
import { openFacts } from './known-facts.ts';

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
});
afterEach(() => engine.close());

async function row(): Promise<ConnectionRow> {
  const [found] = await engine.store.transact(engine.workspaceId, connectionsOf);
  if (found === undefined) throw new Error('There is no connection.');
  return found;
}

test('what one process learns of an account another knows once it sees its row', async () => {
  const unknown = await row();
  expect(unknown.facts).toEqual({});
  const [one, other] = [openFacts(engine.store, unknown), openFacts(engine.store, unknown)];
  await one.facts.save({ contactIdField: 'dcf5', phoneFields: ['phones'] });
  expect(other.facts.now()).toEqual({});
  other.see(await row());
  expect(other.facts.now()).toEqual({ contactIdField: 'dcf5', phoneFields: ['phones'] });
});

test('facts that are left out stay, whoever learned them', async () => {
  const before = await row();
  const [one, other] = [openFacts(engine.store, before), openFacts(engine.store, before)];
  await one.facts.save({ contactIdField: 'dcf5' });
  await other.facts.save({ seenAt: 'https://acme.crm.example' });
  expect(other.facts.now()).toEqual({ contactIdField: 'dcf5', seenAt: 'https://acme.crm.example' });
  expect((await row()).facts).toEqual(other.facts.now());
});

test('what two processes learn in one moment is all kept', async () => {
  const { connectionId, ...before } = await row();
  const { facts } = openFacts(engine.store, { connectionId, ...before });
  const isWaiting = async (): Promise<boolean> =>
    engine.store.transact(engine.workspaceId, async (trx) => {
      const { rows } = await sql`
        select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
          and ${trx.workspaceId}::text is not null`.execute(trx);
      return rows.length > 0;
    });
  let theirs: Promise<void> | undefined;
  await engine.store.transact(engine.workspaceId, async (trx) => {
    await saveFacts(trx, connectionId, { contactIdField: 'dcf5' });
    theirs = facts.save({ seenAt: 'https://acme.crm.example' });
    await until('the other one to wait', isWaiting);
  });
  await theirs;
  expect((await row()).facts).toEqual({ contactIdField: 'dcf5', seenAt: 'https://acme.crm.example' });
});

test('a row read before sets nothing back', async () => {
  const before = await row();
  const { facts, see } = openFacts(engine.store, before);
  await facts.save({ contactIdField: 'dcf5' });
  see(before);
  expect(facts.now()).toEqual({ contactIdField: 'dcf5' });
});

test('what is learned again changes nothing', async () => {
  const { facts } = openFacts(engine.store, await row());
  await facts.save({ contactIdField: 'dcf5' });
  const { factsVersion } = await row();
  await facts.save({ contactIdField: 'dcf5' });
  expect((await row()).factsVersion).toBe(factsVersion);
});
