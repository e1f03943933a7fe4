import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createServiceFixture,
  type SandboxRecord,
  type ServiceProcess,
  text,
  type ServiceFixture,
  until,
  webhook,
  isEmpty,
} from './harness/index.ts';

/** What an installation does for its user, through nothing but HTTP. */

let fixture: ServiceFixture;
let service: ServiceProcess;
beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService();
});
afterAll(() => fixture.close());

const contacts = async (): Promise<readonly SandboxRecord[]> =>
  (await fixture.control<{ results: SandboxRecord[] }>('GET', '/hubspot/records/contacts')).results;

const contactWhere = (what: string, wanted: Record<string, string>): Promise<SandboxRecord> =>
  until(what, async () =>
    (await contacts()).find(({ properties }) =>
      Object.entries(wanted).every(([name, value]) => properties[name] === value),
    ),
  );

const hour = 3_600_000;

describe('a WhatsApp message', () => {
  test('of 200 people, 1,000 in all, each delivered three times in any order, makes 200 contacts', async () => {
    const start = Date.now() - hour;
    const messages = Array.from({ length: 1000 }, (_, index) => {
      const person = index % 200;
      return text(
        {
          phone: `9190${String(10_000_000 + person)}`,
          bsuid: `IN.E2E${String(person)}`,
          name: `Given${String(person)} Family`,
        },
        `wamid.e2e.${String(index)}`,
        start + index * 1000,
        `message ${String(index)}`,
      );
    });
    const deliveries = [...messages, ...messages, ...messages]
      .map((change) => ({ change, at: Math.random() }))
      .toSorted((x, y) => x.at - y.at);
    const queue = deliveries.values();
    const postAll = async (): Promise<void> => {
      for (const { change } of queue) {
        expect(await service.post(webhook(fixture.parties.whatsapp, [change]))).toBe(200);
      }
    };
    await Promise.all(Array.from({ length: 16 }, postAll));

    await until('everything to be written', async () => {
      const { workspaceId } = fixture.parties;
      const applied = await isEmpty(fixture.store, workspaceId, 'inbox');
      return applied && (await isEmpty(fixture.store, workspaceId, 'dirty_records'));
    });
    const made = (await contacts()).filter(({ properties }) =>
      properties['wa_phone_e164']?.startsWith('+9190'),
    );
    expect(made).toHaveLength(200);
    const byPhone = new Map(made.map(({ properties }) => [properties['wa_phone_e164'], properties]));
    for (let person = 0; person < 200; person += 1) {
      const properties = byPhone.get(`+9190${String(10_000_000 + person)}`);
      expect(properties).toMatchObject({
        firstname: `Given${String(person)}`,
        lastname: 'Family',
        wa_bsuid: `IN.E2E${String(person)}`,
        wa_lead_source: 'WhatsApp Inbound',
        wa_first_message: `message ${String(person)}`,
        wa_window_state: 'open',
        wa_opt_out: 'false',
      });
      const last = Math.floor((start + (800 + person) * 1000) / 1000) * 1000;
      expect(Date.parse(properties?.['wa_last_activity_at'] ?? '')).toBe(last);
      expect(Date.parse(properties?.['wa_window_closes_at'] ?? '')).toBe(last + 24 * hour);
    }
  });

  test('of a person known by username only makes a contact without phone', async () => {
    await fixture.control('POST', '/whatsapp/customer/messages', {
      userId: 'IN.USERNAMEONLY',
      username: '@bela.k',
      name: 'Bela K',
      type: 'text',
      text: 'Hi',
    });
    const { properties } = await contactWhere('the contact', { wa_bsuid: 'IN.USERNAMEONLY' });
    expect(properties).toMatchObject({ firstname: 'Bela', wa_username: 'bela.k' });
    expect(properties['wa_phone_e164'] ?? '').toBe('');
    expect(properties['phone'] ?? '').toBe('');
  });

  test('from an ad makes a new lead of that source', async () => {
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: '919711111111',
      type: 'text',
      text: 'I saw your ad',
      referral: { source_type: 'ad', source_id: '77', source_url: 'https://fb.example/77', headline: 'Blue' },
    });
    const { properties } = await contactWhere('the contact', {
      phone: '+919711111111',
      wa_lead_source: 'WhatsApp CTWA',
      lifecyclestage: 'lead',
      hs_lead_status: 'NEW',
      wa_first_message: 'I saw your ad',
    });
    expect(properties['wa_first_message_at']).toBe(properties['wa_waiting_since']);
  });

  test('that is a submitted Flow tags the contact', async () => {
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: '919722222222',
      type: 'interactive',
      interactive: {
        type: 'nfm_reply',
        nfm_reply: { name: 'flow', body: 'Sent', response_json: '{"city":"Pune"}' },
      },
    });
    const { properties } = await contactWhere('the contact', { wa_phone_e164: '+919722222222' });
    expect(properties['wa_tags']).toContain('WhatsApp Flow');
  });
});

describe('a STOP', () => {
  test('shows on the contact, and START lifts it for the person', async () => {
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: '919733333333',
      type: 'text',
      text: 'STOP',
    });
    await contactWhere('the opt-out', { wa_phone_e164: '+919733333333', wa_opt_out: 'true' });
    await fixture.control('PUT', '/clock', { advanceMs: 2000 });
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: '919733333333',
      type: 'text',
      text: 'START',
    });
    const { properties } = await contactWhere('the way back', {
      wa_phone_e164: '+919733333333',
      wa_opt_out: 'false',
    });
    expect(properties['wa_opt_in_at']).toMatch(/^2/);
  });

  test('that a rep entered is never lifted by us', async () => {
    const phone = '919766666666';
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: phone,
      type: 'text',
      text: 'hello',
    });
    const { id } = await contactWhere('the contact', { wa_phone_e164: `+${phone}` });
    await fixture.control('PATCH', `/hubspot/records/contacts/${id}`, { properties: { wa_opt_out: 'true' } });
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: phone,
      type: 'text',
      text: 'START',
    });
    const { properties } = await until('the START to be written', async () =>
      (await contacts()).find(
        (record) => record.id === id && record.properties['wa_opt_in_at'] !== undefined,
      ),
    );
    expect(properties['wa_opt_out']).toBe('true');
  });

  test('by WhatsApp’s own control shows too, of somebody who never wrote', async () => {
    await fixture.control('POST', '/whatsapp/customer/preferences', { from: '919744444444', value: 'stop' });
    await contactWhere('the opt-out', {
      wa_phone_e164: '+919744444444',
      wa_opt_out: 'true',
      wa_lead_source: 'WhatsApp',
    });
  });
});

describe('what a rep corrected', () => {
  test('is not written over', async () => {
    const phone = '919755555555';
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: phone,
      name: 'asha',
      type: 'text',
      text: 'one',
    });
    const { id } = await contactWhere('the contact', { wa_phone_e164: `+${phone}` });
    await fixture.control('PATCH', `/hubspot/records/contacts/${id}`, {
      properties: { firstname: 'Asha', lastname: 'Rao' },
    });
    await fixture.control('POST', '/whatsapp/customer/messages', {
      from: phone,
      name: 'asha',
      type: 'text',
      text: 'two',
      timestamp: String(Math.floor(Date.now() / 1000) + 0),
    });
    await until('the second message to be applied', async () => {
      const { results } = await fixture.control<{ results: unknown[] }>(
        'GET',
        `/whatsapp/customer/messages?phone=%2B${phone}`,
      );
      const written = await isEmpty(fixture.store, fixture.parties.workspaceId, 'dirty_records');
      return results.length === 2 && written;
    });
    const { properties } = await contactWhere('the contact', { wa_phone_e164: `+${phone}` });
    expect(properties).toMatchObject({ firstname: 'Asha', lastname: 'Rao' });
  });
});

describe('the service', () => {
  test('says it is live, ready and what it did', async () => {
    expect((await fetch(`${service.url}/health/live`)).status).toBe(200);
    expect((await fetch(`${service.url}/health/ready`)).status).toBe(200);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    expect(metrics).toMatch(/sangam_events_fresh_total \d{3,}/);
    expect(metrics).toMatch(/sangam_crm_records_total\{crm="hubspot",outcome="created"\} \d{3,}/);
  });

  test('prints nothing personal', () => {
    expect(service.output()).not.toMatch(/919\d{9}|message \d+|Given\d+/);
  });
});
