import { execFile, spawn } from 'node:child_process';
import { chown } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * How PostgreSQL's programs are run. As root they refuse to; then they run as the system user `postgres`, which is
 * made when there is none.
 */
export interface Runner {
  /** Runs to the end; rejects with what the program said. */
  run(program: string, args: readonly string[]): Promise<void>;
  /** Gives files and folders to the user the database runs as. */
  give(...files: readonly string[]): Promise<void>;
}

interface User {
  readonly uid: number;
  readonly gid: number;
}

const userName = 'postgres';

/** `home`: the folder the programs work in; `program`: one of them. */
export async function createRunner(home: string, program: string): Promise<Runner> {
  if (process.getuid?.() !== 0) {
    return { run: (name, args) => collect(name, args), give: () => Promise.resolve() };
  }
  const user = await postgresUser();
  const closed = await closedFolder(user, [path.dirname(program), path.dirname(home)]);
  const rights = closed === undefined ? undefined : await rightsToPass(user, closed);
  return {
    run: (name, args) =>
      rights === undefined ? collect(name, args, user) : collect('setpriv', [...rights, name, ...args]),
    async give(...files) {
      for (const file of files) await chown(file, user.uid, user.gid);
    },
  };
}

async function postgresUser(): Promise<User> {
  return idsOf().catch(async () => {
    try {
      await run('useradd', [
        '--system',
        '--user-group',
        '--no-create-home',
        '--shell',
        '/bin/false',
        userName,
      ]);
      return await idsOf();
    } catch (cause) {
      throw new Error(
        `PostgreSQL does not run as root, and no user ${userName} could be made for it: ` +
          `add one, start Sangam as another user, or set DATABASE_URL to a PostgreSQL of yours.`,
        { cause },
      );
    }
  });
}

async function idsOf(): Promise<User> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map(async (kind) => run('id', [kind, userName])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}

/** The first of the folders that the user may not enter. */
async function closedFolder(user: User, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const entered = await collect('test', ['-x', folder], user).then(
      () => true,
      () => false,
    );
    if (!entered) return folder;
  }
  return undefined;
}

/**
 * A clone in a folder only root may enter, as `mktemp -d` makes it, is out of the postgres user's reach. There the
 * programs keep one of root's rights, to pass closed folders, by setpriv (util-linux).
 */
async function rightsToPass({ uid, gid }: User, closed: string): Promise<readonly string[]> {
  const rights = [
    `--reuid=${String(uid)}`,
    `--regid=${String(gid)}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    // initdb asks access(2) for the other programs, and that leaves rights out for every user but root without this.
    '--securebits=+no_setuid_fixup',
  ];
  try {
    await collect('setpriv', [...rights, 'test', '-x', closed]);
    return rights;
  } catch (cause) {
    throw new Error(
      `PostgreSQL does not run as root, and its user ${userName} may not enter ${closed}. ` +
        `Either let it pass (chmod o+x on that folder and those above it), ` +
        `or set DATABASE_URL to a PostgreSQL of yours.`,
      { cause },
    );
  }
}

/** Its own session: what it starts outlives us and hears none of our signals. */
function collect(program: string, args: readonly string[], user?: User): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      ...user,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
    });
    let said = '';
    const hear = (chunk: Buffer): void => void (said += chunk.toString());
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    // The server writes to its log, so it does not hold these pipes open.
    child.on('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(said.trim() === '' ? `${program} ended with ${String(code)}` : said.trim()));
    });
  });
}
