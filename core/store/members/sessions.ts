import type { Store, WorkspaceTransaction } from '../store.ts';

/** `oauth state`: a member sent to a CRM to agree, who has to come back. */
export type SessionKind = 'link' | 'session' | 'oauth state';

/** Whose a token is. */
export interface SessionRow {
  readonly workspaceId: string;
  readonly memberId: string;
  /** Milliseconds. */
  readonly expiresAt: number;
}

/** Tokens are kept as hashes alone. */
export async function insertSession(
  trx: WorkspaceTransaction,
  session: {
    readonly tokenHash: Buffer;
    readonly kind: SessionKind;
    readonly memberId: string;
    readonly expiresAt: number;
  },
): Promise<void> {
  await trx
    .insertInto('directory_sessions')
    .values({
      token_hash: session.tokenHash,
      kind: session.kind,
      workspace_id: trx.workspaceId,
      member_id: session.memberId,
      expires_at: session.expiresAt,
    })
    .execute();
}

/** Undefined: used, or never made. One that expired is found all the same. */
export async function findSession(
  { directory }: Pick<Store, 'directory'>,
  kind: SessionKind,
  tokenHash: Buffer,
): Promise<SessionRow | undefined> {
  return directory
    .selectFrom('directory_sessions')
    .select(['workspace_id as workspaceId', 'member_id as memberId', 'expires_at as expiresAt'])
    .where('token_hash', '=', tokenHash)
    .where('kind', '=', kind)
    .executeTakeFirst();
}

/** Spends a token: of all who come with it one gets the row. */
export async function takeSession(
  trx: WorkspaceTransaction,
  kind: SessionKind,
  tokenHash: Buffer,
): Promise<SessionRow | undefined> {
  return trx
    .deleteFrom('directory_sessions')
    .where('workspace_id', '=', trx.workspaceId)
    .where('token_hash', '=', tokenHash)
    .where('kind', '=', kind)
    .returning(['workspace_id as workspaceId', 'member_id as memberId', 'expires_at as expiresAt'])
    .executeTakeFirst();
}

/** All of a member's, whatever their kind. */
export async function deleteSessionsOf(trx: WorkspaceTransaction, memberId: string): Promise<void> {
  await trx
    .deleteFrom('directory_sessions')
    .where('workspace_id', '=', trx.workspaceId)
    .where('member_id', '=', memberId)
    .execute();
}

export async function sweepSessions({ directory }: Pick<Store, 'directory'>, now: number): Promise<void> {
  await directory.deleteFrom('directory_sessions').where('expires_at', '<', now).execute();
}
