import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { startZoho, uniqueKey, type ZohoFixture } from '../testing/zoho-fixture.ts';

const listsOfIds = z.record(z.string(), z.array(z.object({ id: z.string() })));

const everything = [
  '/settings/modules',
  '/settings/fields?module=Leads',
  '/settings/fields?module=Chats',
  '/Leads?fields=Last_Name,Our_Key,Owner,Lead_Source,Modified_Time,Converted__s&converted=both',
  '/Leads/deleted?type=all',
  '/Contacts?fields=Full_Name',
  '/Chats?fields=Name,Lead',
  '/Notes?fields=Note_Content,Parent_Id',
  '/actions/watch',
  '/settings/automation/webhooks',
  '/settings/automation/workflow_rules',
];

test('an org is the same after a restart, read back line by line and then from its summary', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sangam-sandbox-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  let zoho = await startZoho({}, { dataDir });
  const seen = async (of: ZohoFixture): Promise<string> => {
    const answers = await Promise.all(everything.map((one) => of.api('GET', one)));
    // Every start listens at another port.
    return JSON.stringify(answers.map(({ status, body }) => [status, body])).replaceAll(
      /127\.0\.0\.1:\d+/g,
      'host',
    );
  };
  const again = async (): Promise<void> => {
    await zoho.fixture.stop();
    zoho = await startZoho({}, { dataDir });
  };

  const module = { singular_label: 'Chat', plural_label: 'Chats', api_name: 'Chats' };
  await zoho.api('POST', '/settings/modules', { modules: [module] });
  await zoho.fields('Chats', {
    field_label: 'Lead',
    data_type: 'lookup',
    lookup: { module: { api_name: 'Leads' } },
  });
  await zoho.fields('Leads', uniqueKey);
  const [kept = '', gone = '', converted = '', merged = '', locked = ''] = await zoho.make(
    'Leads',
    ...['k1', 'k2', 'k3', 'k4', 'k5'].map((key) => ({ Last_Name: key, Our_Key: key, Lead_Source: 'Chat' })),
  );
  await zoho.make('Chats', { Name: 'Today', Lead: kept });
  await zoho.make('Notes', { Note_Content: 'Hello', Parent_Id: { module: { api_name: 'Leads' }, id: kept } });
  await zoho.api('DELETE', `/Leads/${gone}`);
  await zoho.api('POST', `/Leads/${converted}/actions/convert`, {});
  await zoho.control('POST', '/records/Leads/merge', { primaryId: kept, mergedId: merged });
  await zoho.control('PUT', `/locks/${locked}`, { code: 'RECORD_LOCKED' });
  await zoho.api('POST', '/actions/watch', {
    watch: [{ channel_id: 7, events: ['Leads.all'], notify_url: zoho.listener, token: 't' }],
  });
  const webhook = {
    name: 'W',
    module: { api_name: 'Leads' },
    url: zoho.listener,
    http_method: 'POST',
    feature_type: 'workflow',
  };
  await zoho.api('POST', '/settings/automation/webhooks', { webhooks: [webhook] });

  const before = await seen(zoho);
  await again();
  expect(await seen(zoho)).toBe(before);
  await again();
  expect(await seen(zoho)).toBe(before);
  const write = async (id: string) =>
    (await zoho.write('PUT', '/Leads', [{ id, City: 'Pune' }])).items[0]?.code;
  expect(await write(locked)).toBe('RECORD_LOCKED');
  expect((await zoho.write('POST', '/Leads', [{ Last_Name: 'Rao', Our_Key: 'K1' }])).items[0]).toMatchObject({
    code: 'DUPLICATE_DATA',
    details: { id: kept },
  });
  // Nothing that is made now has an id of before.
  const [next = ''] = await zoho.make('Leads', { Last_Name: 'New' });
  expect([kept, gone, converted, merged, locked]).not.toContain(next);
  await zoho.fields('Leads', { field_label: 'Another', data_type: 'text' });
  const described = ['/settings/modules', '/settings/fields?module=Leads', '/settings/fields?module=Chats'];
  const bodies = await Promise.all(described.map(async (one) => (await zoho.api('GET', one)).body));
  const ids = bodies.flatMap((body) => Object.values(listsOfIds.parse(body)).flat()).map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
