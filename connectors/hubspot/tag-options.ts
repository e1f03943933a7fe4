import type { CrmValues } from '@sangam/core/crm';
import type { HubspotClient } from './client.ts';
import { tagsProperty } from './properties.ts';
import { readProperty, replaceOptions } from './property-api.ts';
import { readTags } from './tags.ts';

/** The options of checkbox properties, to which new tags are added before a record may carry them. */
export interface TagOptions {
  /** Makes every tag these writes put into our own property an option of it. */
  ensure(writes: readonly { readonly values: CrmValues }[]): Promise<void>;
  /**
   * HubSpot refused options of these properties: somebody removed them, or an admin mapped tags to a property of their
   * own. Adds them where tags can be; whether the write may be repeated.
   */
  mend(properties: readonly string[], writes: readonly { readonly values: CrmValues }[]): Promise<boolean>;
}

export function createTagOptions(client: HubspotClient): TagOptions {
  let known: ReadonlySet<string> = new Set();
  // HubSpot replaces the list as a whole, so two additions at once would lose one of them.
  let turn: Promise<unknown> = Promise.resolve();

  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const mine = turn.then(work);
    turn = mine.catch(() => undefined);
    return mine;
  };

  /** The options there are afterwards; undefined: no property whose options tags could be. */
  const add = async (name: string, tags: readonly string[]): Promise<ReadonlySet<string> | undefined> => {
    const property = await readProperty(client, name);
    if (property?.fieldType !== 'checkbox') return undefined;
    const existing = new Set(property.options.map(({ value }) => value));
    const added = [...new Set(tags)].filter((tag) => !existing.has(tag));
    if (added.length > 0) {
      const fresh = added.map((tag) => ({ label: tag, value: tag, displayOrder: -1, hidden: false }));
      await replaceOptions(client, name, [...property.options, ...fresh]);
    }
    return new Set([...existing, ...added]);
  };

  return {
    ensure: (writes) =>
      inTurn(async () => {
        const tags = tagsIn(writes, tagsProperty);
        if (tags.some((tag) => !known.has(tag))) known = (await add(tagsProperty, tags)) ?? known;
      }),

    mend: (properties, writes) =>
      inTurn(async () => {
        let mended = false;
        for (const name of properties) {
          const options = await add(name, tagsIn(writes, name));
          if (options === undefined) continue;
          mended = true;
          if (name === tagsProperty) known = options;
        }
        return mended;
      }),
  };
}

function tagsIn(writes: readonly { readonly values: CrmValues }[], property: string): string[] {
  return writes.flatMap(({ values }) => readTags(values[property] ?? '', { kind: 'choices' }));
}
