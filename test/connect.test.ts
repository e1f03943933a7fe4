import { createHash, createHmac, randomUUID } from 'node:crypto';
import { connectionSettings } from '@sangam/core/crm';
import { type AlertKind, parkFields, raiseAlert, toJson } from '@sangam/core/store';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Api,
  createServiceFixture,
  type SandboxRecord,
  type ServiceProcess,
  message,
  signIn,
  text,
  type ServiceFixture,
  until,
  webhook,
} from './harness/index.ts';

/** Connecting a HubSpot account, what an admin decides about it, and what it tells us. */

let fixture: ServiceFixture;
let service: ServiceProcess;
let api: Api;
let connectionId: string;

beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService();
  ({ api } = await signIn(service));
  connectionId = fixture.parties.hubspot.connectionId;
});
afterAll(() => fixture.close());

const connection = (rest = ''): string => `/connections/${connectionId}${rest}`;
const refused = (code: string): object => ({ error: { code, message: expect.any(String) } });
const wrong = (code: string, path: string): object => ({
  error: { code, fields: [{ path, message: expect.any(String) }] },
});

const raise = (kind: AlertKind): Promise<void> =>
  fixture.store.transact(fixture.parties.workspaceId, (trx) =>
    raiseAlert(trx, { connectionId, kind, message: 'Somebody should look.' }, Date.now()),
  );
const openAlerts = async (): Promise<string[]> => {
  const { body } = await api('GET', '/alerts?state=open');
  return (body as { results: { kind: string }[] }).results.map(({ kind }) => kind);
};

/** Where the CRM sends the admin after they agreed, and the cookie their browser holds. */
async function agree(): Promise<{ callback: string; cookie: string }> {
  const { body, headers } = await api('GET', '/connections/hubspot/authorize');
  const cookie = (headers.get('set-cookie') ?? '').split(';', 1)[0] ?? '';
  const response = await fetch((body as { url: string }).url, { redirect: 'manual' });
  return { callback: response.headers.get('location') ?? '', cookie };
}

async function finish(callback: string, cookie: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(callback, { headers: { accept: 'application/json', cookie } });
  return { status: response.status, body: await response.json() };
}

test('the sandbox starts with its HubSpot connected, live', async () => {
  const { body } = await api('GET', '/connections');
  expect(body).toMatchObject({
    results: [{ connectionId, crm: 'hubspot', label: 'HubSpot', mode: 'live', blockedReason: null }],
  });
});

describe('an account in shadow', () => {
  beforeAll(async () => {
    // What the start creates in the account is there before it is to be left alone.
    expect((await api('GET', connection('/provisioning'))).body).toEqual({ results: [], next: null });
    expect((await api('PUT', connection('/mode'), { mode: 'shadow' })).status).toBe(200);
  });

  test('shows what would be created, and creates nothing', async () => {
    const deleted = await fetch(`${fixture.sandboxUrl}/hubspot/crm/properties/2026-03/contacts/wa_username`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${fixture.parties.hubspot.accessToken}` },
    });
    expect([204, 404]).toContain(deleted.status);
    const { body } = await api('GET', connection('/provisioning'));
    expect((body as { results: unknown[] }).results.length).toBeGreaterThan(0);
    expect(await api('POST', connection('/provisioning'))).toMatchObject({
      status: 409,
      body: refused('in_shadow'),
    });
    expect((await api('GET', connection('/provisioning'))).body).toEqual(body);
  });

  test('is provisioned when it goes to test or live', async () => {
    expect(await api('PUT', connection('/mode'), { mode: 'test' })).toMatchObject({
      status: 400,
      body: wrong('no_test_phones', 'testPhones'),
    });
    const change = { mode: 'test', testPhones: ['+91 98123 45678'] };
    expect((await api('PUT', connection('/mode'), change)).body).toMatchObject({
      mode: 'test',
      testPhones: ['+919812345678'],
    });
    expect((await api('GET', connection('/provisioning'))).body).toEqual({ results: [], next: null });
    expect((await api('PUT', connection('/mode'), { mode: 'live' })).body).toMatchObject({ mode: 'live' });
    expect((await api('POST', connection('/provisioning'))).status).toBe(204);
  });
});

describe('settings', () => {
  test('change where a change names them, and nowhere else', async () => {
    const { body: before } = await api('GET', connection('/settings'));
    const change = { creation: { rush: { hold: true } }, timeline: { text: 'masked' } };
    const { body } = await api('PUT', connection('/settings'), change);
    expect(body).toMatchObject({
      creation: { policy: 'anyone', rush: { hold: true, factor: 5 } },
      timeline: { text: 'masked', entries: 'per conversation-day' },
    });
    expect((await api('GET', connection('/settings'))).body).toEqual(body);
    await api('PUT', connection('/settings'), before);
    expect((await api('GET', connection('/settings'))).body).toEqual(before);
  });

  test('are read as they are written: what GET answers, PUT takes, and nothing changes', async () => {
    const { body: before } = await api('GET', connection('/settings'));
    const { results } = (await api('GET', connection('/owners'))).body as { results: { ownerId: string }[] };
    const [{ ownerId } = { ownerId: '' }] = results;
    const changes = [
      {},
      {
        creation: {
          policy: 'from ad, Flow or keyword',
          keywords: ['price'],
          blockedPhones: ['+91 98123 45678'],
        },
        owner: { kind: 'by ad', owners: { 'ad 1': ownerId }, otherwise: ownerId },
        timeline: { entries: 'none' },
        phoneRegion: 'IN',
        timeZone: 'UTC',
      },
    ];
    for (const change of changes) {
      expect((await api('PUT', connection('/settings'), change)).status).toBe(200);
      const { body: read } = await api('GET', connection('/settings'));
      expect(await api('PUT', connection('/settings'), read)).toMatchObject({ status: 200, body: read });
      expect((await api('GET', connection('/settings'))).body).toEqual(read);
    }
    // An owner who has left the account since.
    const left = { kind: 'fixed', ownerId: '404' } as const;
    await fixture.store.transact(fixture.parties.workspaceId, (trx) =>
      trx
        .updateTable('crm_connections')
        .set({ settings: toJson(connectionSettings.parse({ owner: left })) })
        .where('workspace_id', '=', fixture.parties.workspaceId)
        .where('connection_id', '=', connectionId)
        .execute(),
    );
    const { body: stale } = await api('GET', connection('/settings'));
    expect(stale).toMatchObject({ owner: left });
    expect(await api('PUT', connection('/settings'), stale)).toMatchObject({ status: 200, body: stale });
    await api('PUT', connection('/settings'), before);
  });

  test.each([
    ['creation.polcy', { creation: { polcy: 'never' } }],
    ['timeZone', { timeZone: 'Mars/Olympus' }],
    ['creation.blockedPhones[1]', { creation: { blockedPhones: ['+919812345678', '12345'] } }],
    ['owner', { owner: { kind: 'round robin', ownerIds: [] } }],
  ])('that are not right are refused, naming %s', async (name, change) => {
    const { status, body } = await api('PUT', connection('/settings'), change);
    expect(status).toBe(400);
    expect((body as { error: { message: string } }).error.message).toContain(name);
  });
});

describe('who owns new records', () => {
  test('is somebody the CRM knows, by a number that is connected', async () => {
    const { body: before } = await api('GET', connection('/settings'));
    const { results } = (await api('GET', connection('/owners'))).body as { results: { ownerId: string }[] };
    const [{ ownerId } = { ownerId: '' }] = results;
    const put = (owner: object) => api('PUT', connection('/settings'), { owner });
    expect(await put({ kind: 'fixed', ownerId: '404' })).toMatchObject({
      status: 400,
      body: wrong('unknown_owner', 'owner'),
    });
    expect(await put({ kind: 'by channel', owners: { nowhere: ownerId } })).toMatchObject({
      status: 400,
      body: wrong('unknown_channel', 'owner.owners'),
    });
    expect((await put({ kind: 'round robin', ownerIds: [ownerId] })).status).toBe(200);
    await api('PUT', connection('/settings'), before);
  });
});

describe('the mapping', () => {
  const line = (source: unknown, field: string, policy = 'ours', more = {}): object => ({
    source,
    field,
    policy,
    ...more,
  });

  interface Mapped {
    readonly mapping: readonly Record<string, unknown>[];
  }
  const mappingNow = async (): Promise<Mapped> => (await api('GET', connection('/mapping'))).body;
  const isDefault = async (): Promise<boolean> =>
    ((await api('GET', connection())).body as { mappingIsDefault: boolean }).mappingIsDefault;
  /** An admin of the CRM adds a property or takes one away. */
  const inCrm = async (method: string, path: string, body?: object): Promise<void> => {
    const response = await fetch(`${fixture.sandboxUrl}/hubspot/crm/properties/2026-03/contacts${path}`, {
      method,
      headers: {
        authorization: `Bearer ${fixture.parties.hubspot.accessToken}`,
        'content-type': 'application/json',
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(response.ok).toBe(true);
  };
  const parkedNow = async (): Promise<readonly { field: string }[]> =>
    ((await api('GET', connection())).body as { parkedFields: { field: string }[] }).parkedFields;

  test("is the connector's own until an admin saves another, and again after null", async () => {
    const own = await mappingNow();
    expect(await isDefault()).toBe(true);
    const other = { mapping: own.mapping.slice(1) };
    expect(await api('PUT', connection('/mapping'), other)).toMatchObject({ status: 200, body: other });
    expect(await isDefault()).toBe(false);
    expect((await api('PUT', connection('/mapping'), { mapping: null })).body).toEqual(own);
    expect(await isDefault()).toBe(true);
  });

  test('is read as it is written: what GET answers, PUT takes, and nothing changes', async () => {
    const own = await mappingNow();
    const firstName = own.mapping.find(({ source }) => source === 'first name');
    const edited = [
      ...own.mapping.filter(({ field }) => field !== 'firstname' && field !== 'wa_username'),
      { ...firstName, transform: 'upper case', standIns: ['username', "'Somebody'"] },
      line({ flowAnswer: 'city' }, 'city', 'if-empty', { transform: 'first line' }),
      line('username', 'jobtitle', 'theirs', { transform: 'as is' }),
    ];
    for (const mapping of [null, edited]) {
      expect((await api('PUT', connection('/mapping'), { mapping })).status).toBe(200);
      const read = await mappingNow();
      expect(read).toEqual(mapping === null ? own : { mapping });
      expect(await api('PUT', connection('/mapping'), read)).toMatchObject({ status: 200, body: read });
      expect(await mappingNow()).toEqual(read);
      expect(await isDefault()).toBe(mapping === null);
    }
  });

  test('may keep a field that is parked, which stays so; one that is there again is written', async () => {
    const own = await mappingNow();
    const kept = { mapping: [...own.mapping, line('last name', 'nickname', 'ours', { transform: 'as is' })] };
    const nickname = { name: 'nickname', label: 'Nickname', type: 'string', fieldType: 'text' };
    await inCrm('POST', '', { ...nickname, groupName: 'contactinformation' });
    expect((await api('PUT', connection('/mapping'), kept)).status).toBe(200);
    await inCrm('DELETE', '/nickname');
    await fixture.store.transact(fixture.parties.workspaceId, (trx) =>
      parkFields(trx, connectionId, ['nickname', 'jobtitle', 'wa_tags'], { at: 0, why: 'it vanished' }),
    );

    // wa_tags is there, jobtitle is not mapped.
    const saved = await api('PUT', connection('/mapping'), kept);
    expect(saved).toMatchObject({ status: 200, body: kept });
    expect(await parkedNow()).toMatchObject([{ field: 'nickname' }]);
    expect(await api('PUT', connection('/mapping'), await mappingNow())).toMatchObject({ body: kept });
    expect(await parkedNow()).toMatchObject([{ field: 'nickname' }]);

    await api('PUT', connection('/mapping'), { mapping: null });
    expect(await parkedNow()).toEqual([]);
    expect((await api('PUT', connection('/mapping'), kept)).status).toBe(400);
  });

  test('is edited in shadow before anything is created in the CRM', async () => {
    const { mapping } = await mappingNow();
    await api('PUT', connection('/mode'), { mode: 'shadow' });
    await inCrm('DELETE', '/wa_bsuid');
    const shorter = { mapping: mapping.slice(1) };
    expect(await api('PUT', connection('/mapping'), shorter)).toMatchObject({ status: 200, body: shorter });
    await api('PUT', connection('/mapping'), { mapping: null });
    expect((await api('PUT', connection('/mode'), { mode: 'live' })).status).toBe(200);
  });

  test('is written to everybody who is linked once it is saved', async () => {
    const change = text(
      { phone: '919812399999', name: 'Asha Rao' },
      'wamid.mapped',
      Date.now(),
      'hello there',
    );
    expect(await service.post(webhook(fixture.parties.whatsapp, [change]))).toBe(200);
    const asha = (wanted: Record<string, string>): Promise<SandboxRecord> =>
      until(`the record with ${JSON.stringify(wanted)}`, async () => {
        const path = '/hubspot/records/contacts';
        const { results } = await fixture.control<{ results: SandboxRecord[] }>('GET', path);
        return results.find(({ properties }) =>
          Object.entries(wanted).every(([name, value]) => properties[name] === value),
        );
      });
    const { id } = await asha({ firstname: 'Asha' });
    const { mapping } = await mappingNow();
    const more = { mapping: [...mapping, line('first message', 'city')] };
    expect(await api('PUT', connection('/mapping'), more)).toMatchObject({ status: 200 });
    expect((await asha({ city: 'hello there' })).id).toBe(id);
    await api('PUT', connection('/mapping'), { mapping: null });
  });

  test('brings a lead into the fields a business has already, in its own words', async () => {
    const groupName = 'contactinformation';
    const option = (value: string) => ({ label: value, value, displayOrder: 0, hidden: false });
    const own = { groupName, type: 'string', fieldType: 'text' };
    await inCrm('POST', '', {
      name: 'lead_source',
      label: 'Lead source',
      groupName,
      type: 'enumeration',
      fieldType: 'select',
      options: [option('whatsapp_ctwa'), option('whatsapp')],
    });
    await inCrm('POST', '', { ...own, name: 'whatsapp_first_message', label: 'First message' });
    await inCrm('POST', '', { ...own, name: 'whatsapp_name', label: 'Name on WhatsApp' });
    await inCrm('POST', '', {
      groupName,
      name: 'whatsapp_received_at',
      label: 'Received at',
      type: 'datetime',
      fieldType: 'date',
    });
    const values = { 'WhatsApp CTWA': 'whatsapp_ctwa', 'WhatsApp Inbound': 'whatsapp', WhatsApp: 'whatsapp' };
    const asIs = { transform: 'as is' };
    const mapping = [
      line('first name', 'firstname', 'if-empty', asIs),
      line('full name', 'whatsapp_name', 'if-empty', asIs),
      line('phone', 'phone', 'if-empty', asIs),
      line({ constant: 'NEW' }, 'hs_lead_status', 'once', asIs),
      line({ constant: 'lead' }, 'lifecyclestage', 'once', asIs),
      line('lead source', 'lead_source', 'once', { ...asIs, values }),
      line('first message', 'whatsapp_first_message', 'once', asIs),
      line('first message time', 'whatsapp_received_at', 'once', asIs),
    ];
    expect(await api('PUT', connection('/mapping'), { mapping })).toMatchObject({
      status: 200,
      body: { mapping },
    });
    const at = Math.floor(Date.now() / 1000) * 1000;
    const ad = { source_type: 'ad', source_id: '77', source_url: 'https://fb.example/77' };
    const priya = { phone: '919812399998', name: 'Priya Sharma' };
    const change = message(priya, 'wamid.guide', at, {
      type: 'text',
      text: { body: 'Interested' },
      referral: ad,
    });
    expect(await service.post(webhook(fixture.parties.whatsapp, [change]))).toBe(200);
    const { properties } = await until('the lead', async () => {
      const { results } = await fixture.control<{ results: SandboxRecord[] }>(
        'GET',
        '/hubspot/records/contacts',
      );
      return results.find((record) => record.properties['phone'] === '+919812399998');
    });
    const received = properties['whatsapp_received_at'] ?? '';
    expect({ ...properties, whatsapp_received_at: Date.parse(received) }).toMatchObject({
      phone: '+919812399998',
      firstname: 'Priya',
      whatsapp_name: 'Priya Sharma',
      hs_lead_status: 'NEW',
      lifecyclestage: 'lead',
      lead_source: 'whatsapp_ctwa',
      whatsapp_first_message: 'Interested',
      whatsapp_received_at: at,
    });
    await api('PUT', connection('/mapping'), { mapping: null });
  });

  test.each([
    ["no field 'no_such_field'", [line('first name', 'no_such_field')]],
    ["is named 'firstname'", [line('first name', 'First name')]],
    [
      '"username", or a text in single quotes',
      [line('first name', 'firstname', 'once', { standIns: ['x'] })],
    ],
    ['mapped twice', [line('first name', 'firstname'), line('username', 'firstname')]],
    ["Sangam's own id", [line('bsuid', 'sangam_contact_id')]],
    ['read-only', [line('last activity', 'lastmodifieddate')]],
    ['needs a date', [line('last activity', 'firstname')]],
    ['needs a checkbox', [line('opt-out', 'firstname', 'both')]],
    ["cannot have the policy 'once'", [line('opt-out', 'wa_opt_out', 'once')]],
    [
      "the transform 'upper case' away",
      [line('last activity', 'wa_last_activity_at', 'ours', { transform: 'upper case' })],
    ],
    ["cannot have the policy 'ours': choose 'once'", [line({ constant: 'NEW' }, 'hs_lead_status')]],
    ["does not offer 'NEWER'", [line({ constant: 'NEWER' }, 'hs_lead_status', 'once')]],
    ["take 'values' away", [line('last activity', 'wa_last_activity_at', 'ours', { values: { x: 'y' } })]],
    ["is never 'Facebook'", [line('lead source', 'city', 'once', { values: { Facebook: 'y' } })]],
    [
      "does not offer 'ctwa', 'WhatsApp Inbound'",
      [line('lead source', 'lifecyclestage', 'once', { values: { 'WhatsApp CTWA': 'ctwa' } })],
    ],
    ["'WhatsApp CTWA'", [line('lead source', 'lifecyclestage', 'once')]],
    ['must be one of', [line('shoe size', 'firstname')]],
  ])('is refused where it cannot work: %s', async (words, mapping) => {
    const { status, body } = await api('PUT', connection('/mapping'), { mapping });
    expect(status).toBe(400);
    expect((body as { error: { message: string } }).error.message).toContain(words);
  });

  test('takes a Flow answer into a field of the account', async () => {
    const mapping = [line({ flowAnswer: 'city' }, 'city', 'if-empty')];
    expect((await api('PUT', connection('/mapping'), { mapping })).body).toEqual({
      mapping: [{ source: { flowAnswer: 'city' }, field: 'city', policy: 'if-empty', transform: 'as is' }],
    });
    await api('PUT', connection('/mapping'), { mapping: null });
  });

  test('a parked field is taken up again once it is there', async () => {
    const { workspaceId } = fixture.parties;
    await fixture.store.transact(workspaceId, async (trx) => {
      await parkFields(trx, connectionId, ['wa_tags', 'wa_gone'], { at: 0, why: 'it vanished' });
    });
    await raise('fields missing');
    expect((await api('GET', connection())).body).toMatchObject({
      parkedFields: [
        { field: 'wa_tags', why: 'it vanished' },
        { field: 'wa_gone', why: 'it vanished' },
      ],
    });
    expect((await api('POST', connection('/fields/wa_gone/unpark'))).status).toBe(409);
    expect((await api('POST', connection('/fields/firstname/unpark'))).status).toBe(404);
    expect((await api('POST', connection('/fields/wa_tags/unpark'))).body).toMatchObject({
      parkedFields: [{ field: 'wa_gone' }],
    });
    expect(await openAlerts()).toContain('fields missing');
    await api('PUT', connection('/mapping'), { mapping: null });
    expect(await openAlerts()).not.toContain('fields missing');

    await fixture.store.transact(workspaceId, (trx) =>
      parkFields(trx, connectionId, ['wa_tags'], { at: 0, why: 'it vanished' }),
    );
    await raise('fields missing');
    expect((await api('POST', connection('/fields/wa_tags/unpark'))).body).toMatchObject({
      parkedFields: [],
    });
    expect(await openAlerts()).not.toContain('fields missing');
  });
});

test('the owners of records can be asked for', async () => {
  const { body } = await api('GET', connection('/owners'));
  expect((body as { results: unknown[] }).results).toEqual(
    expect.arrayContaining([{ ownerId: expect.any(String), name: expect.any(String) }]),
  );
});

test('an alert is shown until it is closed', async () => {
  const { workspaceId } = fixture.parties;
  await fixture.store.transact(workspaceId, (trx) =>
    raiseAlert(trx, { connectionId, kind: 'rush of new records', message: 'Many new records.' }, Date.now()),
  );
  const { body } = await api('GET', '/alerts');
  const { results } = body as { results: { alertId: string; kind: string; closedAt: string | null }[] };
  const alert = results.find(({ kind }) => kind === 'rush of new records');
  expect(alert?.closedAt).toBeNull();
  expect((await api('POST', `/alerts/${alert?.alertId ?? ''}/close`)).status).toBe(204);
  expect((await api('POST', `/alerts/${alert?.alertId ?? ''}/close`)).status).toBe(404);
});

test.each([
  ['GET', ''],
  ['DELETE', ''],
  ['PUT', '/mode'],
  ['GET', '/settings'],
  ['GET', '/mapping'],
  ['GET', '/fields'],
  ['GET', '/provisioning'],
  ['POST', '/retry'],
])('%s of a connection nobody has is a 404: %s', async (method, rest) => {
  for (const id of [randomUUID(), 'no-id']) {
    const { status } = await api(
      method,
      `/connections/${id}${rest}`,
      method === 'PUT' ? { mode: 'live' } : undefined,
    );
    expect(status).toBe(404);
  }
});

describe('webhooks of HubSpot', () => {
  const { portalId } = { portalId: 24_111_972 };

  async function post(
    path: string,
    body: string,
    options: { secret?: string; at?: number; version?: 'v2' | 'v3' } = {},
  ): Promise<{ status: number; body: string }> {
    const { secret = fixture.parties.hubspot.clientSecret, at = Date.now(), version = 'v3' } = options;
    const url = `${service.url}/webhooks/hubspot/${connectionId}${path}`;
    const headers: Record<string, string> =
      version === 'v3'
        ? {
            'x-hubspot-signature-v3': createHmac('sha256', secret)
              .update(`POST${url}${body}${at}`)
              .digest('base64'),
            'x-hubspot-request-timestamp': String(at),
          }
        : {
            'x-hubspot-signature': createHash('sha256').update(`${secret}POST${url}${body}`).digest('hex'),
            'x-hubspot-signature-version': 'v2',
          };
    const response = await fetch(url, {
      method: 'POST',
      body,
      headers: { ...headers, 'content-type': 'application/json' },
    });
    return { status: response.status, body: await response.text() };
  }
  const change = (portal = portalId): string =>
    JSON.stringify([
      {
        eventId: 1,
        subscriptionId: 2,
        portalId: portal,
        appId: 3,
        occurredAt: Date.now(),
        subscriptionType: 'contact.propertyChange',
        attemptNumber: 0,
        objectId: 4711,
        propertyName: 'lifecyclestage',
        propertyValue: 'customer',
        changeSource: 'CRM_UI',
        sourceId: 'userId:5',
      },
    ]);

  test('are refused for a bad signature only', async () => {
    expect((await post('', change(), { secret: 'not the secret' })).status).toBe(401);
    expect((await post('', change(), { at: Date.now() - 6 * 60_000 })).status).toBe(401);
    expect((await post('', change(), { version: 'v2' })).status).toBe(401);
    expect((await post('', 'no json')).status).toBe(200);
    expect((await post('', '{}')).status).toBe(200);
    expect((await post('', change())).status).toBe(200);
  });

  test('of an account nobody has connected are kept, not applied', async () => {
    expect((await post('', change(1))).status).toBe(200);
    await until('the dead letter', async () => {
      const { body } = await api('GET', '/dead-letters');
      return (body as { results: { reason: string }[] }).results.some(
        ({ reason }) => reason === 'foreign account',
      );
    });
  });

  test('a workflow action is answered, by v2 as well, and is an occurrence', async () => {
    const request = JSON.stringify({
      callbackId: 'ap-1-2-3',
      origin: { portalId, actionDefinitionId: 1, actionDefinitionVersion: 1 },
      context: { source: 'WORKFLOWS', workflowId: 9 },
      object: { objectId: 4712, objectType: 'CONTACT' },
      inputFields: { template: 'welcome' },
    });
    const answer = await post('/actions/send-template', request, { version: 'v2' });
    expect(answer.status).toBe(200);
    expect(JSON.parse(answer.body)).toEqual({ outputFields: { hs_execution_state: 'SUCCESS' } });
    expect((await post('/actions/send-template', request)).status).toBe(200);
    const { workspaceId } = fixture.parties;
    const occurrence = await until('the occurrence', () =>
      fixture.store.transact(workspaceId, (trx) =>
        trx
          .selectFrom('occurrences')
          .select(['field', 'value'])
          .where('workspace_id', '=', workspaceId)
          .where('record_id', '=', '4712')
          .executeTakeFirst(),
      ),
    );
    expect(occurrence.field).toBe('workflow:send-template');
    expect(JSON.parse(occurrence.value)).toEqual({
      callbackId: 'ap-1-2-3',
      inputFields: { template: 'welcome' },
    });
    const broken = await post('/actions/send-template', '{}');
    expect(JSON.parse(broken.body)).toMatchObject({ outputFields: { hs_execution_state: 'FAIL_CONTINUE' } });
  });
});

describe('connecting by OAuth', () => {
  test('the admin is sent with our address, a state and the scopes we need', async () => {
    const { body } = await api('GET', '/connections/hubspot/authorize');
    const url = new URL((body as { url: string }).url);
    expect(url.searchParams.get('client_id')).toBe(fixture.parties.hubspot.clientId);
    expect(url.searchParams.get('redirect_uri')).toBe(`${service.url}/oauth/hubspot/callback`);
    expect(url.searchParams.get('state')).toMatch(/^[\w-]{40,}$/);
    expect(url.searchParams.get('scope')).toContain('crm.objects.contacts.write');
  });

  test('the same account again keeps its connection and mode, and ends what was said of its block', async () => {
    await raise('connection blocked');
    const { callback, cookie } = await agree();
    expect(await finish(callback, cookie)).toMatchObject({
      status: 200,
      body: { connectionId, fresh: false },
    });
    expect((await api('GET', connection())).body).toMatchObject({ mode: 'live', blockedReason: null });
    expect(await openAlerts()).not.toContain('connection blocked');
    expect((await api('GET', connection('/fields'))).status).toBe(200);
  });

  test('a state is good once, and only in the browser it was made for', async () => {
    const { callback, cookie } = await agree();
    expect(await finish(callback, '')).toMatchObject({ status: 400, body: refused('state_unknown') });
    expect((await finish(callback, cookie)).status).toBe(200);
    expect(await finish(callback, cookie)).toMatchObject({ status: 400, body: refused('state_unknown') });
  });

  test('a browser is shown what became of it', async () => {
    const denied = await fetch(`${service.url}/oauth/hubspot/callback?error=access_denied`, {
      headers: { accept: 'text/html' },
    });
    expect(denied.url).toBe(`${service.url}/?note=not_agreed&crm=hubspot`);
    expect(await denied.text()).toContain('did not give its agreement');
    const { callback, cookie } = await agree();
    const spoiled = await fetch(callback.replace(/code=[^&]+/, 'code=of-nobody'), {
      headers: { accept: 'text/html', cookie },
    });
    expect(await spoiled.text()).toContain('good once and for a few minutes');
    const line = /"code":"reconnect","reason":"HubSpot did not take.*an account could not be connected"/;
    await until('the line in the log', () => line.test(service.output()));
    const strange = await fetch(`${service.url}/?note=%3Cscript%3E`);
    expect(await strange.text()).not.toContain('<script>');
  });

  test('what was disconnected calls nobody, and comes back in shadow with its data', async () => {
    await raise('connection blocked');
    expect(await api('DELETE', connection())).toMatchObject({ status: 200, body: { uninstalled: true } });
    expect(await openAlerts()).not.toContain('connection blocked');
    expect((await api('GET', connection())).body).toMatchObject({ disconnectedAt: expect.any(String) });
    expect(await api('GET', connection('/fields'))).toMatchObject({
      status: 409,
      body: refused('reconnect'),
    });
    expect((await api('PUT', connection('/mode'), { mode: 'live' })).status).toBe(409);

    const { callback, cookie } = await agree();
    expect(await finish(callback, cookie)).toMatchObject({ body: { connectionId, fresh: false } });
    expect((await api('GET', connection())).body).toMatchObject({ mode: 'shadow', disconnectedAt: null });
  });

  test('an account of another workspace is refused', async () => {
    await api('DELETE', connection());
    const [otherWorkspace, otherConnection] = [randomUUID(), randomUUID()];
    await fixture.store.transact(otherWorkspace, async (trx) => {
      await trx
        .insertInto('workspaces')
        .values({ workspace_id: otherWorkspace, name: 'Other', sandbox: true, created_at: 0 })
        .execute();
      const { body } = await api('GET', connection());
      await trx
        .insertInto('directory_accounts')
        .values({
          crm: 'hubspot',
          account: (body as { account: string }).account,
          workspace_id: otherWorkspace,
          connection_id: otherConnection,
        })
        .execute();
    });
    const first = await agree();
    expect(await finish(first.callback, first.cookie)).toMatchObject({
      status: 409,
      body: refused('account_taken'),
    });
    expect((await api('GET', connection())).body).toMatchObject({ disconnectedAt: expect.any(String) });

    await fixture.store.directory
      .deleteFrom('directory_accounts')
      .where('connection_id', '=', otherConnection)
      .execute();
    const second = await agree();
    expect((await finish(second.callback, second.cookie)).status).toBe(200);
  });

  test('a token that opens nothing is refused with what to do', async () => {
    const body = { crm: 'hubspot', accessToken: 'pat-na1-of-nobody' };
    expect(await api('POST', '/connections', body)).toMatchObject({
      status: 400,
      body: wrong('token_refused', 'accessToken'),
    });
    expect((await api('POST', '/connections', { crm: 'hubspot', accessToken: '' })).status).toBe(400);
  });
});

test('what the mode was set to, and which fields and settings were changed, is in the audit', async () => {
  const subjects = async (action: string): Promise<string[]> => {
    const { body } = await api('GET', `/audit?action=${encodeURIComponent(action)}`);
    return (body as { results: { subject: string }[] }).results.map(({ subject }) => subject);
  };
  const modes = (await subjects('set mode')).toReversed();
  expect(modes.slice(0, 3)).toEqual(['shadow', 'test', 'live'].map((mode) => `${connectionId} ${mode}`));
  expect(new Set(await subjects('unpark field'))).toEqual(new Set([`${connectionId} wa_tags`]));
  expect(await subjects('change settings')).toContain(`${connectionId} creation timeline`);
});
