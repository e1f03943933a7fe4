import { rename } from 'node:fs/promises';
import { writeBackup } from '@sangam/core/store';
import { openPrivateFile } from './database/index.ts';
import { onDatabase } from './database-command.ts';

/** `npm run backup -- FILE`: everything one snapshot of the database holds, while the service runs. */
await onDatabase(async (databaseUrl) => {
  const [file] = process.argv.slice(2);
  if (file === undefined) throw new Error('Name the file to write: npm run backup -- sangam.backup');
  // It gets its name when it is whole.
  const unfinished = `${file}.unfinished`;
  const { tables, madeAt } = await writeBackup(
    databaseUrl,
    (await openPrivateFile(unfinished)).createWriteStream(),
  );
  await rename(unfinished, file);
  process.stdout.write(
    `${String(tables)} tables as they were at ${madeAt} are in ${file}.\n` +
      'Its secrets are sealed: SECRETS_KEY (or DATA_DIR/secrets.key) is not in it. Keep that apart, or they are lost.\n',
  );
});
