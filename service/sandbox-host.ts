import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import pg from 'pg';
import type { Logger } from 'pino';
import { createSandbox, type Sandbox, type SandboxClock } from '@sangam/sandbox';
import type { Service } from './service.ts';
import type { SandboxParties } from './workspaces.ts';

/** Runs the sandbox in one of the processes that share a data folder; when that one ends, another takes it over. */
export interface SandboxHost {
  /** Where the sandbox is now, in whichever process. */
  url(): Promise<string | undefined>;
  /** Resolves once some process runs the sandbox. */
  start(service: Service, parties: SandboxParties): Promise<void>;
  stop(): Promise<void>;
}

/** Any number, the same in every process. */
const sandboxLock = 730_151_042;
const takeOverEveryMs = 1_000;

export function createSandboxHost(options: {
  databaseUrl: string;
  dataDir: string;
  clock: SandboxClock;
  logger: Logger;
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
    holder = client;
    await mkdir(folder, { recursive: true });
    const port = new URL(service.url()).port;
    sandbox = await createSandbox({
      clock: options.clock,
      dataDir: folder,
      ownHosts: () => [`127.0.0.1:${port}`, `localhost:${port}`],
      whatsapp: {
        ...parties.whatsapp,
        accessToken: parties.hubspot.accessToken,
        webhookUrl: () => `${service.url()}/webhooks/whatsapp/${parties.whatsapp.channelId}`,
      },
      hubspot: {
        accessToken: parties.hubspot.accessToken,
        clientId: parties.hubspot.clientId,
        clientSecret: parties.hubspot.clientSecret,
        webhookUrl: () => `${service.publicUrl()}/webhooks/hubspot/${parties.hubspot.connectionId}`,
      },
    });
    service.mountSandbox(sandbox.router);
    await writeFile(urlFile, `${service.url()}/sandbox`);
  };

  return {
    url,
    async start(service, parties) {
      const look = async (): Promise<void> => {
        try {
          await takeOver(service, parties);
        } catch (error) {
          options.logger.warn({ err: error }, 'the sandbox could not be started; trying again');
        }
        if (sandbox === undefined) timer = setTimeout(() => void look(), takeOverEveryMs);
      };
      await look();
    },
    async stop() {
      clearTimeout(timer);
      await sandbox?.close();
      await holder?.end();
    },
  };
}
