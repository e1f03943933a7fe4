import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Api,
  apiOf,
  createServiceFixture,
  type ServiceProcess,
  signIn,
  text,
  type ServiceFixture,
  until,
  webhook,
  isEmpty,
} from './harness/index.ts';

/** The service's own doors: webhooks, sessions, channels, dead letters, tags. */

let fixture: ServiceFixture;
let service: ServiceProcess;
let session: string;
let api: Api;

beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService();
  const entered = await signIn(service);
  const { link } = entered;
  ({ session, api } = entered);
  expect((await fetch(link, { method: 'POST', headers: { accept: 'application/json' } })).status).toBe(410);
});
afterAll(() => fixture.close());

async function post(
  route: string,
  body: string,
  signature?: string,
): Promise<{ status: number; body: string }> {
  const response = await fetch(`${service.url}/webhooks/whatsapp${route}`, {
    method: 'POST',
    body,
    headers: signature === undefined ? {} : { 'x-hub-signature-256': signature },
  });
  return { status: response.status, body: await response.text() };
}

const signed = (body: string, secret: string): string =>
  `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

interface Letter {
  readonly deadLetterId: string;
  readonly reason: string;
  readonly explanation: string;
}

const letters = async (): Promise<readonly Letter[]> =>
  ((await api('GET', '/dead-letters')).body as { results: Letter[] }).results;

describe('a webhook', () => {
  const body = JSON.stringify({ object: 'whatsapp_business_account', entry: [] });

  test.each([undefined, 'sha256=00', `sha256=${'0'.repeat(64)}`])(
    'with signature %s is refused',
    async (signature) => {
      const route = `/${fixture.parties.whatsapp.channelId}`;
      expect(await post(route, body, signature)).toMatchObject({ status: 401 });
    },
  );

  test('of a channel nobody has, or of an app that is not configured, is refused', async () => {
    const secret = fixture.parties.whatsapp.appSecret;
    expect((await post('', body, signed(body, secret))).status).toBe(401);
    expect((await post('/6a1a4d6a-0000-4000-8000-000000000000', body, signed(body, secret))).status).toBe(
      401,
    );
    expect((await post('/not-an-id', body, signed(body, secret))).status).toBe(401);
  });

  test('larger than 4 MB is refused with what to do, without a stack trace', async () => {
    const large = JSON.stringify({ padding: 'x'.repeat(4.5 * 2 ** 20) });
    const answer = await post(
      `/${fixture.parties.whatsapp.channelId}`,
      large,
      signed(large, fixture.parties.whatsapp.appSecret),
    );
    expect(answer.status).toBe(413);
    expect(answer.body).not.toContain('at ');
  });

  test('of 3 MB is taken', async () => {
    const large = JSON.stringify({ entry: [], padding: 'x'.repeat(3 * 2 ** 20) });
    const route = `/${fixture.parties.whatsapp.channelId}`;
    expect((await post(route, large, signed(large, fixture.parties.whatsapp.appSecret))).status).toBe(200);
  });

  test('shakes hands with the right verify token only', async () => {
    const ask = async (token: string): Promise<{ status: number; body: string }> => {
      const query = new URLSearchParams({
        'hub.mode': 'subscribe',
        'hub.verify_token': token,
        'hub.challenge': '1158',
      });
      const response = await fetch(
        `${service.url}/webhooks/whatsapp/${fixture.parties.whatsapp.channelId}?${query.toString()}`,
      );
      return { status: response.status, body: await response.text() };
    };
    expect(await ask(fixture.parties.whatsapp.verifyToken)).toEqual({ status: 200, body: '1158' });
    expect((await ask('wrong')).status).toBe(403);
  });
});

describe('the API', () => {
  test.each(['/dead-letters', '/channels', '/contacts?phone=%2B919812345678'])(
    'keeps %s for members',
    async (path) => {
      expect((await fetch(`${service.url}/api/v1${path}`)).status).toBe(401);
      expect((await apiOf(service.url, 'made-up')('GET', path)).status).toBe(401);
    },
  );

  test('says what is wrong with a request', async () => {
    expect(await api('POST', '/channels', { phoneNumberId: 'x' })).toMatchObject({ status: 400 });
    expect(await api('GET', '/contacts?phone=0981')).toMatchObject({ status: 400 });
    const response = await fetch(`${service.url}/api/v1/channels`, {
      method: 'POST',
      headers: { authorization: `Bearer ${session}`, 'content-type': 'application/json' },
      body: '{',
    });
    expect(response.status).toBe(400);
    expect(await response.text()).not.toContain('node_modules');
  });

  test('answers a page of another origin with nothing, whatever cookie it brings', async () => {
    const response = await fetch(`${service.url}/api/v1/dead-letters/replay`, {
      method: 'POST',
      headers: { cookie: `sangam_session=${session}`, origin: 'https://evil.example' },
    });
    expect(response.status).toBe(401);
  });
});

describe('a channel under an app of its own', () => {
  const channel = {
    phoneNumberId: '555000111',
    wabaId: '555000222',
    displayPhoneNumber: '+44 20 7946 0018',
    appSecret: 'first-secret-of-the-app',
    verifyToken: 'verify-this',
  };
  const other = { phoneNumberId: channel.phoneNumberId, wabaId: channel.wabaId };
  const hello = (wamid: string): string =>
    JSON.stringify(
      webhook(other, [text({ phone: '447700900123', name: 'Chloe' }, wamid, Date.now() - 5000, 'hello')]),
    );
  let route = '';

  test('what came before it was connected waits as a dead letter, and is applied once it is', async () => {
    const early = hello('wamid.early');
    const mine = `/${fixture.parties.whatsapp.channelId}`;
    expect((await post(mine, early, signed(early, fixture.parties.whatsapp.appSecret))).status).toBe(200);
    const [letter] = (await letters()).filter(({ reason }) => reason === 'foreign channel');
    expect(letter?.explanation).toContain('phone number id 555000111');
    expect((await api('POST', `/dead-letters/${letter?.deadLetterId ?? ''}/replay`)).body).toEqual({
      replayed: 0,
      kept: 1,
    });

    const added = await api('POST', '/channels', channel);
    expect(added.status).toBe(201);
    expect(added.body).toMatchObject({ app: 'own', phoneNumberId: '555000111' });
    expect(JSON.stringify(added.body)).not.toContain('secret');
    route = `/${(added.body as { channelId: string }).channelId}`;
    expect((await api('POST', '/channels', channel)).status).toBe(409);

    expect((await api('POST', '/dead-letters/replay')).body).toMatchObject({ replayed: 1 });
    await until('the contact', async () => {
      const { results } = (await api('GET', '/contacts?phone=%2B447700900123')).body as {
        results: object[];
      };
      return results.length === 1;
    });
    expect((await letters()).filter(({ reason }) => reason === 'foreign channel')).toEqual([]);
  });

  test('passes webhooks signed with either secret while the secret is being changed', async () => {
    const body = hello('wamid.rotation');
    expect((await post(route, body, signed(body, 'first-secret-of-the-app'))).status).toBe(200);
    const rotated = await api('POST', `/channels${route}/app-secret`, {
      appSecret: 'second-secret-of-the-app',
    });
    expect(rotated.status).toBe(204);
    expect((await post(route, body, signed(body, 'first-secret-of-the-app'))).status).toBe(200);
    expect((await post(route, body, signed(body, 'second-secret-of-the-app'))).status).toBe(200);
    expect((await post(route, body, signed(body, 'third-secret-of-the-app!'))).status).toBe(401);
  });

  test('listens to the languages an admin switches on', async () => {
    const stop = (wamid: string): string =>
      JSON.stringify(webhook(other, [text({ phone: '447700900456' }, wamid, Date.now() - 5000, 'बंद करो')]));
    const optedOut = async (): Promise<boolean | undefined> => {
      const { results } = (await api('GET', '/contacts?phone=%2B447700900456')).body as {
        results: { optOut: boolean }[];
      };
      return results[0]?.optOut;
    };
    const before = stop('wamid.hi.1');
    await post(route, before, signed(before, 'second-secret-of-the-app'));
    await until('the contact', async () => (await optedOut()) !== undefined);
    expect(await optedOut()).toBe(false);
    expect((await api('PUT', `/channels${route}/settings`, { optWordLanguages: ['en', 'hi'] })).status).toBe(
      204,
    );
    const after = stop('wamid.hi.2');
    await post(route, after, signed(after, 'second-secret-of-the-app'));
    await until('the opt-out', optedOut);
  });
});

describe('dead letters', () => {
  test('of a body that is no JSON are kept whole, and stay where nothing can mend them', async () => {
    const broken = '{"entry": [';
    const route = `/${fixture.parties.whatsapp.channelId}`;
    expect((await post(route, broken, signed(broken, fixture.parties.whatsapp.appSecret))).status).toBe(200);
    const letter = (await letters()).find(({ reason }) => reason === 'unparsed');
    expect(letter).not.toHaveProperty('payload');
    const whole = await api('GET', `/dead-letters/${letter?.deadLetterId ?? ''}`);
    expect(whole.body).toMatchObject({ reason: 'unparsed', payload: broken });
    expect((await api('POST', `/dead-letters/${letter?.deadLetterId ?? ''}/replay`)).body).toEqual({
      replayed: 0,
      kept: 1,
    });
    expect((await api('POST', '/dead-letters/6a1a4d6a-0000-4000-8000-000000000000/replay')).status).toBe(404);
    expect((await api('POST', '/dead-letters/nonsense/replay')).status).toBe(404);
  });
});

describe('a CRM that fails', () => {
  interface Refused extends Letter {
    readonly source: string;
    readonly contactId: string | null;
  }

  const hubspotPhones = async (): Promise<(string | undefined)[]> => {
    const { results } = await fixture.control<{ results: { properties: Record<string, string> }[] }>(
      'GET',
      '/hubspot/records/contacts',
    );
    return results.map(({ properties }) => properties['wa_phone_e164']);
  };
  const say = (from: string): Promise<unknown> =>
    fixture.control('POST', '/whatsapp/customer/messages', { from, type: 'text', text: 'hello' });

  test('by refusing one contact gets it again from the dead letters', async () => {
    await until('HubSpot to be told everything', async () => {
      const { workspaceId } = fixture.parties;
      const written = await isEmpty(fixture.store, workspaceId, 'dirty_records');
      return written && (await isEmpty(fixture.store, workspaceId, 'inbox'));
    });
    // Timelines, polls and checks call too.
    await fixture.control('PUT', '/hubspot/faults', {
      status: 400,
      times: 1,
      operation: 'POST /crm/objects/contacts/batch/upsert',
    });
    await say('919844444444');
    const letter = await until('the refusal', async () =>
      ((await letters()) as readonly Refused[]).find(({ source }) => source === 'crm'),
    );
    expect(letter.contactId).not.toBeNull();
    expect(letter.explanation).toContain('HubSpot');
    expect((await api('POST', `/dead-letters/${letter.deadLetterId}/replay`)).body).toEqual({
      replayed: 1,
      kept: 0,
    });
    await until('the contact', async () => (await hubspotPhones()).includes('+919844444444'));
  });

  test('by not answering what it did is written once', async () => {
    await fixture.control('PUT', '/hubspot/faults', { dropConnection: 'after', times: 1 });
    await say('919855555555');
    await until('the contact', async () => (await hubspotPhones()).includes('+919855555555'));
    await until('the repeat', () => isEmpty(fixture.store, fixture.parties.workspaceId, 'dirty_records'));
    expect((await hubspotPhones()).filter((phone) => phone === '+919855555555')).toHaveLength(1);
  });

  test('by taking the token back says so, writes nothing more, and goes on when an admin says retry', async () => {
    await fixture.control('PUT', '/hubspot/token', { expired: true });
    await say('919877777777');
    interface Connection {
      readonly connectionId: string;
      readonly blockedReason: string | null;
    }
    const connection = await until('the block', async () => {
      const { results } = (await api('GET', '/connections')).body as { results: Connection[] };
      return results.find(({ blockedReason }) => blockedReason !== null);
    });
    expect(connection.blockedReason).toContain('token');
    await fixture.control('PUT', '/hubspot/token', { expired: false });
    expect((await api('POST', `/connections/${connection.connectionId}/retry`)).status).toBe(204);
    await until('the contact', async () => (await hubspotPhones()).includes('+919877777777'));
    expect((await api('POST', '/connections/6a1a4d6a-0000-4000-8000-000000000000/retry')).status).toBe(404);
  });

  test('for a while gets everything once it is back', async () => {
    await fixture.control('PUT', '/hubspot/faults', { status: 503, times: 2 });
    await Promise.all(['919866666661', '919866666662', '919866666663'].map(say));
    const phones = await until('all three', async () => {
      const found = (await hubspotPhones()).filter((phone) => phone?.startsWith('+91986666666'));
      return found.length >= 3 ? found : undefined;
    });
    expect(phones).toHaveLength(3);
    expect(new Set(phones).size).toBe(3);
  });
});

describe('tags', () => {
  test('given and taken by a member reach the CRM', async () => {
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: '919833333333',
      type: 'text',
      text: 'hello',
    });
    const contactId = await until('the contact', async () => {
      const { results } = (await api('GET', '/contacts?phone=%2B919833333333')).body as {
        results: { contactId: string }[];
      };
      return results[0]?.contactId;
    });
    const tagsNow = async (): Promise<readonly string[]> => {
      const { results } = (await api('GET', '/contacts?phone=%2B919833333333')).body as {
        results: { tags: string[] }[];
      };
      return results[0]?.tags ?? [];
    };
    expect((await api('POST', `/contacts/${contactId}/tags`, { add: ['vip', 'hot'] })).status).toBe(202);
    await until('both tags', async () => (await tagsNow()).length === 2);
    await api('POST', `/contacts/${contactId}/tags`, { remove: ['hot'] });
    await until('one tag', async () => (await tagsNow()).length === 1);
    await until('the tag in HubSpot', async () => {
      const { results } = await fixture.control<{ results: { properties: Record<string, string> }[] }>(
        'GET',
        '/hubspot/records/contacts',
      );
      return results.some(({ properties }) => properties['wa_tags']?.includes('vip'));
    });
    expect((await api('POST', `/contacts/${contactId}/tags`, {})).status).toBe(400);
    expect((await api('POST', '/contacts/nobody/tags', { add: ['x'] })).status).toBe(404);
  });
});

describe('what an admin may ask', () => {
  interface Listed {
    readonly results: readonly Readonly<Record<string, string>>[];
  }

  test('a member’s own number never becomes a lead', async () => {
    const [me] = ((await api('GET', '/members')).body as Listed).results;
    const path = `/members/${me?.['memberId'] ?? ''}/phone`;
    expect((await api('PUT', path, { phone: '98123' })).status).toBe(400);
    expect((await api('PUT', path, { phone: '+919866666666' })).status).toBe(204);
    for (const from of ['919866666666', '919866666667']) {
      await fixture.control('POST', '/whatsapp/customer/messages', { from, type: 'text', text: 'hello' });
    }
    const phones = async (): Promise<(string | undefined)[]> => {
      const { results } = await fixture.control<{ results: { properties: Record<string, string> }[] }>(
        'GET',
        '/hubspot/records/contacts',
      );
      return results.map(({ properties }) => properties['wa_phone_e164']);
    };
    await until('the other one', async () => (await phones()).includes('+919866666667'));
    expect(await phones()).not.toContain('+919866666666');
  });

  test('the account is looked through, and what it holds is told as JSON and CSV', async () => {
    const [connection] = ((await api('GET', '/connections')).body as Listed).results;
    const path = `/connections/${connection?.['connectionId'] ?? ''}`;
    for (const phone of ['+91 98111 22333', '098111-22333', 'none']) {
      await fixture.control('POST', '/hubspot/records/contacts', {
        properties: { firstname: 'Twin', phone },
      });
    }
    expect((await api('POST', `${path}/check`)).status).toBe(202);
    await until('the check', async () => {
      const { body } = await api('GET', `${path}/check`);
      return (body as { state: string }).state === 'done';
    });
    const report = async (section: string) =>
      (await api('GET', `${path}/check/report?section=${encodeURIComponent(section)}`)).body as {
        results: object[];
      };
    const several = await report('several records');
    expect(several.results).toContainEqual(expect.objectContaining({ phones: ['+919811122333'] }));
    const csv = await fetch(`${service.url}/api/v1${path}/check/report.csv?section=several%20records`, {
      headers: { authorization: `Bearer ${session}` },
    });
    expect((await csv.text()).split('\r\n')).toEqual([
      'person,recordId,name,url,phones',
      expect.stringMatching(/^1,\d+,Twin,https:.*,\(\+91\) 9811122333$/),
      expect.stringMatching(/^1,\d+,Twin,https:.*,\(\+91\) 9811122333$/),
      '',
    ]);
    expect((await report('unreadable numbers')).results).toContainEqual(
      expect.objectContaining({ typed: 'none' }),
    );
    expect((await report('fields')).results.length).toBeGreaterThan(9);
    expect((await api('GET', `${path}/preview`)).status).toBe(200);
    expect((await api('GET', `${path}/occurrences`)).status).toBe(200);
  });

  test('links are put right by hand, and taken back', async () => {
    const contacts = ((await api('GET', '/contacts?phone=%2B919866666667')).body as Listed).results;
    const contactId = contacts[0]?.['contactId'] ?? '';
    const [connection] = ((await api('GET', '/connections')).body as Listed).results;
    const connectionId = connection?.['connectionId'] ?? '';
    const made = (firstname: string) =>
      fixture.control<{ id: string }>('POST', '/hubspot/records/contacts', { properties: { firstname } });
    const [{ id: recordId }, { id: primaryId }, { id: mergedId }] = [
      await made('Right one'),
      await made('One'),
      await made('Other'),
    ];
    const { id: survivor } = await fixture.control<{ id: string }>(
      'POST',
      '/hubspot/records/contacts/merge',
      {
        primaryId,
        mergedId,
      },
    );
    for (const [wrong, refusal] of [
      ['987654321', { status: 404, body: { error: { code: 'no_such_record' } } }],
      ['the right one', { status: 404, body: { error: { code: 'no_such_record' } } }],
      [
        mergedId,
        {
          status: 409,
          body: { error: { code: 'record_merged', message: expect.stringContaining(survivor) } },
        },
      ],
    ] as const) {
      const asked = await api('POST', `/contacts/${contactId}/relink`, {
        connectionId,
        recordId: wrong,
      });
      expect(asked).toMatchObject(refusal);
    }
    const decided = await api('POST', `/contacts/${contactId}/relink`, { connectionId, recordId });
    expect(decided.status).toBe(200);
    const tied = async (): Promise<string | undefined> => {
      const { properties } = await fixture.control<{ properties: Record<string, string> }>(
        'GET',
        `/hubspot/records/contacts/${recordId}`,
      );
      return properties['wa_phone_e164'];
    };
    await until('the new primary record', async () => (await tied()) === '+919866666667');
    const { decisionId } = decided.body as { decisionId: string };
    expect((await api('POST', `/decisions/${decisionId}/undo`)).status).toBe(200);
    expect((await api('POST', `/decisions/${decisionId}/undo`)).status).toBe(404);
    expect((await api('GET', '/conflicts?state=open')).status).toBe(200);
    const statement = (
      await api('GET', `/statement?day=${new Date().toISOString().slice(0, 10)}&timeZone=UTC`)
    ).body as { events: { missing: number } };
    expect(statement.events.missing).toBe(0);
  });
});
