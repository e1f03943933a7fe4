import { randomBytes } from 'node:crypto';
import { pino } from 'pino';
import { crms } from '@sangam/connectors/registry';
import { systemClock } from '@sangam/core/clock';
import { ensureMember } from '@sangam/core/store';
import { createOwnNumberReader, createSecretBox, createService } from '@sangam/service';

/**
 * One service process to be measured. Told by its parent what to do, tells it what that cost:
 * argv: database URL, secrets key in base64, `work` to apply as well, sandbox URL or `-`.
 */
const [databaseUrl = '', key = '', work = '', sandboxUrl = '-'] = process.argv.slice(2);

const sandbox = (): Promise<string | undefined> =>
  Promise.resolve(sandboxUrl === '-' ? undefined : sandboxUrl);
const service = createService({
  databaseUrl,
  host: '127.0.0.1',
  port: 0,
  publicUrl: undefined,
  graphVersion: 'v26.0',
  metrics: {},
  crms,
  retention: { deadLetterContents: 180, keptEvents: 400, occurrences: 400, audit: 2_555 },
  box: createSecretBox([key === '' ? randomBytes(32) : Buffer.from(key, 'base64')]),
  clock: systemClock,
  // The engine is measured, not the vendors' limits: HubSpot's alone would end at ten calls a second.
  crmLimits: {
    api: { kind: 'rolling', calls: 1_000_000, perMs: 10_000 },
    search: { kind: 'rolling', calls: 1_000_000, perMs: 10_000 },
    'at once': { kind: 'concurrent', most: 1_000 },
    credits: {
      kind: 'budget',
      tokens: 1_000_000_000,
      renewed: 'a day later',
      reserves: { pressing: 0.25, consent: 0.1 },
    },
  },
  logger: pino({ level: 'warn' }, pino.destination(2)),
  // None comes.
  media: { dataDir: './data', bucket: undefined },
  sandboxUrl: sandbox,
  readOwnNumber: createOwnNumberReader({ version: 'v26.0', sandboxUrl: sandbox }),
});
await service.listen();
await service.store.findDue();
if (work === 'work') service.startWork();

/** A session of an admin of this workspace. */
async function sessionIn(workspaceId: string): Promise<string | undefined> {
  const memberId = await service.store.transact(workspaceId, (trx) =>
    ensureMember(trx, { email: 'bench@example.com', role: 'admin', now: Date.now() }),
  );
  return service.sessions.enter(await service.sessions.makeLink(workspaceId, memberId));
}

process.on('message', (question: string | { readonly sessionIn: string }) => {
  if (typeof question === 'object') {
    void sessionIn(question.sessionIn).then((session) => process.send?.({ session }));
  }
  if (question === 'work') service.startWork();
  if (question === 'usage') {
    const { user, system } = process.cpuUsage();
    const rssMb = process.memoryUsage.rss() / 2 ** 20;
    globalThis.gc?.();
    process.send?.({
      cpuMs: (user + system) / 1000,
      rssMb,
      heapMb: process.memoryUsage().heapUsed / 2 ** 20,
    });
  }
});
process.send?.({ url: service.url() });
