import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { refuse, send } from './http.ts';

/** Lets through only this machine speaking to us by our own name, and no page of another origin. design.md §4. */
export function guard(ownHosts: () => readonly string[]): RequestHandler {
  return (request, response, next) => {
    const reason = reasonToRefuse(request, ownHosts());
    if (reason === undefined) next();
    else send(response, refuse(403, 'not_from_here', reason));
  };
}

/** The socket's own address is asked: a forwarding header is anybody's claim. */
function reasonToRefuse(request: IncomingMessage, ownHosts: readonly string[]): string | undefined {
  const { host = '', origin } = request.headers;
  if (!isLoopback(request.socket.remoteAddress)) return 'The sandbox answers only this machine.';
  if (!ownHosts.includes(host.toLowerCase())) {
    return `The Host header must be one of ${ownHosts.join(', ')}.`;
  }
  if (origin !== undefined && !ownHosts.some((own) => origin.toLowerCase() === `http://${own}`)) {
    return 'The sandbox answers no page of another origin.';
  }
  return undefined;
}

function isLoopback(address: string | undefined): boolean {
  return address !== undefined && (address === '::1' || /^(::ffff:)?127\./.test(address));
}
