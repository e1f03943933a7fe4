import { expect, test } from 'vitest';
import { openProvisioned } from './test-org.ts';

const days = 24 * 60 * 60_000;

test('changes are asked for, renewed under the same channels, and until when is Zoho’s own word', async () => {
  const org = await openProvisioned();
  const told = {
    url: new URL('/webhooks/zoho/connection', org.root).href,
    secret: 'token-of-32-characters-or-so-here',
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
  expect(before.every(({ id, token }) => /^\d{13,15}$/.test(String(id)) && token === told.secret)).toBe(true);
  org.clock.advance(3 * days);
  const again = await org.connector.subscribe?.({ ...told, now: org.clock.now() });
  expect(Math.abs((again?.until ?? 0) - org.clock.now() - 6 * days)).toBeLessThan(10_000);
  expect(await channels()).toEqual(before);
});

test('what Zoho does not take is a matter of webhooks alone', async () => {
  const org = await openProvisioned();
  const asked = {
    url: new URL('/webhooks/zoho/connection', org.root).href,
    secret: 'x'.repeat(51),
    now: org.clock.now(),
  };
  await expect(org.connector.subscribe?.(asked)).rejects.toMatchObject({
    code: 'webhooks_refused',
    retry: 'never',
  });
  await org.control('PUT', '/rules', { edition: 'free', watchOnFree: 'refused' });
  await expect(org.connector.subscribe?.({ ...asked, secret: 'short' })).rejects.toMatchObject({
    code: 'missing_scope',
    retry: 'never',
  });
});
