import { rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeBackup } from '@sangam/core/store';
import { readCommandLine } from './command-line.ts';
import { onDatabase, runCommand } from './database-command.ts';
import { openPrivateFile } from './database/index.ts';
import { fileProblem, openNamed } from './file-problem.ts';

/** `npm run backup -- FILE`: everything one snapshot of the database holds, while the service runs. */
await runCommand(async () => {
  const { positionals } = readCommandLine('npm run backup -- FILE, such as sangam.backup', {}, 1);
  const file = path.resolve(...positionals);
  // It gets its name when it is whole.
  const unfinished = `${file}.unfinished`;
  await using handle = await openNamed(file, 'written', () => openPrivateFile(unfinished));
  try {
    await onDatabase(async (databaseUrl, _config, signal) => {
      const target = handle.createWriteStream();
      const { tables, madeAt } = await writeBackup(databaseUrl, target, signal).catch((error: unknown) => {
        // Such as a full disk, the database's apart.
        throw error === target.errored ? fileProblem(error, file, 'written') : error;
      });
      await rename(unfinished, file);
      process.stdout.write(
        `${String(tables)} tables as they were at ${madeAt} are in ${file}.\n` +
          'Its secrets are sealed: SECRETS_KEY (or DATA_DIR/secrets.key) is not in it. Keep that apart, or they are lost.\n' +
          'Media are not in it: copy DATA_DIR/media, or the bucket MEDIA_S3_BUCKET names, beside it.\n',
      );
    });
  } catch (error) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    throw error;
  }
});
