import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Api,
  createServiceFixture,
  type ServiceProcess,
  signIn,
  type ServiceFixture,
  until,
  webhook,
} from './harness/index.ts';

/** What an admin sees of WhatsApp's own affairs, and decides about words, by HTTP. */

let fixture: ServiceFixture;
let service: ServiceProcess;
let api: Api;

beforeAll(async () => {
  fixture = await createServiceFixture();
  service = await fixture.startService();
  ({ api } = await signIn(service));
});
afterAll(() => fixture.close());

interface Kept {
  readonly keptEventId: string;
  readonly kind: string;
}

test('kept events are listed with counts and without what arrived, which each tells by itself', async () => {
  const paused = {
    event: 'PAUSED',
    message_template_id: 5,
    message_template_name: 'offer',
    message_template_language: 'en',
  };
  const body = webhook(fixture.parties.whatsapp, [
    { field: 'message_template_status_update', value: paused },
    { field: 'unheard_of', value: { more: { than: 'words' } } },
  ]);
  expect(await service.post(body)).toBe(200);
  const list = async (query: string): Promise<Kept[]> =>
    ((await api('GET', `/kept-events${query}`)).body as { results: Kept[] }).results;
  await until('both to be kept', async () => (await list('')).length === 2);

  const results = await list('?kind=message_template_status_update');
  expect(results).toMatchObject([
    { kind: 'message_template_status_update', channelId: fixture.parties.whatsapp.channelId },
  ]);
  expect(results[0]).not.toHaveProperty('payload');
  expect((await api('GET', '/kept-events/counts')).body).toEqual({
    results: [
      { kind: 'message_template_status_update', count: 1 },
      { kind: 'unheard_of', count: 1 },
    ],
    next: null,
  });
  const one = await api('GET', `/kept-events/${results[0]?.keptEventId ?? ''}`);
  expect(one.body).toMatchObject({ kind: 'message_template_status_update' });
  expect((one.body as { payload: string }).payload).toContain('"PAUSED"');

  expect((await api('GET', `/kept-events/${'0'.repeat(48)}`)).status).toBe(404);
  expect((await api('GET', '/kept-events/nonsense')).status).toBe(404);
  expect((await api('GET', '/kept-events?limit=501')).status).toBe(400);
  expect((await api('GET', '/kept-events?cursor=nonsense')).status).toBe(400);
  expect((await fetch(`${service.url}/api/v1/kept-events`)).status).toBe(401);

  const { results: alerts } = (await api('GET', '/alerts')).body as { results: object[] };
  expect(alerts).toMatchObject([{ kind: 'WhatsApp template', subject: 'offer (en)', closedAt: null }]);
  const metrics = await (await fetch(`${service.url}/metrics`)).text();
  expect(metrics).toContain('sangam_events_kept_total{field="message_template_status_update"} 1');
  expect(metrics).toContain('sangam_events_kept_total{field="other"} 1');
});

test('languages of opt-out words add to the reviewed ones, and unknown ones are refused by name', async () => {
  const settings = `/channels/${fixture.parties.whatsapp.channelId}/settings`;
  const languages = async (): Promise<readonly string[] | undefined> => {
    const { results } = (await api('GET', '/channels')).body as {
      results: { optWordLanguages: string[] }[];
    };
    return results[0]?.optWordLanguages;
  };
  expect((await api('PUT', settings, { optWordLanguages: ['hi', 'ta'] })).status).toBe(204);
  expect(await languages()).toEqual(['en', 'hi', 'ta']);
  const refused = await api('PUT', settings, { optWordLanguages: ['hi', 'xx'] });
  expect(refused.status).toBe(400);
  expect((refused.body as { error: { message: string } }).error.message).toContain('hi-Latn');
  expect(await languages()).toEqual(['en', 'hi', 'ta']);
  expect((await api('PUT', settings, { optWordLanguages: [] })).status).toBe(204);
  expect(await languages()).toEqual(['en']);
});
