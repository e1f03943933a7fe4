import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { Page } from '../page.ts';
import type { AlertKind, ConflictKind } from '../schema.ts';
import type { WorkspaceTransaction } from '../transaction.ts';

/** What a person has to look at: alerts pass, conflicts are decided. */

export interface Alert {
  readonly alertId: string;
  readonly connectionId: string | null;
  readonly kind: AlertKind;
  /** Which of several it is about, such as a template; empty: the kind says it. */
  readonly subject: string;
  readonly message: string;
  readonly raisedAt: number;
  readonly closedAt: number | null;
}

/** One to be raised: of its connection, where it is about one. */
export interface NewAlert {
  readonly connectionId?: string;
  readonly kind: AlertKind;
  readonly subject?: string;
  readonly message: string;
}

/** Raises an alert unless one of its connection, kind and subject stands open. */
export async function raiseAlert(trx: WorkspaceTransaction, alert: NewAlert, now: number): Promise<void> {
  await raiseAlerts(trx, [alert], now);
}

export async function raiseAlerts(
  trx: WorkspaceTransaction,
  alerts: readonly NewAlert[],
  now: number,
): Promise<void> {
  if (alerts.length === 0) return;
  await sql`
    insert into alerts (workspace_id, alert_id, connection_id, kind, subject, message, raised_at)
    select ${trx.workspaceId}::uuid, alert_id, connection_id, kind, subject, message, ${now}
    from unnest(${alerts.map(() => uuidv7())}::uuid[], ${alerts.map((a) => a.connectionId ?? null)}::uuid[],
                ${alerts.map((a) => a.kind)}::text[], ${alerts.map((a) => a.subject ?? '')}::text[],
                ${alerts.map((a) => a.message)}::text[]) as t (alert_id, connection_id, kind, subject, message)
    order by kind, subject, connection_id
    on conflict do nothing`.execute(trx);
}

/** What an open alert says is still so. */
export async function seeAlert(
  trx: WorkspaceTransaction,
  { kind, subject = '', connectionId }: Omit<NewAlert, 'message'>,
  now: number,
): Promise<void> {
  await sql`
    update alerts set seen_at = ${now}
    where workspace_id = ${trx.workspaceId} and kind = ${kind} and subject = ${subject} and closed_at is null
      and connection_id is not distinct from ${connectionId ?? null}::uuid`.execute(trx);
}

export async function isAlertOpen(
  trx: WorkspaceTransaction,
  { kind, subject }: { readonly kind: AlertKind; readonly subject: string },
): Promise<boolean> {
  const { rows } = await sql`
    select 1 from alerts
    where workspace_id = ${trx.workspaceId} and kind = ${kind} and subject = ${subject} and closed_at is null
    limit 1`.execute(trx);
  return rows.length > 0;
}

/** What these alerts said is mended. */
export async function closeAlerts(
  trx: WorkspaceTransaction,
  alerts: readonly { readonly kind: AlertKind; readonly subject: string }[],
  now: number,
): Promise<void> {
  if (alerts.length === 0) return;
  await sql`
    update alerts a set closed_at = ${now}
    from unnest(${alerts.map(({ kind }) => kind)}::text[], ${alerts.map(({ subject }) => subject)}::text[])
         as t (kind, subject)
    where a.workspace_id = ${trx.workspaceId} and a.kind = t.kind and a.subject = t.subject
      and a.closed_at is null`.execute(trx);
}

const alertColumns = sql.raw(
  `alert_id as "alertId", connection_id as "connectionId", kind, subject, message, raised_at as "raisedAt",
   closed_at as "closedAt"`,
);

/** Newest first. */
export async function listAlerts(
  trx: WorkspaceTransaction,
  { limit, after, state }: Page<string> & { readonly state?: 'open' | 'closed' | undefined },
): Promise<Alert[]> {
  const { rows } = await sql<Alert>`
    select ${alertColumns} from alerts
    where workspace_id = ${trx.workspaceId}
      ${state === undefined ? sql`` : state === 'open' ? sql`and closed_at is null` : sql`and (closed_at is null) = false`}
      ${after === undefined ? sql`` : sql`and alert_id < ${after}`}
    order by alert_id desc limit ${limit}`.execute(trx);
  return rows;
}

/** False: there is no such open alert. */
export async function closeAlert(trx: WorkspaceTransaction, alertId: string, now: number): Promise<boolean> {
  const { rows } = await sql`
    update alerts set closed_at = ${now}
    where workspace_id = ${trx.workspaceId} and alert_id = ${alertId} and closed_at is null returning 1`.execute(
    trx,
  );
  return rows.length > 0;
}

/** What alerts of this kind said of a connection is mended. */
export async function closeAlertsOf(
  trx: WorkspaceTransaction,
  connectionId: string,
  kind: AlertKind,
  now: number,
): Promise<void> {
  await sql`
    update alerts set closed_at = ${now}
    where workspace_id = ${trx.workspaceId} and connection_id = ${connectionId} and kind = ${kind}
      and closed_at is null`.execute(trx);
}

export interface Conflict {
  readonly conflictId: string;
  readonly connectionId: string | null;
  readonly kind: ConflictKind;
  readonly contactId: string | null;
  readonly recordIds: readonly string[];
  readonly explanation: string;
  /** `ended`: nobody decided it, nothing was left to decide; the explanation ends by saying why. */
  readonly state: 'open' | 'accepted' | 'dismissed' | 'ended';
  readonly openedAt: number;
  readonly closedAt: number | null;
}

/** Opens a conflict; one about the same that is open or was dismissed stays as it is. */
export async function openConflicts(
  trx: WorkspaceTransaction,
  conflicts: readonly {
    readonly connectionId: string;
    readonly kind: ConflictKind;
    readonly contactId: string;
    readonly recordIds: readonly string[];
    readonly explanation: string;
  }[],
  now: number,
): Promise<void> {
  if (conflicts.length === 0) return;
  await trx
    .insertInto('conflicts')
    .values(
      conflicts.map((conflict) => ({
        workspace_id: trx.workspaceId,
        conflict_id: uuidv7(),
        connection_id: conflict.connectionId,
        kind: conflict.kind,
        subject: [conflict.connectionId, conflict.contactId, ...conflict.recordIds.toSorted()].join(' '),
        contact_id: conflict.contactId,
        record_ids: [...conflict.recordIds],
        explanation: conflict.explanation,
        opened_at: now,
      })),
    )
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

const conflictColumns = sql.raw(
  `conflict_id as "conflictId", connection_id as "connectionId", kind, contact_id as "contactId",
   record_ids as "recordIds", explanation, state, opened_at as "openedAt", closed_at as "closedAt"`,
);

/** Newest first. */
export async function listConflicts(
  trx: WorkspaceTransaction,
  { limit, after, state }: Page<string> & { readonly state?: Conflict['state'] | undefined },
): Promise<Conflict[]> {
  const { rows } = await sql<Conflict>`
    select ${conflictColumns} from conflicts
    where workspace_id = ${trx.workspaceId}
      ${state === undefined ? sql`` : sql`and state = ${state}`}
      ${after === undefined ? sql`` : sql`and conflict_id < ${after}`}
    order by conflict_id desc limit ${limit}`.execute(trx);
  return rows;
}

/** Locked: it is decided once. */
export async function conflictById(
  trx: WorkspaceTransaction,
  conflictId: string,
): Promise<Conflict | undefined> {
  const { rows } = await sql<Conflict>`
    select ${conflictColumns} from conflicts
    where workspace_id = ${trx.workspaceId} and conflict_id = ${conflictId} for update`.execute(trx);
  return rows[0];
}

/** Takes a conflict from one state to another. None is opened again beside one about the same. */
export async function decideConflict(
  trx: WorkspaceTransaction,
  conflictId: string,
  from: Conflict['state'],
  to: Conflict['state'],
  now: number,
): Promise<void> {
  await sql`
    update conflicts c set state = ${to}, closed_at = ${to === 'open' ? null : now}
    where c.workspace_id = ${trx.workspaceId} and c.conflict_id = ${conflictId} and c.state = ${from}
      and (${to}::text = 'accepted' or not exists (
        select 1 from conflicts other
        where other.workspace_id = ${trx.workspaceId} and other.kind = c.kind and other.subject = c.subject
          and other.conflict_id <> c.conflict_id and other.state in ('open', 'dismissed')))`.execute(trx);
}

/** Closes a conflict nobody decided, since nothing is left to decide; `why` is said in its explanation. */
export async function closeConflict(
  trx: WorkspaceTransaction,
  conflictId: string,
  why: string,
  now: number,
): Promise<void> {
  await sql`
    update conflicts set state = 'ended', closed_at = ${now},
                         explanation = explanation || ${` Closed by itself: ${why}.`}::text
    where workspace_id = ${trx.workspaceId} and conflict_id = ${conflictId} and state = 'open'`.execute(trx);
}
