/** What becomes of calls while the sandbox's HubSpot is in trouble, over HTTP. */
import type { RecordCreate } from '@sangam/core/crm';
import { describe, expect, test, vi } from 'vitest';
import { openProvisioned, recordIdOf, recordsIn } from './test-sandbox.ts';

describe('when HubSpot is in trouble', () => {
  const asha: RecordCreate = { contactId: 'a', values: { firstname: 'Asha' } };

  test.each([
    [{ status: 429 }, { code: 'rate_limited', retry: { afterMs: 10_000 } }],
    [{ status: 500 }, { code: 'unavailable', retry: 'later' }],
    [{ status: 503 }, { code: 'unavailable', retry: 'later' }],
    [{ dropConnection: 'before' }, { code: 'unreachable', retry: 'later' }],
    [{ dropConnection: 'after' }, { code: 'unreachable', retry: 'later' }],
  ])('%j is reported as %j, and a repetition leaves one record', async (fault, error) => {
    const { connector, ...portal } = await openProvisioned();
    await portal.control('PUT', '/faults', { ...fault, times: 1 });
    await expect(connector.create([asha], 'new lead')).rejects.toMatchObject({ ...error, origin: 'crm' });
    expect(await connector.create([asha], 'new lead')).toMatchObject([{ outcome: 'written' }]);
    expect(await recordsIn(portal)).toHaveLength(1);
  });

  test('a record it has locked is to be tried later by itself, and a repetition leaves one record', async () => {
    const { connector, ...portal } = await openProvisioned();
    await portal.control('PUT', '/faults', { status: 423, times: 1 });
    const later = { outcome: 'later', code: 'locked', retry: { afterMs: 2_000 } };
    expect(await connector.create([asha], 'new lead')).toMatchObject([later]);
    expect(await connector.create([asha], 'new lead')).toMatchObject([{ outcome: 'written' }]);
    expect(await recordsIn(portal)).toHaveLength(1);
  });

  test('an answer that comes too late is a timeout, and a repetition leaves one record', async () => {
    const { connector, ...portal } = await openProvisioned();
    await portal.control('PUT', '/faults', { latencyMs: 1_000, times: 1 });
    const impatient = portal.connect({ timeoutMs: 50 });
    await expect(impatient.create([asha], 'new lead')).rejects.toMatchObject({ code: 'timeout' });
    expect(await connector.create([asha], 'new lead')).toMatchObject([{ outcome: 'written' }]);
    expect(await recordsIn(portal)).toHaveLength(1);
  });

  test('a write that takes effect only after it was repeated makes no second record', async () => {
    const { connector, ...portal } = await openProvisioned();
    await portal.control('PUT', '/faults', { commitAfterMs: 100, times: 1 });
    const late = { contactId: 'a', values: { firstname: 'Asha', lastname: 'Late' } };
    await expect(connector.create([late], 'new lead')).rejects.toMatchObject({ code: 'unreachable' });
    await connector.create([asha], 'new lead');
    await vi.waitUntil(async () => (await recordsIn(portal))[0]?.properties['lastname'] === 'Late');
    expect(await recordsIn(portal)).toHaveLength(1);
  });

  test('two processes that make the same contact at once leave one record', async () => {
    const portal = await openProvisioned();
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => portal.connect().create([asha], 'new lead')),
    );
    expect(new Set(outcomes.flat().map(recordIdOf)).size).toBe(1);
    expect(await recordsIn(portal)).toHaveLength(1);
  });

  test('the limit of calls is reported with the time to stay away', async () => {
    const { connector, ...portal } = await openProvisioned();
    await portal.control('PUT', '/rules', { rateLimitMax: 1 });
    const call = (): Promise<unknown> => connector.read(['1'], [], 'fields');
    await call();
    await expect(call()).rejects.toMatchObject({ code: 'rate_limited', retry: { afterMs: 10_000 } });
  });

  test('an expired or wrong token is told, and passes with time: only who gives tokens knows better', async () => {
    const { connector, ...portal } = await openProvisioned();
    const doubted = { code: 'token_doubted', retry: 'later', origin: 'crm' };
    const stranger = portal.connect({ token: 'wrong' });
    await expect(stranger.read(['1'], [], 'fields')).rejects.toMatchObject(doubted);
    await portal.control('PUT', '/token', { expired: true });
    await expect(connector.read(['1'], [], 'fields')).rejects.toMatchObject(doubted);
    await expect(connector.provision()).rejects.toMatchObject(doubted);
  });
});
