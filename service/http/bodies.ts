import express, { type RequestHandler } from 'express';
import { answerUnread, tooLarge } from './errors.ts';

/**
 * What bodies may take of this process at once, whoever sends them, before anybody has shown who they are. Ordinary webhooks
 * of a few kilobytes never come near.
 */
export interface BodyLimits {
  readonly totalBytes: number;
  readonly perAddressBytes: number;
}

export const bodyLimits: BodyLimits = { totalBytes: 64 * 1024 * 1024, perAddressBytes: 32 * 1024 * 1024 };

/** Makes readers of raw bodies that share one budget: a reader takes bodies of at most so many bytes. */
export function createBodyReaders(limits: BodyLimits): (mostBytes: number) => RequestHandler[] {
  let total = 0;
  const byAddress = new Map<string, number>();

  const reserving =
    (mostBytes: number): RequestHandler =>
    (request, response, next) => {
      const told = request.headers['content-length'];
      // One that does not say how long it is may be as long as any.
      const bytes = told === undefined ? mostBytes : Number(told);
      if (bytes > mostBytes) {
        answerUnread(response, 413, 'too_large', tooLarge(mostBytes));
        return;
      }
      const address = request.socket.remoteAddress ?? '';
      const ofAddress = byAddress.get(address) ?? 0;
      if (total + bytes > limits.totalBytes || ofAddress + bytes > limits.perAddressBytes) {
        response.set('Retry-After', '1');
        answerUnread(response, 503, 'too_busy', 'Too much is being received just now. Send it again.');
        return;
      }
      total += bytes;
      byAddress.set(address, ofAddress + bytes);
      response.once('close', () => {
        total -= bytes;
        const left = (byAddress.get(address) ?? 0) - bytes;
        if (left > 0) byAddress.set(address, left);
        else byAddress.delete(address);
      });
      next();
    };

  // Signatures are made over the bytes as they travel: what is packed is refused, not unpacked.
  return (mostBytes) => [
    reserving(mostBytes),
    express.raw({ type: () => true, limit: mostBytes, inflate: false }),
  ];
}
