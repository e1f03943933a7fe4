import { z } from 'zod';
import type { SandboxClock } from '../clock.ts';
import type { Answer } from '../http.ts';
import { type Batch, batchAnswer, notFoundInBatch, runBatch, toItemError } from './batch.ts';
import { type Catalogue, isError } from './catalogue.ts';
import type { Contact, Contacts, Draft, Seen, Writing } from './contacts.ts';
import { answerError, type HubspotError, notFound, validationError } from './errors.ts';
import type { Asked, Operations } from './operation.ts';
import { batchMax, defaultProperties, requiringVersion, systemProperties } from './portal.ts';
import { reading } from './property-operations.ts';
import type { HubspotRules } from './rules.ts';

// Not `z.record`, which copies every value: this is the sandbox's hottest path, and each value is checked later anyway.
const properties = z.custom<Record<string, unknown>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'properties must be an object',
);
const writeBody = z.object({ properties });
const traceId = { objectWriteTraceId: z.string().optional() };

// Made once: zod compiles a schema at its first use.
const createBody = batchOf(z.object({ properties, ...traceId }));
const updateBody = batchOf(
  z.object({ id: z.string(), idProperty: z.string().optional(), properties, ...traceId }),
);
const upsertBody = batchOf(z.object({ id: z.string(), idProperty: z.string(), properties, ...traceId }));
const readBody = z.object({
  inputs: z.array(z.object({ id: z.string() })),
  idProperty: z.string().optional(),
  properties: z.array(z.string()).default([]),
});

/** facts/hubspot.md §4.2. */
export function recordOperations({
  contacts,
  catalogue,
  clock,
  rules,
}: {
  contacts: Contacts;
  catalogue: Catalogue;
  clock: SandboxClock;
  rules: () => HubspotRules;
}): Operations {
  const requiredIn = (version: string): readonly string[] =>
    version !== 'v3' && version >= requiringVersion ? rules().requiredOnCreate : [];

  /** The property a caller names a record by. `phone` and the like are none: they are not unique. */
  const objectionToIdProperty = (idProperty: string): HubspotError | undefined =>
    idProperty === 'hs_object_id' || catalogue.unique.has(idProperty)
      ? undefined
      : validationError(`Property ${idProperty} is not a unique property of contacts.`);

  const answerWritten = (status: number, draft: Draft): Answer => {
    const seen = contacts.find('hs_object_id', draft.id);
    return seen === undefined
      ? answerError(notFound())
      : { status, body: toApiContact(seen, [...Object.keys(draft.values), ...systemProperties]) };
  };

  const writeOne = (target: Contact | undefined, status: number) =>
    reading(writeBody, (body, { version }) => {
      const writing = contacts.writing();
      const draft = writing.draft(target, body.properties, requiredIn(version));
      if (isError(draft)) return answerError(draft);
      writing.commit();
      return answerWritten(status, draft);
    });

  const named = ({ id, query }: Asked): { idProperty: string; value: string } => ({
    idProperty: query.get('idProperty') ?? 'hs_object_id',
    value: id,
  });

  const updateOne = (asked: Asked): Answer => {
    const { idProperty, value } = named(asked);
    const objection = objectionToIdProperty(idProperty);
    if (objection !== undefined) return answerError(objection);
    const target = contacts.find(idProperty, value);
    return target === undefined ? answerError(notFound()) : writeOne(target, 200)(asked);
  };

  const readOne = (asked: Asked): Answer => {
    const { idProperty, value } = named(asked);
    const objection = objectionToIdProperty(idProperty);
    if (objection !== undefined) return answerError(objection);
    const seen = contacts.read(idProperty, value, asked.readAt);
    const wanted = wantedProperties(asked.query.get('properties')?.split(',') ?? []);
    return seen === undefined ? answerError(notFound()) : { status: 200, body: toApiContact(seen, wanted) };
  };

  const list = ({ query, readAt }: Asked): Answer => {
    const limit = Math.min(Number(query.get('limit') ?? 10), 100);
    if (!(limit >= 1)) return answerError(validationError('limit is a number from 1 to 100.'));
    const found = contacts.list({ limit: limit + 1, after: query.get('after') ?? undefined }, readAt);
    const wanted = wantedProperties(query.get('properties')?.split(',') ?? []);
    const results = found.slice(0, limit).map((seen) => toApiContact(seen, wanted));
    const last = found[limit - 1];
    const paging = found.length > limit && last !== undefined ? { paging: { next: { after: last.id } } } : {};
    return { status: 200, body: { results, ...paging } };
  };

  const batchRead = reading(readBody, (body, { readAt }) => {
    const { inputs, idProperty = 'hs_object_id' } = body;
    const objection = tooMany(inputs) ?? objectionToIdProperty(idProperty);
    if (objection !== undefined) return answerError(objection);
    const wanted = wantedProperties(
      idProperty === 'hs_object_id' ? body.properties : [...body.properties, idProperty],
    );
    const missing: string[] = [];
    const results = new Map<string, object>();
    for (const { id } of inputs) {
      const seen = contacts.read(idProperty, id, readAt);
      if (seen === undefined) missing.push(id);
      else results.set(seen.id, toApiContact(seen, wanted));
    }
    const errors = missing.length === 0 ? [] : [toItemError(notFoundInBatch(missing))];
    return batchAnswer({ status: 200, results: [...results.values()], errors, at: clock.now() });
  });

  /** Drafts every input, then makes all of them, or those without objection where HubSpot answers per item. */
  const batchWrite = <Input extends Batch>(
    kind: 'create' | 'update' | 'upsert',
    schema: z.ZodType<{ inputs: Input[] }>,
    drafter: (writing: Writing, version: string) => (input: Input) => Draft | HubspotError,
  ) =>
    reading(schema, ({ inputs }, { version }) => {
      const objection = tooMany(inputs);
      if (objection !== undefined) return answerError(objection);
      const perItem =
        (kind === 'create' || rules().traceIdsAnswerPerItem === 'every write') &&
        inputs.every(({ objectWriteTraceId }) => objectWriteTraceId !== undefined);
      const writing = contacts.writing();
      const outcome = runBatch(inputs, perItem, drafter(writing, version));
      if ('refused' in outcome) return answerError(outcome.refused);
      writing.commit();
      const results = outcome.done.flatMap(
        ({ draft: { id, contact, values }, input: { objectWriteTraceId } }) => {
          const seen = contacts.find('hs_object_id', id);
          if (seen === undefined) return [];
          const result = toApiContact(seen, [...Object.keys(values), ...systemProperties]);
          return [
            {
              ...result,
              ...(kind === 'upsert' ? { new: contact === undefined } : {}),
              ...(objectWriteTraceId === undefined ? {} : { objectWriteTraceId }),
            },
          ];
        },
      );
      const status = kind === 'create' ? 201 : 200;
      return batchAnswer({ status, results, errors: outcome.errors, at: clock.now() });
    });

  const batchUpsert = batchWrite('upsert', upsertBody, (writing, version) => {
    const drafted = new Map<string, Draft>();
    return ({ id, idProperty, properties: given }) => {
      const { upsertIdInProperties, duplicateInputs } = rules();
      if (id === '') return validationError('An upsert needs an id that is not empty.');
      const objection = objectionToIdProperty(idProperty);
      if (objection !== undefined) return objection;
      const key = `${idProperty}\0${id}`;
      const earlier = drafted.get(key);
      if (earlier !== undefined && duplicateInputs === 'refused') return duplicate(id);
      const target = earlier ?? contacts.find(idProperty, id);
      const byRecordId = idProperty === 'hs_object_id';
      if (target === undefined && byRecordId) return notFound();
      if (!byRecordId && upsertIdInProperties === 'required' && given[idProperty] !== id) {
        return validationError(`The id must be given in properties as ${idProperty} too.`);
      }
      const draft = writing.draft(
        target,
        byRecordId ? given : { [idProperty]: id, ...given },
        requiredIn(version),
      );
      if (!isError(draft)) drafted.set(key, draft);
      return draft;
    };
  });

  const batchUpdate = batchWrite('update', updateBody, (writing) => {
    const drafted = new Map<string, Draft>();
    return ({ id, idProperty = 'hs_object_id', properties: given }) => {
      const objection = objectionToIdProperty(idProperty);
      if (objection !== undefined) return objection;
      const target = contacts.find(idProperty, id);
      if (target === undefined) return notFoundInBatch([id]);
      const earlier = drafted.get(target.id);
      if (earlier !== undefined && rules().duplicateInputs === 'refused') return duplicate(id);
      const draft = writing.draft(earlier ?? target, given);
      if (!isError(draft)) drafted.set(target.id, draft);
      return draft;
    };
  });

  return {
    'POST /crm/objects/contacts/batch/upsert': batchUpsert,
    'POST /crm/objects/contacts/batch/read': batchRead,
    'POST /crm/objects/contacts/batch/update': batchUpdate,
    'POST /crm/objects/contacts/batch/create': batchWrite(
      'create',
      createBody,
      (writing, version) =>
        ({ properties: given }) =>
          writing.draft(undefined, given, requiredIn(version)),
    ),
    'GET /crm/objects/contacts': list,
    'POST /crm/objects/contacts': writeOne(undefined, 201),
    'GET /crm/objects/contacts/{id}': readOne,
    'PATCH /crm/objects/contacts/{id}': updateOne,
    'DELETE /crm/objects/contacts/{id}': ({ id }) => {
      if (contacts.find('hs_object_id', id) === undefined) return answerError(notFound());
      contacts.archive(id);
      return { status: 204 };
    },
  };
}

function batchOf<Input>(input: z.ZodType<Input>): z.ZodType<{ inputs: Input[] }> {
  return z.object({ inputs: z.array(input) });
}

function duplicate(id: string): HubspotError {
  return validationError(`Duplicate IDs found in batch input: [${id}]`);
}

function tooMany(inputs: readonly unknown[]): HubspotError | undefined {
  if (inputs.length === 0) return validationError('A batch needs at least one input.');
  return inputs.length > batchMax
    ? validationError(`Batch size of ${String(inputs.length)} exceeds the maximum of ${String(batchMax)}.`)
    : undefined;
}

function wantedProperties(asked: readonly string[]): readonly string[] {
  return asked.length === 0 ? defaultProperties : [...asked, ...systemProperties];
}

/** As the API tells a record: every wanted property, null where empty. */
function toApiContact(seen: Seen, wanted: readonly string[]): object {
  const told: Record<string, string | null> = {};
  for (const name of wanted) told[name] = seen.properties[name] ?? null;
  return {
    id: seen.id,
    properties: told,
    createdAt: seen.properties['createdate'],
    updatedAt: seen.properties['lastmodifieddate'],
    archived: false,
  };
}
