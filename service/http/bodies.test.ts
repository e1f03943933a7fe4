import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import express from 'express';
import { expect, onTestFinished, test } from 'vitest';
import { bodyLimits, createBodyReaders, type BodyLimits } from './bodies.ts';

/** What bodies under way may take together. The server cuts none off, however slowly they come. */

const megabyte = 2 ** 20;

/** A server that reads bodies of at most 4 MB, and how many bytes have come to it, read or not. */
async function serve(limits: BodyLimits) {
  let came = 0;
  let over = 0;
  const changed = new EventTarget();
  const tell = (): boolean => changed.dispatchEvent(new Event('change'));
  const reader = createBodyReaders(limits)(4 * megabyte);
  const app = express();
  app.use((request, response, next) => {
    request.on('data', (chunk: Buffer) => {
      came += chunk.length;
      tell();
    });
    next();
    // After the reader's own.
    response.once('close', () => {
      if (request.headers['x-held'] !== undefined) over += 1;
      tell();
    });
  });
  app.post('/', reader, (_request, response) => void response.end());
  const server = createServer({ requestTimeout: 0 }, app);
  server.listen(0);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
  const when = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await once(changed, 'change');
  };

  return {
    /** Bodies of which all but the last byte has come. */
    hold: async (amount: number, bytes: number, host = '127.0.0.1') => {
      const before = came;
      const sockets = await Promise.all(
        Array.from({ length: amount }, async () => {
          const socket = connect(port, host);
          socket.on('error', () => undefined);
          socket.resume();
          await once(socket, 'connect');
          const pad = 'x'.repeat(8_000);
          const head = `POST / HTTP/1.1\r\nHost: localhost\r\nX-Held: ${pad}\r\nContent-Length: ${String(bytes)}\r\n\r\n`;
          // As one, so that what is read of it at once does not end where a beginning does.
          socket.write(head + 'x'.repeat(bytes - 1));
          return socket;
        }),
      );
      await when(() => came === before + amount * (bytes - 1));
      return { release: () => release(sockets) };
    },
    send: (bytes: number, host = '127.0.0.1') =>
      fetch(`http://${host}:${String(port)}/`, { method: 'POST', body: Buffer.alloc(bytes, 'x') }),
  };

  async function release(sockets: readonly Socket[]): Promise<void> {
    const before = over;
    for (const socket of sockets) socket.destroy();
    await when(() => over === before + sockets.length);
  }
}

test('a large one is told to come again while others fill what a network may take, a STOP passes, and all do when they are gone', async () => {
  const { hold, send } = await serve(bodyLimits);
  // Eight of them fill the half that one network may take but for half a megabyte; the others are refused.
  const held = await hold(12, 4 * megabyte);
  const refused = await send(megabyte);
  expect(refused.status).toBe(503);
  expect(refused.headers.get('retry-after')).toBe('1');
  expect(await refused.text()).toContain('too_busy');
  expect((await send(1_000)).status).toBe(200);
  await held.release();
  expect((await send(megabyte)).status).toBe(200);
});

test('each network has its part, and all together no more than there is', async () => {
  const part = { totalBytes: 5 * megabyte, perNetworkBytes: 3 * megabyte };
  const { hold, send } = await serve({ beginnings: part, rest: part });
  const held = await hold(1, 3 * megabyte);
  expect((await send(megabyte)).status).toBe(503);
  expect((await send(megabyte, '[::1]')).status).toBe(200);
  expect((await send(3 * megabyte, '[::1]')).status).toBe(503);
  await held.release();
  expect((await send(3 * megabyte, '[::1]')).status).toBe(200);
});

test('beginnings are bounded as well', async () => {
  const little = { totalBytes: 100_000, perNetworkBytes: 100_000 };
  const { hold, send } = await serve({ beginnings: little, rest: bodyLimits.rest });
  const held = await hold(2, 50_000);
  expect((await send(1_000)).status).toBe(503);
  await held.release();
  expect((await send(1_000)).status).toBe(200);
});

test('what is refused takes nothing', async () => {
  const [little, none] = [
    { totalBytes: 100_000, perNetworkBytes: 100_000 },
    { totalBytes: 0, perNetworkBytes: 0 },
  ];
  const { hold, send } = await serve({ beginnings: little, rest: none });
  for (let time = 0; time < 20; time += 1) await hold(1, 150_000);
  expect((await send(65_000)).status).toBe(200);
});
