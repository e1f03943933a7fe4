import { resealSecrets, type Store } from '@sangam/core/store';
import type { SecretBox } from './secrets.ts';

/**
 * Seals everything stored with the key in use, so that the one before may go: keys rotate for ever. Throws an `Error`
 * that names the variables when something stored is opened by none of the keys.
 */
export async function resealStored(store: Store, box: SecretBox): Promise<void> {
  const unopened = new Set<string>();
  for (const workspaceId of await store.workspacesSealedOtherwise(box.keyId)) {
    const left = await store.transact(workspaceId, (trx) =>
      resealSecrets(trx, box.keyId, (sealed) => (box.opens(sealed) ? box.seal(box.open(sealed)) : undefined)),
    );
    for (const place of left) unopened.add(place);
  }
  if (unopened.size > 0) {
    throw new Error(
      `SECRETS_KEY does not open what is stored (${[...unopened].toSorted().join(', ')}): set it to the key this database ` +
        'was used with, or, while you change keys, set SECRETS_KEY_PREVIOUS to that one. Where Sangam ran without SECRETS_KEY ' +
        'that key is in DATA_DIR/secrets.key.',
    );
  }
}
