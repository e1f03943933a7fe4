import { systemClock } from '@sangam/core/clock';
import { mustBeMigrated, openStore, serviceWorkspaceId, workspaceExists } from '@sangam/core/store';
import { makeAdminLink } from './members/admin-link.ts';
import { readCommandLine } from './command-line.ts';
import { onDatabase, runCommand } from './database-command.ts';
import { createSessions } from './members/sessions.ts';
import { liveWorkspaceId, sandboxWorkspaceId } from './workspaces.ts';

/** `npm run admin-link [-- --operator]`: another link, without a restart and on no log. */
await runCommand(async () => {
  const { values } = readCommandLine('npm run admin-link [-- --operator]', { operator: { type: 'boolean' } });
  await onDatabase(async (databaseUrl, config) => {
    await mustBeMigrated(databaseUrl);
    const store = openStore(databaseUrl, { maxConnections: 2 });
    try {
      const named = config.live === undefined ? sandboxWorkspaceId : liveWorkspaceId;
      const workspaceId = values.operator === true ? serviceWorkspaceId : named;
      if (!(await store.transact(workspaceId, workspaceExists))) {
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
  });
});
