import { z } from 'zod';
import type { Answer } from '../http.ts';
import { batchAnswer } from './batch.ts';
import { type Catalogue, type CatalogueChange, isError } from './catalogue.ts';
import { answerError, notFound, validationError } from './errors.ts';
import type { ObjectType } from './object-type.ts';
import type { Asked, Operations } from './operation.ts';
import {
  propertyCreate,
  type PropertyDefinition,
  propertyGroup,
  propertyPatch,
  toApiProperty,
} from './property.ts';

/** docs/vendors/hubspot.md §4.4. */
export function propertyOperations(
  { name }: ObjectType,
  catalogue: Catalogue,
  change: (change: CatalogueChange) => void,
  now: () => number,
): Operations {
  const path = `/crm/properties/${name}`;

  const create = (asked: readonly z.infer<typeof propertyCreate>[]): PropertyDefinition[] | Answer => {
    const made = asked.map((property) => ({
      ...property,
      hubspotDefined: false,
      externalOptions: false,
      readOnly: false,
      calculated: false,
    }));
    const objection = catalogue.objection(made);
    if (objection !== undefined) return answerError(objection);
    for (const property of made) change({ kind: 'property', property });
    return made;
  };

  return {
    [`GET ${path}`]: () => ({
      status: 200,
      body: { results: [...catalogue.properties.values()].map(toApiProperty) },
    }),

    [`POST ${path}`]: reading(propertyCreate, (property) => {
      const made = create([property]);
      return Array.isArray(made) ? { status: 201, body: made.map(toApiProperty)[0] } : made;
    }),

    [`POST ${path}/batch/create`]: reading(
      z.object({ inputs: z.array(propertyCreate).min(1) }),
      ({ inputs }) => {
        const made = create(inputs);
        return Array.isArray(made)
          ? batchAnswer({ status: 201, results: made.map(toApiProperty), errors: [], at: now() })
          : made;
      },
    ),

    [`GET ${path}/groups`]: () => ({
      status: 200,
      body: { results: [...catalogue.groups.values()] },
    }),

    [`POST ${path}/groups`]: reading(propertyGroup, (asked) => {
      const group = { ...asked, archived: false };
      const objection = catalogue.objection([], [group]);
      if (objection !== undefined) return answerError(objection);
      change({ kind: 'group', group });
      return { status: 201, body: group };
    }),

    [`GET ${path}/{id}`]: ({ id }) => {
      const property = catalogue.properties.get(id);
      return property === undefined ? noProperty(id) : { status: 200, body: toApiProperty(property) };
    },

    [`PATCH ${path}/{id}`]: reading(propertyPatch, (patch, { id }) => {
      const patched = catalogue.patched(id, patch);
      if (isError(patched)) return answerError(patched);
      change({ kind: 'property', property: patched });
      return { status: 200, body: toApiProperty(patched) };
    }),

    [`DELETE ${path}/{id}`]: ({ id }) => {
      const property = catalogue.properties.get(id);
      if (property === undefined) return noProperty(id);
      if (property.hubspotDefined) return answerError(validationError(`'${id}' is HubSpot's own property.`));
      change({ kind: 'property removed', name: id });
      return { status: 204 };
    },
  };
}

function noProperty(name: string): Answer {
  return answerError(notFound(`Property '${name}' does not exist`));
}

/** A handler of a body of this shape; any other body is a 400. */
export function reading<Body>(
  schema: z.ZodType<Body>,
  handler: (body: Body, asked: Asked) => Answer,
): (asked: Asked) => Answer {
  return (asked) => {
    const read = schema.safeParse(asked.body);
    if (read.success) return handler(read.data, asked);
    return answerError(validationError(`Invalid input JSON: ${z.prettifyError(read.error)}`));
  };
}
