import { optWordLists, type WithdrawalPhrases } from './opt-words.data.ts';

/** `start` also labels menus, `subscribe` says nothing but that; `do not disturb` also names a menu's row. */
export type OptWord = 'stop' | 'stop all' | 'do not disturb' | 'start' | 'subscribe';

/** What a channel listens to, folded. */
export interface OptWords {
  readonly words: ReadonlyMap<string, OptWord>;
  readonly phrases: readonly Phrase[];
  readonly courtesies: ReadonlySet<string>;
  readonly hurries: ReadonlySet<string>;
}

interface Phrase {
  readonly word: OptWord;
  /** Of a folded message whose every word is followed by a space. */
  readonly said: RegExp;
  /** "Now" may stand beside it. */
  readonly hurried: boolean;
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
  const phrases: Phrase[] = [];
  const courtesies = new Set<string>();
  const hurries = new Set<string>();
  for (const list of optWordLists) {
    if (!list.reviewed && !languages.includes(list.language)) continue;
    for (const word of list.start) words.set(fold(word), 'start');
    for (const word of list.subscribe) words.set(fold(word), 'subscribe');
    for (const word of list.doNotDisturb) words.set(fold(word), 'do not disturb');
    for (const word of list.stop) words.set(fold(word), 'stop');
    for (const word of list.stopAll) words.set(fold(word), 'stop all');
    for (const word of list.courtesies) courtesies.add(fold(word));
    for (const word of [...list.courtesies, ...list.hurries]) hurries.add(fold(word));
    if (list.phrases !== undefined) phrases.push(...phrasesOf(list.phrases));
  }
  return { words, phrases, courtesies, hurries };
}

/** Of everything before of marketing: "stop all" is the narrower pattern. */
function phrasesOf({ parts, stopAll, stop, refuse }: WithdrawalPhrases): Phrase[] {
  const known = new Map<string, string>();
  for (const [name, pattern] of Object.entries(parts)) known.set(name, sourceOf(pattern, known));
  const said = (patterns: readonly string[]): RegExp =>
    new RegExp(`^(?:${patterns.map((pattern) => sourceOf(pattern, known)).join('|')})$`, 'u');
  return [
    ...(stopAll.length === 0 ? [] : [{ word: 'stop all', said: said(stopAll), hurried: true } as const]),
    { word: 'stop', said: said(stop), hurried: true },
    { word: 'stop', said: said(refuse), hurried: false },
  ];
}

function sourceOf(pattern: string, parts: ReadonlyMap<string, string>): string {
  const tokens = pattern.match(/[()|?*]|<\w+>|[^\s()|?*<>]+/g) ?? [];
  const sources = tokens.map((token) => {
    if (token === '(') return '(?:';
    if (/^[)|?*]$/.test(token)) return token;
    if (!token.startsWith('<')) return `(?:${fold(token)} )`;
    const part = parts.get(token.slice(1, -1));
    if (part === undefined) throw new Error(`No part stands before ${token}.`);
    return `(?:${part})`;
  });
  return sources.join('');
}

/** Longer than any withdrawal with its decorations; spares folding ordinary messages. */
const longest = 96;

/** What a message says when it says nothing else. "Don't stop" is not a stop, "please stop" is. */
export function recogniseOptWord(text: string, known: OptWords): OptWord | undefined {
  if (text.length > longest) return undefined;
  const said = fold(text);
  return known.words.get(said) ?? withdrawalIn(said, known);
}

function withdrawalIn(said: string, { words, phrases, courtesies, hurries }: OptWords): OptWord | undefined {
  const asked = without(courtesies, said);
  const urged = without(hurries, said);
  const phrase = phrases.find(({ said: pattern, hurried }) => pattern.test(`${hurried ? urged : asked} `));
  const word = phrase?.word ?? words.get(asked) ?? words.get(urged);
  if (word === 'do not disturb') return asked === urged ? word : undefined;
  return word === 'stop' || word === 'stop all' ? word : undefined;
}

/** What is left between words that change nothing; the last one stays. */
function without(decorations: ReadonlySet<string>, said: string): string {
  const left = said.split(' ');
  const isDecoration = (from: number, size: number): boolean =>
    left.length > size && decorations.has(left.slice(from, from + size).join(' '));
  for (;;) {
    const before = left.length;
    for (const size of [2, 1]) {
      if (isDecoration(0, size)) left.splice(0, size);
      if (isDecoration(left.length - size, size)) left.splice(-size);
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
