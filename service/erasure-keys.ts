import { randomBytes } from 'node:crypto';
import type { Store } from '@sangam/core/store';
import type { SecretBox } from './secrets.ts';

/** The key of each workspace's erased people: drawn when it is first asked for, sealed, and the same ever after. */
export function createErasureKeys(store: Store, box: SecretBox): (workspaceId: string) => Promise<Buffer> {
  const known = new Map<string, Promise<Buffer>>();
  const read = async (workspaceId: string): Promise<Buffer> => {
    const sealed = await store.transact(workspaceId, async (trx) => {
      await trx
        .updateTable('workspaces')
        .set({ erasure_key: box.seal(randomBytes(32).toString('base64')) })
        .where('workspace_id', '=', workspaceId)
        .where('erasure_key', 'is', null)
        .execute();
      const row = await trx
        .selectFrom('workspaces')
        .select('erasure_key')
        .where('workspace_id', '=', workspaceId)
        .executeTakeFirstOrThrow();
      return row.erasure_key;
    });
    if (sealed === null) throw new Error('The workspace has no erasure key.');
    return Buffer.from(box.open(sealed), 'base64');
  };
  return (workspaceId) => {
    const key = known.get(workspaceId) ?? read(workspaceId);
    known.set(workspaceId, key);
    key.catch(() => known.delete(workspaceId));
    return key;
  };
}
