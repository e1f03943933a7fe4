import { z } from 'zod';
import type { Answer } from '../http.ts';
import { recordProperties, askedProperties, toApiRecord, wantedProperties } from './api-record.ts';
import { associationSpecs, readAssociations, toPair } from './association-types.ts';
import { isError } from './catalogue.ts';
import { answerError, notFound, validationError } from './errors.ts';
import { systemProperties } from './object-type.ts';
import type { Asked, Operations } from './operation.ts';
import { reading } from './property-operations.ts';
import { isLive, type Seen } from '../shared/record.ts';
import { objectionToIdProperty, type Portal, type RecordContext, requiredIn } from './record-context.ts';
import type { Draft } from './writing.ts';

const createBody = z.object({ properties: recordProperties, associations: associationSpecs });
const updateBody = z.object({ properties: recordProperties });

/** One record at a time. docs/vendors/hubspot.md §4.2, §4.5. */
export function recordOperations(portal: Portal, context: RecordContext): Operations {
  const { objectType, records, source } = context;
  const path = `/crm/objects/${objectType.name}`;

  const answerWritten = (status: number, draft: Draft): Answer => {
    const seen = records.find('hs_object_id', draft.id);
    if (seen === undefined) return answerError(notFound());
    const told = [...Object.keys(draft.values), ...systemProperties(objectType)];
    return { status, body: toApiRecord(objectType, seen, told) };
  };

  /** The record a path names, or why it names none. */
  const named = ({ id, query }: Asked) => {
    const idProperty = query.get('idProperty') ?? 'hs_object_id';
    const objection = objectionToIdProperty(context, idProperty);
    return objection === undefined ? { idProperty, value: id } : { objection };
  };

  const create = reading(createBody, (body, { version }) => {
    const associated = readAssociations(portal, objectType, body.associations);
    if (isError(associated)) return answerError(associated);
    const writing = records.writing(source);
    const draft = writing.draft(undefined, body.properties, requiredIn(context, version));
    if (isError(draft)) return answerError(draft);
    writing.commit(associated.toIds.map((toId) => toPair(objectType, draft.id, toId)));
    return answerWritten(201, draft);
  });

  const update = reading(updateBody, (body, asked) => {
    const name = named(asked);
    if (name.objection !== undefined) return answerError(name.objection);
    const target = records.find(name.idProperty, name.value);
    if (target === undefined) return answerError(notFound());
    const writing = records.writing(source);
    const draft = writing.draft(target, body.properties);
    if (isError(draft)) return answerError(draft);
    writing.commit();
    return answerWritten(200, draft);
  });

  const read = (asked: Asked): Answer => {
    const name = named(asked);
    if (name.objection !== undefined) return answerError(name.objection);
    const seen = records.read(name.idProperty, name.value, asked.readAt);
    if (seen === undefined) return answerError(notFound());
    const wanted = wantedProperties(objectType, askedProperties(asked.query));
    return { status: 200, body: toApiRecord(objectType, seen, wanted) };
  };

  /** Living ones, or with `archived=true` those that could be restored. */
  const list = ({ query, readAt }: Asked): Answer => {
    const limit = Math.min(Number(query.get('limit') ?? 10), 100);
    if (!(limit >= 1)) return answerError(validationError('limit is a number from 1 to 100.'));
    const page = { limit: limit + 1, after: query.get('after') ?? undefined };
    const wanted = wantedProperties(objectType, askedProperties(query));
    const found: readonly (Seen & { readonly archivedAt?: number | undefined })[] =
      query.get('archived') === 'true' ? records.listArchived(page) : records.list(page, readAt);
    const results = found
      .slice(0, limit)
      .map((seen) => toApiRecord(objectType, seen, wanted, seen.archivedAt));
    const last = found[limit - 1];
    const paging = found.length > limit && last !== undefined ? { paging: { next: { after: last.id } } } : {};
    return { status: 200, body: { results, ...paging } };
  };

  return {
    [`GET ${path}`]: list,
    [`POST ${path}`]: create,
    [`GET ${path}/{id}`]: read,
    [`PATCH ${path}/{id}`]: update,
    [`DELETE ${path}/{id}`]: ({ id }) => {
      if (!isLive(records.exact(id))) return answerError(notFound());
      records.archive([id], source);
      return { status: 204 };
    },
  };
}
