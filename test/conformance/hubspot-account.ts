import { hubspot } from '@sangam/connectors/hubspot';
import type { CrmField, CrmValues } from '@sangam/core/crm';
import { createSandbox, type SandboxClock, simulators } from '@sangam/sandbox';
import express from 'express';
import { factsInMemory } from '../harness/facts.ts';
import { listen } from '../harness/listen.ts';
import type { AccountUser, ConformanceAccount, PickyField } from './account.ts';

interface SandboxRecord {
  readonly id: string;
  readonly properties: CrmValues;
  readonly timeline: readonly { readonly id: string; readonly text: string }[];
}

const writes = {
  creates: 'POST /crm/objects/contacts/batch/upsert',
  updates: 'POST /crm/objects/contacts/batch/update',
};

const firstToken = 'token-1';
const tags = 'wa_tags';

/** Custom choice of the portal, as an admin makes one. docs/vendors/hubspot.md §4.4. */
const sizes = {
  name: 'shirt_size',
  groupName: 'contactinformation',
  type: 'enumeration',
  fieldType: 'select',
};

/** A portal of its own in a sandbox of its own, over HTTP. `rules`: where it answers otherwise than HubSpot does. */
export async function openHubspotAccount(
  clock: SandboxClock,
  rules: Readonly<Record<string, unknown>> = {},
): Promise<ConformanceAccount> {
  const app = express();
  const server = await listen(app);
  const sandbox = await createSandbox({
    clock,
    ownHosts: () => [new URL(server.origin).host],
    access: { admits: async () => true },
    whatsapp: {
      channelId: 'unused',
      phoneNumberId: '1',
      wabaId: '2',
      displayPhoneNumber: '+15550100',
      webhookUrl: () => `${server.origin}/unused`,
      appSecret: 'unused',
      verifyToken: 'unused',
      accessToken: 'unused',
    },
    crms: { hubspot: { accessToken: firstToken } },
    // Limits are what the tests of limits set.
    rules: { hubspot: { rateLimitMax: 0, searchLimitMax: 0, ...rules } },
  });
  app.use('/sandbox', sandbox.router);
  const root = `${server.origin}/sandbox/hubspot`;
  const token = { current: firstToken, next: 2, atTheVendor: firstToken };

  const send = async (method: string, path: string, body?: object, headers = {}): Promise<unknown> => {
    const response = await fetch(`${root}${path}`, {
      method,
      headers: { 'content-type': 'application/json', ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`);
    return response.status === 204 ? undefined : response.json();
  };
  /** The vendor's API as an admin's own tool calls it. */
  const api = (method: string, path: string, body?: object): Promise<unknown> =>
    send(method, path, body, { authorization: `Bearer ${token.atTheVendor}` });

  const user = hubspotUser(send, api);
  return {
    account: simulators.hubspot.account,
    traits: hubspot.traits,
    user,
    connect: (permits, facts = factsInMemory()) =>
      hubspot.open(
        { sandboxUrl: root, app: undefined },
        {
          permits,
          facts,
          apiBase: undefined,
          credentials: {
            accessToken: async () => token.current,
            async expired(refused) {
              if (refused === token.current) token.current = token.atTheVendor;
            },
          },
        },
      ),
    async fault({ on, operation = on === undefined ? undefined : writes[on], ...fault }) {
      await send('PUT', '/faults', { ...fault, ...(operation === undefined ? {} : { operation }) });
    },
    async expireToken() {
      token.atTheVendor = `token-${String(token.next)}`;
      token.next += 1;
      await send('PUT', '/token', { accessToken: token.atTheVendor });
    },
    async limit(name, limit) {
      const rule = name === 'search' ? 'searchLimit' : 'rateLimit';
      if (limit.kind !== 'rolling') throw new Error('HubSpot has rolling limits alone.');
      await send('PUT', '/rules', { [`${rule}Max`]: limit.calls, [`${rule}IntervalMs`]: limit.perMs });
    },
    calls: async () => ((await send('GET', '/calls')) as { total: number }).total,
    async removeField(source) {
      const mapping = hubspot.traits.usualFacts.defaultMapping.findLast((one) => one.source === source);
      if (mapping === undefined) throw new Error(`Nothing maps '${source}'.`);
      await api('DELETE', `/crm/properties/2026-03/contacts/${mapping.field.name}`);
      return mapping.field.name;
    },
    pickyField: () => pickyField(api),
    lacks: {
      deals: 'The connector reads contacts alone, and HubSpot tells of a deal without saying whose it is.',
      'lists of phones': 'A phone property of HubSpot holds one text.',
      converting: 'HubSpot has no leads that become contacts: a contact is one from the start.',
      ...(rules['updateFailsPerItem'] === false
        ? { 'locked records': 'HubSpot as it was refused an update as a whole.' }
        : {}),
    },
    lockedCode: 'LOCKED',
    uniqueField: { name: 'email', label: 'Email', kind: 'text', writable: true },
    stage: { field: 'lifecyclestage', values: ['marketingqualifiedlead', 'opportunity'] },
    async webhooksTo(receive) {
      app.post('/told', express.raw({ type: () => true, limit: '10mb' }), async (request, response) => {
        const raw = request.body as Buffer;
        const told = await receive(hubspot.webhooks.read(raw).accounts, raw).then(
          () => true,
          () => false,
        );
        response.status(told ? 200 : 503).end();
      });
      await send('PUT', '/webhooks', {
        targetUrl: `${server.origin}/told`,
        batchWaitMs: 0,
        retryFast: true,
      });
    },
    async webhooksArrived() {
      const { queued } = (await send('GET', '/webhooks')) as { queued: number };
      return queued === 0;
    },
    redeliver: async () => void (await send('POST', '/webhooks/redeliver')),
    async close() {
      await sandbox.close();
      await server.close();
    },
  };
}

type Send = (method: string, path: string, body?: object) => Promise<unknown>;

function hubspotUser(send: Send, api: Send): AccountUser {
  const records = '/records/contacts';
  const one = async (path: string): Promise<SandboxRecord | undefined> => {
    const { results } = (await send('GET', records)) as { results: SandboxRecord[] };
    return results.find(({ id }) => id === path);
  };
  return {
    async create(values) {
      await knowTags(api, values);
      return ((await send('POST', records, { properties: values })) as SandboxRecord).id;
    },
    async update(recordId, values) {
      await knowTags(api, values);
      await send('PATCH', `${records}/${recordId}`, { properties: values });
    },
    remove: async (recordId) => void (await send('DELETE', `${records}/${recordId}`)),
    restore: async (recordId) => void (await send('POST', `${records}/${recordId}/restore`)),
    async merge(primary, merged) {
      const survivor = await send('POST', `${records}/merge`, { primaryId: primary, mergedId: merged });
      return (survivor as SandboxRecord).id;
    },
    convert: async (recordId) => ((await send('POST', `${records}/${recordId}/convert`)) as SandboxRecord).id,
    async list() {
      const { results } = (await send('GET', records)) as { results: SandboxRecord[] };
      return results.map(({ id, properties }) => ({ recordId: id, values: properties }));
    },
    async get(recordId) {
      const found = await one(recordId);
      return found === undefined ? undefined : { recordId: found.id, values: found.properties };
    },
    async timeline(recordId) {
      return (await one(recordId))?.timeline ?? [];
    },
  };
}

/** A user picks tags from a list: one that is not there is added to it first, in the settings of the property. */
async function knowTags(api: Send, values: CrmValues): Promise<void> {
  const wanted = (values[tags] ?? '').split(';').filter((tag) => tag !== '');
  if (wanted.length === 0) return;
  const path = `/crm/properties/2026-03/contacts/${tags}`;
  const { options } = (await api('GET', path)) as { options: { value: string }[] };
  const known = new Set(options.map(({ value }) => value));
  const added = wanted.filter((tag) => !known.has(tag)).map((tag) => ({ label: tag, value: tag }));
  if (added.length > 0) await api('PATCH', path, { options: [...options, ...added] });
}

async function pickyField(api: Send): Promise<PickyField> {
  const path = `/crm/properties/2026-03/contacts`;
  const options = [{ label: 'Large', value: 'L' }];
  await api('POST', path, { ...sizes, label: 'Shirt size', options });
  const field: CrmField = {
    name: sizes.name,
    label: 'Shirt size',
    kind: 'choice',
    writable: true,
    // As it was when the mapping was saved: an admin took XXL away since.
    options: [
      { value: 'L', label: 'Large' },
      { value: 'XXL', label: 'Tent' },
    ],
  };
  return {
    mapping: { source: { flowAnswer: 'size' }, field, policy: 'if-empty', transform: 'as is' },
    accepted: 'L',
    refused: 'XXL',
    async mend() {
      await api('PATCH', `${path}/${sizes.name}`, {
        options: [...options, { label: 'Tent', value: 'XXL' }],
      });
    },
  };
}
