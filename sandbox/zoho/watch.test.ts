import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { startZoho, type ZohoFixture } from '../testing/zoho-fixture.ts';

const day = 24 * 60 * 60 * 1_000;
const watched = z.object({
  watch: z.array(
    z.looseObject({
      code: z.string().optional(),
      details: z
        .looseObject({ events: z.array(z.object({ channel_expiry: z.string() })).optional() })
        .optional(),
      channel_expiry: z.string().optional(),
    }),
  ),
});

const channel = (zoho: ZohoFixture, more: object = {}) => ({
  channel_id: '1000000068001',
  events: ['Leads.all'],
  notify_url: zoho.listener,
  token: 'our-token',
  channel_expiry: new Date(zoho.fixture.clock.now() + 6 * day).toISOString(),
  ...more,
});
const watch = (zoho: ZohoFixture, more: object = {}, method = 'POST') =>
  zoho.api(method, '/actions/watch', { watch: [channel(zoho, more)] });

/** How long a channel lives as Zoho answers it, to the minute. */
async function lives(zoho: ZohoFixture, more: object): Promise<number> {
  const { body } = await watch(zoho, more);
  const [item] = watched.parse(body).watch;
  const until = Date.parse(item?.details?.events?.[0]?.channel_expiry ?? '');
  return Math.round((until - zoho.fixture.clock.now()) / 60_000);
}

const bodies = async (zoho: ZohoFixture, count: number) =>
  (await zoho.heard(count)).map(({ text }) => JSON.parse(text) as Record<string, unknown>);

describe('a subscription', () => {
  test('lives as long as asked, up to a week; beyond it or without a time it is an hour', async () => {
    const zoho = await startZoho();
    const inDays = (days: number) => ({
      channel_expiry: new Date(zoho.fixture.clock.now() + days * day).toISOString(),
    });
    expect(await lives(zoho, inDays(6))).toBe(6 * 24 * 60);
    expect(await lives(zoho, inDays(8))).toBe(60);
    expect(await lives(zoho, { channel_expiry: undefined })).toBe(60);
  });

  test('is over by the clock, and told no more', async () => {
    const zoho = await startZoho();
    await watch(zoho, { channel_expiry: undefined });
    await zoho.make('Leads', { Last_Name: 'A' });
    await zoho.heard(1);
    zoho.fixture.clock.advance(60 * 60_000);
    expect((await zoho.api('GET', '/actions/watch')).status).toBe(204);
    await zoho.make('Leads', { Last_Name: 'B' });
    await watch(zoho, { channel_id: '2' });
    await zoho.make('Leads', { Last_Name: 'C' });
    const told = await bodies(zoho, 2);
    expect(told.map((body) => body['channel_id'])).toEqual(['1000000068001', '2']);
  });

  test('is checked: what is missing, too long, unknown or not ours to be reached', async () => {
    const zoho = await startZoho();
    const refused = async (more: object) => (await watch(zoho, more)).body;
    expect(await refused({ notify_url: undefined })).toMatchObject({
      watch: [{ code: 'MANDATORY_NOT_FOUND' }],
    });
    expect(await refused({ channel_id: undefined })).toMatchObject({
      watch: [{ code: 'MANDATORY_NOT_FOUND' }],
    });
    expect(await refused({ token: 'x'.repeat(51) })).toMatchObject({
      watch: [{ details: { maximum_length: 50 } }],
    });
    expect(await refused({ events: ['Leads.update'] })).toMatchObject({ watch: [{ code: 'INVALID_DATA' }] });
    expect(await refused({ notify_url: 'http://192.0.2.1/' })).toMatchObject({
      watch: [{ code: 'INVALID_DATA' }],
    });
    expect((await zoho.api('GET', '/actions/watch')).status).toBe(204);
  });

  test('is renewed, changed in part and ended', async () => {
    const zoho = await startZoho();
    expect((await watch(zoho, {}, 'PATCH')).body).toMatchObject({ watch: [{ code: 'NOT_SUBSCRIBED' }] });
    await watch(zoho, { events: ['Leads.edit', 'Contacts.edit'], return_affected_field_values: true });
    expect((await zoho.api('GET', '/actions/watch?module=Contacts')).body).toMatchObject({
      watch: [
        {
          channel_id: '1000000068001',
          events: ['Contacts.edit'],
          resource_name: 'Contacts',
          token: 'our-token',
        },
      ],
    });
    zoho.fixture.clock.advance(3 * day);
    const renewed = {
      channel_id: '1000000068001',
      channel_expiry: new Date(zoho.fixture.clock.now() + 6 * day).toISOString(),
    };
    expect((await zoho.api('PATCH', '/actions/watch', { watch: [renewed] })).status).toBe(200);
    zoho.fixture.clock.advance(5 * day);
    expect((await zoho.api('GET', '/actions/watch')).body).toMatchObject({
      watch: [{ events: ['Leads.edit'], return_affected_field_values: true }, { events: ['Contacts.edit'] }],
    });
    const less = { channel_id: '1000000068001', events: ['Contacts.edit'], _delete_events: true };
    await zoho.api('PATCH', '/actions/watch', { watch: [less] });
    expect((await zoho.api('GET', '/actions/watch?module=Contacts')).status).toBe(204);
    expect((await zoho.api('DELETE', '/actions/watch?channel_ids=1000000068001')).status).toBe(200);
    expect((await zoho.api('DELETE', '/actions/watch?channel_ids=1000000068001')).body).toMatchObject({
      watch: [{ code: 'NOT_SUBSCRIBED' }],
    });
  });

  test.each([202, 400] as const)('that fails does so with %i', async (watchFailureStatus) => {
    const zoho = await startZoho({ watchFailureStatus });
    expect((await watch(zoho, { token: 'x'.repeat(51) })).status).toBe(watchFailureStatus);
    expect((await zoho.api('DELETE', '/actions/watch?channel_ids=1')).status).toBe(watchFailureStatus);
  });

  test.each([
    ['allowed', 201],
    ['refused', 403],
  ] as const)('on the Free edition is %s', async (watchOnFree, status) => {
    const zoho = await startZoho({ edition: 'free', watchOnFree });
    expect((await watch(zoho)).status).toBe(status);
  });
});

describe('a callback', () => {
  test('names ids, fields, values and the token, no org and no signature', async () => {
    const zoho = await startZoho();
    await watch(zoho, { return_affected_field_values: true });
    const [first = '', second = ''] = await zoho.make('Leads', { Last_Name: 'Rao' }, { Last_Name: 'Iyer' });
    await zoho.write('PUT', '/Leads', [{ id: first, Mobile: '+911', Last_Name: 'Rao' }]);
    await zoho.control('DELETE', `/records/Leads/${second}`);
    const [created, updated, deleted] = await bodies(zoho, 3);
    expect(created).toMatchObject({
      operation: 'insert',
      ids: [first, second],
      module: 'Leads',
      token: 'our-token',
    });
    expect(Object.keys(updated ?? {}).toSorted()).toEqual([
      'affected_fields',
      'affected_values',
      'channel_id',
      'ids',
      'module',
      'operation',
      'query_params',
      'resource_uri',
      'server_time',
      'token',
    ]);
    expect(updated).toMatchObject({
      operation: 'update',
      channel_id: '1000000068001',
      ids: [first],
      affected_fields: [{ [first]: ['Mobile'] }],
      affected_values: [{ record_id: first, values: { Mobile: '+911' } }],
    });
    expect(deleted).toMatchObject({ operation: 'delete', ids: [second] });
  });

  test('comes for chosen fields only, which are named by name and id, two in a group and ten at most', async () => {
    const zoho = await startZoho();
    const { body } = await zoho.api('GET', '/settings/fields?module=Leads');
    const { fields } = z
      .object({ fields: z.array(z.looseObject({ id: z.string(), api_name: z.string() })) })
      .parse(body);
    const { modules } = z
      .object({ modules: z.array(z.looseObject({ id: z.string(), api_name: z.string() })) })
      .parse((await zoho.api('GET', '/settings/modules')).body);
    const module = { api_name: 'Leads', id: modules.find(({ api_name: name }) => name === 'Leads')?.id };
    const condition = (some: readonly object[]) => ({
      notification_condition: [
        {
          type: 'field_selection',
          module,
          field_selection: some
            .map((field): object => ({ field }))
            .reduceRight((rest, one) => ({ group_operator: 'or', group: [one, rest] })),
        },
      ],
    });
    const named = fields.map(({ id, api_name }) => ({ id, api_name }));
    const status = named.filter(({ api_name: name }) => name === 'Lead_Status');
    const wrong = { watch: [{ code: 'INVALID_DATA', details: { api_name: 'notification_condition' } }] };
    expect((await watch(zoho, condition(named.slice(0, 11)))).body).toMatchObject(wrong);
    expect((await watch(zoho, condition(named.slice(0, 10)))).status).toBe(201);
    const three = { group_operator: 'or', group: named.slice(0, 3).map((field) => ({ field })) };
    const flat = { notification_condition: [{ type: 'field_selection', module, field_selection: three }] };
    expect((await watch(zoho, flat)).body).toMatchObject(wrong);
    expect((await watch(zoho, condition([{ api_name: 'Lead_Status' }]))).body).toMatchObject(wrong);
    expect((await watch(zoho, { events: ['Leads.edit'], ...condition(status) })).status).toBe(201);
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'Rao' });
    await zoho.write('PUT', '/Leads', [{ id, City: 'Pune' }]);
    await zoho.write('PUT', '/Leads', [{ id, Lead_Status: 'Contacted' }]);
    expect(await bodies(zoho, 1)).toMatchObject([{ affected_fields: [{ [id]: ['Lead_Status'] }] }]);
  });

  test('is sent once, whatever came of it', async () => {
    const zoho = await startZoho();
    await watch(zoho);
    zoho.listenerAnswers(503);
    await zoho.make('Leads', { Last_Name: 'A' });
    await zoho.heard(1);
    zoho.listenerAnswers(200);
    zoho.fixture.clock.advance(5 * day);
    await zoho.make('Leads', { Last_Name: 'B' });
    expect(await bodies(zoho, 2)).toHaveLength(2);
    expect((await zoho.control('GET', '/webhooks')).body).toMatchObject({
      queued: 0,
      givenUp: 1,
      attempts: 2,
    });
    await zoho.control('POST', '/webhooks/redeliver');
    expect(await bodies(zoho, 4)).toHaveLength(4);
  });

  test('words of its operation are a switch', async () => {
    const zoho = await startZoho({ operationNames: 'create, edit, delete' });
    await watch(zoho);
    const [id = ''] = await zoho.make('Leads', { Last_Name: 'A' });
    await zoho.write('PUT', '/Leads', [{ id, City: 'Pune' }]);
    expect((await bodies(zoho, 2)).map((body) => body['operation'])).toEqual(['create', 'edit']);
  });

  test.each([
    [false, 2],
    [true, 1],
  ])(
    'triggerMutesWatch %s: of a write with trigger [] and one without, %i',
    async (triggerMutesWatch, count) => {
      const zoho = await startZoho({ triggerMutesWatch });
      await watch(zoho);
      await zoho.write('POST', '/Leads', [{ Last_Name: 'A' }], { trigger: [] });
      const [loud] = await zoho.make('Leads', { Last_Name: 'B' });
      const told = await bodies(zoho, count);
      expect(told).toHaveLength(count);
      expect(told.at(-1)).toMatchObject({ ids: [loud] });
    },
  );
});
