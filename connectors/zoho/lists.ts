import { z } from 'zod';

/**
 * A list of Zoho's whose items are read each by itself: modules and fields of kinds nobody knows must not keep the others. One
 * of which nothing can be read is none.
 */
export function listOf<Item>(item: z.ZodType<Item>): z.ZodType<Item[]> {
  return z.array(z.unknown()).transform((all, context) => {
    const read = all.flatMap((one) => {
      const { data } = item.safeParse(one);
      return data === undefined ? [] : [data];
    });
    if (read.length === 0 && all.length > 0) {
      context.addIssue({ code: 'custom', message: 'nothing in this list can be read' });
    }
    return read;
  });
}
