import type { RequestHandler } from 'express';

const loopback: ReadonlySet<string> = new Set(['127.0.0.1', '::1', '::ffff:127.0.0.1']);

/**
 * The sandbox answers this machine only: a loopback caller, our own Host, no foreign Origin. So neither the network
 * nor a page in this machine's browser can reach it.
 */
export function guard(ownHosts: () => readonly string[]): RequestHandler {
  return (request, response, next) => {
    const refuse = (reason: string): void => {
      response.status(403).json({ error: { code: 'sandbox_guard', message: reason } });
    };
    const hosts = ownHosts();
    const origin = request.get('origin');
    if (!loopback.has(request.socket.remoteAddress ?? '')) refuse('The sandbox answers this machine only.');
    else if (!hosts.includes(request.get('host') ?? '')) refuse(`The sandbox answers only as ${hosts.join(' or ')}.`);
    else if (origin !== undefined && !hosts.some((host) => origin === `http://${host}`)) {
      refuse('The sandbox does not answer pages of other origins.');
    } else next();
  };
}
