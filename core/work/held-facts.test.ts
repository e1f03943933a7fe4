import { createEngineFixture, type EngineFixture } from '@sangam/test';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type ConnectionRow, connectionsOf } from '../store/index.ts';
import { holdFacts } from './held-facts.ts';

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
  const [one, other] = [holdFacts(engine.store, unknown), holdFacts(engine.store, unknown)];
  await one.save({ contactIdField: 'dcf5', phoneFields: ['phones'] });
  expect(other.now()).toEqual({});
  other.see(await row());
  expect(other.now()).toEqual({ contactIdField: 'dcf5', phoneFields: ['phones'] });
});

test('facts that are left out stay, whoever learned them', async () => {
  const before = await row();
  const [one, other] = [holdFacts(engine.store, before), holdFacts(engine.store, before)];
  await one.save({ contactIdField: 'dcf5' });
  await other.save({ seenAt: 'https://acme.crm.example' });
  expect(other.now()).toEqual({ contactIdField: 'dcf5', seenAt: 'https://acme.crm.example' });
  expect((await row()).facts).toEqual(other.now());
});

test('a row read before sets nothing back', async () => {
  const before = await row();
  const facts = holdFacts(engine.store, before);
  await facts.save({ contactIdField: 'dcf5' });
  facts.see(before);
  expect(facts.now()).toEqual({ contactIdField: 'dcf5' });
});

test('what is learned again changes nothing', async () => {
  const facts = holdFacts(engine.store, await row());
  await facts.save({ contactIdField: 'dcf5' });
  const { factsVersion } = await row();
  await facts.save({ contactIdField: 'dcf5' });
  expect((await row()).factsVersion).toBe(factsVersion);
});
