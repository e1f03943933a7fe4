import { createHmac, randomUUID } from 'node:crypto';
import { crms } from '@sangam/connectors/registry';
import { connectChannel, connectionOf, liftBlock, serviceWorkspaceId } from '@sangam/core/store';
import { openFacts } from '@sangam/core/work';
import type { Service } from '@sangam/service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AnotherCrm, anotherCrm, basicOf } from './harness/another-crm.ts';
import { createServiceFixture, text, type ServiceFixture, until, webhook } from './harness/index.ts';
import { freely } from './harness/permits.ts';
import { createMemoryCrm, type MemoryCrm, memoryFields } from './harness/memory-crm/index.ts';

/** A CRM that is registered here alone, and unlike HubSpot, goes through the service: adding one touches nothing of it. */

const app = { clientId: 'sangam-at-memory', clientSecret: 'the secret of our app' };
const appSecret = 'app-secret-of-the-number';
const webhookSecret = 'secret of this address';
const number = { phoneNumberId: '700100200300400', wabaId: '700100200300401', display: '+91 80471 00099' };

let fixture: ServiceFixture;
let memory: MemoryCrm;
/** The account connected by OAuth. */
let second: MemoryCrm;
let other: AnotherCrm;
let service: Service;
let session: string;
const workspaceId = randomUUID();
let channelId: string;

beforeAll(async () => {
  fixture = await createServiceFixture();
  const rules = { creates: 'lead', batchSize: 1, writeClass: 'findable', ids: 'of each account' } as const;
  memory = createMemoryCrm(fixture.clock, rules);
  second = createMemoryCrm(fixture.clock, rules);
  other = anotherCrm(memory, second);
  service = await fixture.openService({
    work: true,
    crms: [...crms, other.value],
    crmSettings: { memory: { app } },
  });
  const { store, box, clock } = fixture;
  channelId = await store.transact(workspaceId, async (trx) => {
    await trx
      .insertInto('workspaces')
      .values({ workspace_id: workspaceId, name: 'Live', sandbox: false, created_at: clock.now() })
      .execute();
    return connectChannel(
      trx,
      {
        app: 'own',
        phoneNumberId: number.phoneNumberId,
        wabaId: number.wabaId,
        portfolio: number.wabaId,
        displayPhoneNumber: number.display,
        region: 'IN',
        appSecret: box.seal(appSecret),
        verifyToken: box.seal('verify'),
        accessToken: null,
      },
      clock.now(),
    );
  });
  session = await signIn(workspaceId);
});
afterAll(() => fixture.close());

async function signIn(workspace: string): Promise<string> {
  const memberId = randomUUID();
  await fixture.store.transact(workspace, (trx) =>
    trx
      .insertInto('members')
      .values({
        workspace_id: workspace,
        member_id: memberId,
        email: `${memberId}@sangam.example`,
        role: 'admin',
        created_at: 0,
      })
      .execute(),
  );
  const link = await service.sessions.makeLink(workspace, memberId);
  return (await service.sessions.enter(link)) ?? '';
}

interface Answer<Body> {
  readonly status: number;
  readonly body: Body;
  readonly cookie: string;
}

async function api<Body = never>(
  method: string,
  path: string,
  body?: object,
  as = session,
): Promise<Answer<Body>> {
  const response = await fetch(`${service.url()}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${as}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const answered = await response.text();
  return {
    status: response.status,
    body: (answered === '' ? undefined : JSON.parse(answered)) as Body,
    cookie: (response.headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '',
  };
}

const asha = { phone: '919812345678', name: 'Asha Rao' };

async function says(wamid: string, words: string, who = asha): Promise<void> {
  const body = JSON.stringify(webhook(number, [text(who, wamid, fixture.clock.now(), words)]));
  const response = await fetch(`${service.url()}/webhooks/whatsapp/${channelId}`, {
    method: 'POST',
    body,
    headers: {
      'x-hub-signature-256': `sha256=${createHmac('sha256', appSecret).update(body).digest('hex')}`,
    },
  });
  expect(response.status).toBe(200);
}

/** The CRM tells us something, by this secret. */
async function tells(path: string, secret: string, body: object): Promise<{ status: number; body: string }> {
  const response = await fetch(`${service.url()}/webhooks/memory${path}`, {
    method: 'POST',
    headers: { 'x-memory-secret': secret },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: await response.text() };
}

/** Stages its admins saw people come to, of all records or one. */
async function stages(connectionId: string, record?: string, of = memory): Promise<string[]> {
  const { body } = await api<{ results: { recordId: string; field: string; value: string }[] }>(
    'GET',
    `/connections/${connectionId}/occurrences`,
  );
  return body.results
    .filter(({ recordId, field }) => field === stageOf(of) && recordId === (record ?? recordId))
    .map(({ value }) => value);
}

/** What an account's API calls the field of a lead's stage. */
function stageOf(account: MemoryCrm): string {
  return account.ids.idOf(memoryFields.stage);
}

/** A stage as an account's webhooks tell it: field and option by their ids. */
function stageTold(stage: string, account = memory): { readonly field: string; readonly value: string } {
  const [[field, value] = ['', '']] = Object.entries(account.ids.toApi({ [memoryFields.stage]: stage }));
  return { field, value };
}

const lead = (wanted: Readonly<Record<string, string>>, of = memory) =>
  until(`a lead with ${JSON.stringify(wanted)}`, () =>
    of.user
      .list()
      .find(({ values }) => Object.entries(wanted).every(([name, value]) => values[name] === value)),
  );

const typed = (more: object = {}): object => ({
  crm: 'memory',
  host: 'api-in.memory.example',
  ...other.keys,
  ...more,
});

describe('a CRM whose accounts are opened by keys', () => {
  let connectionId: string;
  let recordId: string;

  test.each([
    ['host', 'in none of its regions: this one is api-in.memory.example', { host: 'api.memory.example' }],
    ['secretKey', 'make another pair of keys', { secretKey: 'mistyped' }],
    ['secretKey', 'is missing', { secretKey: undefined }],
    ['accessToken', 'not known here: there are crm, host, accessKey, secretKey', { accessToken: 'x' }],
  ])('is refused by what was typed in: %s %s', async (path, words, wrong) => {
    const { status, body } = await api<{ error: { message: string; fields: { path: string }[] } }>(
      'POST',
      '/connections',
      typed(wrong),
    );
    expect(status).toBe(400);
    expect(body.error.fields.map((one) => one.path)).toEqual([path]);
    expect(body.error.message).toContain(words);
    expect((await api('GET', '/connections')).body).toMatchObject({ results: [] });
  });

  test('what it told before it was connected is kept, and replayed by its own reader', async () => {
    const news = {
      account: 'M-1',
      record: '77',
      at: fixture.clock.now(),
      ...stageTold('won'),
    };
    expect((await tells('', 'not our app', news)).status).toBe(401);
    expect(await tells('', app.clientSecret, news)).toEqual({ status: 200, body: '{"Status":"Success"}' });

    const connected = await api<{ connectionId: string }>('POST', '/connections', typed());
    expect(connected).toMatchObject({
      status: 201,
      body: { crm: 'memory', label: 'Memory CRM', account: 'M-1', mode: 'shadow' },
    });
    ({ connectionId } = connected.body);
    const operator = await signIn(serviceWorkspaceId);
    const { body } = await api<{ results: { deadLetterId: string }[] }>(
      'GET',
      '/dead-letters?reason=foreign%20account',
      undefined,
      operator,
    );
    const [{ deadLetterId } = { deadLetterId: '' }] = body.results;
    const replayed = await api('POST', `/dead-letters/${deadLetterId}/replay`, undefined, operator);
    expect(replayed.status).toBeLessThan(300);
    await until('the change', async () => (await stages(connectionId, '77')).includes('won'));
  });

  test('keys that are entered again keep the connection', async () => {
    expect(await api('POST', '/connections', typed())).toMatchObject({ status: 200, body: { connectionId } });
  });

  test('a message becomes a lead there, and STOP reaches it', async () => {
    expect((await api('PUT', `/connections/${connectionId}/mode`, { mode: 'live' })).status).toBe(200);
    await says('wamid.1', 'hello there');
    const made = await lead({
      FirstName: 'Asha',
      Name: 'Asha Rao',
      FirstMessage: 'hello there',
      LeadSource: 'Messenger',
      Status: 'Not Contacted',
      OptOut: 'No',
    });
    ({ recordId } = made);
    expect(made.type).toBe('lead');
    await says('wamid.2', 'STOP');
    expect((await lead({ OptOut: 'Yes' })).recordId).toBe(recordId);
    expect(memory.user.list()).toHaveLength(1);
  });

  test('what a new person becomes is one of its own types', async () => {
    const path = `/connections/${connectionId}/settings`;
    expect(await api('PUT', path, { creation: { as: 'deal' } })).toMatchObject({
      status: 400,
      body: {
        error: { code: 'unknown_record_type', message: expect.stringContaining("'lead' or 'contact'") },
      },
    });
    expect((await api('PUT', path, { creation: { as: 'lead' } })).status).toBe(200);
  });

  test('its mapping is edited by what its own fields hold: times are texts there, an opt-out a choice', async () => {
    const path = `/connections/${connectionId}/mapping`;
    const { body } = await api<{ mapping: { source: unknown }[] }>('GET', path);
    expect(await api('PUT', path, body)).toMatchObject({ status: 200, body });
    const edited = { mapping: body.mapping.filter(({ source }) => source !== 'username') };
    expect(await api('PUT', path, edited)).toMatchObject({ status: 200, body: edited });
    await api('PUT', path, { mapping: null });
  });

  test('a webhook that names no account is of the connection it came to', async () => {
    const secret = { secret: webhookSecret };
    expect((await api('PUT', `/connections/${connectionId}/webhook-secret`, secret)).status).toBe(204);
    memory.user.update(recordId, { [memoryFields.stage]: 'qualified' });
    const news = { record: recordId, at: fixture.clock.now(), ...stageTold('qualified') };
    expect((await tells(`/${connectionId}`, 'another secret', news)).status).toBe(401);
    expect(await tells(`/${connectionId}`, webhookSecret, news)).toEqual({
      status: 200,
      body: '{"Status":"Success"}',
    });
    await until('the occurrence', async () => (await stages(connectionId, recordId)).includes('qualified'));
  });

  test('what happens to a deal is told of its person, once, and is none of the record', async () => {
    const [source, messenger] = Object.entries(memory.ids.toApi({ LeadSource: 'Messenger' }))[0] ?? ['', ''];
    const deal = { record: recordId, deal: 'D7', at: fixture.clock.now() };
    for (const told of [stageTold('qualified'), { field: source, value: messenger }, stageTold('qualified')])
      await tells(`/${connectionId}`, webhookSecret, { ...deal, ...told });
    await tells(`/${connectionId}`, webhookSecret, { ...deal, deal: 'D8', ...stageTold('new') });
    const ofDeals = async (): Promise<string[]> => {
      const path = `/connections/${connectionId}/occurrences`;
      const { body } = await api<{ results: { recordId: string; field: string; value: string }[] }>(
        'GET',
        path,
      );
      return body.results
        .filter((one) => one.recordId === recordId && one.field.startsWith('deal:'))
        .map(({ field, value }) => `${field} ${value}`)
        .toSorted();
    };
    await until('the deals', async () => (await ofDeals()).some((one) => one.startsWith('deal:D8')));
    // Sangam wrote this very source on the person's own record.
    expect(await ofDeals()).toEqual(
      [
        `deal:D7:${source} Messenger`,
        `deal:D7:${stageOf(memory)} qualified`,
        `deal:D8:${stageOf(memory)} new`,
      ].toSorted(),
    );
    expect(await stages(connectionId, recordId)).toEqual(['qualified']);
  });

  test('its page says in a signed body who looks at which record', async () => {
    const shows = async (secret: string, said: object): Promise<Answer<unknown>> => {
      const response = await fetch(`${service.url()}/apps/memory/session`, {
        method: 'POST',
        headers: { 'x-memory-secret': secret },
        body: JSON.stringify(said),
      });
      return { status: response.status, body: await response.json(), cookie: '' };
    };
    const said = { account: 'M-1', user: 9, record: 77 };
    expect(await shows(app.clientSecret, said)).toMatchObject({
      status: 200,
      body: { connectionId, account: 'M-1', user: { id: '9' }, recordId: '77', member: null },
    });
    expect((await shows('guessed', said)).status).toBe(401);
    expect((await shows(app.clientSecret, { ...said, account: 'M-9' })).status).toBe(403);
  });

  test('a webhook that names only the record has it read, and what changed there told', async () => {
    // What was told before has it read too.
    await until('nothing to do', async () => {
      const marks = await fixture.store.transact(workspaceId, (trx) =>
        trx
          .selectFrom('dirty_records')
          .select('subject')
          .where('workspace_id', '=', workspaceId)
          .where('connection_id', '=', connectionId)
          .execute(),
      );
      return marks.length === 0;
    });
    memory.user.update(recordId, {
      [memoryFields.stage]: 'proposal',
      [memoryFields.mobile]: '+919812300000',
    });
    await tells(`/${connectionId}`, webhookSecret, { record: recordId, at: fixture.clock.now() });
    await until('the occurrence', async () => (await stages(connectionId, recordId)).includes('proposal'));
    expect((await stages(connectionId, recordId)).toSorted()).toEqual(['proposal', 'qualified']);
  });

  test("another CRM's address does not take it for its own", async () => {
    const url = `${service.url()}/webhooks/hubspot/${connectionId}`;
    const at = String(fixture.clock.now());
    const signature = createHmac('sha256', webhookSecret).update(`POST${url}[]${at}`).digest('base64');
    const response = await fetch(url, {
      method: 'POST',
      body: '[]',
      headers: { 'x-hubspot-signature-v3': signature, 'x-hubspot-request-timestamp': at },
    });
    expect(response.status).toBe(401);
    const { status } = await tells('/actions/send', webhookSecret, {});
    expect(status).toBe(404);
  });

  test('keys it no longer takes block the connection until others are entered', async () => {
    other.keys.secretKey = 'secret of tomorrow';
    const refused = { status: 409, body: { error: { code: 'reconnect' } } };
    expect(await api('GET', `/connections/${connectionId}/fields`)).toMatchObject(refused);
    const blocked = { blockedReason: expect.stringContaining('enter new ones') };
    expect((await api('GET', `/connections/${connectionId}`)).body).toMatchObject(blocked);
    // A person lets calls go again by way of another process, and the keys are the same.
    await fixture.store.transact(workspaceId, (trx) => liftBlock(trx, connectionId, fixture.clock.now()));
    expect(await api('GET', `/connections/${connectionId}/fields`)).toMatchObject(refused);
    expect((await api('GET', `/connections/${connectionId}`)).body).toMatchObject(blocked);
    expect((await api('POST', '/connections', typed())).status).toBe(200);
    expect((await api('GET', `/connections/${connectionId}/fields`)).status).toBe(200);
    expect((await api('GET', `/connections/${connectionId}`)).body).toMatchObject({ blockedReason: null });
  });

  test('is let go, and nothing it tells counts any more', async () => {
    expect(await api('DELETE', `/connections/${connectionId}`)).toMatchObject({
      status: 200,
      body: { uninstalled: false },
    });
    expect((await api('GET', `/connections/${connectionId}`)).body).toMatchObject({
      disconnectedAt: expect.any(String),
    });
    const news = { record: recordId, at: fixture.clock.now(), ...stageTold('qualified') };
    await tells(`/${connectionId}`, webhookSecret, news);
    await until('its secret to be forgotten', async () => {
      const { status } = await tells(`/${connectionId}`, webhookSecret, news);
      return status === 401;
    });
    expect((await stages(connectionId, recordId)).toSorted()).toEqual(['proposal', 'qualified']);
  });
});

describe('a CRM whose codes are bound to a verifier', () => {
  const callback = `/oauth/memory/callback`;
  const comesBack = (path: string, query: Record<string, string>, cookie: string): Promise<Response> =>
    fetch(`${service.url()}${path}?${new URLSearchParams(query).toString()}`, {
      headers: { accept: 'application/json', cookie },
    });
  const authorize = async () => {
    const { body, cookie } = await api<{ url: string }>('GET', '/connections/memory/authorize');
    return { ...other.agree(body.url), cookie };
  };

  test('is connected by OAuth, with all that came back and where the vendor says it is', async () => {
    const { cookie, ...agreed } = await authorize();
    const response = await comesBack(callback, { ...agreed, location: 'eu' }, cookie);
    const connected = (await response.json()) as { connectionId: string };
    expect(connected).toMatchObject({ account: 'M-2', fresh: true });
    expect(other.exchanged).toEqual([{ location: 'eu' }]);
    expect((await api('GET', `/connections/${connected.connectionId}/fields`)).status).toBe(200);
  });

  test('a code is no good to another browser, nor a state at another CRM', async () => {
    const [mine, theirs] = [await authorize(), await authorize()];
    const stolen = await comesBack(callback, { code: theirs.code, state: mine.state }, mine.cookie);
    expect(stolen.status).toBe(409);
    const { cookie, ...agreed } = await authorize();
    const elsewhere = await comesBack('/oauth/hubspot/callback', agreed, cookie);
    expect(elsewhere.status).toBe(400);
    expect(await elsewhere.text()).toContain('state_unknown');
  });

  test('says itself that our app was taken out of an account', async () => {
    const { body } = await api<{ results: { connectionId: string; account: string }[] }>(
      'GET',
      '/connections',
    );
    const { connectionId = '' } = body.results.find(({ account }) => account === 'M-2') ?? {};
    const uninstalled = (authorization: string): Promise<Response> =>
      fetch(`${service.url()}${callback}`, {
        method: 'DELETE',
        headers: { authorization },
        body: JSON.stringify({ account: 'M-2' }),
      });
    expect((await uninstalled(basicOf({ ...app, clientSecret: 'guessed' }))).status).toBe(401);
    expect((await api('GET', `/connections/${connectionId}`)).body).toMatchObject({ disconnectedAt: null });
    expect((await uninstalled(basicOf(app))).status).toBe(200);
    expect((await api('GET', `/connections/${connectionId}`)).body).toMatchObject({
      disconnectedAt: expect.any(String),
    });
    expect((await uninstalled(basicOf(app))).status).toBe(200);
    expect((await fetch(`${service.url()}/oauth/hubspot/callback`, { method: 'DELETE' })).status).toBe(405);
  });
});

describe('two accounts of one CRM that name their fields each in its own way', () => {
  const bela = { phone: '919812345699', name: 'Bela Das' };
  let accounts: readonly (readonly [connectionId: string, MemoryCrm])[];

  beforeAll(async () => {
    const byKeys = await api<{ connectionId: string }>('POST', '/connections', typed());
    const { body, cookie } = await api<{ url: string }>('GET', '/connections/memory/authorize');
    const query = new URLSearchParams({ ...other.agree(body.url), location: 'eu' });
    const response = await fetch(`${service.url()}/oauth/memory/callback?${query.toString()}`, {
      headers: { accept: 'application/json', cookie },
    });
    const byOauth = (await response.json()) as { connectionId: string };
    accounts = [
      [byKeys.body.connectionId, memory],
      [byOauth.connectionId, second],
    ];
    for (const [connectionId] of accounts)
      expect((await api('PUT', `/connections/${connectionId}/mode`, { mode: 'live' })).status).toBe(200);
  });

  test('both are written by the names they go by there', async () => {
    await says('wamid.21', 'is it there?', bela);
    for (const [, account] of accounts)
      await lead({ Name: 'Bela Das', FirstMessage: 'is it there?' }, account);
    await says('wamid.22', 'STOP', bela);
    for (const [, account] of accounts) await lead({ Name: 'Bela Das', OptOut: 'Yes' }, account);
    const named = await Promise.all(
      accounts.map(async ([connectionId]) => {
        const { body } = await api<{ mapping: { source: string; field: string }[] }>(
          'GET',
          `/connections/${connectionId}/mapping`,
        );
        return body.mapping.find(({ source }) => source === 'first message')?.field;
      }),
    );
    expect(named).toEqual(accounts.map(([, account]) => account.ids.idOf('FirstMessage')));
    expect(new Set(named).size).toBe(2);
  });

  test('what one tells is read by its own names', async () => {
    const [, [connectionId, account] = ['', second]] = accounts;
    const { recordId: record } = await lead({ Name: 'Bela Das' }, account);
    const tell = (told: object) =>
      tells('', app.clientSecret, { account: 'M-2', record, at: fixture.clock.now(), ...told });
    await tell(stageTold('qualified', memory));
    account.user.update(record, { [memoryFields.stage]: 'new' });
    await tell(stageTold('new', account));
    await until('the occurrence', async () => (await stages(connectionId, record, account)).includes('new'));
    const { body } = await api<{ results: { value: string }[] }>(
      'GET',
      `/connections/${connectionId}/occurrences`,
    );
    expect(body.results.map(({ value }) => value)).toEqual(['new']);
  });

  test('an option nobody knew yet is looked up, whether it is told or read', async () => {
    const [, [connectionId, account] = ['', second]] = accounts;
    const { recordId: record } = await lead({ Name: 'Bela Das' }, account);
    account.user.update(record, { [memoryFields.stage]: 'lost for ever' });
    const told = { account: 'M-2', record, at: fixture.clock.now(), ...stageTold('lost for ever', account) };
    await tells('', app.clientSecret, told);
    await until('the occurrence', async () =>
      (await stages(connectionId, record, account)).includes('lost for ever'),
    );
  });

  test('what another process learned of an account holds here from then on', async () => {
    const [[connectionId, account] = ['', memory]] = accounts;
    account.removeField('FirstMessage');
    const row = await fixture.store.transact(workspaceId, (trx) => connectionOf(trx, connectionId));
    if (row === undefined) throw new Error('There is no connection.');
    await account.connect(freely(), openFacts(fixture.store, row).facts).provision();
    await says('wamid.31', 'is it there again?', { phone: '919812345698', name: 'Chitra Nair' });
    await lead({ Name: 'Chitra Nair', FirstMessage: 'is it there again?' }, account);
  });

  test('its records are seen where the account is', async () => {
    const [, [connectionId, account] = ['', second]] = accounts;
    const phone = '+919812300777';
    const recordIds = [1, 2].map(() => account.user.create({ Name: 'Same Number', Phone: phone }));
    const path = `/connections/${connectionId}/check`;
    expect((await api('POST', path)).status).toBe(202);
    const groups = await until('the report', async () => {
      const { status, body } = await api<{ results: { records: { recordId: string; url: string }[] }[] }>(
        'GET',
        `${path}/report?section=several%20records`,
      );
      return status === 200 && body.results.length > 0 ? body.results : undefined;
    });
    const { idOf } = account.ids;
    expect(groups.flatMap(({ records }) => records.map(({ url }) => url)).toSorted()).toEqual(
      recordIds.map((id) => `https://${idOf(memoryFields.key)}.memory.example/people/${id}`).toSorted(),
    );
  });

  test('a new tag becomes an option of each', async () => {
    const { body } = await api<{ results: { contactId: string }[] }>(
      'GET',
      '/contacts?phone=%2B919812345699',
    );
    const [{ contactId } = { contactId: '' }] = body.results;
    expect((await api('POST', `/contacts/${contactId}/tags`, { add: ['Diwali'] })).status).toBe(202);
    for (const [, account] of accounts) await lead({ Name: 'Bela Das', Tags: 'Diwali' }, account);
  });
});
