import { z } from 'zod';
import { recordProperties as properties, toApiRecord, wantedProperties } from './api-record.ts';
import { associationSpecs, readAssociations, toPair } from './association-types.ts';
import type { Association } from './associations.ts';
import { type Batch, batchAnswer, notFoundInBatch, runBatch, toItemError } from './batch.ts';
import { isError } from './catalogue.ts';
import { answerError, errorOf, type HubspotError, notFound, validationError } from './errors.ts';
import { systemProperties } from './object-type.ts';
import type { Operations } from './operation.ts';
import { batchMax } from './portal.ts';
import { reading } from './property-operations.ts';
import { objectionToIdProperty, type Portal, type RecordContext, requiredIn } from './record-context.ts';
import type { Draft, Writing } from './writing.ts';

// Made once: zod compiles a schema at its first use.
const traceId = { objectWriteTraceId: z.string().optional() };
const createBody = batchOf(z.object({ properties, associations: associationSpecs, ...traceId }));
const updateBody = batchOf(
  z.object({ id: z.string(), idProperty: z.string().optional(), properties, ...traceId }),
);
const upsertBody = batchOf(z.object({ id: z.string(), idProperty: z.string(), properties, ...traceId }));
const archiveBody = batchOf(z.object({ id: z.string() }));
const readBody = z.object({
  inputs: z.array(z.object({ id: z.string() })),
  idProperty: z.string().optional(),
  properties: z.array(z.string()).default([]),
});

/** Drafts one input. `associate` is for what the new record stands on, once the batch is made. */
type Drafter<Input> = (
  writing: Writing,
  version: string,
  associate: (pairs: readonly Association[]) => void,
) => (input: Input) => Draft | HubspotError;

/** At most 100 records at a time. docs/vendors/hubspot.md §4.2. */
export function batchOperations(portal: Portal, context: RecordContext): Operations {
  const { objectType, records, clock, rules, source } = context;
  const path = `/crm/objects/${objectType.name}/batch`;

  const batchRead = reading(readBody, (body, { readAt }) => {
    const { inputs, idProperty = 'hs_object_id' } = body;
    const objection = tooMany(inputs) ?? objectionToIdProperty(context, idProperty);
    if (objection !== undefined) return answerError(objection);
    const wanted = wantedProperties(
      objectType,
      idProperty === 'hs_object_id' ? body.properties : [...body.properties, idProperty],
    );
    const missing: string[] = [];
    const results = new Map<string, object>();
    for (const { id } of inputs) {
      const seen = records.read(idProperty, id, readAt);
      if (seen === undefined) missing.push(id);
      else results.set(seen.id, toApiRecord(objectType, seen, wanted));
    }
    const errors = missing.length === 0 ? [] : [toItemError(notFoundInBatch(objectType, missing))];
    return batchAnswer({ status: 200, results: [...results.values()], errors, at: clock.now() });
  });

  /** Drafts every input, then makes all of them, or those without objection where HubSpot answers per item. */
  const batchWrite = <Input extends Batch>(
    kind: 'create' | 'update' | 'upsert',
    schema: z.ZodType<{ inputs: Input[] }>,
    drafter: Drafter<Input>,
  ) =>
    reading(schema, ({ inputs }, { version, refusedItem }) => {
      const objection = tooMany(inputs);
      if (objection !== undefined) return answerError(objection);
      const { traceIdsAnswerPerItem, updateFailsPerItem } = rules();
      const perItem =
        (kind === 'update' && updateFailsPerItem) ||
        ((kind === 'create' || traceIdsAnswerPerItem === 'every write') &&
          inputs.every(({ objectWriteTraceId }) => objectWriteTraceId !== undefined));
      const writing = records.writing(source);
      const pairs: Association[] = [];
      const draft = drafter(writing, version, (more) => pairs.push(...more));
      const outcome = runBatch(inputs, perItem, (input) => {
        const code = refusedItem();
        return code === undefined ? draft(input) : errorOf({ code });
      });
      if ('refused' in outcome) return answerError(outcome.refused);
      writing.commit(pairs);
      const results = outcome.done.flatMap(
        ({ draft: { id, record, values }, input: { objectWriteTraceId } }) => {
          const seen = records.find('hs_object_id', id);
          if (seen === undefined) return [];
          const told = [...Object.keys(values), ...systemProperties(objectType)];
          return [
            {
              ...toApiRecord(objectType, seen, told),
              ...(kind === 'upsert' ? { new: record === undefined } : {}),
              ...(objectWriteTraceId === undefined ? {} : { objectWriteTraceId }),
            },
          ];
        },
      );
      const status = kind === 'create' ? 201 : 200;
      return batchAnswer({ status, results, errors: outcome.errors, at: clock.now() });
    });

  const batchCreate = batchWrite(
    'create',
    createBody,
    (writing, version, associate) =>
      ({ properties: given, associations }) => {
        const associated = readAssociations(portal, objectType, associations);
        if (isError(associated)) return associated;
        const draft = writing.draft(undefined, given, requiredIn(context, version));
        if (!isError(draft)) {
          associate(associated.toIds.map((toId) => toPair(objectType, draft.id, toId)));
        }
        return draft;
      },
  );

  const batchUpsert = batchWrite('upsert', upsertBody, (writing, version) => {
    const drafted = new Map<string, Draft>();
    return ({ id, idProperty, properties: given }) => {
      const { upsertIdInProperties, duplicateInputs } = rules();
      if (id === '') return validationError('An upsert needs an id that is not empty.');
      const objection = objectionToIdProperty(context, idProperty);
      if (objection !== undefined) return objection;
      const key = `${idProperty}\0${id}`;
      const earlier = drafted.get(key);
      if (earlier !== undefined && duplicateInputs === 'refused') return duplicate(id);
      const target = earlier ?? records.find(idProperty, id);
      const byRecordId = idProperty === 'hs_object_id';
      if (target === undefined && byRecordId) return notFound();
      if (!byRecordId && upsertIdInProperties === 'required' && given[idProperty] !== id) {
        return validationError(`The id must be given in properties as ${idProperty} too.`);
      }
      const draft = writing.draft(
        target,
        byRecordId ? given : { [idProperty]: id, ...given },
        requiredIn(context, version),
      );
      if (!isError(draft)) drafted.set(key, draft);
      return draft;
    };
  });

  const batchUpdate = batchWrite('update', updateBody, (writing) => {
    const drafted = new Map<string, Draft>();
    return ({ id, idProperty = 'hs_object_id', properties: given }) => {
      const objection = objectionToIdProperty(context, idProperty);
      if (objection !== undefined) return objection;
      const target = records.find(idProperty, id);
      if (target === undefined) return notFoundInBatch(objectType, [id]);
      const earlier = drafted.get(target.id);
      if (earlier !== undefined && rules().duplicateInputs === 'refused') return duplicate(id);
      const draft = writing.draft(earlier ?? target, given);
      if (!isError(draft)) drafted.set(target.id, draft);
      return draft;
    };
  });

  return {
    [`POST ${path}/read`]: batchRead,
    [`POST ${path}/create`]: batchCreate,
    [`POST ${path}/update`]: batchUpdate,
    [`POST ${path}/upsert`]: batchUpsert,
    /** What is not there any more is passed over: 204 all the same. From memory. */
    [`POST ${path}/archive`]: reading(archiveBody, ({ inputs }) => {
      const objection = tooMany(inputs);
      if (objection !== undefined) return answerError(objection);
      records.archive([...new Set(inputs.map(({ id }) => id))], source);
      return { status: 204 };
    }),
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
