import { optWordLists } from './opt-words.data.ts';

export type OptWord = 'stop' | 'stop all' | 'start';

/** The words a channel listens to, folded. */
export type OptWords = ReadonlyMap<string, OptWord>;

/** Languages a channel listens to unless an admin says otherwise: those a native speaker has reviewed. */
export const reviewedLanguages: readonly string[] = optWordLists
  .filter((list) => list.reviewed)
  .map((list) => list.language);

/** Languages there are word lists for. */
export const knownLanguages: readonly string[] = optWordLists.map((list) => list.language);

export function optWords(languages: readonly string[]): OptWords {
  const words = new Map<string, OptWord>();
  for (const list of optWordLists) {
    if (!languages.includes(list.language)) continue;
    for (const word of list.stop) words.set(fold(word), 'stop');
    for (const word of list.stopAll) words.set(fold(word), 'stop all');
    for (const word of list.start) words.set(fold(word), 'start');
  }
  return words;
}

/** Longer than any word with its decorations; spares folding ordinary messages. */
const longest = 64;

/** What a message says when it says nothing else. "Don't stop" is not a stop. */
export function recogniseOptWord(text: string, words: OptWords): OptWord | undefined {
  return text.length > longest ? undefined : words.get(fold(text));
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
