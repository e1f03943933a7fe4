import { z } from 'zod';

/** A property and how HubSpot's API tells and takes it. Shapes: docs/vendors/hubspot.md §4.4. */

const option = z.looseObject({
  label: z.string(),
  value: z.string(),
  displayOrder: z.int().default(-1),
  hidden: z.boolean().default(false),
});

export const propertyDefinition = z.object({
  name: z.string(),
  label: z.string(),
  type: z.string(),
  fieldType: z.string(),
  groupName: z.string(),
  description: z.string().default(''),
  options: z.array(option).default([]),
  displayOrder: z.int().default(-1),
  hasUniqueValue: z.boolean().default(false),
  hidden: z.boolean().default(false),
  formField: z.boolean().default(false),
  /** Ours from here on: not what a caller sends. */
  hubspotDefined: z.boolean().default(false),
  externalOptions: z.boolean().default(false),
  readOnly: z.boolean().default(false),
  calculated: z.boolean().default(false),
});

export type PropertyDefinition = z.infer<typeof propertyDefinition>;

export const propertyCreate = propertyDefinition.omit({
  hubspotDefined: true,
  externalOptions: true,
  readOnly: true,
  calculated: true,
});

/** `name` and `hasUniqueValue` cannot be changed (docs/vendors/hubspot.md §4.2) and are not read. */
export const propertyPatch = z.object({
  label: z.string().optional(),
  type: z.string().optional(),
  fieldType: z.string().optional(),
  groupName: z.string().optional(),
  description: z.string().optional(),
  options: z.array(option).optional(),
  displayOrder: z.int().optional(),
  hidden: z.boolean().optional(),
  formField: z.boolean().optional(),
});

export const propertyGroup = z.object({
  name: z.string(),
  label: z.string(),
  displayOrder: z.int().default(-1),
  archived: z.boolean().default(false),
});

export type PropertyGroup = z.infer<typeof propertyGroup>;

/** As the API tells it. */
export function toApiProperty({ readOnly, ...property }: PropertyDefinition): object {
  return {
    ...property,
    archived: false,
    modificationMetadata: {
      archivable: !property.hubspotDefined,
      readOnlyDefinition: property.hubspotDefined,
      readOnlyValue: readOnly,
    },
  };
}
