import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addedTags, readTags, writtenTags } from './tags.ts';
import { sameInstant, writtenText, writtenTime } from './values.ts';

const anyText = fc.string({ unit: 'binary' });

test('written text is well formed, free of NUL and stays as it is when written again', () => {
  fc.assert(
    fc.property(fc.array(fc.oneof(anyText, fc.constantFrom('\0', '\uD83D', '\uDE00'))), (parts) => {
      const written = writtenText(parts.join(''));
      expect(written.isWellFormed() && !written.includes('\0')).toBe(true);
      expect(writtenText(written)).toBe(written);
    }),
  );
});

test('cutting never splits a pair, wherever it falls', () => {
  fc.assert(
    fc.property(fc.integer({ min: 65_530, max: 65_540 }), (before) => {
      const written = writtenText(`${'x'.repeat(before)}😀😀`);
      expect(written.length).toBeLessThanOrEqual(65_536);
      expect(written.isWellFormed()).toBe(true);
    }),
  );
});

test('a written time is the instant it came from, in both spellings', () => {
  fc.assert(
    fc.property(fc.integer({ min: -8.64e15, max: 8.64e15 }), (at) => {
      const written = writtenTime(at) ?? '';
      expect(sameInstant(written, String(at))).toBe(true);
      expect(sameInstant(written, String(at + 1))).toBe(false);
    }),
  );
});

test('appending tags loses none, and nothing is left to append afterwards', () => {
  fc.assert(
    fc.property(fc.array(anyText), fc.array(anyText), (ours, theirs) => {
      const [written, held] = [writtenTags(ours), writtenTags(theirs)];
      const after = `${held}${addedTags(written, held) ?? ''}`;
      expect(new Set(readTags(after))).toEqual(new Set([...readTags(held), ...readTags(written)]));
      expect(addedTags(written, after)).toBeUndefined();
    }),
  );
});
