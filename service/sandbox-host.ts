import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import type { Logger } from 'pino';
import { createSandbox, type Sandbox, type SandboxClock } from '@sangam/sandbox';
import { isLoopback } from '@sangam/core/loopback';
import { isBearer } from './secrets/same-secret.ts';
import type { Service } from './service.ts';
import type { Member } from './members/sessions.ts';
import type { SandboxParties } from './workspaces.ts';

/** Runs the sandbox in one of the processes that share a data folder; when that one ends, another takes it over. */
export interface SandboxHost {
  /** Where the sandbox is now, in whichever process. */
  url(): Promise<string | undefined>;
  /** Resolves once this process or another runs the sandbox; throws where this one should and cannot. */
  start(service: Service, parties: SandboxParties): Promise<void>;
  stop(): Promise<void>;
}

function isAdminOf(workspaceId: string, member: Member | undefined): boolean {
  return member?.workspaceId === workspaceId && member.role === 'admin';
}

/** Any number, the same in every process. */
const sandboxLock = 730_151_042;
const takeOverEveryMs = 1_000;

export function createSandboxHost(options: {
  databaseUrl: string;
  dataDir: string;
  clock: SandboxClock;
  logger: Logger;
  /** Opens what is not the vendors' own, beside the session of the sandbox workspace's admins. */
  token: string;
}): SandboxHost {
  const folder = path.join(options.dataDir, 'sandbox');
  const urlFile = path.join(folder, 'url');
  let holder: pg.Client | undefined;
  let sandbox: Sandbox | undefined;
  let timer: NodeJS.Timeout | undefined;

  const url = async (): Promise<string | undefined> => readFile(urlFile, 'utf8').catch(() => undefined);

  const takeOver = async (service: Service, parties: SandboxParties): Promise<void> => {
    // The lock lives as long as this connection: it falls to another process when this one dies.
    const client = new pg.Client({
      connectionString: options.databaseUrl,
      application_name: 'sandbox seat',
    });
    client.on('error', (error) => options.logger.warn({ err: error }, 'the sandbox lost its lock'));
    await client.connect();
    const { rows } = await client.query<{ locked: boolean }>('select pg_try_advisory_lock($1) as locked', [
      sandboxLock,
    ]);
    if (rows[0]?.locked !== true) {
      await client.end();
      return;
    }
    try {
      await openSandbox(service, parties);
      holder = client;
    } catch (error) {
      // Another process may fare better.
      await client.end();
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`The sandbox could not be opened in ${folder}: ${why}`, { cause: error });
    }
  };

  const openSandbox = async (service: Service, parties: SandboxParties): Promise<void> => {
    await mkdir(folder, { recursive: true });
    await writeFile(urlFile, `${service.url()}/sandbox`);
    const port = new URL(service.url()).port;
    const opened = await createSandbox({
      clock: options.clock,
      dataDir: folder,
      ownHosts: () => [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`],
      access: {
        admits: async (request) =>
          isBearer(request.headers, options.token) ||
          isAdminOf(parties.workspaceId, await service.memberAsking(request)),
        closed: () =>
          isLoopback(new URL(service.publicUrl()).hostname)
            ? undefined
            : 'The sandbox is closed while PUBLIC_URL is an address of the world.',
      },
      whatsapp: {
        ...parties.whatsapp,
        webhookUrl: () => `${service.url()}/webhooks/whatsapp/${parties.whatsapp.channelId}`,
      },
      crms: Object.fromEntries(
        Object.entries(parties.crms).map(([crm, { connectionId, ...party }]) => [
          crm,
          { ...party, webhookUrl: () => `${service.publicUrl()}/webhooks/${crm}/${connectionId}` },
        ]),
      ),
    });
    service.mountSandbox(opened.router);
    sandbox = opened;
  };

  return {
    url,
    async start(service, parties) {
      const lookLater = (): void => {
        if (sandbox !== undefined) return;
        timer = setTimeout(() => {
          takeOver(service, parties)
            .catch((error: unknown) =>
              options.logger.warn({ err: error }, 'the sandbox could not be taken over; trying again'),
            )
            .finally(lookLater);
        }, takeOverEveryMs);
      };
      await takeOver(service, parties);
      lookLater();
    },
    async stop() {
      clearTimeout(timer);
      await sandbox?.close();
      await holder?.end();
    },
  };
}
