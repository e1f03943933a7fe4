import type { Credentials, Permits, Priority } from '@sangam/core/crm';
import type { z } from 'zod';
import { isOwnWord, readRefusal, type Refusal, refusalError } from './errors.ts';
import { createTransport, type HubspotRequest, unreadable } from './transport.ts';
import type { LimitName } from './vendor.ts';

interface HubspotCall extends HubspotRequest {
  readonly priority: Priority;
  /** `api` unless said. */
  readonly limit?: LimitName;
}

export type HubspotAnswer<Body> =
  { readonly ok: true; readonly body: Body } | { readonly ok: false; readonly refusal: Refusal };

/**
 * One HubSpot account's API, a permit and one HTTP request a call: retries belong to the engine. Only a token refused
 * as expired is followed by one more request with the next token: a 401 did nothing.
 */
export interface HubspotClient {
  /**
   * Throws `SangamError`: `unreachable`, `timeout` or `unreadable_answer` (later; the call may have had its effect),
   * `limit_wait` and whatever else permits and credentials throw.
   */
  call<Body>(call: HubspotCall, schema: z.ZodType<Body>): Promise<HubspotAnswer<Body>>;
  /** As `call`, where nothing but success is expected: a refusal is thrown. */
  succeed<Body>(call: HubspotCall, schema: z.ZodType<Body>): Promise<Body>;
}

export interface HubspotClientOptions {
  /** Without a slash at the end. */
  readonly basePath: string;
  readonly credentials: Credentials;
  readonly permits: Permits;
  readonly timeoutMs: number;
}

export function createHubspotClient({
  basePath,
  credentials,
  permits,
  timeoutMs,
}: HubspotClientOptions): HubspotClient {
  const transport = createTransport(basePath, timeoutMs);

  const call = async <Body>(
    { priority, limit = 'api', ...request }: HubspotCall,
    schema: z.ZodType<Body>,
  ): Promise<HubspotAnswer<Body>> => {
    const once = async () => {
      const permit = await permits.take([{ limit, cost: 1 }], priority);
      try {
        const token = await credentials.accessToken();
        return { token, response: await transport.send(request, token) };
      } finally {
        await permit.release();
      }
    };
    let { token, response } = await once();
    // What stands between may answer 401 too, and knows nothing of tokens.
    if (response.status === 401 && isOwnWord(response.body)) {
      await credentials.expired(token);
      ({ response } = await once());
    }
    const { ok, status, headers, body } = response;
    if (!ok) return { ok, refusal: readRefusal(status, headers, body) };
    const read = schema.safeParse(body);
    if (!read.success) throw unreadable(status);
    return { ok, body: read.data };
  };

  return {
    call,
    async succeed(request, schema) {
      const answer = await call(request, schema);
      if (!answer.ok) throw refusalError(answer.refusal);
      return answer.body;
    },
  };
}
