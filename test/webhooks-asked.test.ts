import { randomUUID } from 'node:crypto';
import { SangamError } from '@sangam/core/errors';
import { connectionOf, liftBlock } from '@sangam/core/store';
import type { Service } from '@sangam/service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnotherCrm, anotherCrm } from './harness/another-crm.ts';
import { createServiceFixture, type ServiceFixture, until } from './harness/index.ts';
import { createMemoryCrm, type MemoryCrm, memoryFields } from './harness/memory-crm/index.ts';

/** Webhooks a CRM sends only while they are asked for: asked for in time, with an alert that says why they do not come. */

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const publicUrl = 'https://sangam.example';

let fixture: ServiceFixture;
let memory: MemoryCrm;
let service: Service;
let session: string;
let connectionId: string;
let keys: object;
let value: AnotherCrm['value'];
/** What the account was asked, and what it answers from now on. */
const asked: { url: string; secret: string; now: number }[] = [];
let trouble: SangamError | undefined;
/** Until then it does not answer. */
let held: PromiseWithResolvers<undefined> | undefined;
let begun = 0;
const workspaceId = randomUUID();

beforeAll(async () => {
  fixture = await createServiceFixture();
  memory = createMemoryCrm(fixture.clock, { creates: 'lead' });
  const other = anotherCrm(memory, memory, async (to) => {
    begun += 1;
    await held?.promise;
    if (trouble !== undefined) throw trouble;
    asked.push(to);
    // Not every half of it is a whole millisecond.
    return { until: to.now + 6 * day + 1 };
  });
  ({ value } = other);
  service = await fixture.openService({ work: true, crms: [value], publicUrl });
  const memberId = randomUUID();
  await fixture.store.transact(workspaceId, async (trx) => {
    const createdAt = fixture.clock.now();
    await trx
      .insertInto('workspaces')
      .values({ workspace_id: workspaceId, name: 'Live', sandbox: false, created_at: createdAt })
      .execute();
    await trx
      .insertInto('members')
      .values({
        workspace_id: workspaceId,
        member_id: memberId,
        email: 'a@b.example',
        role: 'admin',
        created_at: 0,
      })
      .execute();
  });
  session = (await service.sessions.enter(await service.sessions.makeLink(workspaceId, memberId))) ?? '';
  keys = { host: 'api-in.memory.example', ...other.keys };
  await connect();
});
afterAll(() => fixture.close());

/** Another process in place of the one before, which ends what it is doing. */
async function serve(url: string): Promise<void> {
  await service.close();
  service = await fixture.openService({ work: true, crms: [value], publicUrl: url });
}

async function connect(): Promise<void> {
  ({ connectionId } = await api<{ connectionId: string }>('POST', '/connections', {
    crm: 'memory',
    ...keys,
  }));
}

async function api<Body>(method: string, path: string, body?: object): Promise<Body> {
  const response = await fetch(`${service.url()}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${session}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return (await response.json()) as Body;
}

const comesUntil = async (): Promise<number> => {
  const { changes } = await api<{ changes: { webhooksUntil: string | null } }>(
    'GET',
    `/connections/${connectionId}`,
  );
  return Date.parse(changes.webhooksUntil ?? '');
};
const alerts = async (state: 'open' | 'closed'): Promise<{ kind: string; message: string }[]> =>
  (await api<{ results: { kind: string; message: string }[] }>('GET', `/alerts?state=${state}`)).results;
const kinds = async (): Promise<string[]> => (await alerts('open')).map(({ kind }) => kind);
/** One of its webhooks arrives. */
function tells(): Promise<Response> {
  return fetch(`${service.url()}/webhooks/memory/${connectionId}`, {
    method: 'POST',
    headers: { 'x-memory-secret': asked.at(-1)?.secret ?? '' },
    body: JSON.stringify({ record: 'Leads/1', at: fixture.clock.now() }),
  });
}

test('they are asked for once the account is connected, and what shows the secret is heard', async () => {
  await until('it was asked', () => asked.length === 1);
  const [first] = asked;
  expect(first).toMatchObject({ url: `${publicUrl}/webhooks/memory/${connectionId}` });
  expect(first?.secret).toMatch(/^[\w-]{32}$/);
  await until('that is kept', async () => (await comesUntil()) === (first?.now ?? 0) + 6 * day + 1);
  const told = await tells();
  expect(told.status).toBe(200);
});

test('they are asked for anew at half their time, with the same secret', async () => {
  fixture.clock.advance(3 * day - hour);
  await until('nothing waits', async () => (await kinds()).length === 0);
  expect(asked).toHaveLength(1);
  fixture.clock.advance(2 * hour);
  await until('it was asked again', () => asked.length === 2);
  expect(asked[1]?.secret).toBe(asked[0]?.secret);
});

test('what passes is tried again without a word as long as they still come, and told when they do not', async () => {
  await until('they come', async () => (await comesUntil()) > fixture.clock.now() + 5 * day);
  trouble = new SangamError({ code: 'busy', origin: 'crm', retry: 'later', message: 'Too busy.' });
  fixture.clock.advance(4 * day);
  await until(
    'it failed',
    async () =>
      (await api<{ failedAttempts: number }>('GET', `/connections/${connectionId}`)).failedAttempts > 0,
  );
  expect(await kinds()).not.toContain('webhooks ended');
  fixture.clock.advance(3 * day);
  await until('it is told', async () => (await kinds()).includes('webhooks ended'));
  expect((await alerts('open')).find(({ kind }) => kind === 'webhooks ended')?.message).toMatch(
    /^Too busy\. Until they come again/,
  );
  trouble = undefined;
  fixture.clock.advance(hour);
  await until('it is over', async () => !(await kinds()).includes('webhooks ended'));
});

test('a right that lacks for webhooks blocks nothing else', async () => {
  trouble = new SangamError({
    code: 'missing_scope',
    origin: 'crm',
    retry: 'never',
    message: 'No right to notify.',
  });
  fixture.clock.advance(4 * day);
  await until('it is told', async () => (await kinds()).includes('webhooks ended'));
  expect(await kinds()).not.toContain('connection blocked');
  expect(await api('GET', `/connections/${connectionId}`)).toMatchObject({ blockedReason: null });
  trouble = undefined;
  await fixture.store.transact(workspaceId, (trx) => liftBlock(trx, connectionId, fixture.clock.now()));
  fixture.clock.advance(day);
  await until('it is over', async () => !(await kinds()).includes('webhooks ended'));
});

test('a change a poll finds that no webhook told is an alert until one comes', async () => {
  const recordId = memory.user.create({ [memoryFields.phone]: '+919812300001' }, 'lead');
  await api('POST', `/connections/${connectionId}/check`);
  await until('the account was looked through', async () => {
    const { index } = await api<{ index: { complete: boolean } }>('GET', `/connections/${connectionId}`);
    return index.complete;
  });
  let changes = 0;
  // A poll that is under way finds a change the moment it is made.
  await until('it is told', async () => {
    changes += 1;
    memory.user.update(recordId, { [memoryFields.stage]: changes % 2 === 0 ? 'qualified' : 'customer' });
    fixture.clock.advance(hour);
    return (await kinds()).includes('webhooks silent');
  });
  await until('it is over', async () => {
    expect((await tells()).status).toBe(200);
    fixture.clock.advance(minute);
    return !(await kinds()).includes('webhooks silent');
  });
});

const setSecret = (secret: string): Promise<Response> =>
  fetch(`${service.url()}/api/v1/connections/${connectionId}/webhook-secret`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${session}`, 'content-type': 'application/json' },
    body: JSON.stringify({ secret }),
  });

test('they are asked for at once with a secret an admin gives, however the account was connected', async () => {
  const before = asked.length;
  await connectedBy('oauth');
  const secret = 'a secret of our own';
  expect((await setSecret(secret)).status).toBe(204);
  await until('it was asked', () => asked.length > before);
  expect(asked.at(-1)?.secret).toBe(secret);
  await connectedBy('keys');
});

describe('while they are being asked for', () => {
  /** Has an asking begin, does that, and lets the account answer. */
  const meanwhile = async (what: () => Promise<void>): Promise<void> => {
    const before = begun;
    held = Promise.withResolvers();
    const { resolve } = held;
    try {
      fixture.clock.advance(4 * day);
      await until('asking began', () => begun > before);
      await what();
    } finally {
      held = undefined;
      resolve(undefined);
    }
  };

  test('another secret is given: they are asked for with that one', async () => {
    await meanwhile(async () => {
      expect((await setSecret('another secret of our own')).status).toBe(204);
    });
    await until('it was asked', () => asked.at(-1)?.secret === 'another secret of our own');
    expect((await tells()).status).toBe(200);
  });

  test('the account is let go and connected again: what it sends then is heard', async () => {
    await meanwhile(async () => {
      await api('DELETE', `/connections/${connectionId}`);
      await connect();
    });
    await until('it was asked', () => asked.at(-1)?.secret !== 'another secret of our own');
    await until('it is heard', async () => (await tells()).status === 200);
  });

  test('the account is let go: nothing is told of it, whatever it answers', async () => {
    await meanwhile(async () => {
      await api('DELETE', `/connections/${connectionId}`);
    });
    await serve(publicUrl);
    // What went untold while it was nobody's is no silence of its.
    expect(await api('GET', `/connections/${connectionId}`)).toMatchObject({
      changes: { webhooksUntil: null, lastWebhookAt: null },
    });
    await connect();
    await until('it was asked', async () => (await comesUntil()) > 0);

    const refused = { code: 'webhooks_refused', origin: 'crm', retry: 'never', message: 'No.' } as const;
    await meanwhile(async () => {
      await api('DELETE', `/connections/${connectionId}`);
      trouble = new SangamError(refused);
    });
    await serve(publicUrl);
    trouble = undefined;
    expect(await kinds()).toEqual([]);
    await connect();
  });
});

async function connectedBy(how: 'oauth' | 'keys'): Promise<void> {
  await fixture.store.transact(workspaceId, (trx) =>
    trx
      .updateTable('crm_credentials')
      .set({ auth_kind: how })
      .where('workspace_id', '=', workspaceId)
      .where('connection_id', '=', connectionId)
      .execute(),
  );
}

test('an installation that is reached elsewhere now asks for them there', async () => {
  await until('they come', async () => (await comesUntil()) > fixture.clock.now());
  const elsewhere = 'https://moved.example';
  await serve(elsewhere);
  await until('it was asked', () => asked.at(-1)?.url === `${elsewhere}/webhooks/memory/${connectionId}`);
});

test('without an https address of the world it says what to set', async () => {
  const before = begun;
  await serve('http://sangam.example');
  await until('it is told', async () => (await kinds()).includes('webhooks ended'));
  expect((await alerts('open')).find(({ kind }) => kind === 'webhooks ended')?.message).toMatch(/PUBLIC_URL/);
  expect(begun).toBe(before);
  await api('DELETE', `/connections/${connectionId}`);
  expect(await kinds()).toEqual([]);
});

test('a first asking that fails in passing is no alert, and one that fails again is', async () => {
  await serve(publicUrl);
  const before = begun;
  trouble = new SangamError({ code: 'busy', origin: 'crm', retry: 'later', message: 'Too busy.' });
  await connect();
  const failed = async (): Promise<number> =>
    (await api<{ failedAttempts: number }>('GET', `/connections/${connectionId}`)).failedAttempts;
  await until('it failed', async () => begun > before && (await failed()) > 0);
  await until('it is over', async () => (await askedAgainAt()) > fixture.clock.now());
  expect(await kinds()).not.toContain('webhooks ended');
  fixture.clock.advance(6 * minute);
  await until('it is told', async () => (await kinds()).includes('webhooks ended'));
  trouble = undefined;
  fixture.clock.advance(6 * minute);
  await until('it is over', async () => !(await kinds()).includes('webhooks ended'));
});

test('whoever has the connection tried again has its webhooks asked for at once', async () => {
  trouble = new SangamError({ code: 'webhooks_refused', origin: 'crm', retry: 'never', message: 'No.' });
  fixture.clock.advance(4 * day);
  await until('it is told', async () => (await kinds()).includes('webhooks ended'));
  trouble = undefined;
  const before = asked.length;
  await fetch(`${service.url()}/api/v1/connections/${connectionId}/retry`, {
    method: 'POST',
    headers: { authorization: `Bearer ${session}` },
  });
  await until('it was asked', () => asked.length > before, 20_000);
  await until('it is over', async () => !(await kinds()).includes('webhooks ended'));
  await api('DELETE', `/connections/${connectionId}`);
});

/** When they are asked for next. */
async function askedAgainAt(): Promise<number> {
  const row = await fixture.store.transact(workspaceId, (trx) => connectionOf(trx, connectionId));
  return row?.askWebhooksAt ?? 0;
}
