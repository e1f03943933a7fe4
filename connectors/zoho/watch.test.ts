import { expect, test } from 'vitest';
import { type Canned, openProvisioned, zohoAnswering } from './test-org.ts';
import { watchTokenOf } from './watch-token.ts';

const days = 24 * 60 * 60_000;

test('changes are asked for, renewed under the same channels, and until when is Zoho’s own word', async () => {
  const org = await openProvisioned();
  const told = {
    url: new URL('/webhooks/zoho/connection', org.root).href,
    secret: 'x'.repeat(200),
  };
  const first = await org.connector.subscribe?.({ ...told, now: org.clock.now() });
  expect(Math.abs((first?.until ?? 0) - org.clock.now() - 6 * days)).toBeLessThan(10_000);
  const channels = async () => {
    const { watch } = (await org.api('GET', '/actions/watch')) as { watch: Record<string, unknown>[] };
    return watch.map(({ channel_id: id, resource_name: name, token, events }) => ({
      id,
      name,
      token,
      events,
    }));
  };
  const before = await channels();
  expect(before.map(({ name }) => name)).toEqual(['Leads', 'Contacts', 'Deals']);
  const token = watchTokenOf(told.secret);
  expect(before.every((one) => /^\d{13,15}$/.test(String(one.id)) && one.token === token)).toBe(true);
  org.clock.advance(3 * days);
  const again = await org.connector.subscribe?.({ ...told, now: org.clock.now() });
  expect(Math.abs((again?.until ?? 0) - org.clock.now() - 6 * days)).toBeLessThan(10_000);
  expect(await channels()).toEqual(before);
});

test('what Zoho does not take is a matter of webhooks alone', async () => {
  const org = await openProvisioned();
  const asked = {
    url: 'https://nobody.example/webhooks/zoho/connection',
    secret: 'secret',
    now: org.clock.now(),
  };
  await expect(org.connector.subscribe?.(asked)).rejects.toMatchObject({
    code: 'webhooks_refused',
    retry: 'never',
  });
  await org.control('PUT', '/rules', { edition: 'free', watchOnFree: 'refused' });
  await expect(org.connector.subscribe?.(asked)).rejects.toMatchObject({
    code: 'missing_scope',
    retry: 'never',
  });
});

const modules = {
  body: { modules: ['Leads', 'Contacts', 'Deals'].map((name) => ({ id: name, api_name: name })) },
};
const fields = { body: { fields: [{ id: '1', api_name: 'Last_Name', data_type: 'text' }] } };
const noRight = { code: 'NO_PERMISSION', details: {}, message: 'permission denied', status: 'error' };
const until = '2026-12-03T00:00:00+00:00';
const taken = { code: 'SUCCESS', details: { events: [{ channel_expiry: until }] } };
const nothingYet = { status: 400, body: { code: 'NOT_SUBSCRIBED', details: {}, status: 'error' } };

test.each<[string, Canned[]]>([
  [
    'their channel is refused',
    [fields, nothingYet, { status: 207, body: { watch: [taken, taken, noRight] } }],
  ],
  ['their fields are', [{ status: 403, body: noRight }, nothingYet, { body: { watch: [taken, taken] } }]],
])('who may not see deals is told of people: %s', async (_, answers) => {
  const { connector } = await zohoAnswering(modules, fields, fields, ...answers);
  const asked = { url: 'https://sangam.example/told', secret: 'secret', now: Date.parse(until) };
  expect(await connector.subscribe?.(asked)).toEqual({ until: Date.parse(until) });
});

test('a channel of people that is refused is told', async () => {
  const refused = { status: 207, body: { watch: [taken, noRight, taken] } };
  const { connector } = await zohoAnswering(modules, fields, fields, fields, nothingYet, refused);
  const asked = { url: 'https://sangam.example/told', secret: 'secret', now: Date.parse(until) };
  await expect(connector.subscribe?.(asked)).rejects.toMatchObject({ code: 'webhooks_refused' });
});
