import { createHmac } from 'node:crypto';
import { Agent, request } from 'node:http';

/** Webhook requests made ahead of time, so that making them is not measured. */
export interface Prepared {
  readonly body: Buffer;
  readonly signature: string;
}

export function sign(body: Buffer, secret: string): Prepared {
  return { body, signature: `sha256=${createHmac('sha256', secret).update(body).digest('hex')}` };
}

export interface LoadResult {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly failed: number;
}

/** Posts every request once, `connections` at a time. */
export async function post(
  url: string,
  requests: readonly Prepared[],
  connections: number,
): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const target = new URL(url);
  const times = new Float64Array(requests.length);
  let next = 0;
  let failed = 0;
  const started = performance.now();
  const client = async (): Promise<void> => {
    for (let index = next++; index < requests.length; index = next++) {
      const prepared = requests[index];
      if (prepared === undefined) return;
      const begun = performance.now();
      const status = await postOne(target, prepared, agent);
      times[index] = performance.now() - begun;
      if (status !== 200) failed += 1;
    }
  };
  await Promise.all(Array.from({ length: connections }, client));
  const seconds = (performance.now() - started) / 1000;
  agent.destroy();
  times.sort();
  const at = (share: number): number =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0;
  return { requestsPerSecond: requests.length / seconds, p50Ms: at(0.5), p99Ms: at(0.99), failed };
}

function postOne(target: URL, { body, signature }: Prepared, agent: Agent): Promise<number> {
  return new Promise((resolve) => {
    const sent = request(
      target,
      {
        agent,
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'content-length': body.length,
          'x-hub-signature-256': signature,
        },
      },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    sent.on('error', () => resolve(0));
    sent.end(body);
  });
}
