import { z } from 'zod';
import type { HubspotAnswer, HubspotCall, HubspotClient } from './client.ts';
import { refusalError } from './errors.ts';
import { type PropertyDefinition, propertyGroup } from './properties.ts';
import { apiVersion } from './vendor.ts';

/** HubSpot's property definitions of contacts. Paths: facts/hubspot.md §4.4. */
const root = `/crm/properties/${apiVersion}/contacts`;

const option = z.looseObject({ value: z.string() });

const property = z.looseObject({
  name: z.string(),
  type: z.string().optional(),
  fieldType: z.string().optional(),
  hasUniqueValue: z.boolean().optional(),
  options: z.array(option).default([]),
});

export type ExistingProperty = z.infer<typeof property>;

const anything = z.looseObject({});

export async function listProperties(client: HubspotClient): Promise<ExistingProperty[]> {
  const { results } = await succeed(
    client,
    { method: 'GET', path: root },
    z.looseObject({ results: z.array(property) }),
  );
  return results;
}

export async function readProperty(client: HubspotClient, name: string): Promise<ExistingProperty> {
  return succeed(client, { method: 'GET', path: `${root}/${name}` }, property);
}

export async function listGroups(client: HubspotClient): Promise<string[]> {
  const schema = z.looseObject({ results: z.array(z.looseObject({ name: z.string() })) });
  const { results } = await succeed(client, { method: 'GET', path: `${root}/groups` }, schema);
  return results.map(({ name }) => name);
}

export function createGroup(client: HubspotClient): Promise<HubspotAnswer<unknown>> {
  return client.call({ method: 'POST', path: `${root}/groups`, body: propertyGroup }, anything);
}

export function createProperties(
  client: HubspotClient,
  definitions: readonly PropertyDefinition[],
): Promise<HubspotAnswer<unknown>> {
  const inputs = definitions.map(inGroup);
  return client.call({ method: 'POST', path: `${root}/batch/create`, body: { inputs } }, anything);
}

export function createProperty(
  client: HubspotClient,
  definition: PropertyDefinition,
): Promise<HubspotAnswer<unknown>> {
  return client.call({ method: 'POST', path: root, body: inGroup(definition) }, anything);
}

/** Replaces the whole list of options: what is left out is gone. */
export async function replaceOptions(
  client: HubspotClient,
  name: string,
  options: readonly { readonly value: string }[],
): Promise<void> {
  await succeed(client, { method: 'PATCH', path: `${root}/${name}`, body: { options } }, anything);
}

function inGroup(definition: PropertyDefinition): object {
  return { ...definition, groupName: propertyGroup.name, formField: false };
}

async function succeed<Body>(
  client: HubspotClient,
  call: HubspotCall,
  schema: z.ZodType<Body>,
): Promise<Body> {
  const answer = await client.call(call, schema);
  if (!answer.ok) throw refusalError(answer.refusal);
  return answer.body;
}
