import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** Encrypts what must not be readable in the database: AES-256-GCM, the key's id stored with each secret. */
export interface SecretBox {
  seal(secret: string): Buffer;
  /** Throws when no key opens it: the key it was sealed with is no longer configured. */
  open(sealed: Buffer): string;
  /** Of the key in use; what is sealed begins with the id of its key. */
  readonly keyId: Buffer;
  /** Whether one of the keys opens it. */
  opens(sealed: Buffer): boolean;
}

const keyIdBytes = 4;
const ivBytes = 12;
const tagBytes = 16;

/** `keys`: the one in use first, then those only still opened with. */
export function createSecretBox(keys: readonly Buffer[]): SecretBox {
  const [current] = keys;
  if (current === undefined) throw new Error('A secret box needs a key.');
  const byId = new Map(keys.map((key) => [keyIdOf(key).toString('hex'), key]));
  return {
    keyId: keyIdOf(current),
    opens: (sealed) => byId.has(sealed.subarray(0, keyIdBytes).toString('hex')),
    seal(secret) {
      const iv = randomBytes(ivBytes);
      const cipher = createCipheriv('aes-256-gcm', current, iv);
      const sealed = Buffer.concat([cipher.update(secret, 'utf8'), cipher.final()]);
      return Buffer.concat([keyIdOf(current), iv, cipher.getAuthTag(), sealed]);
    },
    open(sealed) {
      const keyId = sealed.subarray(0, keyIdBytes).toString('hex');
      const key = byId.get(keyId);
      if (key === undefined) {
        throw new Error(
          'A stored secret was sealed with a key that is not configured: set SECRETS_KEY_PREVIOUS to it. Where Sangam ran ' +
            'without SECRETS_KEY it is in DATA_DIR/secrets.key.',
        );
      }
      const iv = sealed.subarray(keyIdBytes, keyIdBytes + ivBytes);
      const tag = sealed.subarray(keyIdBytes + ivBytes, keyIdBytes + ivBytes + tagBytes);
      const decipher = createDecipheriv('aes-256-gcm', key, iv);
      decipher.setAuthTag(tag);
      const body = sealed.subarray(keyIdBytes + ivBytes + tagBytes);
      return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
    },
  };
}

function keyIdOf(key: Buffer): Buffer {
  return createHash('sha256').update('sangam key id').update(key).digest().subarray(0, keyIdBytes);
}
