import { z } from 'zod';
import type { Answer } from '../http.ts';
import { type Actor, byApp, writeOptions } from './actor.ts';
import {
  answerError,
  errorOf,
  invalidData,
  isError,
  limitExceeded,
  notFoundUrl,
  paramMissing,
  toItem,
  zohoError,
  type ZohoError,
} from './errors.ts';
import type { Asked, Context, Operations } from './operation.ts';
import type { Module } from './module.ts';
import { batchMax, userOf } from './org.ts';
import { createWriting, type Raw, type Writing, type Written } from './writing.ts';

const writeBody = writeOptions.extend({
  data: z.array(z.record(z.string(), z.unknown())),
  duplicate_check_fields: z.array(z.string()).optional(),
});
type WriteBody = z.infer<typeof writeBody>;

const badBody = zohoError('INVALID_DATA', 'body', { expected_data_type: 'jsonobject' });

/** Insert, update, upsert and delete. docs/vendors/zoho.md §2.2, §4.1, §4.2. */
export function writeOperations(context: Context): Operations {
  const { state } = context;

  const run = (
    { body, headers, refusedItem }: Asked,
    module: Module,
    successStatus: (all: readonly Written[]) => number,
    one: (writing: Writing, raw: Raw, path: string, given: WriteBody) => Written | ZohoError,
  ): Answer => {
    const read = writeBody.safeParse(body);
    if (!read.success) return answerError(badBody);
    const given = read.data;
    if (given.data.length === 0) return answerError(invalidData({ api_name: 'data', json_path: '$.data' }));
    if (given.data.length > batchMax)
      return answerError(limitExceeded(batchMax, { api_name: 'data', json_path: '$.data' }));
    const unmodified = headers['if-unmodified-since'];
    const writing = createWriting(state, module, byApp(given, unmodified));
    const results = given.data.map((raw, index) => {
      const code = refusedItem();
      return code === undefined ? one(writing, raw, `data[${String(index)}]`, given) : errorOf({ code });
    });
    context.tell(writing.changes());
    return itemsAnswer(context, module, results, successStatus);
  };

  const withModule =
    (handle: (asked: Asked, module: Module) => Answer) =>
    (asked: Asked): Answer =>
      asked.module === undefined ? answerError(notFoundUrl) : handle(asked, asked.module);

  const remove = (asked: Asked, module: Module, ids: readonly string[]): Answer => {
    const actor: Actor = byApp(
      writeOptions.parse(asked.query.get('wf_trigger') === 'false' ? { trigger: [] } : {}),
    );
    const writing = createWriting(state, module, actor);
    const results = ids.map((id) => {
      const code = asked.refusedItem();
      return code === undefined ? writing.remove(id) : errorOf({ code });
    });
    context.tell(writing.changes());
    const data = results.map((result) =>
      isError(result)
        ? toItem(result)
        : { code: 'SUCCESS', details: { id: result.id }, message: 'record deleted', status: 'success' },
    );
    return { status: statusOf(results, 200), body: { data } };
  };

  return {
    'POST /{module}': withModule((asked, module) =>
      run(
        asked,
        module,
        () => 201,
        (writing, raw, path) => writing.insert(raw, path),
      ),
    ),
    'PUT /{module}': withModule((asked, module) =>
      run(
        asked,
        module,
        () => 200,
        (writing, raw, path) => {
          const id = raw['id'];
          return typeof id === 'string'
            ? writing.update(id, raw, path)
            : zohoError('MANDATORY_NOT_FOUND', 'required field not found', {
                api_name: 'id',
                json_path: `$.${path}.id`,
              });
        },
      ),
    ),
    'PUT /{module}/{id}': withModule((asked, module) =>
      run(
        asked,
        module,
        () => 200,
        (writing, raw, path) => writing.update(asked.ids[0] ?? '', raw, path),
      ),
    ),
    'POST /{module}/upsert': withModule((asked, module) => {
      const named = writeBody.safeParse(asked.body).data?.duplicate_check_fields;
      const useless = named?.findIndex((name) => !findsDuplicates(module, name)) ?? -1;
      if (useless !== -1) {
        const path = `$.duplicate_check_fields[${String(useless)}]`;
        return answerError(invalidData({ api_name: 'duplicate_check_fields', json_path: path }));
      }
      return run(
        asked,
        module,
        (all) => (all.every(({ action }) => action === 'insert') ? 201 : 200),
        (writing, raw, path, given) => writing.upsert(raw, path, given.duplicate_check_fields),
      );
    }),
    'DELETE /{module}/{id}': withModule((asked, module) => remove(asked, module, asked.ids)),
    'DELETE /{module}': withModule((asked, module) => {
      const ids = (asked.query.get('ids') ?? '').split(',').filter((id) => id !== '');
      if (ids.length === 0) return answerError(paramMissing('ids'));
      return ids.length > batchMax
        ? answerError(limitExceeded(batchMax, { param_name: 'ids' }))
        : remove(asked, module, ids);
    }),
  };
}

function findsDuplicates({ fields }: Module, name: string): boolean {
  const field = fields.get(name);
  return field !== undefined && (field.unique !== 'no' || field.finds_duplicates);
}

/** 207 where some failed, 400 where all did. docs/vendors/zoho.md §2.2. */
function statusOf(results: readonly (Written | ZohoError)[], success: number): number {
  const failed = results.filter((result) => isError(result));
  if (failed.length === 0) return success;
  if (failed.length < results.length) return 207;
  const [first] = failed;
  return results.length === 1 && first !== undefined ? first.httpStatus : 400;
}

function itemsAnswer(
  { state }: Context,
  module: Module,
  results: readonly (Written | ZohoError)[],
  successStatus: (all: readonly Written[]) => number,
): Answer {
  const { resultOrder, duplicateStatus } = state.rules();
  const written = results.flatMap((result) => (isError(result) ? [] : [result]));
  const ordered =
    resultOrder === 'sent' ? results : results.toSorted((a, b) => Number(isError(a)) - Number(isError(b)));
  const data = ordered.map((result) => (isError(result) ? toItem(result) : success(module, result)));
  const onlyDuplicates = results.every((result) => !isError(result) || result.code === 'DUPLICATE_DATA');
  const asSuccess = duplicateStatus === '2xx' && onlyDuplicates;
  return { status: asSuccess ? 200 : statusOf(results, successStatus(written)), body: { data } };
}

function success({ records, api_name: name }: Module, { id, action, duplicateField }: Written): object {
  const { properties = {} } = records.exact(id) ?? {};
  return {
    code: 'SUCCESS',
    status: 'success',
    message: action === 'insert' ? 'record added' : 'record updated',
    // Only an upsert needs to say. docs/vendors/zoho.md §4.2.
    ...(duplicateField === undefined ? {} : { action, duplicate_field: duplicateField }),
    details: {
      id,
      Created_Time: properties['Created_Time'],
      Modified_Time: properties['Modified_Time'],
      Created_By: userOf(properties['Created_By'] ?? ''),
      Modified_By: userOf(properties['Modified_By'] ?? ''),
      ...(name === 'Notes' ? {} : { $approval_state: 'approved' }),
    },
  };
}
