import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Certificate } from './certificate.ts';

/** The way to a PostgreSQL that takes encrypted connections, as PostgreSQL's protocol asks for them (SSLRequest). */
export async function openEncryptedDatabase(
  database: string,
  certificate: Certificate,
): Promise<{ readonly url: string; close(): void }> {
  const { port, hostname } = new URL(database);
  const open = new Set<Socket>();
  const hold = (socket: Socket): void => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  const server = createServer((socket) => {
    hold(socket);
    socket.once('data', () => {
      socket.write('S');
      const client = new TLSSocket(socket, { isServer: true, ...certificate });
      const upstream = connect(Number(port), hostname);
      hold(client);
      hold(upstream);
      client.pipe(upstream).pipe(client);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(database);
  url.hostname = 'localhost';
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  return {
    url: url.href,
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}
