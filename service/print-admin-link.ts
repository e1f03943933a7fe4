import { systemClock } from '@sangam/core/clock';
import { migrate, openStore, reachDatabase, serviceWorkspaceId } from '@sangam/core/store';
import { makeAdminLink } from './admin-link.ts';
import { readConfig } from './config.ts';
import { openEmbeddedDatabase } from './database/index.ts';
import { createSessions } from './sessions.ts';
import { liveWorkspaceId, sandboxWorkspaceId } from './workspaces.ts';

/** `npm run admin-link [-- --operator]`: another link, without a restart and on no log. */
async function main(): Promise<void> {
  const config = readConfig(process.env);
  const operator = process.argv.includes('--operator');
  const embedded = config.databaseUrl === undefined ? await openEmbeddedDatabase(config.dataDir) : undefined;
  const databaseUrl = config.databaseUrl ?? embedded?.url ?? '';
  try {
    await reachDatabase(databaseUrl, { patienceMs: 0, onAway: () => undefined });
    await migrate(databaseUrl);
    const store = openStore(databaseUrl, { maxConnections: 2 });
    try {
      const workspaceId = operator
        ? serviceWorkspaceId
        : config.live === undefined
          ? sandboxWorkspaceId
          : liveWorkspaceId;
      const known = await store.transact(workspaceId, (trx) =>
        trx
          .selectFrom('workspaces')
          .select('name')
          .where('workspace_id', '=', workspaceId)
          .executeTakeFirst(),
      );
      if (known === undefined) {
        throw new Error(
          'This database knows no such workspace yet: start Sangam once, with the same settings.',
        );
      }
      const sessions = createSessions(store, systemClock);
      const publicUrl = config.publicUrl ?? `http://localhost:${String(config.port)}`;
      const link = await makeAdminLink({ store, sessions, publicUrl }, workspaceId, config.adminEmail);
      process.stdout.write(`${link}\n`);
    } finally {
      await store.close();
    }
  } finally {
    await embedded?.stopIfLast();
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
