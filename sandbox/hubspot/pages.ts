/** Of records by ascending id, what `see` makes of those after `after`, at most `limit`. */
export function pageOf<Item extends { readonly id: string }, Told>(
  inOrder: readonly Item[],
  limit: number,
  after: string | undefined,
  see: (record: Item) => Told | undefined,
): Told[] {
  const found: Told[] = [];
  for (
    let index = after === undefined ? 0 : firstAfter(inOrder, after);
    index < inOrder.length && found.length < limit;
    index += 1
  ) {
    const record = inOrder[index];
    const told = record === undefined ? undefined : see(record);
    if (told !== undefined) found.push(told);
  }
  return found;
}

/** Index of the first record whose id is greater. */
function firstAfter(records: readonly { readonly id: string }[], after: string): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (Number(records[middle]?.id) > Number(after)) high = middle;
    else low = middle + 1;
  }
  return low;
}
