import {
  type Answer,
  type Client,
  type ClientOptions,
  createClient,
  type Protocol,
} from '../shared/client.ts';
import { isOwnWord, readRefusal, type Refusal, refusalError } from './errors.ts';
import { type LimitName, vendor } from './vendor.ts';

/** HubSpot fails with a status, and says in its own form that a token has ended. */
export const protocol: Protocol<Refusal> = {
  vendor,
  authorization: (accessToken) => ({ Authorization: `Bearer ${accessToken}` }),
  refusalIn: ({ ok, status, headers, body }) => (ok ? undefined : readRefusal(status, headers, body)),
  // What stands between may answer 401 too, and knows nothing of tokens.
  isExpired: ({ status, body }) => status === 401 && isOwnWord(body),
  errorOf: refusalError,
};

export type HubspotClient = Client<LimitName, Refusal>;

export type HubspotAnswer<Body> = Answer<Body, Refusal>;

export function createHubspotClient(options: ClientOptions): HubspotClient {
  return createClient(protocol, [{ limit: 'api', cost: 1 }], options);
}
