import type { Crm, CrmRequest, SessionProof } from '@sangam/connectors/registry';
import type { Clock } from '@sangam/core/clock';
import { connectionOf, holderOfAccount, memberOfEmail, type MemberRow, type Store } from '@sangam/core/store';
import { type CrmApps, secretsOf } from './crm-apps.ts';

/** Who looks at a page of ours within a CRM, and who they are here. */
interface ShownSession extends SessionProof {
  readonly connectionId: string;
  /** Null: no member has their e-mail. */
  readonly member: Pick<MemberRow, 'memberId' | 'role'> | null;
}

/** Why there is none: nobody of ours signed it, it says of nobody, or its account is not connected here. */
export type NoSession = 'unsigned' | 'nobody' | 'foreign account';

/** A request of a CRM's page, judged by its bytes and headers alone. */
export type ShownSessions = (
  session: NonNullable<Crm['session']>,
  crm: string,
  request: CrmRequest,
) => Promise<ShownSession | NoSession>;

export function createShownSessions(dependencies: {
  store: Store;
  crmApps: CrmApps;
  clock: Clock;
}): ShownSessions {
  const { store, crmApps, clock } = dependencies;
  return async (session, crm, request) => {
    const signer = crmApps.apps(crm).find(({ app }) => session.verify(request, secretsOf(app), clock.now()));
    if (signer === undefined) return 'unsigned';
    const proof = session.read(request);
    if (proof === undefined) return 'nobody';
    const holder = await holderOfAccount(store, crm, proof.account);
    if (holder === undefined) return 'foreign account';
    const { workspaceId, connectionId } = holder;
    return store.transact(workspaceId, async (trx) => {
      const connection = await connectionOf(trx, connectionId);
      // An app speaks for its own place only.
      if (connection === undefined || connection.disconnectedAt !== null) return 'foreign account';
      if (connection.sandbox !== signer.sandbox) return 'foreign account';
      const { email } = proof.user;
      const member = email === undefined ? undefined : await memberOfEmail(trx, email);
      return { ...proof, connectionId, member: member ?? null };
    });
  };
}
