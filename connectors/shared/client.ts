import type { BudgetNews, CallNeed, Credentials, Permits, Priority } from '@sangam/core/crm';
import type { SangamError } from '@sangam/core/errors';
import type { z } from 'zod';
import {
  createTransport,
  type TransportOptions,
  unreadable,
  type VendorRequest,
  type VendorResponse,
} from './transport.ts';

/** How a CRM's answers are read. */
export interface Protocol<Refusal> extends Pick<TransportOptions, 'vendor' | 'authorization'> {
  /** Undefined: it did what was asked. The body is there before the status is judged: some vendors fail with 200. */
  readonly refusalIn: (response: VendorResponse) => Refusal | undefined;
  /** Whether the vendor itself says that the token has ended, so that nothing was done. */
  readonly isExpired: (response: VendorResponse) => boolean;
  /** A refusal of the call as a whole. */
  readonly errorOf: (refusal: Refusal) => SangamError;
  /** What an answer says of budgets, by their names; undefined: this vendor's tell nothing. */
  readonly learn?: (response: VendorResponse) => Readonly<Record<string, BudgetNews>>;
}

export interface ClientOptions extends Pick<TransportOptions, 'basePath' | 'timeoutMs'> {
  readonly credentials: Credentials;
  readonly permits: Permits;
}

type Need<LimitName extends string> = CallNeed & { readonly limit: LimitName };

interface Call<LimitName extends string> extends VendorRequest {
  readonly priority: Priority;
  /** What it costs of each limit: what the client's calls usually cost unless said. */
  readonly needs?: readonly Need<LimitName>[];
}

export type Answer<Body, Refusal> =
  { readonly ok: true; readonly body: Body } | { readonly ok: false; readonly refusal: Refusal };

/**
 * One CRM account's API, a permit and one HTTP request a call: retries belong to the engine. Only a token refused as
 * expired is followed by one more request with the next token: the first did nothing.
 */
export interface Client<LimitName extends string, Refusal> {
  /**
   * Throws `SangamError`: `not_connected` (later), `unreachable`, `timeout` or `unreadable_answer` (later; the call may have
   * had its effect), `limit_wait` and whatever else permits and credentials throw.
   */
  call<Body>(call: Call<LimitName>, schema: z.ZodType<Body>): Promise<Answer<Body, Refusal>>;
  /** As `call`, where nothing but success is expected: a refusal is thrown. */
  succeed<Body>(call: Call<LimitName>, schema: z.ZodType<Body>): Promise<Body>;
}

/**
 * Where no body is an answer: there is nothing there. Any other success without JSON is a page of somebody between, of which
 * nothing follows.
 */
const saysNothing: ReadonlySet<number> = new Set([204, 304]);

export function createClient<LimitName extends string, Refusal>(
  protocol: Protocol<Refusal>,
  usualNeeds: readonly Need<LimitName>[],
  { basePath, timeoutMs, credentials, permits }: ClientOptions,
): Client<LimitName, Refusal> {
  const { vendor, authorization, refusalIn, isExpired, errorOf, learn } = protocol;
  const transport = createTransport({ vendor, basePath, timeoutMs, authorization });

  const call = async <Body>(
    { priority, needs = usualNeeds, ...request }: Call<LimitName>,
    schema: z.ZodType<Body>,
  ): Promise<Answer<Body, Refusal>> => {
    const once = async () => {
      const permit = await permits.take(needs, priority);
      try {
        const token = await credentials.accessToken();
        const response = await transport.send(request, token);
        for (const [budget, news] of Object.entries(learn?.(response) ?? {})) {
          await permits.learn(budget, news);
        }
        return { token, response };
      } finally {
        await permit.release();
      }
    };
    let { token, response } = await once();
    if (isExpired(response)) {
      await credentials.expired(token);
      ({ response } = await once());
    }
    const refusal = refusalIn(response);
    if (refusal !== undefined) return { ok: false, refusal };
    if (response.body === undefined && !saysNothing.has(response.status))
      throw unreadable(vendor, response.status);
    const read = schema.safeParse(response.body);
    if (!read.success) throw unreadable(vendor, response.status);
    return { ok: true, body: read.data };
  };

  return {
    call,
    async succeed(request, schema) {
      const answer = await call(request, schema);
      if (!answer.ok) throw errorOf(answer.refusal);
      return answer.body;
    },
  };
}
