import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import {
  type Actor,
  deleteSessionsOf,
  findSession,
  insertSession,
  type MemberRole,
  operatorId,
  roleOf,
  type Store,
  sweepSessions,
  takeSession,
  type WorkspaceTransaction,
  writeAudit,
} from '@sangam/core/store';

/** Who is asking. */
export interface Member extends Actor {
  readonly role: MemberRole;
}

export interface Sessions {
  /** A token that opens one session, once, within 24 hours. In the audit it is the operator who made it. */
  makeLink(workspaceId: string, memberId: string): Promise<string>;
  /** Trades a link's token for a session's. Undefined: used, expired or never made. */
  enter(linkToken: string): Promise<string | undefined>;
  memberOf(sessionToken: string): Promise<Member | undefined>;
  /** Signs a member out of one session. `at`: for the audit. */
  end(member: Member, sessionToken: string, at: number): Promise<void>;
  /** Signs a member out everywhere, and takes back links they have not used. */
  endAll(member: Member, at: number): Promise<void>;
}

const day = 24 * 60 * 60 * 1000;
const linkLivesMs = day;
export const sessionLivesMs = 7 * day;

export function createSessions(store: Store, clock: Clock): Sessions {
  const make = async (
    trx: WorkspaceTransaction,
    kind: 'link' | 'session',
    memberId: string,
  ): Promise<string> => {
    const token = randomBytes(32).toString('base64url');
    const expiresAt = clock.now() + (kind === 'link' ? linkLivesMs : sessionLivesMs);
    await insertSession(trx, { tokenHash: hashOf(token), kind, memberId, expiresAt });
    return token;
  };
  return {
    async makeLink(workspaceId, memberId) {
      await sweepSessions(store, clock.now());
      return store.transact(workspaceId, async (trx) => {
        const link = {
          memberId: operatorId,
          action: 'make link',
          subject: memberId,
          at: clock.now(),
        } as const;
        await writeAudit(trx, link);
        return make(trx, 'link', memberId);
      });
    },
    async enter(linkToken) {
      await sweepSessions(store, clock.now());
      const link = await findSession(store, 'link', hashOf(linkToken));
      if (link === undefined) return undefined;
      return store.transact(link.workspaceId, async (trx) => {
        const spent = await takeSession(trx, 'link', hashOf(linkToken));
        if (spent === undefined) return undefined;
        const { memberId } = spent;
        await writeAudit(trx, { memberId, action: 'sign in', subject: memberId, at: clock.now() });
        return make(trx, 'session', memberId);
      });
    },
    async memberOf(sessionToken) {
      const session = await findSession(store, 'session', hashOf(sessionToken));
      if (session === undefined || session.expiresAt < clock.now()) return undefined;
      const { workspaceId, memberId } = session;
      const role = await store.transact(workspaceId, (trx) => roleOf(trx, memberId));
      return role === undefined ? undefined : { workspaceId, memberId, role };
    },
    end: ({ workspaceId, memberId }, sessionToken, at) =>
      store.transact(workspaceId, async (trx) => {
        await takeSession(trx, 'session', hashOf(sessionToken));
        await writeAudit(trx, { memberId, action: 'end session', subject: memberId, at });
      }),
    endAll: ({ workspaceId, memberId }, at) =>
      store.transact(workspaceId, async (trx) => {
        await deleteSessionsOf(trx, memberId);
        await writeAudit(trx, { memberId, action: 'end all sessions', subject: memberId, at });
      }),
  };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
