import { expect, test } from 'vitest';
import { holdsMedia } from './media-host.ts';

test.each([
  ['https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1', true],
  ['https://lookaside.facebook.com/a', true],
  ['https://graph.facebook.com/v26.0/9', true],
  ['https://scontent.fbsbx.com/a', true],
  ['http://lookaside.fbsbx.com/a', false],
  ['https://lookaside.fbsbx.com:8443/a', false],
  ['https://someone@lookaside.fbsbx.com/a', false],
  ['https://fbsbx.com.attacker.example/a', false],
  ['https://evilfbsbx.com/a', false],
  ['https://graph.facebook.com.attacker.example/a', false],
  ['http://127.0.0.1:8080/sandbox/whatsapp/a', false],
  ['nowhere', false],
])('of a live number, %s: %s', (url, expected) => {
  expect(holdsMedia(url, 'https://graph.facebook.com')).toBe(expected);
});
