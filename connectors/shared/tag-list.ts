/** Tags that stand beside each other in one text. */

export interface TagSeparator {
  readonly separator: string;
  /** Between two tags as we write them. */
  readonly joined: string;
  /** Takes the separator's place inside a tag, which it would cut in two. */
  readonly instead: string;
}

/** As people write a list. */
export const commaList: TagSeparator = { separator: ',', joined: ', ', instead: ';' };

/** White space and invisible characters at either end: nobody sees them, and some CRMs refuse the whole write for one. */
const looseEnds = /^[\s\p{Cc}\p{Cf}]+|[\s\p{Cc}\p{Cf}]+$/gu;

export function readTagList(value: string, { separator }: TagSeparator): string[] {
  const tags = value.split(separator).map((tag) => tag.replace(looseEnds, ''));
  return [...new Set(tags)].filter((tag) => tag !== '');
}

/** Each tag as it can stand in the list, once. `clean`: as the CRM can store it. */
export function spelledTags(
  tags: readonly string[],
  { separator, instead }: TagSeparator,
  clean: (tag: string) => string,
): string[] {
  const written = tags.map((tag) => clean(tag).replaceAll(separator, instead).replace(looseEnds, ''));
  return [...new Set(written)].filter((tag) => tag !== '');
}
