import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';

/** Where the process listens. */
export interface Listening {
  readonly port: number;
  /** Takes no more requests; those under way get `graceMs`, then their connections are cut. */
  close(graceMs: number): Promise<void>;
}

/** A request that is not there whole by then is answered 408 and its connection closed. */
const deadlines = { headersTimeout: 15_000, requestTimeout: 30_000, connectionsCheckingInterval: 5_000 };

/** What a machine without IPv6 says of `::1`. */
const noSuchAddress = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT']);
/** A port the system chose on one loopback may be taken on the other. */
const mostTries = 10;

/** `localhost` is both loopbacks, on one port. Throws EADDRINUSE as Node does. */
export async function listen(answer: RequestListener, host: string, port: number): Promise<Listening> {
  const hosts = host === 'localhost' ? ['127.0.0.1', '::1'] : [host];
  for (let tries = 1; ; tries += 1) {
    const servers: Server[] = [];
    try {
      let chosen = port;
      for (const one of hosts) {
        const server = createServer(deadlines, answer);
        if (await listensOn(server, one, chosen)) servers.push(server);
        chosen = portOf(servers[0]) ?? port;
      }
      return { port: chosen, close: (graceMs) => closeAll(servers, graceMs) };
    } catch (error) {
      await closeAll(servers, 0);
      if (port !== 0 || tries === mostTries) throw error;
    }
  }
}

/** What opens it from this machine. */
export function addressOf(host: string, port: number): string {
  const everywhere = host === '0.0.0.0' || host === '::';
  const name = everywhere ? 'localhost' : host.includes(':') ? `[${host}]` : host;
  return `http://${name}:${String(port)}`;
}

async function listensOn(server: Server, host: string, port: number): Promise<boolean> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
    return true;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (host === '::1' && noSuchAddress.has(code)) return false;
    throw error;
  }
}

function portOf(server: Server | undefined): number | undefined {
  const address = server?.address();
  return typeof address === 'object' && address !== null ? address.port : undefined;
}

async function closeAll(servers: readonly Server[], graceMs: number): Promise<void> {
  const closed = Promise.all(servers.map((server) => once(server, 'close')));
  for (const server of servers) {
    server.close();
    server.closeIdleConnections();
  }
  const grace = setTimeout(() => {
    for (const server of servers) server.closeAllConnections();
  }, graceMs);
  await closed;
  clearTimeout(grace);
}
