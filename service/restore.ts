import { createReadStream } from 'node:fs';
import { migrate, restoreBackup } from '@sangam/core/store';
import { onDatabase } from './database-command.ts';

/** `npm run restore -- FILE`: into an empty database of the same version, all of it or nothing. */
await onDatabase(
  async (databaseUrl) => {
    const [file] = process.argv.slice(2);
    if (file === undefined) throw new Error('Name the file to read: npm run restore -- sangam.backup');
    await migrate(databaseUrl);
    const { tables, madeAt, paused } = await restoreBackup(databaseUrl, createReadStream(file));
    process.stdout.write(
      `${String(tables)} tables stand as they were at ${madeAt}.\n` +
        `${String(paused)} connections that wrote to a CRM are in shadow: when the installation they come from has ended, ` +
        'set each to live again (docs/operations.md, Connections).\n' +
        'Start Sangam with the SECRETS_KEY of then: it is not in the backup.\n',
    );
  },
  { mayMake: true },
);
