import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { accessToken, startSandboxFixture, type SandboxFixture } from './testing/sandbox-fixture.ts';

let fixture: SandboxFixture;

beforeEach(async () => {
  fixture = await startSandboxFixture();
});

afterEach(() => fixture.stop());

test('the sandbox says how it is reached', async () => {
  expect((await fixture.call('GET', '')).body).toEqual({
    whatsapp: {
      appId: '300000000000001',
      channelId: 'channel-1',
      phoneNumberId: '100000000000001',
      wabaId: '200000000000001',
      displayPhoneNumber: '+91 80471 00000',
      webhookUrl: `http://127.0.0.1:${String(fixture.port)}/webhook`,
      appSecret: 'app-secret',
      verifyToken: 'verify-token',
      accessToken,
    },
    crms: {
      hubspot: {
        basePath: '/sandbox/hubspot',
        authorizePath: '/sandbox/hubspot/oauth/authorize',
        portalId: 24_111_972,
        appId: '1000001',
        clientId: 'sangam-sandbox-app',
        clientSecret: expect.any(String) as string,
      },
      zoho: {
        basePath: '/sandbox/zoho',
        authorizePath: '/sandbox/zoho/oauth/v2/auth',
        zgid: '60012345678',
        location: 'in',
        clientId: '1000.SANGAMSANDBOX',
        clientSecret: expect.any(String) as string,
      },
    },
  });
});

describe('the clock', () => {
  test('is advanced, and never put back', async () => {
    const before = fixture.clock.now();
    const { body } = await fixture.call('PUT', '/clock', { advanceMs: 86_400_000 });
    expect(body).toEqual({ now: expect.any(Number) as number });
    expect(fixture.clock.now()).toBeGreaterThanOrEqual(before + 86_400_000);
    expect(await fixture.call('PUT', '/clock', { advanceMs: -1 })).toMatchObject({ status: 400 });
  });

  test('dates what the CRM writes', async () => {
    await fixture.call('PUT', '/clock', { advanceMs: 10 * 365 * 86_400_000 });
    const before = fixture.clock.now();
    const { body } = await fixture.call('POST', '/hubspot/records/contacts', {
      properties: { firstname: 'Asha' },
    });
    const { createdate = '' } = (body as { properties: Record<string, string> }).properties;
    expect(Date.parse(createdate)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(createdate)).toBeLessThanOrEqual(fixture.clock.now());
  });
});

describe('records as a user of the CRM handles them', () => {
  test('are made, read, changed and deleted', async () => {
    const made = await fixture.call('POST', '/hubspot/records/contacts', {
      properties: { firstname: 'Asha', phone: '098123 45678' },
    });
    expect(made).toMatchObject({
      status: 201,
      body: { id: '101', properties: { phone: '098123 45678' }, timeline: [] },
    });
    const changed = await fixture.call('PATCH', '/hubspot/records/contacts/101', {
      properties: { lastname: 'Rao', phone: '' },
    });
    expect(changed.body).toMatchObject({ properties: { firstname: 'Asha', lastname: 'Rao' } });
    expect(changed.body).not.toHaveProperty('properties.phone');
    expect((await fixture.call('GET', '/hubspot/records/contacts/101')).body).toEqual(changed.body);
    expect(await fixture.call('DELETE', '/hubspot/records/contacts/101')).toMatchObject({ status: 204 });
    for (const method of ['GET', 'DELETE']) {
      expect(await fixture.call(method, '/hubspot/records/contacts/101')).toMatchObject({ status: 404 });
    }
  });

  test('are listed, all or a page', async () => {
    for (let index = 0; index < 5; index += 1) {
      await fixture.call('POST', '/hubspot/records/contacts', { properties: { firstname: String(index) } });
    }
    await fixture.call('DELETE', '/hubspot/records/contacts/103');
    const ids = async (query: string) => {
      const { body } = await fixture.call('GET', `/hubspot/records/contacts${query}`);
      return (body as { results: { id: string }[] }).results.map(({ id }) => id);
    };
    expect(await ids('')).toEqual(['101', '102', '104', '105']);
    expect(await ids('?limit=2')).toEqual(['101', '102']);
    expect(await ids('?limit=2&after=102')).toEqual(['104', '105']);
    expect(await ids('?after=103')).toEqual(['104', '105']);
  });

  test('are validated as the CRM does', async () => {
    expect(
      await fixture.call('POST', '/hubspot/records/contacts', { properties: { phone: '1' } }),
    ).toMatchObject({
      status: 400,
      body: { error: { code: 'refused_by_crm', message: expect.stringContaining('firstname') as string } },
    });
  });

  test('are merged and restored, and what a CRM has not is refused with its reason', async () => {
    for (const firstname of ['Asha', 'Ravi']) {
      await fixture.call('POST', '/hubspot/records/contacts', { properties: { firstname } });
    }
    const merge = (type: string, mergedId: string) =>
      fixture.call('POST', `/hubspot/records/${type}/merge`, { primaryId: '101', mergedId });
    expect(await merge('contacts', '102')).toMatchObject({ status: 200, body: { id: '103', timeline: [] } });
    expect(await merge('contacts', '199')).toMatchObject({ status: 404 });
    expect(await merge('contacts', '103')).toMatchObject({ status: 400 });
    await fixture.call('DELETE', '/hubspot/records/contacts/103');
    expect(await fixture.call('POST', '/hubspot/records/contacts/103/restore')).toMatchObject({
      status: 200,
      body: { id: '103', properties: { firstname: 'Asha' } },
    });
    for (const path of ['contacts/103/convert', 'communications/103/restore', 'communications/merge']) {
      expect(await fixture.call('POST', `/hubspot/records/${path}`), path).toMatchObject({
        status: 501,
        body: { error: { code: 'not_in_this_crm', message: expect.any(String) as string } },
      });
    }
  });

  test('of another type, or of no CRM, are not there', async () => {
    expect(await fixture.call('GET', '/hubspot/records/invoices')).toMatchObject({ status: 404 });
    expect(await fixture.call('GET', '/nocrm/records/contacts')).toMatchObject({ status: 404 });
  });
});

test('calls of the vendor are counted by operation, control calls are not', async () => {
  await fixture.hubspot('GET', '/crm/objects/2026-03/contacts/101');
  await fixture.hubspot('GET', '/crm/objects/2026-09/contacts/102');
  await fixture.hubspot('POST', '/crm/objects/v3/contacts', { properties: { firstname: 'A' } });
  await fixture.hubspot('GET', '/nowhere');
  await fixture.call('GET', '/hubspot/records/contacts');
  expect((await fixture.call('GET', '/hubspot/calls')).body).toEqual({
    total: 4,
    byOperation: { 'GET /crm/objects/contacts/{id}': 2, 'POST /crm/objects/contacts': 1, unknown: 1 },
  });
  await fixture.call('DELETE', '/hubspot/calls');
  expect((await fixture.call('GET', '/hubspot/calls')).body).toEqual({ total: 0, byOperation: {} });
});

describe('errors', () => {
  test('malformed JSON is said to be that', async () => {
    expect(await fixture.call('PUT', '/clock', '{"advanceMs":')).toMatchObject({
      status: 400,
      body: { error: { code: 'malformed_json', message: 'The body is not valid JSON.' } },
    });
    expect(await fixture.hubspot('POST', '/crm/objects/2026-03/contacts', '{')).toMatchObject({
      status: 400,
      body: { status: 'error', category: 'VALIDATION_ERROR' },
    });
  });

  test('a body of 5 MB is read, a larger one is not', async () => {
    const text = 'x'.repeat(5_000_000);
    const message = { from: '1', text };
    expect(await fixture.call('POST', '/whatsapp/customer/messages', message)).toMatchObject({ status: 200 });
    expect(
      await fixture.call('POST', '/whatsapp/customer/messages', { from: '1', text: text + text }),
    ).toMatchObject({
      status: 413,
      body: { error: { code: 'too_large' } },
    });
  });

  test('unknown settings are named, not ignored', async () => {
    expect(await fixture.call('PUT', '/hubspot/faults', { stauts: 500 })).toMatchObject({
      status: 400,
      body: { error: { message: expect.stringContaining('stauts') as string } },
    });
  });

  test('never carry a stack trace', async () => {
    const answers = [
      await fixture.call('GET', '/%E0%A4%A'),
      await fixture.hubspot('GET', '/crm/objects/2026-03/contacts/%E0%A4%A'),
      await fixture.call('PUT', '/whatsapp/delivery', []),
      await fixture.call('POST', '/hubspot/records/contacts', 'null'),
    ];
    for (const { status, body } of answers) {
      expect(status).toBeGreaterThanOrEqual(400);
      expect(JSON.stringify(body)).not.toMatch(/\bat .*:\d+|node_modules|\.ts/);
    }
  });
});
