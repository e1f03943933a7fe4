import { createHash, timingSafeEqual } from 'node:crypto';
import type { Access, Crm, CrmApp, Grant } from '@sangam/connectors/registry';
import type { AccountChanges, Connector, CrmChange, Permits } from '@sangam/core/crm';
import { Refusal, SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import type { MemoryCrm } from './memory-crm/index.ts';

/** Who may come in, and what the vendor itself knows of it. */
export interface AnotherCrm {
  readonly value: Crm;
  /** The keys its account M-1 takes now. */
  readonly keys: { accessKey: string; secretKey: string };
  /** An admin of its account M-2 agrees: the code their browser comes back with, bound to what `url` says. */
  agree(url: string): { readonly code: string; readonly state: string };
  /** What codes were exchanged with, beside the code itself. */
  readonly exchanged: Readonly<Record<string, string>>[];
}

const host = 'api-in.memory.example';
const apiBase = 'https://eu.memory.example';
const oauthToken = 'token-of-m2';
const id = z.union([z.string().min(1), z.number()]).transform(String);
const keysText = z.object({ host: z.string(), accessKey: z.string(), secretKey: z.string() });
/** What its pages say of who looks at which record. */
const looking = z.object({ account: id, user: id, record: id });
const told = z.object({
  /** Our own app is told whose record it is; the webhook of one account is not. */
  account: id.optional(),
  record: id,
  /** The deal of that person it speaks of; left out: it speaks of the record. */
  deal: id.optional(),
  at: z.number(),
  /** Left out: only that something changed. */
  field: z.string().optional(),
  value: z.string().optional(),
});

/**
 * The CRM in memory as a connector's value, with an account opened by keys and one by OAuth, unlike HubSpot where it may be: keys of its own form or PKCE, a token without end, a
 * host for each account, webhooks with a plain secret that name no account and want an answer.
 */
export function anotherCrm(
  crm: MemoryCrm,
  ofOauth: MemoryCrm = crm,
  subscribe?: NonNullable<Connector['subscribe']>,
): AnotherCrm {
  const keys = { accessKey: 'key-of-m1', secretKey: 'secret-of-m1' };
  const exchanged: Record<string, string>[] = [];
  const codes = new Map<string, string>();

  const isRight = ({ accessToken, apiBase: at }: Access): boolean =>
    accessToken === JSON.stringify({ host, ...keys }) || (accessToken === oauthToken && at === apiBase);
  const reconnect = (): SangamError =>
    new SangamError({
      code: 'reconnect',
      origin: 'crm',
      retry: 'never',
      message: 'These keys open nothing.',
    });
  const read = (body: Buffer): readonly AccountChanges[] => {
    const said = told.parse(JSON.parse(body.toString('utf8')));
    const { account, record: recordId, deal, at, field, value } = said;
    const change: CrmChange =
      field === undefined || value === undefined
        ? { kind: 'touched', recordId, at }
        : deal === undefined
          ? { kind: 'field', recordId, at, field, value, by: 'user 7' }
          : { kind: 'field', of: 'deal', recordId: deal, personRecordId: recordId, at, field, value };
    return [{ account, changes: [change] }];
  };

  const signed: Omit<NonNullable<Crm['session']>, 'read'> = {
    mostBytes: 64 * 1024,
    maySign: (headers) => typeof headers['x-memory-secret'] === 'string',
    verify: ({ headers }, secrets) =>
      secrets.some((secret) => isSame(String(headers['x-memory-secret']), secret)),
    badSignature: 'The header x-memory-secret is not the secret of this address.',
  };

  const value: Crm = {
    traits: crm.traits,
    configuration: { variables: {}, usualNames: {}, read: () => ({}) },
    oauth: {
      appVariables: ['MEMORY_CLIENT_ID'],
      pkce: true,
      authorizeUrl: ({ app }, { redirectUri, state, codeChallenge = '' }) =>
        `https://accounts.memory.example/agree?${new URLSearchParams({ client: app.clientId, redirectUri, state, codeChallenge }).toString()}`,
      async exchange(_site, { code, ...query }, { codeVerifier = '' }): Promise<Grant> {
        const challenge = createHash('sha256').update(codeVerifier).digest('base64url');
        if (codes.get(code) !== challenge) throw reconnect();
        exchanged.push(query);
        return {
          accessToken: oauthToken,
          refreshToken: 'refresh',
          apiBase,
          secret: { location: query['location'] ?? '' },
        };
      },
      refresh: () => Promise.reject(reconnect()),
      uninstalled: (app, { headers, body }) =>
        isSame(headers.authorization ?? '', basicOf(app))
          ? z.object({ account: id }).parse(JSON.parse(String(body))).account
          : undefined,
    },
    form: {
      kind: 'keys',
      fields: { host: z.string(), accessKey: z.string().min(1), secretKey: z.string().min(1) },
      help: 'connect with its keys',
      replace: 'enter new ones',
      async connect(_site, typed) {
        if (typed['host'] !== host) {
          const message = `is in none of its regions: this one is ${host}`;
          throw new Refusal('invalid', 'keys_refused', message, [{ path: 'host', message }]);
        }
        const accessToken = JSON.stringify(keysText.parse(typed));
        if (isRight({ accessToken })) return { grant: { accessToken }, account: { account: 'M-1' } };
        const message = 'opens nothing: make another pair of keys';
        throw new Refusal('invalid', 'keys_refused', message, [{ path: 'secretKey', message }]);
      },
    },
    async accountOf(_site, access) {
      if (!isRight(access)) throw reconnect();
      return { account: access.accessToken === oauthToken ? 'M-2' : 'M-1' };
    },
    open: (_site, { credentials, permits, apiBase: at, facts }) => {
      const checkAccess = async (): Promise<void> => {
        const accessToken = await credentials.accessToken();
        if (!isRight({ accessToken, apiBase: at })) await credentials.expired(accessToken);
      };
      const checked: Permits = {
        ...permits,
        async take(needs, priority) {
          const permit = await permits.take(needs, priority);
          await checkAccess();
          return permit;
        },
      };
      const connector = (at === apiBase ? ofOauth : crm).connect(checked, facts);
      const fields = connector.fields.bind(connector);
      return Object.assign(connector, {
        fields: () => checkAccess().then(fields),
        ...(subscribe === undefined ? {} : { subscribe }),
      });
    },
    webhooks: {
      ...signed,
      ofEachAccount: subscribe !== undefined,
      read: (body) => ({ accounts: read(body), unread: 0 }),
      answer: { Status: 'Success' },
    },
    session: {
      ...signed,
      read({ body }) {
        const said = looking.safeParse(JSON.parse(body.toString('utf8')));
        if (!said.success) return undefined;
        const { account, user, record: recordId } = said.data;
        return { account, user: { id: user }, recordId };
      },
    },
    readKept: read,
  };
  return {
    value,
    keys,
    exchanged,
    agree(url) {
      const { searchParams } = new URL(url);
      const code = `code-${String(codes.size + 1)}`;
      codes.set(code, searchParams.get('codeChallenge') ?? '');
      return { code, state: searchParams.get('state') ?? '' };
    },
  };
}

/** How it shows itself to our app. */
export function basicOf({ clientId, clientSecret }: CrmApp): string {
  return `Basic ${Buffer.from(`${clientId}:${clientSecret}`).toString('base64')}`;
}

function isSame(given: string, wanted: string): boolean {
  const [one, other] = [given, wanted].map((text) => createHash('sha256').update(text).digest());
  return one !== undefined && other !== undefined && timingSafeEqual(one, other);
}
