import { randomUUID } from 'node:crypto';
import type { ContactFields } from '@sangam/core/crm';
import { contactFields } from '@sangam/core/pipeline';
import { changeTags } from '@sangam/core/corrections';
import { listAudit } from '@sangam/core/store';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  createEngineFixture,
  type EngineFixture,
  engineNow,
  echo,
  history,
  preference,
  status,
  text,
  webhook,
} from './harness/index.ts';

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
});
afterEach(() => engine.close());

const at = engineNow - 60_000;

async function count(table: 'contacts' | 'dead_letters' | 'messages'): Promise<number> {
  return engine.store.transact(engine.workspaceId, async (trx) => {
    const { rows } = await sql<{ n: number }>`
      select count(*)::int as n from ${sql.table(table)} where workspace_id = ${engine.workspaceId}`.execute(
      trx,
    );
    return rows[0]?.n ?? 0;
  });
}

async function fieldsOfAll(): Promise<ContactFields[]> {
  return engine.store.transact(engine.workspaceId, async (trx) => {
    const rows = await trx
      .selectFrom('contacts')
      .select('contact_id')
      .where('workspace_id', '=', engine.workspaceId)
      .execute();
    return contactFields(
      trx,
      rows.map((row) => row.contact_id),
      engineNow,
    );
  });
}

describe('two contents under one key', () => {
  test('are both kept', async () => {
    const person = { phone: '919800000001' };
    await engine.receive(webhook(engine, [text(person, 'twice', at, 'first words')]));
    await engine.receive(webhook(engine, [text(person, 'twice', at, 'other words')]));
    await engine.applyAll();
    const contents = await engine.store.transact(engine.workspaceId, async (trx) => {
      const { rows } = await sql<{ content: Buffer }>`
        select content from messages where workspace_id = ${engine.workspaceId}
        union all select content from message_contents where workspace_id = ${engine.workspaceId}`.execute(
        trx,
      );
      return rows.map(({ content }) => content.toString()).join(' ');
    });
    expect(contents).toContain('first words');
    expect(contents).toContain('other words');
    expect(await count('messages')).toBe(1);
  });
});

describe('who becomes a contact', () => {
  const person = { phone: '919812345678', bsuid: 'IN.5' };

  test('not the recipient of a message another tool sent; once they write, it stands on their conversation', async () => {
    await engine.receive(
      webhook(engine, [status(person, 'out.1', at, 'sent'), status(person, 'out.1', at, 'read')]),
    );
    await engine.applyAll();
    expect(await count('contacts')).toBe(0);
    expect(await count('dead_letters')).toBe(0);
    await engine.receive(webhook(engine, [text(person, 'in.1', at, 'hello')]));
    await engine.applyAll();
    const lines = await engine.store.transact(engine.workspaceId, (trx) =>
      trx
        .selectFrom('messages')
        .select(['origin', 'contact_id', 'read_at'])
        .where('workspace_id', '=', engine.workspaceId)
        .where('wamid', '=', 'out.1')
        .execute(),
    );
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ origin: 'other tool', read_at: Math.floor(at / 1000) * 1000 });
    expect(lines[0]?.contact_id).not.toBeNull();
  });

  test('not the people of echoes and imported history, which open no window either', async () => {
    await engine.receive(
      webhook(engine, [
        echo(person, 'echo.1', at, 'we wrote'),
        history('919812345678', 'history.1', at - 1000, 'they wrote long ago', 'in'),
      ]),
    );
    await engine.applyAll();
    expect(await count('contacts')).toBe(0);
    await engine.receive(webhook(engine, [preference(person, at, 'signup')]));
    await engine.applyAll();
    const [contact, ...others] = await fieldsOfAll();
    expect(others).toEqual([]);
    expect(contact).toMatchObject({
      leadSource: 'WhatsApp',
      windowState: 'closed',
      optInAt: Math.floor(at / 1000) * 1000,
    });
    expect(contact).not.toHaveProperty('windowClosesAt');
    expect(contact?.lastActivityAt).toBe(Math.floor(at / 1000) * 1000);
  });
});

describe('a phone that changed hands', () => {
  const phone = '919812345678';
  const before = { phone, bsuid: 'IN.OLD', name: 'Old Owner' };
  const after = { phone, bsuid: 'IN.NEW', name: 'New Owner' };

  test('leaves history with its old holder, and its opt-out stands for the new one until they opt in', async () => {
    await engine.receive(
      webhook(engine, [text(before, 'w1', at - 9000, 'hello'), text(before, 'w2', at - 8000, 'STOP')]),
    );
    await engine.applyAll();
    await engine.receive(webhook(engine, [text(after, 'w3', at - 5000, 'who is this?')]));
    await engine.applyAll();
    const [old, fresh] = (await fieldsOfAll()).toSorted((x, y) => (x.firstName < y.firstName ? 1 : -1));
    expect(old).toMatchObject({ firstName: 'Old', firstMessage: 'hello', optOut: true, bsuid: 'IN.OLD' });
    expect(old).not.toHaveProperty('phone');
    expect(fresh).toMatchObject({
      firstName: 'New',
      firstMessage: 'who is this?',
      optOut: true,
      phone: `+${phone}`,
    });

    await engine.receive(webhook(engine, [text(after, 'w4', at - 1000, 'START')]));
    await engine.applyAll();
    const byName = new Map((await fieldsOfAll()).map((contact) => [contact.firstName, contact.optOut]));
    expect(byName).toEqual(
      new Map([
        ['Old', true],
        ['New', false],
      ]),
    );
  });
});

describe('tags', () => {
  test('given to who was joined into another are that other’s, and so is the line in the audit', async () => {
    const memberId = randomUUID();
    await engine.receive(webhook(engine, [text({ phone: '919812345678' }, 'w1', at, 'hello')]));
    await engine.applyAll();
    await engine.receive(webhook(engine, [text({ bsuid: 'IN.YOUNGER' }, 'w2', at + 1000, 'hello')]));
    await engine.applyAll();
    const both = await fieldsOfAll();
    const asked = both.find(({ phone }) => phone === undefined)?.contactId ?? '';
    await engine.receive(
      webhook(engine, [text({ phone: '919812345678', bsuid: 'IN.YOUNGER' }, 'w3', at + 2000, 'hello')]),
    );
    await engine.applyAll();
    const contactId = await engine.store.transact(engine.workspaceId, (trx) =>
      changeTags(trx, memberId, { contactId: asked, add: ['vip'], remove: [] }, engineNow),
    );
    await engine.applyAll();
    expect(contactId).not.toBe(asked);
    expect(await fieldsOfAll()).toMatchObject([{ contactId, tags: ['vip'] }]);
    const lines = await engine.store.transact(engine.workspaceId, (trx) => listAudit(trx, { limit: 10 }));
    expect(lines).toMatchObject([{ action: 'change tags', subject: contactId }]);
  });

  test('are what was last added or removed, and a removal wins a tie, in any order', async () => {
    await engine.receive(webhook(engine, [text({ phone: '919812345678' }, 'w1', at, 'hello')]));
    await engine.applyAll();
    const [contact] = await fieldsOfAll();
    const changes = [
      { at: 1, add: ['kept', 'gone', 'tied'], remove: [] },
      { at: 2, add: [], remove: ['gone', 'back'] },
      { at: 3, add: ['back', 'tied'], remove: [] },
      { at: 3, add: [], remove: ['tied'] },
    ];
    for (const [index, change] of changes.toReversed().entries()) {
      const payload = { field: 'sangam', part: 'tag_change', contactId: contact?.contactId, ...change };
      await engine.receiver.takeInAll(engine.workspaceId, [
        { key: `tags:${String(index)}`, lane: 2, payload },
      ]);
    }
    await engine.applyAll();
    expect((await fieldsOfAll())[0]?.tags).toEqual(['back', 'kept']);
  });
});
