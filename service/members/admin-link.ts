import { systemClock } from '@sangam/core/clock';
import type { Store } from '@sangam/core/store';
import type { Sessions } from './sessions.ts';
import { ensureAdmin } from '../workspaces.ts';

/** A link that signs an admin in, good once and for a day. It opens the workspace: show it to that person alone. */
export async function makeAdminLink(
  { store, sessions, publicUrl }: { store: Store; sessions: Sessions; publicUrl: string },
  workspaceId: string,
  email: string,
): Promise<string> {
  const memberId = await ensureAdmin(store, workspaceId, email, systemClock.now());
  return `${publicUrl}/admin/enter/${await sessions.makeLink(workspaceId, memberId)}`;
}
