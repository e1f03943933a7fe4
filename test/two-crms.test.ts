import type { Statement } from '@sangam/core/corrections';
import { ensureMember } from '@sangam/core/store';
import type { Service } from '@sangam/service';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Api,
  apiOf,
  createServiceFixture,
  everythingThrough,
  type PeopleIn,
  peopleIn,
  type SandboxRecord,
  type ServiceFixture,
  until,
} from './harness/index.ts';

/** One workspace with two CRMs, both live: what WhatsApp and a user of either do reaches both, and neither waits for the other. */

const names = ['hubspot', 'zoho'] as const;
type Name = (typeof names)[number];
const otherOf = (name: Name): Name => (name === 'hubspot' ? 'zoho' : 'hubspot');
const minute = 60_000;

let fixture: ServiceFixture;
let service: Service;
let api: Api;
let crms: Readonly<Record<Name, PeopleIn>>;
let startedAt: number;
const connectionIds = (): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(fixture.parties.crms).map(([crm, { connectionId }]) => [crm, connectionId]),
  );
const connectionOf = (crm: Name): string => connectionIds()[crm] ?? '';

beforeAll(async () => {
  fixture = await createServiceFixture(undefined, names);
  startedAt = fixture.clock.now();
  service = await fixture.openService();
  crms = { hubspot: peopleIn(fixture, 'hubspot'), zoho: peopleIn(fixture, 'zoho') };
  const { store, parties, clock } = fixture;
  const memberId = await store.transact(parties.workspaceId, (trx) =>
    ensureMember(trx, { email: 'admin@example.com', role: 'admin', now: clock.now() }),
  );
  const link = await service.sessions.makeLink(parties.workspaceId, memberId);
  api = apiOf(service.url(), (await service.sessions.enter(link)) ?? '');
  // HubSpot tells an address its app has, Zoho whoever asked: the service does so by itself.
  const targetUrl = `${service.publicUrl()}/webhooks/hubspot/${connectionOf('hubspot')}`;
  await fixture.control('PUT', '/hubspot/webhooks', { targetUrl });
  await until('Zoho to be asked for webhooks', async () => {
    const { body } = await api('GET', `/connections/${connectionOf('zoho')}`);
    return (body as { changes: { webhooksUntil: string | null } }).changes.webhooksUntil !== null;
  });
});
afterAll(() => fixture.close());

let people = 0;
/** Somebody nobody has heard of. */
const newPhone = (): string => `9196${String(10_000_000 + ++people)}`;

async function writes(phone: string, words: string): Promise<void> {
  // WhatsApp tells time in whole seconds.
  fixture.clock.advance(1_000);
  const message = { from: phone, name: 'Asha Rao', type: 'text', text: words };
  await fixture.control('POST', '/whatsapp/customer/messages', message);
}

const recordIn = async (crm: Name, phone: string): Promise<SandboxRecord | undefined> => {
  const { records, read } = crms[crm];
  const [found, ...twins] = (await records()).filter((one) => read(one, 'phone')[0] === `+${phone}`);
  expect(twins).toEqual([]);
  return found;
};

const shown = (record: SandboxRecord): string => (record.timeline ?? []).map(({ text }) => text).join('\n');

/** Their record there, once it is so. */
const recordOnce = (
  crm: Name,
  phone: string,
  isSo: (record: SandboxRecord) => boolean,
): Promise<SandboxRecord> =>
  until(`a record of ${phone} in ${crm} that is so`, async () => {
    const found = await recordIn(crm, phone);
    return found !== undefined && isSo(found) ? found : undefined;
  });

const inBoth = async (
  phone: string,
  isSo: (record: SandboxRecord, people: PeopleIn) => boolean,
): Promise<Record<Name, SandboxRecord>> => ({
  hubspot: await recordOnce('hubspot', phone, (record) => isSo(record, crms.hubspot)),
  zoho: await recordOnce('zoho', phone, (record) => isSo(record, crms.zoho)),
});

async function contactIdOf(phone: string): Promise<string> {
  const { body } = await api('GET', `/contacts?phone=%2B${phone}`);
  const [found] = (body as { results: { contactId: string }[] }).results;
  if (found === undefined) throw new Error(`Nobody is known as ${phone}.`);
  return found.contactId;
}

async function ledgerOf(contactId: string): Promise<string[]> {
  const { rows } = await fixture.store.transact(fixture.parties.workspaceId, (trx) =>
    sql<{ action: string }>`
      select action from consent_entries
      where workspace_id = ${trx.workspaceId} and contact_id = ${contactId}`.execute(trx),
  );
  return rows.map(({ action }) => action);
}

/** What a user of that CRM changes there, by its own names. */
const optOutFields = {
  hubspot: { wa_opt_out: 'true' },
  zoho: { WhatsApp_Opted_Out: 'true' },
} as const satisfies Record<Name, object>;

/** Somebody a user of that CRM typed in, by its own names. */
const byHand = {
  hubspot: { lastname: 'By hand' },
  zoho: { Last_Name: 'By hand' },
} as const satisfies Record<Name, object>;

test('a message makes a record in both, each with the conversation', async () => {
  const phone = newPhone();
  await writes(phone, 'Hello, you two');
  const both = await inBoth(phone, (record) => shown(record).includes('Hello, you two'));
  for (const crm of names) {
    expect(crms[crm].read(both[crm], 'first name')).toEqual(['Asha']);
    expect(shown(both[crm]).split('Hello, you two')).toHaveLength(2);
  }
});

test('a STOP reaches both, and START lifts it in both', async () => {
  const phone = newPhone();
  await writes(phone, 'Hello');
  await inBoth(phone, () => true);
  await writes(phone, 'STOP');
  await inBoth(phone, (record, { isOptedOut }) => isOptedOut(record));
  await writes(phone, 'START');
  await inBoth(phone, (record, { isOptedOut }) => !isOptedOut(record));
});

test.each(names)('an opt-out set by a user of %s reaches the ledger and the other', async (crm) => {
  const phone = newPhone();
  await writes(phone, 'Hello');
  const { [crm]: there } = await inBoth(phone, (record) => shown(record).includes('Hello'));
  const contactId = await contactIdOf(phone);
  expect(await ledgerOf(contactId)).toEqual([]);
  await fixture.control('PATCH', `${crms[crm].path}/${there.id}`, { properties: optOutFields[crm] });
  await inBoth(phone, (record, { isOptedOut }) => isOptedOut(record));
  expect(await ledgerOf(contactId)).toEqual(['withdrawal']);
});

test('erasing lists what is left in both, and neither is written to any more', async () => {
  const phone = newPhone();
  await writes(phone, 'Forget me');
  const both = await inBoth(phone, (record) => shown(record).includes('Forget me'));
  await everythingThrough(fixture, 5 * minute);
  const { body } = await api('POST', `/contacts/${await contactIdOf(phone)}/erase`);
  const { remains } = body as {
    remains: { connectionId: string; recordIds: string[]; entryIds: string[] }[];
  };
  expect(remains.toSorted((x, y) => x.connectionId.localeCompare(y.connectionId))).toEqual(
    [
      {
        connectionId: connectionOf('hubspot'),
        recordIds: [both.hubspot.id],
        entryIds: both.hubspot.timeline?.map(({ id }) => id),
      },
      {
        connectionId: connectionOf('zoho'),
        recordIds: [`Leads/${both.zoho.id}`],
        entryIds: both.zoho.timeline?.map(({ id }) => id),
      },
    ].toSorted((x, y) => x.connectionId.localeCompare(y.connectionId)),
  );
  const { body: found } = await api('GET', `/contacts?phone=%2B${phone}`);
  expect(found).toMatchObject({ results: [] });
  for (const crm of names) expect(await recordIn(crm, phone)).toEqual(both[crm]);
});

describe.each(names)('while %s hangs', (hanging) => {
  const other = otherOf(hanging);
  const failedCalls = async (): Promise<string[]> =>
    (await (await fetch(`${service.url()}/metrics`)).text())
      .split('\n')
      .filter((line) => line.startsWith(`sangam_crm_calls_failed_total{crm="${hanging}"`));

  test(`neither a STOP nor a new lead waits in ${other}, and all is there once it answers`, async () => {
    const [known, stranger] = [newPhone(), newPhone()];
    await writes(known, 'Hello');
    await inBoth(known, (record) => shown(record).includes('Hello'));
    await everythingThrough(fixture, 5 * minute);
    const failed = await failedCalls();
    await fixture.control('DELETE', `/${hanging}/calls`);
    await fixture.control('PUT', `/${hanging}/faults`, { hangMs: 10 * minute });
    await writes(known, 'Are you there?');
    await until('a call that hangs', async () => {
      const { total } = await fixture.control<{ total: number }>('GET', `/${hanging}/calls`);
      return total > 0;
    });
    await writes(known, 'STOP');
    await writes(stranger, 'I am new');
    await recordOnce(other, known, crms[other].isOptedOut);
    await recordOnce(other, stranger, (record) => shown(record).includes('I am new'));
    // Nobody waited until a call was given up.
    expect(await failedCalls()).toEqual(failed);
    expect(await recordIn(hanging, stranger)).toBeUndefined();

    await fixture.control('PUT', `/${hanging}/faults`, {});
    await until('what hangs to be given up', async () => (await failedCalls()).join() !== failed.join());
    await until('both to be in step', async () => {
      // A failing account is left alone for a while.
      fixture.clock.advance(10_000);
      const [there, theirs] = [await recordIn(hanging, known), await recordIn(hanging, stranger)];
      return (
        there !== undefined &&
        theirs !== undefined &&
        crms[hanging].isOptedOut(there) &&
        shown(theirs).includes('I am new')
      );
    });
  });
});

test.each(names)('a check of %s looks through its own records', async (crm) => {
  // Each has as many as no other has.
  for (const _ of names.slice(0, names.indexOf(crm) + 1)) {
    await fixture.control('POST', crms[crm].path, { properties: byHand[crm] });
  }
  const connection = `/connections/${connectionOf(crm)}/check`;
  expect((await api('POST', connection)).status).toBe(202);
  const check = await until('the check to end', async () => {
    const { body } = await api('GET', connection);
    return (body as { state: string }).state === 'running' ? undefined : body;
  });
  const records = (await crms[crm].records()).length;
  expect((await crms[otherOf(crm)].records()).length).not.toBe(records);
  expect(check).toMatchObject({ state: 'done', records, problem: null });
});

test('each day’s statement balances, with both', async () => {
  await everythingThrough(fixture, 5 * minute);
  const written = new Map<string, number>();
  const dayOf = (at: number): string => new Date(at).toISOString().slice(0, 10);
  // A test at midnight has two days.
  for (const day of new Set([dayOf(startedAt), dayOf(fixture.clock.now())])) {
    const { body } = await api('GET', `/statement?day=${day}&timeZone=UTC`);
    const statement = body as Statement;
    expect(statement).toMatchObject({ balances: true });
    for (const { crm, records, timeline } of statement.connections) {
      for (const [what, { parts }] of Object.entries({ records, timeline })) {
        const name = `${crm} ${what}`;
        written.set(name, (written.get(name) ?? 0) + (parts['written'] ?? 0));
      }
    }
  }
  expect([...written.keys()].toSorted()).toEqual(
    names.flatMap((crm) => [`${crm} records`, `${crm} timeline`]),
  );
  for (const [name, count] of written) expect(count, name).toBeGreaterThan(0);
});
