import { toJson } from '@sangam/core/store';
import { expect, onTestFinished, test } from 'vitest';
import {
  type Api,
  createServiceFixture,
  type SandboxRecord,
  signIn,
  text,
  until,
  webhook,
} from './harness/index.ts';

test('settings stored under wider bounds are cut and told; the service starts, writes, and takes no such settings', async () => {
  const fixture = await createServiceFixture();
  onTestFinished(() => fixture.close());
  const { workspaceId, hubspot, whatsapp } = fixture.parties;
  const stored = {
    creation: { policy: 'anyone', keywords: ['x'.repeat(5_000), 'hello'] },
    timeline: { entries: 'per hour', text: 'masked' },
  };
  await fixture.store.transact(workspaceId, (trx) =>
    trx
      .updateTable('crm_connections')
      .set({ settings: toJson(stored) })
      .where('workspace_id', '=', workspaceId)
      .execute(),
  );
  const service = await fixture.startService();
  const { api } = await signIn(service);
  const ask = async <Answer>(...request: Parameters<Api>): Promise<Answer> => (await api(...request)).body;
  const settings = `/connections/${hubspot.connectionId}/settings`;

  const change = text({ phone: '919812345678', name: 'Asha' }, 'wamid.1', Date.now() - 1000, 'hello');
  expect(await service.post(webhook(whatsapp, [change]))).toBe(200);
  await until('the record', async () => {
    const { results } = await fixture.control<{ results: SandboxRecord[] }>(
      'GET',
      '/hubspot/records/contacts',
    );
    return results.length > 0;
  });
  const alerts = async (state: string) =>
    (
      await ask<{ results: { kind: string; message: string; connectionId: string }[] }>(
        'GET',
        `/alerts?state=${state}`,
      )
    ).results.filter(({ kind }) => kind === 'settings cut');
  const [alert] = await until('the alert', async () => {
    const found = await alerts('open');
    return found.length > 0 ? found : undefined;
  });
  expect(alert?.connectionId).toBe(hubspot.connectionId);
  expect(alert?.message).toContain('creation.keywords, timeline.entries');
  expect(await ask('GET', settings)).toMatchObject({
    creation: { keywords: ['hello'] },
    timeline: { entries: 'per conversation-day', text: 'masked' },
  });

  expect(await ask('PUT', settings, stored)).toMatchObject({ error: { code: 'bad_request' } });
  expect(await ask('PUT', settings, { timeline: { entries: 'none' } })).toMatchObject({
    creation: { keywords: ['hello'] },
    timeline: { entries: 'none', text: 'masked' },
  });
  expect(await alerts('open')).toEqual([]);
  expect(await alerts('closed')).toHaveLength(1);
});
