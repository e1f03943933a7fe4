import { optWordLists } from './opt-words.data.ts';

/** `start` also labels menus, `subscribe` says nothing but that. */
export type OptWord = 'stop' | 'stop all' | 'start' | 'subscribe';

/** The words a channel listens to, folded. */
export interface OptWords {
  readonly words: ReadonlyMap<string, OptWord>;
  readonly courtesies: ReadonlySet<string>;
}

/** Languages every channel listens to: those a native speaker has reviewed. */
export const reviewedLanguages: readonly string[] = optWordLists
  .filter((list) => list.reviewed)
  .map((list) => list.language);

/** Languages there are word lists for. */
export const knownLanguages: readonly string[] = optWordLists.map((list) => list.language);

/** The words of all reviewed languages, and of these. */
export function optWords(languages: readonly string[]): OptWords {
  const words = new Map<string, OptWord>();
  const courtesies = new Set<string>();
  for (const list of optWordLists) {
    if (!list.reviewed && !languages.includes(list.language)) continue;
    for (const word of list.start) words.set(fold(word), 'start');
    for (const word of list.subscribe) words.set(fold(word), 'subscribe');
    for (const word of list.stop) words.set(fold(word), 'stop');
    for (const word of list.stopAll) words.set(fold(word), 'stop all');
    for (const word of list.courtesies) courtesies.add(fold(word));
  }
  return { words, courtesies };
}

/** Longer than any word with its decorations; spares folding ordinary messages. */
const longest = 96;

/** What a message says when it says nothing else. "Don't stop" is not a stop, "please stop" is. */
export function recogniseOptWord(text: string, { words, courtesies }: OptWords): OptWord | undefined {
  if (text.length > longest) return undefined;
  const said = fold(text);
  const known = words.get(said);
  if (known !== undefined) return known;
  const asked = words.get(withoutCourtesies(said, courtesies));
  return asked === 'stop' || asked === 'stop all' ? asked : undefined;
}

function withoutCourtesies(said: string, courtesies: ReadonlySet<string>): string {
  const left = said.split(' ');
  const isCourtesy = (from: number, size: number): boolean =>
    left.length > size && courtesies.has(left.slice(from, from + size).join(' '));
  for (;;) {
    const before = left.length;
    for (const size of [2, 1]) {
      if (isCourtesy(0, size)) left.splice(0, size);
      if (isCourtesy(left.length - size, size)) left.splice(-size);
    }
    if (left.length === before) return left.join(' ');
  }
}

/** NFKC, one case, one space between words, no punctuation or emoji. Vowel signs (\p{M}) belong to their letters. */
function fold(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\p{Default_Ignorable_Code_Point}/gu, '')
    .replace(/[^\p{L}\p{M}\p{N}]+/gu, ' ')
    .trim();
}
