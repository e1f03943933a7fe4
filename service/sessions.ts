import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import {
  type Actor,
  type MemberRole,
  operatorId,
  type Store,
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
    await trx
      .insertInto('directory_sessions')
      .values({
        token_hash: hashOf(token),
        kind,
        workspace_id: trx.workspaceId,
        member_id: memberId,
        expires_at: clock.now() + (kind === 'link' ? linkLivesMs : sessionLivesMs),
      })
      .execute();
    return token;
  };
  const sweep = () =>
    store.directory.deleteFrom('directory_sessions').where('expires_at', '<', clock.now()).execute();
  return {
    async makeLink(workspaceId, memberId) {
      await sweep();
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
      await sweep();
      const link = await store.directory
        .selectFrom('directory_sessions')
        .select('workspace_id')
        .where('token_hash', '=', hashOf(linkToken))
        .where('kind', '=', 'link')
        .executeTakeFirst();
      if (link === undefined) return undefined;
      return store.transact(link.workspace_id, async (trx) => {
        const spent = await trx
          .deleteFrom('directory_sessions')
          .where('workspace_id', '=', trx.workspaceId)
          .where('token_hash', '=', hashOf(linkToken))
          .where('kind', '=', 'link')
          .returning('member_id')
          .executeTakeFirst();
        if (spent === undefined) return undefined;
        const { member_id: memberId } = spent;
        await writeAudit(trx, { memberId, action: 'sign in', subject: memberId, at: clock.now() });
        return make(trx, 'session', memberId);
      });
    },
    async memberOf(sessionToken) {
      const session = await store.directory
        .selectFrom('directory_sessions')
        .select(['workspace_id', 'member_id', 'expires_at'])
        .where('token_hash', '=', hashOf(sessionToken))
        .where('kind', '=', 'session')
        .executeTakeFirst();
      if (session === undefined || session.expires_at < clock.now()) return undefined;
      const workspaceId = session.workspace_id;
      const member = await store.transact(workspaceId, (trx) =>
        trx
          .selectFrom('members')
          .select('role')
          .where('workspace_id', '=', workspaceId)
          .where('member_id', '=', session.member_id)
          .executeTakeFirst(),
      );
      return member === undefined
        ? undefined
        : { workspaceId, memberId: session.member_id, role: member.role };
    },
    end: ({ workspaceId, memberId }, sessionToken, at) =>
      store.transact(workspaceId, async (trx) => {
        await trx
          .deleteFrom('directory_sessions')
          .where('workspace_id', '=', workspaceId)
          .where('token_hash', '=', hashOf(sessionToken))
          .where('kind', '=', 'session')
          .execute();
        await writeAudit(trx, { memberId, action: 'end session', subject: memberId, at });
      }),
    endAll: ({ workspaceId, memberId }, at) =>
      store.transact(workspaceId, async (trx) => {
        await trx
          .deleteFrom('directory_sessions')
          .where('workspace_id', '=', workspaceId)
          .where('member_id', '=', memberId)
          .execute();
        await writeAudit(trx, { memberId, action: 'end all sessions', subject: memberId, at });
      }),
  };
}

function hashOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
