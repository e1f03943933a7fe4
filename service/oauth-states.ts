import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import type { Actor, Store } from '@sangam/core/store';

/** What goes out with a member who is sent to a CRM to agree, and has to come back with them. */
export interface OauthState {
  /** Travels through the CRM's pages. */
  readonly state: string;
  /** Stays in the member's browser: a link that was sent to somebody else ends there. */
  readonly binder: string;
}

export interface OauthStates {
  /** Good once, within ten minutes, at this CRM, in the browser it was made for. */
  make(crm: string, actor: Actor): Promise<OauthState>;
  /** Undefined: used, too old, of another CRM or browser, or never made. */
  take(crm: string, state: OauthState): Promise<Actor | undefined>;
}

const livesMs = 10 * 60 * 1000;

export function createOauthStates(store: Store, clock: Clock): OauthStates {
  return {
    async make(crm, { workspaceId, memberId }) {
      const made = {
        state: randomBytes(32).toString('base64url'),
        binder: randomBytes(32).toString('base64url'),
      };
      await store.directory
        .insertInto('directory_sessions')
        .values({
          token_hash: hashOf(crm, made),
          kind: 'oauth state',
          workspace_id: workspaceId,
          member_id: memberId,
          expires_at: clock.now() + livesMs,
        })
        .execute();
      return made;
    },
    async take(crm, state) {
      const found = await store.directory
        .deleteFrom('directory_sessions')
        .where('token_hash', '=', hashOf(crm, state))
        .where('kind', '=', 'oauth state')
        .returning(['workspace_id', 'member_id', 'expires_at'])
        .executeTakeFirst();
      if (found === undefined || found.expires_at < clock.now()) return undefined;
      return { workspaceId: found.workspace_id, memberId: found.member_id };
    },
  };
}

/**
 * What a code is bound to, and what shows it (RFC 7636): made of what stays in the browser, so that a code somebody else got
 * hold of opens nothing.
 */
export function codeVerifierOf({ binder }: OauthState): string {
  return createHash('sha256').update(`code verifier ${binder}`).digest('base64url');
}

export function codeChallengeOf(verifier: string): string {
  return createHash('sha256').update(verifier).digest('base64url');
}

function hashOf(crm: string, { state, binder }: OauthState): Buffer {
  return createHash('sha256').update(`${crm}.${state}.${binder}`).digest();
}
