import { once } from 'node:events';
import { createServer } from 'node:http';
import express from 'express';
import { expect, onTestFinished, test, vi } from 'vitest';
import { z } from 'zod';
import { createSandbox, SandboxClock } from '@sangam/sandbox';
import { vendorData } from './harness/vendor-data.ts';
import { zohoExchanges, zohoObjections } from './harness/zoho-open-api.ts';

/** What the sandbox answers, against Zoho's published description of its API. */

const data = vendorData('zoho');
const made = z.object({ data: z.array(z.object({ details: z.object({ id: z.string() }) })) });

test.skipIf(data === undefined)('answers are as Zoho describes them', async () => {
  const app = express();
  const server = createServer(app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = z.object({ port: z.number() }).parse(server.address());
  const origin = `http://127.0.0.1:${String(port)}`;
  const clock = new SandboxClock();
  const sandbox = await createSandbox({
    clock,
    ownHosts: () => [new URL(origin).host],
    access: { admits: async () => true },
    whatsapp: {
      channelId: 'channel',
      phoneNumberId: '1',
      wabaId: '2',
      displayPhoneNumber: '+15550100',
      webhookUrl: () => `${origin}/unused`,
      appSecret: 'unused',
      verifyToken: 'unused',
      accessToken: 'unused',
    },
    crms: { zoho: { accessToken: 'token' } },
    rules: { zoho: { searchLagMs: 0, convertedContactTold: 'everywhere' } },
  });
  app.use('/sandbox', sandbox.router);
  onTestFinished(async () => {
    await sandbox.close();
    server.close();
    server.closeAllConnections();
  });

  const exchangesSoFar = zohoExchanges();
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`${origin}/sandbox/zoho/crm/v8${path}`, {
      method,
      headers: { authorization: 'Zoho-oauthtoken token' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return text === '' ? undefined : JSON.parse(text);
  };
  const make = async (path: string, ...records: object[]): Promise<string[]> =>
    made.parse(await call('POST', path, { data: records })).data.map(({ details }) => details.id);

  const module = { singular_label: 'Chat', plural_label: 'Chats', api_name: 'Chats' };
  await call('POST', '/settings/modules', { modules: [module] });
  await call('POST', '/settings/modules', { modules: [module] });
  await call('GET', '/settings/modules');
  const key = { field_label: 'Our Key', data_type: 'text', length: 64, unique: { case_sensitive: false } };
  await call('POST', '/settings/fields?module=Leads', { fields: [key] });
  await call('POST', '/settings/fields?module=Leads', {
    fields: [key, { field_label: 'x'.repeat(26), data_type: 'text' }],
  });
  await call('GET', '/settings/fields?module=Leads');
  await call('GET', '/settings/fields?module=Nothing');
  await call('GET', '/org');
  await call('GET', '/users?type=ActiveUsers');
  const [first = '', second = '', third = ''] = await make(
    '/Leads',
    { Last_Name: 'Rao', Our_Key: 'k1', Company: 'Rao & Co', Phone: '+911', Email: 'asha@example.com' },
    { Last_Name: 'Iyer', Our_Key: 'k2', Email_Opt_Out: true, No_of_Employees: 5 },
    { Last_Name: 'Khan' },
  );
  await call('POST', '/Leads', {
    data: [
      { Last_Name: 'Rao', Our_Key: 'K1' },
      { First_Name: 'Asha' },
      { Last_Name: 'Rao', Phone: 'a'.repeat(31) },
    ],
  });
  await call('POST', '/Leads', { data: [{ Last_Name: 'Rao', Our_Key: 'K1', Owner: 1 }] });
  await call('POST', '/Leads/upsert', {
    data: [{ Last_Name: 'Rao', Our_Key: 'k1' }],
    duplicate_check_fields: ['Our_Key'],
  });
  await call('PUT', '/Leads', {
    data: [{ id: first, City: 'Pune' }, { id: '4876876000199999999' }],
    trigger: [],
  });
  await call('PUT', `/Leads/${second}`, { data: [{ City: 'Goa' }] });
  await call('GET', '/Leads?fields=Last_Name,Owner,City,Modified_Time&per_page=2');
  await call('GET', '/Leads');
  await call('GET', `/Leads/${first}`);
  await call('GET', '/Leads/search?phone=%2B911');
  await call('POST', '/coql', { select_query: `select Last_Name, Owner from Leads where id = '${first}'` });
  await call('POST', '/coql', { select_query: 'select Last_Name from Leads' });
  await call('POST', '/coql', { select_query: "select Nothing from Leads where City = 'x'" });
  await call('POST', '/coql', { select_query: "select City from Leads where City = 'x' limit 2001" });
  await call('POST', `/Leads/${first}/actions/convert`, {
    data: [{ Deals: { Deal_Name: 'First', Stage: 'Qualification' } }],
  });
  await call('POST', `/Leads/${first}/actions/convert`, { data: [{}] });
  await call('GET', `/Leads?fields=Converted__s&converted=both&ids=${first}`);
  const [note = ''] = await make('/Notes', {
    Note_Content: 'Hello',
    Parent_Id: { module: { api_name: 'Leads' }, id: second },
  });
  await call('GET', '/Notes?fields=Note_Title,Note_Content,Parent_Id');
  await call('DELETE', `/Notes?ids=${note}`);
  await call('DELETE', `/Leads/${third}`);
  await call('DELETE', '/Leads/4876876000199999999');
  await call('GET', '/Leads/deleted?type=all');
  const channel = { channel_id: '1', events: ['Leads.all'], notify_url: `${origin}/heard`, token: 'token' };
  await call('POST', '/actions/watch', { watch: [channel] });
  await call('POST', '/actions/watch', { watch: [{ ...channel, notify_url: undefined }] });
  await call('PATCH', '/actions/watch', { watch: [{ ...channel, channel_id: '2' }] });
  await call('PUT', '/actions/watch', { watch: [channel] });
  await call('GET', '/actions/watch');
  await call('DELETE', '/actions/watch?channel_ids=1');
  const webhook = {
    name: 'W',
    module: { api_name: 'Leads' },
    url: `${origin}/heard`,
    http_method: 'POST',
    feature_type: 'workflow',
  };
  const { webhooks } = z
    .object({ webhooks: z.array(z.object({ details: z.object({ id: z.string() }) })) })
    .parse(await call('POST', '/settings/automation/webhooks', { webhooks: [webhook] }));
  await call('GET', '/settings/automation/webhooks');
  const actions = [{ type: 'webhooks', id: webhooks[0]?.details.id }];
  const rule = {
    name: 'R',
    module: { api_name: 'Leads' },
    execute_when: { type: 'create', details: { trigger_module: { api_name: 'Leads' } } },
    conditions: [{ sequence_number: 1, criteria_details: { criteria: null }, instant_actions: { actions } }],
  };
  await call('POST', '/settings/automation/workflow_rules', { workflow_rules: [rule] });
  await call('GET', '/settings/automation/workflow_rules');
  // Nobody listens there: it is among the failures.
  await call('POST', '/Leads', { data: [{ Last_Name: 'Rule' }] });
  const from = new Date(clock.now()).toISOString().slice(0, 10);
  const failures = (): Promise<unknown> => call('GET', `/settings/automation/webhook_failures?from=${from}`);
  await vi.waitFor(async () =>
    expect(await failures()).toMatchObject({ webhook_failures: [{ webhook: { name: 'W' } }] }),
  );
  await call('GET', '/settings/automation/webhook_failures?from=yesterday');

  const exchanges = exchangesSoFar();
  expect(exchanges.map(({ status }) => status)).toEqual(expect.arrayContaining([200, 201, 207, 400]));
  expect(zohoObjections(exchanges, data ?? new Map())).toEqual([]);
});
