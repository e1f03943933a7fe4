import type { IncomingMessage } from 'node:http';
import type { RequestHandler } from 'express';
import { noteAdmission } from './admission.ts';
import { refuse, send } from './http.ts';

/** Who the sandbox answers, as its host says. */
export interface SandboxAccess {
  /**
   * Whether whoever asks may use what the vendors themselves do not have: facts, controls, records as a user sees them, the
   * phone, the page where an app is agreed to.
   */
  readonly admits: (request: IncomingMessage) => Promise<boolean>;
  /** Why nobody is answered at all, whatever they present; undefined: it is open. */
  readonly closed?: () => string | undefined;
}

/**
 * Lets through only this machine speaking to us by our own name, no page of another origin, and nothing that came by way of
 * a proxy. A bare proxy on this machine looks like this machine: what is not the vendors' own therefore wants admission.
 */
export function guard(ownHosts: () => readonly string[], access: SandboxAccess): RequestHandler {
  return (request, response, next) => {
    const reason = access.closed?.() ?? reasonToRefuse(request, ownHosts());
    if (reason !== undefined) {
      send(response, refuse(403, 'not_from_here', reason));
      return;
    }
    noteAdmission(response, () => access.admits(request));
    next();
  };
}

/** Headers by which a proxy says that it passed a request on. */
const forwarding =
  /^(forwarded|via|x[-_]forwarded[-_].*|x-(real|proxyuser)-ip|x-original-.*|x-scheme|x-envoy-.*|x-amzn-.*|x-arr-.*|(.+-)?client-?ip|x-vercel-.*|x-appengine-.*|x-azure-.*|fastly-.*|cf-.*|cdn-loop|front-end-https)$/;

/** The socket's own address is asked: a forwarding header is anybody's claim. */
function reasonToRefuse(request: IncomingMessage, ownHosts: readonly string[]): string | undefined {
  const { host = '', origin } = request.headers;
  if (!isLoopback(request.socket.remoteAddress)) return 'The sandbox answers only this machine.';
  if (Object.keys(request.headers).some((name) => forwarding.test(name))) {
    return 'The sandbox answers nothing that came by way of a proxy.';
  }
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
