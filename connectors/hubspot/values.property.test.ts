import type { CrmField } from '@sangam/core/crm';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { spelling } from './spelling.ts';
import { writtenText } from './values.ts';

const anyText = fc.string({ unit: 'binary' });
const field = (kind: CrmField['kind']): CrmField => ({ name: 'x', label: 'X', kind, writable: true });
const written = (tags: readonly string[], of: CrmField): string =>
  spelling.write({ kind: 'tags', tags }, of) ?? '';

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
      const time = spelling.write({ kind: 'time', at }, field('time')) ?? '';
      expect(spelling.same(time, String(at), field('time'))).toBe(true);
      expect(spelling.same(time, String(at + 1), field('time'))).toBe(false);
    }),
  );
});

/** What HubSpot makes of a checkbox write: a leading semicolon adds. docs/vendors/hubspot.md §4.2 */
function afterWrite(held: string, write: string | undefined, { kind }: CrmField): string {
  if (write === undefined) return held;
  return kind === 'choices' && write.startsWith(';') ? `${held}${write}` : write;
}

test.each([field('choices'), field('text')])('a record brought to wanted tags holds them: $kind', (of) => {
  fc.assert(
    fc.property(fc.array(anyText), fc.array(anyText), (ours, theirs) => {
      const [wanted, held] = [spelling.readTags(written(ours, of), of), written(theirs, of)];
      const after = afterWrite(held, spelling.writeTags(wanted, held, of), of);
      expect(new Set(spelling.readTags(after, of))).toEqual(new Set(wanted));
      expect(spelling.writeTags(wanted, after, of)).toBeUndefined();
    }),
  );
});

test('additions alone leave a box a rep checks at the same moment', () => {
  fc.assert(
    fc.property(fc.array(anyText), fc.array(anyText), (added, theirs) => {
      const of = field('choices');
      const held = written(theirs, of);
      const wanted = [...spelling.readTags(held, of), ...spelling.readTags(written(added, of), of)];
      const write = spelling.writeTags(wanted, held, of);
      const after = afterWrite(`${held};checked meanwhile`, write, of);
      expect(spelling.readTags(after, of)).toContain('checked meanwhile');
    }),
  );
});
