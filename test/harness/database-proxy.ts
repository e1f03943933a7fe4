import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** The way to a PostgreSQL, which may be cut or go silent in the middle of anything. */
export interface DatabaseProxy {
  /** The database's URL by this way; it stays when the server behind it moves. */
  readonly url: string;
  /** New connections go to this server from here on. */
  lead(to: string): void;
  /** Cuts what is open. */
  cutAll(): void;
  /** What is open never hears anything again, nor is it cut; what is opened hears nothing either, until `answer`. */
  silence(): void;
  /** What is opened from here on is answered. */
  answer(): void;
  close(): void;
}

export async function openDatabaseProxy(database: string): Promise<DatabaseProxy> {
  const open = new Set<Socket>();
  const piped = new Set<Socket>();
  let target = new URL(database);
  let silent = false;
  const server = createServer((client) => {
    hold(client);
    if (silent) {
      client.pause();
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    hold(upstream);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      piped.add(from);
      from.pipe(to);
      from.on('close', () => {
        if (piped.has(from)) to.destroy();
      });
    }
  });
  const hold = (socket: Socket): void => {
    open.add(socket);
    socket.on('close', () => open.delete(socket));
    socket.on('error', () => socket.destroy());
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const url = new URL(database);
  url.hostname = '127.0.0.1';
  url.port = String(typeof address === 'object' && address !== null ? address.port : 0);
  const cutAll = (): void => {
    for (const socket of open) socket.destroy();
  };
  return {
    url: url.href,
    lead(to) {
      target = new URL(to);
    },
    cutAll,
    silence() {
      silent = true;
      for (const socket of piped) socket.unpipe().pause();
      piped.clear();
    },
    answer() {
      silent = false;
    },
    close() {
      server.close();
      cutAll();
    },
  };
}
