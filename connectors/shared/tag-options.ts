import type { CrmValues } from '@sangam/core/crm';

interface Writes {
  readonly values: CrmValues;
}

/** The options of fields that take only some, to which new tags are added before a record may carry them. */
export interface TagOptions {
  /** Makes every tag these writes put into our own field an option of it. */
  ensure(writes: readonly Writes[]): Promise<void>;
  /**
   * The CRM refused options of these fields: somebody removed them, or an admin mapped tags to a field of their own. Adds
   * them where tags can be; whether the write may be repeated.
   */
  mend(fields: readonly string[], writes: readonly Writes[]): Promise<boolean>;
}

export function createTagOptions<Option>(vendor: {
  /** Our own field of tags. */
  readonly field: string;
  /** The options there are; undefined: no field whose options tags could be. */
  readonly read: (field: string) => Promise<readonly Option[] | undefined>;
  readonly nameOf: (option: Option) => string;
  readonly add: (field: string, existing: readonly Option[], tags: readonly string[]) => Promise<void>;
  /** The tags in a value as it is written. */
  readonly tagsIn: (value: string) => readonly string[];
}): TagOptions {
  let known: ReadonlySet<string> = new Set();
  // Where the list is replaced as a whole, two additions at once would lose one of them.
  let turn: Promise<unknown> = Promise.resolve();

  const oneByOne = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };

  /** The options there are afterwards; undefined: as `read`. */
  const add = async (field: string, tags: readonly string[]): Promise<ReadonlySet<string> | undefined> => {
    const options = await vendor.read(field);
    if (options === undefined) return undefined;
    const existing = new Set(options.map(vendor.nameOf));
    const added = [...new Set(tags)].filter((tag) => !existing.has(tag));
    if (added.length > 0) await vendor.add(field, options, added);
    return new Set([...existing, ...added]);
  };

  const tagsIn = (writes: readonly Writes[], field: string): string[] =>
    writes.flatMap(({ values }) => vendor.tagsIn(values[field] ?? ''));

  return {
    ensure: (writes) =>
      oneByOne(async () => {
        const tags = tagsIn(writes, vendor.field);
        if (tags.some((tag) => !known.has(tag))) known = (await add(vendor.field, tags)) ?? known;
      }),

    mend: (fields, writes) =>
      oneByOne(async () => {
        let mended = false;
        for (const field of fields) {
          const options = await add(field, tagsIn(writes, field));
          if (options === undefined) continue;
          mended = true;
          if (field === vendor.field) known = options;
        }
        return mended;
      }),
  };
}
