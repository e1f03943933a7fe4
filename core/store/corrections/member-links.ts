import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import { fromJson, toJson } from '../json.ts';
import type { Page } from '../page.ts';
import type { DecisionKind, LinkReason } from '../schema.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** Links as a member changes them by hand, and the decisions that can be undone. */

/** A contact's links in one connection, parted ones included: what it takes to put them back. */
export interface KeptLink {
  readonly recordId: string;
  readonly primary: boolean;
  readonly reason: LinkReason;
  readonly partedAt: number | null;
  readonly createdAt: number;
}

export async function keptLinks(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactId: string,
): Promise<KeptLink[]> {
  const { rows } = await sql<KeptLink>`
    select record_id as "recordId", is_primary as "primary", decided_by as reason, parted_at as "partedAt",
           created_at as "createdAt"
    from crm_links
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and contact_id = ${contactId}
    order by record_id for update`.execute(trx);
  return rows;
}

/** Makes these the contact's links. */
export async function replaceLinks(
  trx: WorkspaceTransaction,
  connectionId: string,
  contactId: string,
  links: readonly KeptLink[],
): Promise<void> {
  await sql`delete from crm_links
            where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId}
              and contact_id = ${contactId}`.execute(trx);
  if (links.length === 0) return;
  await trx
    .insertInto('crm_links')
    .values(
      links.map((link) => ({
        workspace_id: trx.workspaceId,
        connection_id: connectionId,
        contact_id: contactId,
        record_id: link.recordId,
        is_primary: link.primary,
        decided_by: link.reason,
        parted_at: link.partedAt,
        created_at: link.createdAt,
      })),
    )
    .execute();
}

export interface Decision {
  readonly decisionId: string;
  readonly kind: DecisionKind;
  readonly subject: unknown;
  readonly memberId: string;
  readonly at: number;
  readonly undoneAt: number | null;
}

export async function saveDecision(
  trx: WorkspaceTransaction,
  decision: {
    readonly kind: DecisionKind;
    readonly subject: unknown;
    readonly memberId: string;
    readonly at: number;
  },
): Promise<string> {
  const decisionId = uuidv7();
  await trx
    .insertInto('decisions')
    .values({
      workspace_id: trx.workspaceId,
      decision_id: decisionId,
      kind: decision.kind,
      subject: toJson(decision.subject),
      member_id: decision.memberId,
      at: decision.at,
      undone_at: null,
    })
    .execute();
  return decisionId;
}

/** Newest first. */
export async function listDecisions(
  trx: WorkspaceTransaction,
  { limit, after }: Page<string>,
): Promise<Decision[]> {
  const { rows } = await sql<Omit<Decision, 'subject'> & { subject: Buffer }>`
    select decision_id as "decisionId", kind, subject, member_id as "memberId", at, undone_at as "undoneAt"
    from decisions
    where workspace_id = ${trx.workspaceId} ${after === undefined ? sql`` : sql`and decision_id < ${after}`}
    order by decision_id desc limit ${limit}`.execute(trx);
  return rows.map((row) => ({ ...row, subject: fromJson(row.subject) }));
}

/** A decision that was not undone. Locked: it is undone once. */
export async function standingDecision(
  trx: WorkspaceTransaction,
  decisionId: string,
): Promise<Pick<Decision, 'subject' | 'at'> | undefined> {
  const { rows } = await sql<{ subject: Buffer; at: number }>`
    select subject, at from decisions
    where workspace_id = ${trx.workspaceId} and decision_id = ${decisionId} and undone_at is null
    for update`.execute(trx);
  const [row] = rows;
  return row === undefined ? undefined : { subject: fromJson(row.subject), at: row.at };
}

/** Decisions made after this one that stand. */
export async function decisionsAfter(
  trx: WorkspaceTransaction,
  decisionId: string,
): Promise<Pick<Decision, 'kind' | 'subject'>[]> {
  const { rows } = await sql<{ kind: DecisionKind; subject: Buffer }>`
    select kind, subject from decisions
    where workspace_id = ${trx.workspaceId} and decision_id > ${decisionId} and undone_at is null`.execute(
    trx,
  );
  return rows.map((row) => ({ ...row, subject: fromJson(row.subject) }));
}

/** When anybody last decided who is who, or took that back; 0: never. */
export async function lastSaidWhoIsWho(trx: WorkspaceTransaction): Promise<number> {
  const { rows } = await sql<{ at: number | null }>`
    select max(greatest(at, undone_at)) as at from decisions
    where workspace_id = ${trx.workspaceId} and kind in ('join', 'hand over')`.execute(trx);
  return rows[0]?.at ?? 0;
}

/** Marks a decision as undone. */
export async function undoDecision(
  trx: WorkspaceTransaction,
  decisionId: string,
  now: number,
): Promise<void> {
  await sql`
    update decisions set undone_at = ${now}
    where workspace_id = ${trx.workspaceId} and decision_id = ${decisionId} and undone_at is null`.execute(
    trx,
  );
}
