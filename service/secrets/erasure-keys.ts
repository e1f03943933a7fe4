import { randomBytes } from 'node:crypto';
import { erasureKeyOf, type Store } from '@sangam/core/store';
import type { SecretBox } from './secrets.ts';

/** The key of each workspace's erased people: drawn when it is first asked for, sealed, and the same ever after. */
export function createErasureKeys(store: Store, box: SecretBox): (workspaceId: string) => Promise<Buffer> {
  const known = new Map<string, Promise<Buffer>>();
  const read = async (workspaceId: string): Promise<Buffer> => {
    const drawn = box.seal(randomBytes(32).toString('base64'));
    const sealed = await store.transact(workspaceId, (trx) => erasureKeyOf(trx, drawn));
    return Buffer.from(box.open(sealed), 'base64');
  };
  return (workspaceId) => {
    const key = known.get(workspaceId) ?? read(workspaceId);
    known.set(workspaceId, key);
    key.catch(() => known.delete(workspaceId));
    return key;
  };
}
