import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Page } from '../page.ts';
import type { MemberRole } from '../schema.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** A member who does something. */
export interface Actor {
  readonly workspaceId: string;
  readonly memberId: string;
}

export interface MemberRow {
  readonly memberId: string;
  readonly email: string;
  readonly role: MemberRole;
  readonly phone: string | null;
}

/** By e-mail. */
export async function listMembers(
  trx: WorkspaceTransaction,
  { limit, after }: Page<string>,
): Promise<MemberRow[]> {
  const { rows } = await sql<MemberRow>`
    select member_id as "memberId", email, role, phone from members
    where workspace_id = ${trx.workspaceId} ${after === undefined ? sql`` : sql`and email > ${after}`}
    order by email limit ${limit}`.execute(trx);
  return rows;
}

/** By member id; what is no member's is left out. */
export async function emailsOf(
  trx: WorkspaceTransaction,
  memberIds: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (memberIds.length === 0) return new Map();
  const { rows } = await sql<{ memberId: string; email: string }>`
    select member_id as "memberId", email from members
    where workspace_id = ${trx.workspaceId} and member_id::text = any(${[...new Set(memberIds)]}::text[])`.execute(
    trx,
  );
  return new Map(rows.map(({ memberId, email }) => [memberId, email]));
}

/** However their e-mail is spelled; undefined: nobody has it. */
export async function memberOfEmail(
  trx: WorkspaceTransaction,
  email: string,
): Promise<Pick<MemberRow, 'memberId' | 'role'> | undefined> {
  const { rows } = await sql<Pick<MemberRow, 'memberId' | 'role'>>`
    select member_id as "memberId", role from members
    where workspace_id = ${trx.workspaceId} and lower(email) = lower(${email})
    order by created_at, member_id limit 1`.execute(trx);
  return rows[0];
}

/** False: there is no such member. */
export async function setMemberPhone(
  trx: WorkspaceTransaction,
  memberId: string,
  phone: string | null,
): Promise<boolean> {
  const { rows } = await sql`
    update members set phone = ${phone}
    where workspace_id = ${trx.workspaceId} and member_id = ${memberId} returning 1`.execute(trx);
  return rows.length > 0;
}

/** Returns the id of who has this e-mail; with the role only where nobody had it. */
export async function ensureMember(
  trx: WorkspaceTransaction,
  { email, role, now }: { readonly email: string; readonly role: MemberRole; readonly now: number },
): Promise<string> {
  await trx
    .insertInto('members')
    .values({ workspace_id: trx.workspaceId, member_id: randomUUID(), email, role, created_at: now })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
  const member = await trx
    .selectFrom('members')
    .select('member_id')
    .where('workspace_id', '=', trx.workspaceId)
    .where('email', '=', email)
    .executeTakeFirstOrThrow();
  return member.member_id;
}

/** Undefined: there is no such member. */
export async function roleOf(trx: WorkspaceTransaction, memberId: string): Promise<MemberRole | undefined> {
  const row = await trx
    .selectFrom('members')
    .select('role')
    .where('workspace_id', '=', trx.workspaceId)
    .where('member_id', '=', memberId)
    .executeTakeFirst();
  return row?.role;
}
