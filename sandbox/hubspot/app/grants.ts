import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Append, JournalPart } from '../../journal.ts';

/** What the installing user agreed to, as the app can prove it. */
export interface Grant {
  readonly refreshToken: string;
  readonly scopes: readonly string[];
}

/** What the portal has granted the app. Outlives the process; access tokens do not, and are asked for anew. */
export interface Grants {
  readonly journal: JournalPart;
  give(scopes: readonly string[]): Grant;
  of(refreshToken: string): Grant | undefined;
  /** The same agreement under another token, the one before being dead. */
  rotate(grant: Grant): Grant;
  /** The customer or the app itself ended them all. */
  end(): void;
  /** Nobody has uninstalled the app since it was first there. */
  installed(): boolean;
}

const entrySchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('given'), refreshToken: z.string(), scopes: z.array(z.string()) }),
  z.object({ kind: z.literal('dead'), refreshToken: z.string() }),
  z.object({ kind: z.literal('ended') }),
]);
type Entry = z.infer<typeof entrySchema>;

export function createGrants(append: Append): Grants {
  const grants = new Map<string, Grant>();
  let ended = false;

  const apply = (entry: Entry): void => {
    if (entry.kind === 'given') {
      grants.set(entry.refreshToken, { refreshToken: entry.refreshToken, scopes: entry.scopes });
      ended = false;
    } else if (entry.kind === 'dead') {
      grants.delete(entry.refreshToken);
    } else {
      grants.clear();
      ended = true;
    }
  };
  const happen = (entry: Entry): void => {
    apply(entry);
    append(entry);
  };
  const give = (scopes: readonly string[]): Grant => {
    const grant = { refreshToken: `refresh-${randomBytes(24).toString('base64url')}`, scopes };
    happen({ kind: 'given', refreshToken: grant.refreshToken, scopes: [...scopes] });
    return grant;
  };

  return {
    journal: {
      name: 'hubspot app',
      replay: (line) => apply(entrySchema.parse(line)),
      *snapshot() {
        if (ended) yield { kind: 'ended' };
        for (const grant of grants.values()) yield { kind: 'given', ...grant };
      },
    },
    give,
    of: (refreshToken) => grants.get(refreshToken),
    rotate(grant) {
      const next = give(grant.scopes);
      happen({ kind: 'dead', refreshToken: grant.refreshToken });
      return next;
    },
    end: () => happen({ kind: 'ended' }),
    installed: () => !ended,
  };
}
