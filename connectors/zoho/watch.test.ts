import { expect, test } from 'vitest';
import { openProvisioned } from './test-org.ts';
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
