import { expect, test, vi } from 'vitest';
import { z } from 'zod';
import { openOrg, type TestOrg, userMakes, zohoAnswering } from './test-org.ts';

const made = z.object({ details: z.object({ id: z.string() }) });

/** A rule of the customer's that sends a webhook for each lead that is made: its id. */
async function ruleWith(org: TestOrg, name: string, header: string): Promise<void> {
  const webhook = {
    name,
    module: { api_name: 'Leads' },
    // Nobody listens there.
    url: new URL('/webhooks/zoho/connection', org.root).href,
    http_method: 'POST',
    feature_type: 'workflow',
    headers: { custom_parameters: [{ name: header, value: 'secret' }], module_parameters: [] },
    body: { type: 'raw', format: 'JSON', raw_data_content: '{"id":"${Leads.id}"}' },
  };
  const answer = await org.api('POST', '/settings/automation/webhooks', { webhooks: [webhook] });
  const { webhooks } = z.object({ webhooks: z.array(made) }).parse(answer);
  const rule = {
    name: `Rule of ${name}`,
    module: { api_name: 'Leads' },
    execute_when: { type: 'create' },
    conditions: [
      {
        sequence_number: 1,
        criteria_details: null,
        instant_actions: { actions: [{ type: 'webhooks', id: webhooks[0]?.details.id }] },
      },
    ],
  };
  await org.api('POST', '/settings/automation/workflow_rules', { workflow_rules: [rule] });
}

test('what webhooks that show us a secret could not deliver since then is told, and no other tool’s', async () => {
  const org = await openOrg();
  const connector = org.connect();
  const began = org.clock.now();
  await userMakes(org, 'Leads', { Last_Name: 'Rao' });
  expect(await connector.undelivered?.(began - 1)).toEqual([]);
  await ruleWith(org, 'To Sangam', 'X-Sangam-Secret');
  await ruleWith(org, 'To another tool', 'X-Other');
  org.clock.advance(60_000);
  await userMakes(org, 'Leads', { Last_Name: 'Kapoor' });
  await vi.waitFor(async () =>
    expect(await connector.undelivered?.(began)).toEqual([
      { by: 'To Sangam', at: expect.any(Number), reason: expect.stringMatching('answered 404') },
    ]),
  );
  const [failed] = (await connector.undelivered?.(began)) ?? [];
  expect(failed?.at).toBeGreaterThan(began);
  expect(await connector.undelivered?.(failed?.at ?? 0)).toEqual([]);
});

test('who may not manage rules, or whose edition has none, sees none of it', async () => {
  expect(await (await openOrg({ edition: 'free' })).connect().undelivered?.(0)).toBeUndefined();
  const refused = { code: 'OAUTH_SCOPE_MISMATCH', details: {}, message: 'invalid scope', status: 'error' };
  const { connector } = await zohoAnswering({ status: 401, body: refused });
  expect(await connector.undelivered?.(0)).toBeUndefined();
});

test('ten pages of failures are looked at, and one whose reason nobody gave is told as such', async () => {
  const webhook = {
    id: '1',
    headers: { custom_parameters: null, module_parameters: [{ name: 'x-sangam-secret' }] },
  };
  const failure = { webhook: { id: '1', name: 'To Sangam' }, failure_time: '2026-11-20T10:00:00+05:30' };
  const page = { webhook_failures: Array.from({ length: 200 }, () => failure), info: { more_records: true } };
  const { connector, sent } = await zohoAnswering(
    { body: { webhooks: [webhook] } },
    ...Array.from({ length: 11 }, () => ({ body: page })),
  );
  const found = await connector.undelivered?.(Date.parse('2026-11-20T00:00:00Z'));
  expect(found).toHaveLength(2_000);
  expect(found?.[0]).toEqual({
    by: 'To Sangam',
    at: Date.parse('2026-11-20T04:30:00Z'),
    reason: 'no reason given',
  });
  expect(sent[1]?.path).toContain('from=2026-11-19');
});
