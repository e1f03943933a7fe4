import {
  type Answer,
  type Client,
  type ClientOptions,
  createClient,
  type Protocol,
} from '../shared/client.ts';
import {
  isItemwise,
  isRefusedWhole,
  isTokenWord,
  readRefusal,
  type Refusal,
  refusalError,
} from './errors.ts';
import { type LimitName, vendor } from './vendor.ts';

/** Zoho may fail with any status: what the body says goes first. docs/vendors/zoho.md §2.2. */
export const protocol: Protocol<Refusal> = {
  vendor,
  authorization: (accessToken) => ({ Authorization: `Zoho-oauthtoken ${accessToken}` }),
  refusalIn({ ok, status, headers, body }) {
    if (isItemwise(body) || status === 304) return undefined;
    return ok && !isRefusedWhole(body) ? undefined : readRefusal(status, headers, body);
  },
  // What stands between may answer 401 too, and knows nothing of tokens.
  isExpired: ({ status, body }) => isTokenWord(status, body),
  errorOf: refusalError,
  learn({ headers }) {
    const said = headers.get('x-api-credits-remaining') ?? '';
    return /^\d+$/.test(said) ? { credits: { left: Number(said) } } : {};
  },
};

export type ZohoClient = Client<LimitName, Refusal>;

export type ZohoAnswer<Body> = Answer<Body, Refusal>;

export function createZohoClient(options: ClientOptions): ZohoClient {
  return createClient(
    protocol,
    [
      { limit: 'at once', cost: 1 },
      { limit: 'credits', cost: 1 },
    ],
    options,
  );
}

/** What a call costs that costs more than one credit. */
export function costing(credits: number) {
  return [
    { limit: 'at once', cost: 1 },
    { limit: 'credits', cost: credits },
  ] as const;
}
