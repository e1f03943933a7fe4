import type { RequestHandler } from 'express';
import ipaddr from 'ipaddr.js';
import { answerUnread, tooLarge } from './errors.ts';

/**
 * What the bodies that have arrived may take of this process at once, whoever sends them, before anybody has shown who they
 * are. Bytes count as they come: what is only announced takes nothing. The beginnings of bodies, which are all there is of an
 * ordinary webhook, have a budget of their own, so that large ones never keep a STOP out.
 */
export interface BodyLimits {
  readonly beginnings: Budget;
  readonly rest: Budget;
}

interface Budget {
  readonly totalBytes: number;
  readonly perNetworkBytes: number;
}

const budget: Budget = { totalBytes: 64 * 1024 * 1024, perNetworkBytes: 32 * 1024 * 1024 };
export const bodyLimits: BodyLimits = { beginnings: budget, rest: budget };

const beginningBytes = 64 * 1024;

/** Makes readers of raw bodies that share one budget: a reader takes bodies of at most so many bytes. */
export function createBodyReaders(limits: BodyLimits): (mostBytes: number) => RequestHandler {
  const beginnings = createAccount(limits.beginnings);
  const rest = createAccount(limits.rest);

  return (mostBytes) => (request, response, next) => {
    // Signatures are made over the bytes as they travel: what is packed is refused, not unpacked.
    if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
      answerUnread(response, 415, 'packed', 'Send the body as it is, without content-encoding.');
      return;
    }
    if (Number(request.headers['content-length'] ?? 0) > mostBytes) {
      answerUnread(response, 413, 'too_large', tooLarge(mostBytes));
      return;
    }
    const network = networkOf(request.socket.remoteAddress ?? '');
    const chunks: Buffer[] = [];
    let size = 0;
    const beginning = (bytes: number): number => Math.min(bytes, beginningBytes);
    const release = (): void => {
      beginnings.give(network, beginning(size));
      rest.give(network, size - beginning(size));
      chunks.length = 0;
      size = 0;
    };
    response.once('close', release);

    const stop = (): void => {
      request.off('data', take).off('end', done);
      release();
    };
    const take = (chunk: Buffer): void => {
      const after = size + chunk.length;
      if (after > mostBytes) {
        stop();
        answerUnread(response, 413, 'too_large', tooLarge(mostBytes));
        return;
      }
      const first = beginning(after) - beginning(size);
      const further = chunk.length - first;
      if (!beginnings.take(network, first)) return busy();
      if (!rest.take(network, further)) {
        beginnings.give(network, first);
        return busy();
      }
      size = after;
      chunks.push(chunk);
    };
    const busy = (): void => {
      stop();
      response.set('Retry-After', '1');
      answerUnread(response, 503, 'too_busy', 'Too much is being received just now. Send it again.');
    };
    const done = (): void => {
      request.body = Buffer.concat(chunks);
      next();
    };
    request.on('data', take).once('end', done);
  };
}

function createAccount({ totalBytes, perNetworkBytes }: Budget) {
  let total = 0;
  const byNetwork = new Map<string, number>();
  return {
    take(network: string, bytes: number): boolean {
      const ofNetwork = byNetwork.get(network) ?? 0;
      if (bytes > 0 && (total + bytes > totalBytes || ofNetwork + bytes > perNetworkBytes)) return false;
      total += bytes;
      byNetwork.set(network, ofNetwork + bytes);
      return true;
    },
    give(network: string, bytes: number): void {
      total -= bytes;
      const left = (byNetwork.get(network) ?? 0) - bytes;
      if (left > 0) byNetwork.set(network, left);
      else byNetwork.delete(network);
    },
  };
}

/** Whoever has an address of IPv6 has the other 2^64 beside it. */
function networkOf(address: string): string {
  if (!ipaddr.isValid(address)) return address;
  const parsed = ipaddr.process(address);
  return parsed.kind() === 'ipv4' ? parsed.toString() : parsed.toByteArray().slice(0, 8).join('.');
}
