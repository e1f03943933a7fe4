import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSecretBox } from './secrets.ts';

const [oldKey, newKey] = [randomBytes(32), randomBytes(32)];

test('a secret opens with the key it was sealed with, also after the key was rotated', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (secret) => {
      const sealed = createSecretBox([oldKey]).seal(secret);
      expect(createSecretBox([newKey, oldKey]).open(sealed)).toBe(secret);
    }),
  );
});

test('a secret does not open without its key, nor after it was tampered with', () => {
  const sealed = createSecretBox([oldKey]).seal('secret');
  expect(() => createSecretBox([newKey]).open(sealed)).toThrow('SECRETS_KEY_PREVIOUS');
  sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
  expect(() => createSecretBox([oldKey]).open(sealed)).toThrow();
});

test('the same secret is never sealed the same way twice', () => {
  const box = createSecretBox([oldKey]);
  expect(box.seal('secret').equals(box.seal('secret'))).toBe(false);
});
