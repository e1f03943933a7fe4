import type { Clock } from '../clock.ts';
import { noSuch } from '../errors.ts';
import {
  type Actor,
  lockWorkspace,
  type Erasure,
  findContact,
  type Store,
  writeAudit,
} from '../store/index.ts';
import type { TraitsOf } from '../work/index.ts';
import { erasePeople } from '../pipeline/index.ts';
import type { ErasureKeyOf } from '../pipeline/index.ts';

/** Erasing a person, for good: what Sangam holds goes, what is left in CRMs is listed. */
export interface Eraser {
  /** Throws a `Refusal` where there is no such contact. */
  erase(actor: Actor, contactId: string): Promise<Erasure>;
}

export function createEraser(dependencies: {
  store: Store;
  clock: Clock;
  keyOf: ErasureKeyOf;
  traitsOf: TraitsOf;
}): Eraser {
  const { store, clock, keyOf, traitsOf } = dependencies;
  return {
    async erase({ workspaceId, memberId }, contactId) {
      const key = await keyOf(workspaceId);
      return store.transact(workspaceId, async (trx) => {
        await lockWorkspace(trx);
        const survivor = await findContact(trx, { contactId });
        if (survivor === undefined) throw noSuch('contact');
        const now = clock.now();
        const erasure = await erasePeople(trx, [survivor], {
          askedBy: `member ${memberId}`,
          key,
          traitsOf,
          now,
        });
        await writeAudit(trx, { memberId, action: 'erase person', subject: erasure.erasureId, at: now });
        return erasure;
      });
    },
  };
}
