import { randomUUID } from 'node:crypto';
import { createEraser } from '@sangam/core/corrections';
import {
  addOccurrences,
  agreeRecords,
  findContact,
  noteWrites,
  recordsById,
  saveDecision,
  saveLinks,
  writeAudit,
} from '@sangam/core/store';
import { lanes } from '@sangam/core/whatsapp';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  addConnection,
  createEngineFixture,
  type EngineFixture,
  engineNow,
  everyRow,
  everyStoredRow,
  text,
  webhook,
} from './harness/index.ts';

let engine: EngineFixture;
beforeEach(async () => {
  engine = await createEngineFixture();
});
afterEach(() => engine.close());

const asha = { phone: '919812345678', name: 'Asha Rao' };
const bela = { phone: '919822222222', name: 'Bela Sen' };
const at = engineNow - 60_000;
const memberId = '6a1a4d6a-0000-4000-8000-000000000001';

async function known(phone: string): Promise<string> {
  const id = await engine.store.transact(engine.workspaceId, (trx) =>
    findContact(trx, { value: `+${phone}` }),
  );
  if (id === undefined) throw new Error(`Nobody is known as ${phone}.`);
  return id;
}

async function bothWrite(): Promise<{ asha: string; bela: string }> {
  await engine.receive(
    webhook(engine, [text(asha, 'w.asha', at, 'Hello'), text(bela, 'w.bela', at, 'Hello')]),
  );
  await engine.applyAll();
  return { asha: await known(asha.phone), bela: await known(bela.phone) };
}

async function eraseAsha(): Promise<void> {
  const eraser = createEraser({
    store: engine.store,
    clock: { now: () => engineNow },
    keyOf: () => Promise.resolve(Buffer.alloc(32, 7)),
    traitsOf: () => undefined,
  });
  await eraser.erase({ workspaceId: engine.workspaceId, memberId }, await known(asha.phone));
}

async function connections(): Promise<[string, string]> {
  const other = randomUUID();
  const first = await engine.store.transact(engine.workspaceId, async (trx) => {
    await addConnection(trx, { connection_id: other, crm: 'another', created_at: 1 });
    const rows = await trx
      .selectFrom('crm_connections')
      .select('connection_id')
      .where('workspace_id', '=', engine.workspaceId)
      .where('connection_id', '<>', other)
      .execute();
    return rows[0]?.connection_id ?? '';
  });
  return [first, other];
}

const phone = (typed: string) => ({ field: 'phone', place: 0, typed, phone: typed });

describe('a record of another account with the same id', () => {
  test('keeps what is agreed, written and told of it, and what waits of it', async () => {
    const { asha: ashaId, bela: belaId } = await bothWrite();
    const [mine, theirs] = await connections();
    const life = async (connectionId: string, contactId: string, name: string): Promise<void> => {
      await engine.store.transact(engine.workspaceId, async (trx) => {
        const record = {
          recordId: '501',
          keyContactId: contactId,
          base: { name },
          ours: ['name'],
          refused: { name },
          phones: [],
        };
        await agreeRecords(trx, connectionId, [record], at);
        await saveLinks(
          trx,
          connectionId,
          [{ contactId, recordId: '501', primary: true, reason: 'created' }],
          at,
        );
        await noteWrites(trx, connectionId, [{ recordId: '501', values: { name } }], at);
        const change = { connectionId, recordId: '501', field: 'name', value: name, changedAt: at };
        await addOccurrences(trx, [{ ...change, changedBy: undefined, scanned: false }], at);
      });
      await engine.receiver.takeInAll(engine.workspaceId, [
        {
          key: `crm:${connectionId}:501`,
          lane: lanes.crm,
          payload: {
            field: 'crm',
            connectionId,
            change: { kind: 'field', recordId: '501', field: 'city', value: `${name} Town`, at },
          },
        },
      ]);
    };
    await life(mine, ashaId, 'Asha');
    await life(theirs, belaId, 'Bela');
    const ofBela = async (): Promise<string[]> =>
      (await everyStoredRow(engine.store, engine.workspaceId))
        .filter(({ values }) => values['connection_id'] === theirs)
        .map((row) => `${row.table} ${row.text}`);
    const before = await ofBela();
    await eraseAsha();
    expect(await ofBela()).toEqual(before);
    const left = await everyRow(engine.store, engine.workspaceId);
    expect(left).toContain('Bela Town');
    expect(left).not.toContain('Asha');
  });
});

describe('a record of somebody else that holds their phone too', () => {
  test('forgets that phone, and nothing else', async () => {
    const { asha: ashaId, bela: belaId } = await bothWrite();
    const [mine] = await connections();
    await engine.store.transact(engine.workspaceId, async (trx) => {
      const base = { name: 'Bela', mobile: '+91 98123 45678' };
      const record = {
        recordId: '7',
        keyContactId: belaId,
        base,
        ours: ['name'],
        refused: {},
        phones: [phone('+919812345678')],
      };
      await agreeRecords(trx, mine, [record], at);
      await saveLinks(
        trx,
        mine,
        [
          { contactId: belaId, recordId: '7', primary: true, reason: 'created' },
          { contactId: ashaId, recordId: '7', primary: false, reason: 'phone' },
        ],
        at,
      );
    });
    await engine.store.transact(engine.workspaceId, (trx) =>
      addOccurrences(
        trx,
        [
          {
            connectionId: mine,
            recordId: '7',
            field: 'mobile',
            value: '+91 98123 45678',
            changedAt: at,
            changedBy: undefined,
            scanned: true,
          },
        ],
        at,
      ),
    );
    await eraseAsha();
    const [record] = await engine.store.transact(engine.workspaceId, (trx) => recordsById(trx, mine, ['7']));
    expect(record).toMatchObject({
      base: { name: 'Bela' },
      ours: ['name'],
      agreed: true,
      keyContactId: belaId,
    });
    expect(await everyRow(engine.store, engine.workspaceId)).not.toContain('98123');
  });
});

describe('a contact of somebody else that was founded by their phone', () => {
  test('stays, and says no longer by what', async () => {
    const { bela: belaId } = await bothWrite();
    await engine.asDatabaseOwner(
      `update contacts set founded_by = '+${asha.phone}', founded_at = 1 where contact_id = '${belaId}'`,
    );
    await eraseAsha();
    const contacts = (await everyStoredRow(engine.store, engine.workspaceId)).filter(
      ({ table }) => table === 'contacts',
    );
    expect(contacts.map(({ values }) => [values['contact_id'], values['founded_by']])).toEqual([
      [belaId, null],
    ]);
  });
});

describe('what nobody reads', () => {
  test('and comes after they were erased is not kept', async () => {
    await bothWrite();
    await eraseAsha();
    const calls = (from: string): object => ({
      object: 'whatsapp_business_account',
      entry: [
        {
          id: engine.wabaId,
          changes: [
            {
              field: 'calls',
              value: {
                metadata: { phone_number_id: engine.phoneNumberId },
                calls: [{ id: `call.${from}`, from }],
              },
            },
          ],
        },
      ],
    });
    await engine.receive(calls('919812345678'));
    await engine.receive(calls('919822222222'));
    await engine.applyAll();
    const left = await everyRow(engine.store, engine.workspaceId);
    expect(left).not.toContain('919812345678');
    expect(left).toContain('call.919822222222');
  });

  test('loses the items that name them; what stands beside stays', async () => {
    await bothWrite();
    await engine.receive({
      object: 'whatsapp_business_account',
      entry: [
        {
          id: engine.wabaId,
          changes: [
            {
              field: 'calls',
              value: {
                metadata: { phone_number_id: engine.phoneNumberId },
                calls: [
                  { id: 'call.asha', from: '919812345678' },
                  { id: 'call.bela', from: '919822222222' },
                ],
              },
            },
          ],
        },
      ],
    });
    await engine.applyAll();
    await engine.receiver.receive(Buffer.from('{"from":"919812345678", "text":'), {
      kind: 'channel',
      workspaceId: engine.workspaceId,
      channelId: engine.channelId,
    });
    await engine.receiver.receive(Buffer.from('{"from":"919822222222", "trace":"x919812345678":'), {
      kind: 'channel',
      workspaceId: engine.workspaceId,
      channelId: engine.channelId,
    });
    await eraseAsha();
    const left = await everyRow(engine.store, engine.workspaceId);
    expect(left).not.toContain('call.asha');
    expect(left).toContain('call.bela');
    expect(left).not.toContain('"from":"919812345678"');
    expect(left).toContain('"from":"919822222222", "trace"');
  });
});

describe('what members decided', () => {
  test('goes where it is about them, by exact ids', async () => {
    const { asha: ashaId, bela: belaId } = await bothWrite();
    await engine.store.transact(engine.workspaceId, async (trx) => {
      const decide = (subject: unknown) => saveDecision(trx, { kind: 'relink', subject, memberId, at });
      const connectionId = randomUUID();
      await decide({ connectionId, contactId: ashaId, recordId: 'r.asha', before: [] });
      await decide({ connectionId, contactId: belaId, recordId: '919812345678', before: [] });
      await decide({ evidence: [{ kind: 'hand_over', a: '+919812345678', b: '+919812345678', at }] });
      for (const subject of [`${ashaId} r.asha`, `${belaId} 919812345678`, `x${ashaId}`]) {
        await writeAudit(trx, { memberId, action: 'relink', subject, at });
      }
    });
    await eraseAsha();
    const rows = await everyStoredRow(engine.store, engine.workspaceId);
    const subjects = (table: string): string[] =>
      rows.filter((row) => row.table === table).map(({ values }) => String(values['subject']));
    expect(subjects('decisions').join('')).toContain(belaId);
    expect(subjects('decisions')).toHaveLength(1);
    expect(subjects('audit').slice(0, 3)).toEqual(['erased', `${belaId} 919812345678`, `x${ashaId}`]);
  });
});

describe('a huge inbox', () => {
  test('is read in parts, to its end', async () => {
    await bothWrite();
    for (let part = 0; part < 3; part += 1) {
      await engine.receive(
        webhook(
          engine,
          Array.from({ length: 400 }, (_, index) =>
            text(index % 400 === 399 ? asha : bela, `w.${String(part)}.${String(index)}`, at, 'Hello'),
          ),
        ),
      );
    }
    await eraseAsha();
    const waiting = (await everyStoredRow(engine.store, engine.workspaceId)).filter(
      ({ table }) => table === 'inbox',
    );
    expect(waiting).toHaveLength(3 * 399);
    expect(waiting.some((row) => row.text.includes('Asha'))).toBe(false);
  });
});
