import type { Transaction } from 'kysely';
import type { DueNotes } from './work/due-notes.ts';
import type { Database } from './schema.ts';

/** A transaction bound to one workspace. */
export type WorkspaceTransaction = Transaction<Database> & {
  readonly workspaceId: string;
  /** What falls due by it. */
  readonly due: DueNotes;
};
