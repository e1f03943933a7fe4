import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Append, JournalPart } from '../journal.ts';

/** What the installing user agreed to, as the app can prove it. */
export interface Granted {
  readonly refreshToken: string;
  readonly scopes: readonly string[];
  /** The same for all tokens that came of one agreement. */
  readonly family: string;
}

/** What an account has granted the app. Outlives the process; access tokens do not, and are asked for anew. */
export interface Grants {
  readonly journal: JournalPart;
  give(scopes: readonly string[]): Granted;
  of(refreshToken: string): Granted | undefined;
  /** The same agreement under another token, the one before being dead. */
  rotate(grant: Granted): Granted;
  /** Whether the app has any. */
  any(): boolean;
  /** Ends this one alone. */
  revoke(grant: Granted): void;
  /** A dead token was used: which family ended with it, if any. */
  replayed(refreshToken: string): string | undefined;
  /** The customer or the app itself ended them all. */
  end(): void;
  /** Nobody has uninstalled the app since it was first there. */
  installed(): boolean;
}

const entrySchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('given'),
    refreshToken: z.string(),
    scopes: z.array(z.string()),
    family: z.string().optional(),
  }),
  z.object({ kind: z.literal('dead'), refreshToken: z.string() }),
  z.object({ kind: z.literal('ended') }),
]);
type Entry = z.infer<typeof entrySchema>;

/** `remembersDead`: whether the use of a dead token is noticed. `most`: how many live at once. */
export function createGrants(
  name: string,
  append: Append,
  remembersDead: boolean,
  most: number = Infinity,
): Grants {
  const grants = new Map<string, Granted>();
  /** The families of dead tokens. */
  const dead = new Map<string, string>();
  let ended = false;

  const apply = (entry: Entry): void => {
    if (entry.kind === 'given') {
      const { refreshToken, scopes, family = refreshToken } = entry;
      grants.set(refreshToken, { refreshToken, scopes, family });
      ended = false;
    } else if (entry.kind === 'dead') {
      const grant = grants.get(entry.refreshToken);
      if (grant !== undefined && remembersDead) dead.set(entry.refreshToken, grant.family);
      grants.delete(entry.refreshToken);
    } else {
      grants.clear();
      dead.clear();
      ended = true;
    }
  };
  const happen = (entry: Entry): void => {
    apply(entry);
    append(entry);
  };
  const give = (scopes: readonly string[], of?: string): Granted => {
    const refreshToken = `refresh-${randomBytes(24).toString('base64url')}`;
    const family = of ?? refreshToken;
    happen({ kind: 'given', refreshToken, scopes: [...scopes], family });
    const [oldest] = grants.keys();
    if (oldest !== undefined && grants.size > most) happen({ kind: 'dead', refreshToken: oldest });
    return { refreshToken, scopes, family };
  };

  return {
    journal: {
      name,
      replay: (line) => apply(entrySchema.parse(line)),
      *snapshot() {
        if (ended) yield { kind: 'ended' };
        for (const [refreshToken, family] of dead) {
          yield { kind: 'given', refreshToken, scopes: [], family };
          yield { kind: 'dead', refreshToken };
        }
        for (const grant of grants.values()) yield { kind: 'given', ...grant };
      },
    },
    give: (scopes) => give(scopes),
    of: (refreshToken) => grants.get(refreshToken),
    rotate(grant) {
      const next = give(grant.scopes, grant.family);
      happen({ kind: 'dead', refreshToken: grant.refreshToken });
      return next;
    },
    any: () => grants.size > 0,
    revoke: ({ refreshToken }) => happen({ kind: 'dead', refreshToken }),
    replayed(refreshToken) {
      const family = dead.get(refreshToken);
      if (family === undefined) return undefined;
      const alive = [...grants.values()].filter((grant) => grant.family === family);
      for (const grant of alive) happen({ kind: 'dead', refreshToken: grant.refreshToken });
      return family;
    },
    end: () => happen({ kind: 'ended' }),
    installed: () => !ended,
  };
}
