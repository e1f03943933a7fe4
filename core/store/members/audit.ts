import { sql } from 'kysely';
import { v7 as uuidv7 } from 'uuid';
import type { Page } from '../page.ts';
import type { WorkspaceTransaction } from '../store.ts';

/** Everything members do that changes something, and how they came in. */
export const auditActions = [
  'accept conflict',
  'add channel',
  'add medium',
  'cancel send',
  'change sending settings',
  'change settings',
  'change tags',
  'close alert',
  'connect account',
  'continue channel',
  'disconnect account',
  'dismiss conflict',
  'end all sessions',
  'end session',
  'erase person',
  'hand over',
  'join',
  'make link',
  'pause',
  'provision',
  'reconnect account',
  'release channel',
  'release held people',
  'relink',
  'replay dead letters',
  'reset mapping',
  'resume',
  'retry connection',
  'retry send',
  'rotate app secret',
  'send message',
  'set access token',
  'set dead letter aside',
  'set mapping',
  'set member phone',
  'set mode',
  'set opt-out word languages',
  'set webhook secret',
  'sign in',
  'start check',
  'stop check',
  'submit template',
  'sync templates',
  'undo decision',
  'unlink',
  'unpark field',
] as const;
export type AuditAction = (typeof auditActions)[number];

/** Stands in the audit for who is no member: who runs the installation, at its command line, and a CRM that let us go. */
export const operatorId = '00000000-0000-0000-0000-000000000000';

/** Who did what, to what: ids and names of settings, never a person's data, never a secret. */
export interface AuditEntry {
  readonly memberId: string;
  readonly action: AuditAction;
  /** Ids and the like, parted by blanks; erasing a person takes theirs out. */
  readonly subject: string;
  readonly at: number;
}

/** Append-only; in the transaction of what was done. */
export async function writeAudit(trx: WorkspaceTransaction, entry: AuditEntry): Promise<void> {
  await trx
    .insertInto('audit')
    .values({
      workspace_id: trx.workspaceId,
      audit_id: uuidv7(),
      member_id: entry.memberId,
      action: entry.action,
      subject: entry.subject,
      at: entry.at,
    })
    .execute();
}

export type AuditKey = readonly [at: number, auditId: string];

/** Newest first. `from` and `until` (milliseconds): `from` <= at < `until`. */
export async function listAudit(
  trx: WorkspaceTransaction,
  query: Page<AuditKey> & {
    readonly action?: AuditAction | undefined;
    readonly from?: number | undefined;
    readonly until?: number | undefined;
  },
): Promise<(AuditEntry & { readonly auditId: string })[]> {
  const { limit, after, action, from, until } = query;
  const [at, auditId] = after ?? [];
  const { rows } = await sql<AuditEntry & { auditId: string }>`
    select audit_id as "auditId", member_id as "memberId", action, subject, at from audit
    where workspace_id = ${trx.workspaceId}
      ${action === undefined ? sql`` : sql`and action = ${action}`}
      ${from === undefined ? sql`` : sql`and at >= ${from}`}
      ${until === undefined ? sql`` : sql`and at < ${until}`}
      ${at === undefined ? sql`` : sql`and (at, audit_id) < (${at}::bigint, ${auditId}::uuid)`}
    order by at desc, audit_id desc limit ${limit}`.execute(trx);
  return rows;
}
