import { zoho } from '@sangam/connectors/zoho';
import type { CallLimit, CrmValues } from '@sangam/core/crm';
import { createSandbox, type SandboxClock, simulators } from '@sangam/sandbox';
import express from 'express';
import { factsInMemory } from '../harness/facts.ts';
import { listen } from '../harness/listen.ts';
import { freely } from '../harness/permits.ts';
import type { AccountUser, ConformanceAccount, PickyField, UserRecord } from './account.ts';

interface SandboxRecord {
  readonly id: string;
  readonly properties: CrmValues;
  readonly timeline: readonly { readonly id: string; readonly text: string }[];
}

interface ApiField {
  readonly id: string;
  readonly api_name: string;
}

type Send = (method: string, path: string, body?: object) => Promise<unknown>;

const writes = { creates: 'POST /Leads', updates: 'PUT /Leads' };
const modules = ['Leads', 'Contacts'] as const;
const fieldsPath = '/crm/v8/settings/fields';
const firstToken = 'token-1';

/** An org of its own in a sandbox of its own, over HTTP. `rules`: where it answers otherwise than we believe. */
export async function openZohoAccount(
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
    crms: { zoho: { accessToken: firstToken } },
    // Limits are what the tests of limits set.
    rules: { zoho: { creditsMax: 0, concurrencyMax: 0, ...rules } },
  });
  app.use('/sandbox', sandbox.router);
  const root = `${server.origin}/sandbox/zoho`;
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
  const api: Send = (method, path, body) =>
    send(method, path, body, { authorization: `Zoho-oauthtoken ${token.atTheVendor}` });
  const fieldsOf = async (module: string): Promise<readonly ApiField[]> =>
    ((await api('GET', `${fieldsPath}?module=${module}`)) as { fields: ApiField[] }).fields;
  const fieldNamed = async (module: string, name: string): Promise<ApiField> => {
    const found = (await fieldsOf(module)).find((field) => field.api_name === name);
    if (found === undefined) throw new Error(`${module} have no field ${name}.`);
    return found;
  };

  const email = await fieldNamed('Leads', 'Email');
  const unique = { fields: [{ unique: { case_sensitive: false } }] };
  await api('PATCH', `${fieldsPath}/${email.id}?module=Leads`, unique);

  const connect: ConformanceAccount['connect'] = (permits, facts = factsInMemory()) =>
    zoho.open(
      { sandboxUrl: root, app: undefined },
      {
        permits,
        facts,
        apiBase: root,
        credentials: {
          accessToken: async () => token.current,
          async expired(refused) {
            if (refused === token.current) token.current = token.atTheVendor;
          },
        },
      },
    );

  return {
    account: simulators.zoho.account,
    traits: zoho.traits,
    user: zohoUser(send),
    connect,
    async fault({ on, operation = on === undefined ? undefined : writes[on], ...fault }) {
      await send('PUT', '/faults', { ...fault, ...(operation === undefined ? {} : { operation }) });
    },
    async expireToken() {
      token.atTheVendor = `token-${String(token.next)}`;
      token.next += 1;
      await send('PUT', '/token', { accessToken: token.atTheVendor });
    },
    async limit(_name, limit) {
      await send('PUT', '/rules', rulesOf(limit));
      // A call lasts a while, so that two can be under way.
      if (limit.kind === 'rolling') await send('PUT', '/faults', { latencyMs: 20 });
    },
    calls: async () => ((await send('GET', '/calls')) as { total: number }).total,
    async removeField(source) {
      const mapping = zoho.traits.usualFacts.defaultMapping.findLast((one) => one.source === source);
      if (mapping === undefined) throw new Error(`Nothing maps '${source}'.`);
      const { name } = mapping.field;
      for (const module of modules) {
        const { id } = await fieldNamed(module, name);
        await api('DELETE', `${fieldsPath}/${id}?module=${module}`);
      }
      return name;
    },
    pickyField: () => pickyField(api, fieldNamed),
    lacks: {
      merging: 'Zoho deletes what is merged away, and nothing names the record it went into.',
      'lists of phones': 'A phone field of Zoho holds one text.',
      'authors of changes': 'A watch of Zoho tells what changed, and not who changed it.',
    },
    lockedCode: 'RECORD_LOCKED',
    uniqueField: { name: 'Email', label: 'Email', kind: 'text', writable: true },
    stage: { field: 'Lead_Status', values: ['Contacted', 'Pre-Qualified'] },
    async webhooksTo(receive) {
      const secret = 'token-of-the-address';
      app.post('/told', express.raw({ type: () => true, limit: '10mb' }), async (request, response) => {
        const { method, headers } = request;
        const raw = request.body as Buffer;
        const url = `${server.origin}/told`;
        if (!zoho.webhooks.verify({ method, url, headers, body: raw }, [secret], clock.now())) {
          response.status(401).end();
          return;
        }
        const told = await receive(zoho.webhooks.read(raw).accounts, raw).then(
          () => true,
          () => false,
        );
        response.status(told ? 200 : 503).end();
      });
      const connector = connect(freely());
      await connector.learnFacts?.();
      await connector.subscribe?.({ url: `${server.origin}/told`, secret, now: clock.now() });
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

/** As the sandbox's rules have it. */
function rulesOf(limit: CallLimit): object {
  switch (limit.kind) {
    case 'rolling':
      // Zoho counts the calls under way, and none in a time: fewer than two processes make.
      return { concurrencyMax: 1 };
    case 'budget':
      return { creditsMax: limit.tokens };
    case 'concurrent':
      return { concurrencyMax: limit.most };
  }
}

/** A record id is `Leads/<id>`: of a module and its own. */
function zohoUser(send: Send): AccountUser {
  const path = (recordId: string): string => `/records/${recordId}`;
  const toRecord = (module: string, { id, properties }: SandboxRecord): UserRecord => ({
    recordId: `${module}/${id}`,
    values: properties,
  });
  const stands = ({ properties }: SandboxRecord): boolean => properties['Converted__s'] !== 'true';
  const of = async (module: string): Promise<SandboxRecord[]> =>
    ((await send('GET', `/records/${module}`)) as { results: SandboxRecord[] }).results.filter(stands);
  const one = async (recordId: string): Promise<SandboxRecord | undefined> => {
    const [module = '', id] = recordId.split('/');
    return (await of(module)).find((record) => record.id === id);
  };
  /** Zoho's page lets nobody go on without a last name. */
  const withName = (values: CrmValues): CrmValues => ({ Last_Name: 'Customer', ...withoutEmpty(values) });
  return {
    async create(values, module = 'Leads') {
      const made = await send('POST', `/records/${module}`, { properties: withName(values) });
      return `${module}/${(made as SandboxRecord).id}`;
    },
    update: async (recordId, values) => void (await send('PATCH', path(recordId), { properties: values })),
    remove: async (recordId) => void (await send('DELETE', path(recordId))),
    restore: async (recordId) => void (await send('POST', `${path(recordId)}/restore`)),
    async merge(primary, merged) {
      const [module = '', primaryId] = primary.split('/');
      await send('POST', `/records/${module}/merge`, { primaryId, mergedId: merged.split('/')[1] });
      return primary;
    },
    async convert(recordId) {
      return `Contacts/${((await send('POST', `${path(recordId)}/convert`)) as SandboxRecord).id}`;
    },
    async list() {
      const all: { readonly madeAt: number; readonly record: UserRecord }[] = [];
      for (const module of modules) {
        for (const found of await of(module)) {
          const madeAt = Date.parse(found.properties['Created_Time'] ?? '');
          all.push({ madeAt, record: toRecord(module, found) });
        }
      }
      return all.toSorted((x, y) => x.madeAt - y.madeAt).map(({ record }) => record);
    },
    async get(recordId) {
      const found = await one(recordId);
      return found === undefined ? undefined : toRecord(recordId.split('/')[0] ?? '', found);
    },
    timeline: async (recordId) => (await one(recordId))?.timeline ?? [],
    deals: {
      of: 'Contacts',
      stage: { field: 'Stage', values: ['Qualification', 'Needs Analysis'] },
      async create(personRecordId, values) {
        const properties = { Deal_Name: 'A deal', Contact_Name: personRecordId.split('/')[1], ...values };
        return ((await send('POST', '/records/Deals', { properties })) as SandboxRecord).id;
      },
      update: async (dealId, values) =>
        void (await send('PATCH', `/records/Deals/${dealId}`, { properties: values })),
    },
  };
}

function withoutEmpty(values: CrmValues): CrmValues {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
}

/** A number, of which the mapping still says that it is a text: an admin makes it one again. */
async function pickyField(
  api: Send,
  fieldNamed: (module: string, name: string) => Promise<ApiField>,
): Promise<PickyField> {
  const name = 'Shirt_Size';
  const make = (type: string) =>
    api('POST', `${fieldsPath}?module=Leads`, { fields: [{ field_label: 'Shirt Size', data_type: type }] });
  await make('integer');
  return {
    mapping: {
      source: { flowAnswer: 'size' },
      field: { name, label: 'Shirt Size', kind: 'text', writable: true, on: ['Leads'] },
      policy: 'if-empty',
      transform: 'as is',
    },
    accepted: '42',
    refused: 'XXL',
    async mend() {
      const { id } = await fieldNamed('Leads', name);
      await api('DELETE', `${fieldsPath}/${id}?module=Leads`);
      await make('text');
    },
  };
}
