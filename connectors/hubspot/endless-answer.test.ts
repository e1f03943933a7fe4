import { setTimeout as wait } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { serve } from './test-server.ts';
import { createTransport } from './transport.ts';

// Issue 8, item 3: nobody waits for it any longer, but it goes on and fills the memory.
test.fails('an answer without end is cut at the call’s deadline', async () => {
  let over = false;
  const basePath = await serve(async (_request, response) => {
    response.on('close', () => (over = true));
    response.writeHead(200, { 'content-type': 'application/json' });
    while (!response.destroyed) {
      response.write(' ');
      await wait(20);
    }
  });
  const transport = createTransport(basePath, 200);
  await expect(transport.send({ method: 'GET', path: '/' }, 'token')).rejects.toMatchObject({
    code: 'timeout',
  });
  await vi.waitFor(() => expect(over).toBe(true), { timeout: 2_000 });
});
