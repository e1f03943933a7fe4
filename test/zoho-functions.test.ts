import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CrmChange } from '@sangam/core/crm';
import type { Service } from '@sangam/service';
import { type DelugeRequest, hmacsha256, runDeluge } from './harness/deluge.ts';
import { createServiceFixture, type ServiceFixture, until } from './harness/index.ts';
import { twinOfRecordChanged, type ZohoChange, type ZohoSettings } from './harness/zoho-twin.ts';

/** The Deluge functions an admin pastes into Zoho: nothing runs them here but a reader of our own, beside a twin. */

const folder = path.join(import.meta.dirname, '../zoho-extension/functions');
const files = readdirSync(folder);
const source = (file: string): string => readFileSync(path.join(folder, file), 'utf8');

/** As an admin fills it in, in Zoho. */
function settingsWith({ address, secret, orgId }: ZohoSettings): string {
  const texts: Readonly<Record<string, string>> = { address, secret, org_id: orgId };
  return source('settings.dg').replaceAll(/put\("(\w+)",""\)/g, (whole, name: string) =>
    whole.replace('""', JSON.stringify(texts[name] ?? '')),
  );
}

function sentBy(settings: string, change: ZohoChange, now: number): readonly DelugeRequest[] {
  const { module, id, event, field, value, person } = change;
  // Zoho hands over null for what stands empty.
  const args = [module, id, event, field ?? null, value ?? null, person ?? null];
  return runDeluge(source('record_changed.dg'), args, { now, others: [settings] }).sent;
}

/** One whose signature everybody can see: no account has it. */
const known = { address: 'https://sangam.example/webhooks/zoho/1', secret: 'a secret', orgId: '60001234567' };
const id = '6000000000000123001';
const at = 1_795_000_000_000;
const stage = { module: 'Leads', id, event: 'edit', field: 'Lead_Status', value: 'Contacted' };

describe('as files', () => {
  test('what there is', () => {
    expect(files.toSorted()).toEqual(['record_changed.dg', 'settings.dg']);
  });

  test.each(files)('%s: brackets balance', (file) => {
    const open: string[] = [];
    const ends: Readonly<Record<string, string>> = { ')': '(', ']': '[', '}': '{' };
    for (const one of source(file).replaceAll(/"(?:\\.|[^"\\])*"|\/\/[^\n]*/g, '')) {
      if ('([{'.includes(one)) open.push(one);
      else if (one in ends) expect(open.pop(), file).toBe(ends[one]);
    }
    expect(open).toEqual([]);
  });

  test.each(files)('%s: no secret and no address', (file) => {
    const texts = [...source(file).matchAll(/"((?:\\.|[^"\\])*)"/g)].map(([, text = '']) => text);
    expect(texts.filter((text) => /https?:|[\w-]{20,}/.test(text.replaceAll('X-Sangam-', '')))).toEqual([]);
    for (const [, value] of source(file).matchAll(/settings\.put\("\w+",(.*)\)/g)) expect(value).toBe('""');
  });

  test('what is told is signed over one text, which is what is sent; a refusal is no failure', () => {
    const [told] = sentBy(settingsWith(known), stage, at);
    expect(Object.keys(told?.headers ?? {}).toSorted()).toEqual([
      'Content-Type',
      'X-Sangam-Signature',
      'X-Sangam-Timestamp',
    ]);
    const signature = hmacsha256(known.secret, `${at}.${told?.body ?? ''}`, 'hex');
    expect(told?.headers['X-Sangam-Signature']).toBe(signature);
    expect(source('record_changed.dg').match(/invokeurl/g)).toHaveLength(1);
    expect(source('record_changed.dg')).toMatch(/detailed:true/);
  });

  test('ids are texts', () => {
    const [told] = sentBy(settingsWith(known), { ...stage, module: 'Deals', person: id }, at);
    expect(told?.body).toContain(`"id":"${id}"`);
    expect(told?.body).toContain(`"person":"${id}"`);
    expect(told?.body).toContain(`"orgId":"${known.orgId}"`);
  });
});

// Published vectors, docs/vendors/zoho.md §8.
test.each([
  [
    'sk_5Ow7B_4eC39H',
    '{Order ID: 0932, Currency: USD, Amount: 2500}',
    'hex',
    '13721963e7ac439f5a2e63c261856393647f3f51b493beebf5919af4bc3de19c',
  ],
  ['Use me to generate hash', 'My#New#Password', undefined, 'edYCyxkU4jL2dEjEDO8aUy8WZrpKRvQquNpgKUqe5vA='],
])('the reader signs as Zoho does: %s', (key, data, form, signature) => {
  expect(hmacsha256(key, data, form)).toBe(signature);
});

test('nothing is told while the settings are empty', () => {
  expect(sentBy(source('settings.dg'), stage, at)).toEqual([]);
});

test('the twin sends the same', () => {
  const settings = settingsWith(known);
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const change = fc.record(
    {
      module: fc.constantFrom('Leads', 'Contacts', 'Deals'),
      id: fc.stringMatching(/^[1-9]\d{17,18}$/),
      event: fc.constantFrom('create', 'edit', 'delete'),
      field: fc.constantFrom('Lead_Status', 'Stage', 'WhatsApp_Opted_Out', ''),
      value: text,
      person: fc.stringMatching(/^([1-9]\d{17,18})?$/),
    },
    { requiredKeys: ['module', 'id', 'event'] },
  );
  const same = ([one, now]: [ZohoChange, number]): void => {
    expect(sentBy(settings, one, now)).toEqual([twinOfRecordChanged(known, one, now)]);
  };
  fc.assert(fc.property(fc.tuple(change, fc.integer({ min: at, max: 2 * at })), same));
});

describe('a running Sangam', () => {
  let fixture: ServiceFixture;
  let service: Service;
  let connectionId: string;
  let settings: ZohoSettings;

  beforeAll(async () => {
    fixture = await createServiceFixture(undefined, ['hubspot', 'zoho']);
    // Nothing is asked of Zoho, or looked for, behind the back of what tells.
    service = await fixture.openService({ work: false });
    const zoho = fixture.parties.crms['zoho'];
    if (zoho === undefined) throw new Error('The sandbox has no Zoho.');
    ({ connectionId } = zoho);
    const address = `${service.url()}/webhooks/zoho/${connectionId}`;
    settings = { address, secret: zoho.clientSecret, orgId: await orgId() };
  });
  afterAll(() => fixture.close());

  const vendor = async (method: string, route: string, body?: object): Promise<never> => {
    const token = fixture.parties.crms['zoho']?.accessToken ?? '';
    const response = await fetch(`${fixture.sandboxUrl}/zoho/crm/v8${route}`, {
      method,
      headers: { authorization: `Zoho-oauthtoken ${token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    expect(response.ok, `${method} ${route}`).toBe(true);
    return (await response.json()) as never;
  };
  const orgId = async (): Promise<string> =>
    ((await vendor('GET', '/org')) as { org: [{ zgid: string }] }).org[0].zgid;
  const make = async (module: string, properties: object): Promise<string> =>
    (await fixture.control<{ id: string }>('POST', `/zoho/records/${module}`, { properties })).id;

  const send = async ({ url, method, headers, body }: DelugeRequest): Promise<number> =>
    (await fetch(url, { method, headers, body })).status;
  const told = (change: ZohoChange): DelugeRequest => {
    const [request] = sentBy(settingsWith(settings), change, fixture.clock.now());
    if (request === undefined) throw new Error('Nothing was sent.');
    return request;
  };

  /** What waits to be applied of this record. */
  const takenIn = async (recordId: string): Promise<object[]> => {
    const rows = await fixture.store.transact(fixture.parties.workspaceId, (trx) =>
      trx.selectFrom('inbox').select('payload').where('workspace_id', '=', trx.workspaceId).execute(),
    );
    return rows
      .map(({ payload }) => JSON.parse(payload.toString()) as { connectionId: string; change: CrmChange })
      .filter((one) => one.connectionId === connectionId && one.change.recordId === recordId)
      .map(({ change }) => change);
  };

  test('takes what a function tells, in any letters', async () => {
    for (const [lead, value] of [
      [id, 'Contacted'],
      ['6000000000000123002', 'वार्ता "B" \\ 😀\n'],
    ] as const) {
      const request = told({ ...stage, id: lead, value });
      expect(await send(request)).toBe(200);
      const now = Number(request.headers['X-Sangam-Timestamp']);
      const change = { kind: 'field', recordId: `Leads/${lead}`, at: now, field: 'Lead_Status', value };
      expect(await takenIn(`Leads/${lead}`)).toEqual([change]);
    }
  });

  test('takes its twin', async () => {
    expect(await send(twinOfRecordChanged(settings, stage, fixture.clock.now()))).toBe(200);
  });

  test.each<[string, (request: DelugeRequest) => DelugeRequest]>([
    ['another body', (request) => ({ ...request, body: request.body.replace('Contacted', 'Lost') })],
    [
      'a later time',
      (request) => ({
        ...request,
        headers: { ...request.headers, 'X-Sangam-Timestamp': String(fixture.clock.now() + 1_000) },
      }),
    ],
  ])('refuses %s', async (_, change) => {
    expect(await send(change(told(stage)))).toBe(401);
  });

  test('refuses what was signed longer ago, headers that came twice, and another connection’s', async () => {
    const [old] = sentBy(settingsWith(settings), stage, fixture.clock.now() - 301_000);
    expect(old === undefined ? undefined : await send(old)).toBe(401);
    const { url, method, headers, body } = told(stage);
    const twice = new Headers(headers);
    twice.append('X-Sangam-Signature', headers['X-Sangam-Signature'] ?? '');
    expect((await fetch(url, { method, headers: twice, body })).status).toBe(401);
    const elsewhere = url.replace(connectionId, fixture.parties.hubspot.connectionId);
    expect((await fetch(elsewhere, { method, headers, body })).status).toBe(401);
  });

  test('takes what a rule’s webhook tells without any code', async () => {
    const webhook = await vendor('POST', '/settings/automation/webhooks', {
      webhooks: [
        {
          name: 'Sangam',
          module: { api_name: 'Leads' },
          url: settings.address,
          http_method: 'POST',
          feature_type: 'workflow',
          headers: { custom_parameters: [{ name: 'X-Sangam-Secret', value: settings.secret }] },
          body: {
            type: 'raw',
            format: 'JSON',
            raw_data_content:
              '{"module":"Leads","id":"${Leads.id}","event":"edit","at":"${Leads.Modified_Time}"}',
          },
        },
      ],
    });
    const { webhooks } = webhook as { webhooks: [{ details: { id: string } }] };
    await vendor('POST', '/settings/automation/workflow_rules', {
      workflow_rules: [
        {
          name: 'Sangam',
          module: { api_name: 'Leads' },
          execute_when: { type: 'edit' },
          conditions: [{ instant_actions: { actions: [{ type: 'webhooks', id: webhooks[0].details.id }] } }],
        },
      ],
    });
    const lead = await make('Leads', { Last_Name: 'Rao', Lead_Status: 'Contacted' });
    await fixture.control('PATCH', `/zoho/records/Leads/${lead}`, {
      properties: { Lead_Status: 'Lost Lead' },
    });
    const [change] = await until('the change', async () => {
      const found = await takenIn(`Leads/${lead}`);
      return found.length > 0 ? found : undefined;
    });
    expect(change).toMatchObject({ kind: 'touched' });
  });
});
