import { z } from 'zod';
import type { HubspotAnswer, HubspotClient } from './client.ts';
import { refusalError } from './errors.ts';
import { type PropertyDefinition, propertyGroup } from './properties.ts';
import { apiVersion } from './vendor.ts';

/** HubSpot's contact properties. Paths and shapes: docs/vendors/hubspot.md §4.4. */
const root = `/crm/properties/${apiVersion}/contacts`;
const priority = 'fields';

const option = z.looseObject({ value: z.string(), label: z.string().optional().catch(undefined) });
const flag = z.boolean().default(false).catch(false);

const property = z.looseObject({
  name: z.string(),
  label: z.string().optional().catch(undefined),
  type: z.string().optional(),
  fieldType: z.string().optional(),
  hasUniqueValue: z.boolean().optional(),
  hidden: flag,
  archived: flag,
  calculated: flag,
  externalOptions: flag,
  modificationMetadata: z.looseObject({ readOnlyValue: flag }).optional().catch(undefined),
  options: z.array(option).default([]),
});

export type ExistingProperty = z.infer<typeof property>;

const anything = z.looseObject({});

export async function listProperties(client: HubspotClient): Promise<ExistingProperty[]> {
  const { results } = await client.succeed(
    { method: 'GET', path: root, answer: 'many', priority },
    z.looseObject({ results: z.array(property) }),
  );
  return results;
}

/** Undefined: there is no such property. */
export async function readProperty(
  client: HubspotClient,
  name: string,
): Promise<ExistingProperty | undefined> {
  const answer = await client.call({ method: 'GET', path: `${root}/${name}`, priority }, property);
  if (answer.ok) return answer.body;
  if (answer.refusal.status === 404) return undefined;
  throw refusalError(answer.refusal);
}

export async function listGroups(client: HubspotClient): Promise<string[]> {
  const schema = z.looseObject({ results: z.array(z.looseObject({ name: z.string() })) });
  const { results } = await client.succeed({ method: 'GET', path: `${root}/groups`, priority }, schema);
  return results.map(({ name }) => name);
}

export function createGroup(client: HubspotClient): Promise<HubspotAnswer<unknown>> {
  return client.call({ method: 'POST', path: `${root}/groups`, body: propertyGroup, priority }, anything);
}

export function createProperties(
  client: HubspotClient,
  definitions: readonly PropertyDefinition[],
): Promise<HubspotAnswer<unknown>> {
  const inputs = definitions.map(inGroup);
  return client.call(
    { method: 'POST', path: `${root}/batch/create`, answer: 'many', body: { inputs }, priority },
    anything,
  );
}

export function createProperty(
  client: HubspotClient,
  definition: PropertyDefinition,
): Promise<HubspotAnswer<unknown>> {
  return client.call({ method: 'POST', path: root, body: inGroup(definition), priority }, anything);
}

/** Replaces the whole list of options: what is left out is gone. */
export async function replaceOptions(
  client: HubspotClient,
  name: string,
  options: readonly { readonly value: string }[],
): Promise<void> {
  await client.succeed({ method: 'PATCH', path: `${root}/${name}`, body: { options }, priority }, anything);
}

function inGroup(definition: PropertyDefinition): object {
  return { ...definition, groupName: propertyGroup.name, formField: false };
}
