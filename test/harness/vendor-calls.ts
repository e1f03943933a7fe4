import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { onTestFinished } from 'vitest';

/** An HTTP call as it left this process and was answered. */
export interface VendorCall {
  readonly method: string;
  readonly url: URL;
  readonly headers: Headers;
  readonly sent: string;
  readonly status: number;
  readonly answered: string;
}

/** What undici tells of a request under its channels; `fetch` is built on it too. */
interface Told {
  readonly request: {
    readonly method: string;
    readonly origin: string;
    readonly path: string;
    /** Names and values in turn. */
    readonly headers: readonly string[];
  };
  readonly response: { readonly statusCode: number };
  readonly chunk: Uint8Array | string;
}

/** Every HTTP call that is answered from here on, until the test is over, in the order their answers end. */
export function recordVendorCalls(): readonly VendorCall[] {
  const calls: VendorCall[] = [];
  const open = new Map<object, { sent: string; status: number; answered: Buffer[] }>();
  const of = ({ request }: Told): { sent: string; status: number; answered: Buffer[] } => {
    const known = open.get(request) ?? { sent: '', status: 0, answered: [] };
    open.set(request, known);
    return known;
  };
  const listeners: Readonly<Record<string, (told: Told) => void>> = {
    bodyChunkSent: (told) => void (of(told).sent += Buffer.from(told.chunk).toString()),
    headers: (told) => void (of(told).status = told.response.statusCode),
    bodyChunkReceived: (told) => void of(told).answered.push(Buffer.from(told.chunk)),
    trailers: (told) => {
      const { method, origin, path, headers } = told.request;
      const { sent, status, answered } = of(told);
      calls.push({
        method,
        url: new URL(path, origin),
        headers: new Headers(pairs(headers)),
        sent,
        status,
        answered: Buffer.concat(answered).toString(),
      });
    },
  };
  for (const [name, listener] of Object.entries(listeners)) {
    const heard = (message: unknown): void => listener(message as Told);
    subscribe(`undici:request:${name}`, heard);
    onTestFinished(() => void unsubscribe(`undici:request:${name}`, heard));
  }
  return calls;
}

function pairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? '']] : []));
}
