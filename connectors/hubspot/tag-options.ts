import type { HubspotClient } from './client.ts';
import { tagsProperty } from './properties.ts';
import { readProperty, replaceOptions } from './property-api.ts';

/** The options of the tags property, to which new tags are added before a record may carry them. */
export interface TagOptions {
  /** Makes every one of these tags an option. */
  ensure(tags: readonly string[]): Promise<void>;
  /** HubSpot refused a tag believed to be an option: somebody removed it. Read again before the next write. */
  forget(): void;
}

export function createTagOptions(client: HubspotClient): TagOptions {
  let known: ReadonlySet<string> = new Set();
  // HubSpot replaces the list as a whole, so two additions at once would lose one of them.
  let turn: Promise<void> = Promise.resolve();

  const add = async (tags: readonly string[]): Promise<void> => {
    if (tags.every((tag) => known.has(tag))) return;
    const { options } = await readProperty(client, tagsProperty);
    const existing = new Set(options.map(({ value }) => value));
    const added = [...new Set(tags)].filter((tag) => !existing.has(tag));
    if (added.length > 0) {
      const fresh = added.map((tag) => ({ label: tag, value: tag, displayOrder: -1, hidden: false }));
      await replaceOptions(client, tagsProperty, [...options, ...fresh]);
    }
    known = new Set([...existing, ...added]);
  };

  return {
    ensure(tags) {
      const mine = turn.then(() => add(tags));
      turn = mine.catch(() => undefined);
      return mine;
    },
    forget() {
      known = new Set();
    },
  };
}
