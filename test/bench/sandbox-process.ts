import { once } from 'node:events';
import { createServer } from 'node:http';
import { createSandbox, SandboxClock } from '@sangam/sandbox';
import type { SandboxParties } from '@sangam/service';
import express from 'express';

/** A sandbox to be written to by a service under measurement. argv: its parties, as JSON. */
const parties = JSON.parse(process.argv[2] ?? '{}') as SandboxParties;
const app = express();
const server = createServer(app);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const address = server.address();
const host = `127.0.0.1:${String(typeof address === 'object' && address !== null ? address.port : 0)}`;
const sandbox = await createSandbox({
  clock: new SandboxClock(),
  ownHosts: () => [host],
  access: { admits: async () => true },
  whatsapp: { ...parties.whatsapp, webhookUrl: () => 'http://127.0.0.1:9' },
  crms: parties.crms,
  rules: {
    // Nothing is told back: what answers and statuses cost is measured elsewhere.
    whatsapp: { throughputPerSecond: 0, pairBurst: 0, autoStatuses: 'none' },
    hubspot: { rateLimitMax: 0, searchLimitMax: 0 },
    zoho: { creditsMax: 0, concurrencyMax: 0 },
  },
});
app.use('/sandbox', sandbox.router);
process.send?.(`http://${host}/sandbox`);
