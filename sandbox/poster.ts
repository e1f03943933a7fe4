import { Agent, request } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';

/** Where a webhook goes, and the headers beside those of every JSON body. */
export interface Outgoing {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Poster {
  /**
   * The status answered; undefined when the connection broke or nothing came in time. Never rejects: an `outgoing` that
   * throws counts as nobody answering.
   */
  post(outgoing: () => Outgoing, bytes: Buffer): Promise<number | undefined>;
  /** Breaks off what is under way and waits for its end. */
  close(): Promise<void>;
}

/**
 * Sends webhooks over kept connections: `fetch` costs several times the CPU of `node:http` at thousands a second.
 * `timeoutMs`: how long nothing may be heard before the delivery counts as failed.
 */
export function createPoster(timeoutMs: number): Poster {
  const agent = new Agent({ keepAlive: true });
  const tlsAgent = new TlsAgent({ keepAlive: true });
  const stop = new AbortController();
  const underWay = new Set<Promise<unknown>>();

  const attempt = ({ url, headers }: Outgoing, bytes: Buffer): Promise<number | undefined> =>
    new Promise((resolve) => {
      const isTls = url.startsWith('https:');
      const posting = (isTls ? tlsRequest : request)(
        url,
        {
          agent: isTls ? tlsAgent : agent,
          method: 'POST',
          signal: stop.signal,
          timeout: timeoutMs,
          headers: { 'Content-Type': 'application/json', 'Content-Length': bytes.length, ...headers },
        },
        (response) => {
          response.resume();
          response.on('close', () => resolve(response.statusCode));
        },
      );
      posting.on('timeout', () => posting.destroy());
      posting.on('error', () => resolve(undefined));
      posting.end(bytes);
    });

  return {
    async post(outgoing, bytes) {
      let posted: Promise<number | undefined> | undefined;
      try {
        posted = attempt(outgoing(), bytes);
        underWay.add(posted);
        return await posted;
      } catch {
        // Not even an address: the business is not there yet, which is no different from not answering.
        return undefined;
      } finally {
        if (posted !== undefined) underWay.delete(posted);
      }
    },
    async close() {
      stop.abort();
      await Promise.allSettled(underWay);
      agent.destroy();
      tlsAgent.destroy();
    },
  };
}
