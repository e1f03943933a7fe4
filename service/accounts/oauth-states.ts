import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import { type Actor, findSession, insertSession, type Store, takeSession } from '@sangam/core/store';

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
      const tokenHash = hashOf(crm, made);
      const expiresAt = clock.now() + livesMs;
      await store.transact(workspaceId, (trx) =>
        insertSession(trx, { tokenHash, kind: 'oauth state', memberId, expiresAt }),
      );
      return made;
    },
    async take(crm, state) {
      const tokenHash = hashOf(crm, state);
      const made = await findSession(store, 'oauth state', tokenHash);
      if (made === undefined) return undefined;
      const taken = await store.transact(made.workspaceId, (trx) =>
        takeSession(trx, 'oauth state', tokenHash),
      );
      if (taken === undefined || taken.expiresAt < clock.now()) return undefined;
      return { workspaceId: taken.workspaceId, memberId: taken.memberId };
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
