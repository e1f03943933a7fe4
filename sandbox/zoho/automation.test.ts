import { createHmac } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startZoho, type ZohoFixture } from '../testing/zoho-fixture.ts';

const day = 24 * 60 * 60 * 1_000;

const runs = z.object({
  results: z.array(z.object({ id: z.string(), operation: z.string(), started: z.array(z.string()) })),
});
const made = z.array(z.object({ details: z.object({ id: z.string() }) }));

async function started(zoho: ZohoFixture): Promise<string[][]> {
  return runs.parse((await zoho.control('GET', '/automations')).body).results.map((run) => run.started);
}

async function webhookOf(zoho: ZohoFixture, more: object = {}): Promise<string> {
  const webhook = {
    name: 'To Sangam',
    module: { api_name: 'Leads' },
    url: zoho.listener,
    http_method: 'POST',
    feature_type: 'workflow',
    headers: { custom_parameters: [{ name: 'x-sangam-secret', value: 'secret' }], module_parameters: [] },
    body: {
      type: 'raw',
      format: 'JSON',
      raw_data_content: '{"id":"${Leads.id}","stage":"${Leads.Lead_Status}"}',
    },
    ...more,
  };
  const { body } = await zoho.api('POST', '/settings/automation/webhooks', { webhooks: [webhook] });
  return z.object({ webhooks: made }).parse(body).webhooks[0]?.details.id ?? '';
}

const ruleOf = (zoho: ZohoFixture, action: object, more: object = {}) =>
  zoho.api('POST', '/settings/automation/workflow_rules', {
    workflow_rules: [
      {
        name: 'Stage',
        module: { api_name: 'Leads' },
        execute_when: {
          type: 'field_update',
          details: {
            criteria: { field: { api_name: 'Lead_Status' }, comparator: 'equal', value: '${ANYVALUE}' },
          },
        },
        conditions: [{ sequence_number: 1, criteria_details: null, instant_actions: { actions: [action] } }],
        ...more,
      },
    ],
  });

describe('what a write starts', () => {
  test('is everything without trigger, cadences alone with an empty one, nothing where those are skipped too', async () => {
    const zoho = await startZoho();
    const lead = [{ Last_Name: 'Rao' }];
    await zoho.write('POST', '/Leads', lead);
    await zoho.write('POST', '/Leads', lead, { trigger: [] });
    await zoho.write('POST', '/Leads', lead, { trigger: [], skip_feature_execution: [{ name: 'cadences' }] });
    await zoho.write('POST', '/Leads', lead, {
      trigger: ['workflow'],
      lar_id: '4876876000000777001',
      skip_feature_execution: [{ name: 'cadences' }],
    });
    expect(await started(zoho)).toEqual([
      ['approval', 'assignment_rule', 'blueprint', 'cadences', 'orchestration', 'pathfinder', 'workflow'],
      ['cadences'],
      [],
      ['assignment_rule', 'workflow'],
    ]);
    await zoho.control('DELETE', '/automations');
    const [id = ''] = await zoho.make('Leads', ...lead);
    await zoho.control('PATCH', `/records/Leads/${id}`, { properties: { City: 'Pune' } });
    expect(runs.parse((await zoho.control('GET', '/automations')).body).results).toMatchObject([
      { id, operation: 'insert' },
      { id, operation: 'update', started: expect.arrayContaining(['workflow']) as string[] },
    ]);
  });
});

describe('a rule', () => {
  test('sends its webhook with a fixed header when its field changes, by whom the automations run', async () => {
    const zoho = await startZoho();
    const webhook = await webhookOf(zoho);
    expect((await ruleOf(zoho, { type: 'webhooks', id: webhook })).status).toBe(201);
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    const update = (value: object, more = {}) => zoho.write('PUT', '/Leads', [{ id, ...value }], more);
    await update({ City: 'Pune' });
    await update({ Lead_Status: 'Junk Lead' }, { trigger: [] });
    await update({ Lead_Status: 'Contacted' });
    const [heard] = await zoho.heard(1);
    expect(JSON.parse(heard?.text ?? '')).toEqual({ id, stage: 'Contacted' });
    expect(heard?.headers).toMatchObject({ 'x-sangam-secret': 'secret', 'content-type': 'application/json' });
    expect(await zoho.heard(1)).toHaveLength(1);
  });

  test('fires for one value, on its conditions, and not once it is gone', async () => {
    const zoho = await startZoho();
    const action = { type: 'webhooks', id: await webhookOf(zoho) };
    const criteria = (name: string, value: string) => ({
      field: { api_name: name },
      comparator: 'equal',
      value,
    });
    const { body } = await ruleOf(zoho, action, {
      execute_when: { type: 'field_update', details: { criteria: criteria('Lead_Status', 'Contacted') } },
      conditions: [
        {
          sequence_number: 1,
          criteria_details: { criteria: criteria('City', 'Pune') },
          instant_actions: { actions: [action] },
        },
      ],
    });
    const rule = z.object({ workflow_rules: made }).parse(body).workflow_rules[0]?.details.id ?? '';
    const [pune = '', goa = ''] = await zoho.make(
      'Leads',
      { Last_Name: 'A', City: 'Pune' },
      { Last_Name: 'B', City: 'Goa' },
    );
    const stage = (id: string, Lead_Status: string) => zoho.write('PUT', '/Leads', [{ id, Lead_Status }]);
    await stage(goa, 'Contacted');
    await stage(pune, 'Junk Lead');
    await stage(pune, 'Contacted');
    expect((await zoho.heard(1)).map(({ text }) => JSON.parse(text) as unknown)).toEqual([
      { id: pune, stage: 'Contacted' },
    ]);
    await zoho.api('DELETE', `/settings/automation/workflow_rules?ids=${rule}`);
    await stage(pune, 'Junk Lead');
    await stage(pune, 'Contacted');
    expect((await zoho.control('GET', '/webhooks')).body).toMatchObject({ attempts: 1, queued: 0 });
  });

  test('names a webhook that is there', async () => {
    const zoho = await startZoho();
    expect((await ruleOf(zoho, { type: 'webhooks', id: '4876876000000777001' })).status).toBe(400);
    expect((await zoho.api('GET', '/settings/automation/workflow_rules')).status).toBe(204);
  });

  test('whose webhook is not taken is not tried again, and is among the failures for ninety days', async () => {
    const zoho = await startZoho();
    zoho.listenerAnswers(500);
    const webhook = await webhookOf(zoho);
    await ruleOf(zoho, { type: 'webhooks', id: webhook }, { execute_when: { type: 'create' } });
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    await zoho.heard(1);
    const failures = () => zoho.api('GET', '/settings/automation/webhook_failures');
    await vi.waitFor(async () => expect((await failures()).status).toBe(200));
    expect((await failures()).body).toMatchObject({
      webhook_failures: [
        {
          webhook: { id: webhook },
          entity_details: { id, module: { api_name: 'Leads' } },
          workflow_rule: { name: 'Stage' },
        },
      ],
    });
    const since = async (days: number): Promise<number> => {
      const from = new Date(zoho.fixture.clock.now() + days * day).toISOString().slice(0, 10);
      return (await zoho.api('GET', `/settings/automation/webhook_failures?from=${from}`)).status;
    };
    expect([await since(0), await since(1), await since(-91)]).toEqual([200, 204, 400]);
    zoho.fixture.clock.advance(32 * day);
    expect([(await failures()).status, await since(-40)]).toEqual([204, 200]);
    expect(await zoho.heard(1)).toHaveLength(1);
  });

  test('runs a function that signs', async () => {
    const zoho = await startZoho();
    const { body } = await zoho.control('PUT', '/functions/tell_sangam', {
      url: zoho.listener,
      secret: 'function-secret',
      body: '{"id":"${Leads.id}"}',
      signatureHeader: 'x-signature',
      timestampHeader: 'x-timestamp',
    });
    const { id: made } = z.object({ id: z.string() }).parse(body);
    await ruleOf(zoho, { type: 'functions', id: made }, { execute_when: { type: 'create_or_edit' } });
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    const [heard] = await zoho.heard(1);
    const text = `${String(heard?.headers['x-timestamp'])}.{"id":"${id}"}`;
    expect(heard?.text).toBe(`{"id":"${id}"}`);
    expect(heard?.headers['x-signature']).toBe(
      createHmac('sha256', 'function-secret').update(text).digest('hex'),
    );
  });

  test('is nothing the Free edition has', async () => {
    const zoho = await startZoho({ edition: 'free' });
    expect((await ruleOf(zoho, { type: 'webhooks', id: '1' })).status).toBe(403);
  });
});
