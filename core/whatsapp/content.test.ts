import { expect, test } from 'vitest';
import { poorness, readContent } from './content.ts';

test('of two contents real ones stand before errors and placeholders, then from an ad, then with words', () => {
  const referral = { source_type: 'ad', source_id: '7' };
  const text = { type: 'text', text: { body: 'hello' } };
  const image = { type: 'image', image: { id: '1' } };
  const errors = [{ code: 131_052, title: 'Media download error' }];
  const best = [
    { ...text, referral },
    { ...image, referral },
    text,
    image,
    { ...text, errors, referral },
    { ...image, errors },
    { type: 'unsupported', errors, referral },
    { type: 'unsupported', errors },
  ].map((content) => poorness(readContent(content)));
  expect(best).toEqual([...new Set(best)].toSorted((x, y) => x - y));
  const hollow = ['unsupported', 'media_placeholder', 'errors', 'unknown'].map((type) =>
    poorness(readContent({ type })),
  );
  expect(new Set(hollow).size).toBe(1);
  expect(hollow[0]).toBe(best.at(-1));
  // A caption is words, blanks are none.
  expect(poorness(readContent({ type: 'image', image: { caption: 'this' } }))).toBe(best[2]);
  expect(poorness(readContent({ type: 'text', text: { body: ' \n' } }))).toBe(best[3]);
});
