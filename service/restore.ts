import { open } from 'node:fs/promises';
import path from 'node:path';
import { restoreBackup } from '@sangam/core/store';
import { readCommandLine } from './command-line.ts';
import { onDatabase, runCommand } from './database-command.ts';
import { openNamed } from './file-problem.ts';

/** `npm run restore -- FILE`: into an empty database of the same version, all of it or nothing. */
await runCommand(async () => {
  const { positionals } = readCommandLine('npm run restore -- FILE, such as sangam.backup', {}, 1);
  const file = path.resolve(...positionals);
  await using handle = await openNamed(file, 'read', () => open(file));
  await onDatabase(
    async (databaseUrl, _config, signal) => {
      const { tables, madeAt, paused } = await restoreBackup(databaseUrl, handle.createReadStream(), signal);
      process.stdout.write(
        `${String(tables)} tables stand as they were at ${madeAt}.\n` +
          `${String(paused)} connections that wrote to a CRM are in shadow: when the installation they come from has ended, ` +
          'set each to live again (docs/operations.md, Connections).\n' +
          'Nothing is sent to WhatsApp before each workspace is let go on (docs/sending.md).\n' +
          'Start Sangam with the SECRETS_KEY of then (or DATA_DIR/secrets.key): it is not in the backup.\n',
      );
    },
    { mayMake: true },
  );
});
