import { Agent, request } from 'node:http';

/** One webhook as it leaves. */
export interface Outgoing {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

export interface Poster {
  /**
   * The status answered; undefined when the connection broke, nothing came in time, or `made` threw: nobody is there yet.
   * Never rejects.
   */
  post(made: () => Outgoing): Promise<number | undefined>;
  /** Breaks off what is under way and waits for its end. */
  close(): Promise<void>;
}

/**
 * Sends webhooks over kept connections: `fetch` costs several times the CPU of `node:http` at thousands a second.
 * `answerMs`: how long an answer is waited for.
 */
export function createPoster(answerMs: number): Poster {
  const agent = new Agent({ keepAlive: true });
  const stop = new AbortController();
  const underWay = new Set<Promise<unknown>>();

  const attempt = ({ url, headers, bytes }: Outgoing): Promise<number | undefined> =>
    new Promise((resolve) => {
      const outgoing = request(
        url,
        {
          agent,
          method: 'POST',
          signal: stop.signal,
          timeout: answerMs,
          headers: { 'Content-Type': 'application/json', 'Content-Length': bytes.length, ...headers },
        },
        (response) => {
          response.resume();
          response.on('close', () => resolve(response.statusCode));
        },
      );
      outgoing.on('timeout', () => outgoing.destroy());
      outgoing.on('error', () => resolve(undefined));
      outgoing.end(bytes);
    });

  return {
    async post(made) {
      let posted: Promise<number | undefined> | undefined;
      try {
        posted = attempt(made());
        underWay.add(posted);
        return await posted;
      } catch {
        // Not even an address is no different from not answering.
        return undefined;
      } finally {
        if (posted !== undefined) underWay.delete(posted);
      }
    },
    async close() {
      stop.abort();
      await Promise.allSettled(underWay);
      agent.destroy();
    },
  };
}
