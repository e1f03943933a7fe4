import { execFile, spawn } from 'node:child_process';
import { chown, mkdir } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * How PostgreSQL's programs are run. As root they refuse to; then they run as the system user `postgres`, which is
 * made when there is none.
 */
export interface Runner {
  /** Runs to the end; rejects with what the program said. */
  run(program: string, args: readonly string[]): Promise<string>;
  /** Gives a folder to the user the database runs as. */
  own(folder: string): Promise<void>;
}

const user = 'postgres';

/** `home`: the folder the programs work in. */
export async function createRunner(home: string): Promise<Runner> {
  if (process.getuid?.() !== 0) {
    return {
      run: (program, args) => collect(program, args),
      own: async (folder) => void (await mkdir(folder, { recursive: true, mode: 0o700 })),
    };
  }
  const { uid, gid } = await postgresUser();
  return {
    run: (program, args) => runAs(uid, gid, home, program, args),
    async own(folder) {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await chown(folder, uid, gid);
    },
  };
}

async function postgresUser(): Promise<{ uid: number; gid: number }> {
  const idOf = async (kind: '-u' | '-g'): Promise<number> => Number((await run('id', [kind, user])).stdout);
  try {
    return { uid: await idOf('-u'), gid: await idOf('-g') };
  } catch {
    await run('useradd', ['--system', '--user-group', '--no-create-home', '--shell', '/bin/false', user]);
    return { uid: await idOf('-u'), gid: await idOf('-g') };
  }
}

/**
 * A clone in a folder only root may enter, as `mktemp -d` makes it, is out of the postgres user's reach. There the
 * programs keep one of root's rights, to pass closed folders, by setpriv (util-linux).
 */
async function runAs(
  uid: number,
  gid: number,
  home: string,
  program: string,
  args: readonly string[],
): Promise<string> {
  const reachable = await run('setpriv', [...plain(uid, gid), 'test', '-x', program, '-a', '-x', home]).then(
    () => true,
    () => false,
  );
  const rights = reachable ? [] : ['--inh-caps=+dac_override', '--ambient-caps=+dac_override'];
  return collect('setpriv', [...plain(uid, gid), ...rights, program, ...args]);
}

function plain(uid: number, gid: number): string[] {
  return [`--reuid=${String(uid)}`, `--regid=${String(gid)}`, '--clear-groups'];
}

/** Its own session and no pipe to us: what it starts outlives us and hears none of our signals. */
function collect(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { detached: true, stdio: ['ignore', 'pipe', 'pipe'], cwd: '/' });
    let said = '';
    const hear = (chunk: Buffer): void => void (said += chunk.toString());
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.on('error', reject);
    // `exit`, not `close`: a server started by the program may hold the pipes open.
    child.on('exit', (code) => {
      child.stdout.destroy();
      child.stderr.destroy();
      if (code === 0) resolve(said);
      else reject(new Error(said.trim() === '' ? `${program} ended with ${String(code)}` : said.trim()));
    });
  });
}
