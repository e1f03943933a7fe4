import { describe, expect, test } from 'vitest';
import { splitWebhook } from '@sangam/core/whatsapp';
import { describeEvent } from './harness/describe-event.ts';
import { vendorData } from './harness/index.ts';
import { expectedEvents } from './payloads.expected.ts';

/** Not a webhook: words to be recognised, read by opt-words.test.ts. */
const corpus = 'stop_keyword_corpus.json';

const payloads = [
  ...(vendorData('whatsapp/webhooks') ?? []),
  ...(vendorData('whatsapp/constructed') ?? []),
].filter(([name]) => name !== corpus);

describe.runIf(payloads.length > 0)('every published payload', () => {
  test.each(payloads)('%s', (name, payload) => {
    expect(splitWebhook(payload).map(describeEvent)).toEqual(expectedEvents[name.replace('.json', '')]);
  });

  test('is there, none is missing from the vendor data', () => {
    const there = new Set(payloads.map(([name]) => name.replace('.json', '')));
    expect(Object.keys(expectedEvents).filter((name) => !there.has(name))).toEqual([]);
  });
});
