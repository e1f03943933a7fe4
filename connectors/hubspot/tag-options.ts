import { createTagOptions, type TagOptions } from '../shared/tag-options.ts';
import type { HubspotClient } from './client.ts';
import { tagsProperty } from './properties.ts';
import { readProperty, replaceOptions } from './property-api.ts';
import { readTags } from './tags.ts';

/** Tags as options of checkbox properties, whose list HubSpot replaces as a whole. */
export function tagOptionsOf(client: HubspotClient): TagOptions {
  return createTagOptions({
    field: tagsProperty,
    async read(name) {
      const property = await readProperty(client, name);
      return property?.fieldType === 'checkbox' ? property.options : undefined;
    },
    nameOf: ({ value }) => value,
    add(name, existing, tags) {
      const fresh = tags.map((tag) => ({ label: tag, value: tag, displayOrder: -1, hidden: false }));
      return replaceOptions(client, name, [...existing, ...fresh]);
    },
    tagsIn: (value) => readTags(value, { kind: 'choices' }),
  });
}
