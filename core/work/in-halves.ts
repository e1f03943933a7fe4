import { SangamError } from '../errors.ts';

/** A batch the CRM refuses is halved until the culprit stands alone and its neighbours are through. */
export async function inHalves<Item, Outcome>(
  items: readonly Item[],
  write: (items: readonly Item[]) => Promise<Outcome[]>,
  refused: (culprit: Item, error: SangamError) => Outcome,
): Promise<Outcome[]> {
  const [first] = items;
  if (first === undefined) return [];
  try {
    return await write(items);
  } catch (error) {
    if (!(error instanceof SangamError) || error.code !== 'batch_refused') throw error;
    if (items.length === 1) return [refused(first, error)];
    const middle = Math.ceil(items.length / 2);
    return [
      ...(await inHalves(items.slice(0, middle), write, refused)),
      ...(await inHalves(items.slice(middle), write, refused)),
    ];
  }
}
