/** Of records by ascending id, what `see` makes of those after the number `after`, at most `limit`. */
export function pageOf<Item extends { readonly id: string }, Told>(
  inOrder: readonly Item[],
  limit: number,
  after: number | undefined,
  numberOf: (id: string) => number,
  see: (record: Item) => Told | undefined,
): Told[] {
  const found: Told[] = [];
  for (
    let index = after === undefined ? 0 : firstAfter(inOrder, after, numberOf);
    index < inOrder.length && found.length < limit;
    index += 1
  ) {
    const record = inOrder[index];
    const told = record === undefined ? undefined : see(record);
    if (told !== undefined) found.push(told);
  }
  return found;
}

/** Index of the first record whose number is greater. */
function firstAfter(
  records: readonly { readonly id: string }[],
  after: number,
  numberOf: (id: string) => number,
): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const record = records[middle];
    if (record !== undefined && numberOf(record.id) > after) high = middle;
    else low = middle + 1;
  }
  return low;
}
