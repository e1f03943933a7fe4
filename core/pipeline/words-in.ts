/** What a payload nobody reads is made of, to be looked through for names. */
export function wordsIn(payload: Buffer): string[] {
  return payload.toString('utf8').split(/[^\p{L}\p{N}.+_=-]+/u);
}
