import { z } from 'zod';
import type { Answer } from '../http.ts';
import {
  answerError,
  invalidData,
  isError,
  limitExceeded,
  mandatoryMissing,
  noPermission,
  paramMissing,
  place,
  toItem,
  zohoError,
  type ZohoError,
} from './errors.ts';
import { type Field, fieldSchema, lengths, type PickListValue, toApiField, uniqueTypes } from './field.ts';
import { type Module, uniqueKey } from './module.ts';
import type { Asked, Context, Operations } from './operation.ts';

/** docs/vendors/zoho.md §3.1. */
const fieldsMax = 5;
const labelMax = 25;

const pickList = z.array(
  z.looseObject({
    id: z.string().optional(),
    display_value: z.string().optional(),
    actual_value: z.string().optional(),
    _delete: z.boolean().optional(),
  }),
);
const unique = z
  .looseObject({ case_sensitive: z.boolean().optional(), _disable: z.boolean().optional() })
  .transform(({ case_sensitive: exact, _disable: off }): Field['unique'] =>
    off === true ? 'no' : exact === true ? 'exact' : 'any case',
  );
const moduleName = z.looseObject({ api_name: z.string() });
const part = z.looseObject({
  id: z.string().optional(),
  field_label: z.string().optional(),
  data_type: z.string().optional(),
  length: z.int().optional(),
  unique: unique.optional(),
  pick_list_values: pickList.optional(),
  lookup: z.looseObject({ module: moduleName.optional() }).nullish(),
  textarea: z.looseObject({ type: z.string() }).optional(),
});
type Part = z.infer<typeof part>;
const fieldsBody = z.object({ fields: z.array(part) });

export function fieldOperations({ state }: Context): Operations {
  const toApi = (field: Field): object => toApiField(field, (name) => state.modules.get(name)?.id ?? '');

  const withModule =
    (handle: (asked: Asked, module: Module) => Answer) =>
    (asked: Asked): Answer => {
      const name = asked.query.get('module');
      if (name === null) return answerError(paramMissing('module'));
      const module = state.modules.get(name);
      if (module === undefined) {
        return answerError(
          zohoError('INVALID_MODULE', 'the module name given seems to be invalid', { param_name: 'module' }),
        );
      }
      const admin = state.rules().profile === 'Administrator' || asked.body === undefined;
      return admin
        ? handle(asked, module)
        : answerError(noPermission('permission denied', ['Crm_Implied_Customize_Zoho_CRM']));
    };

  const pickListOf = (given: z.infer<typeof pickList>, before: readonly PickListValue[]): PickListValue[] => {
    const kept =
      state.rules().picklistPatch === 'adds'
        ? [...before]
        : before.filter(({ id }) => given.some((one) => one.id === id));
    for (const { id, display_value: shown, actual_value: value = shown, _delete: gone } of given) {
      const at = kept.findIndex((one) => one.id === id || (id === undefined && one.actual_value === value));
      const known = kept[at];
      if (gone === true && known !== undefined) kept.splice(at, 1);
      else if (known !== undefined) {
        kept[at] = {
          ...known,
          display_value: shown ?? known.display_value,
          actual_value: value ?? known.actual_value,
        };
      } else if (value !== undefined) {
        kept.push({ id: state.takeMetadataId(), display_value: shown ?? value, actual_value: value });
      }
    }
    return kept;
  };

  const made = (module: Module, given: Part, path: string): Field | ZohoError => {
    const { field_label: label, data_type: type } = given;
    if (label === undefined) return mandatoryMissing(place(path, 'field_label'));
    if (type === undefined) return mandatoryMissing(place(path, 'data_type'));
    if (label.length > labelMax) return invalidData(place(path, 'field_label'), { maximum_length: labelMax });
    const length = lengths[type];
    if (length === undefined) return invalidData(place(path, 'data_type'));
    const taken = [...module.fields.values()].some(
      (field) => field.field_label.toLowerCase() === label.toLowerCase(),
    );
    if (taken) return zohoError('DUPLICATE_DATA', 'duplicate data', { ...place(path, 'field_label') });
    if (given.unique !== undefined && !uniqueTypes.has(type)) return invalidData(place(path, 'unique'));
    const looksUp = given.lookup?.module?.api_name;
    if (type === 'lookup' && (looksUp === undefined || !state.modules.has(looksUp))) {
      return invalidData(place(`${path}.lookup`, 'module'));
    }
    return fieldSchema.parse({
      id: state.takeMetadataId(),
      api_name: apiNameOf(label, module),
      field_label: label,
      data_type: type,
      length: type === 'textarea' && given.textarea?.type === 'rich_text' ? 50_000 : (given.length ?? length),
      custom_field: true,
      unique: given.unique ?? 'no',
      rich_text: given.textarea?.type === 'rich_text',
      pick_list_values: pickListOf(given.pick_list_values ?? [], []),
      looks_up: looksUp,
    });
  };

  const patched = (module: Module, given: Part, path: string): Field | ZohoError => {
    const field = [...module.fields.values()].find(({ id }) => id === given.id);
    if (field === undefined) return invalidData(place(path, 'id'));
    const { pick_list_values: values, unique: asked, field_label: label, length } = given;
    const next: Field = {
      ...field,
      field_label: label ?? field.field_label,
      length: length ?? field.length,
      unique: asked ?? field.unique,
      pick_list_values:
        values === undefined ? field.pick_list_values : pickListOf(values, field.pick_list_values),
    };
    if (next.unique === 'no' || field.unique === next.unique) return next;
    if (!uniqueTypes.has(field.data_type) || holdsTwice(module, next))
      return invalidData(place(path, 'unique'));
    return next;
  };

  /** Values that count as unique from now on: emptied and written once more, the records' index knows of them. */
  const claimAnew = (module: Module, name: string): void => {
    const held = [...module.records.all()].flatMap(({ id, properties, archivedAt }) => {
      const value = properties[name];
      return value === undefined || archivedAt !== undefined ? [] : [{ id, value }];
    });
    if (held.length === 0) return;
    state.change(module, { kind: 'records', records: held.map(({ id }) => [id, { [name]: '' }]) });
    state.change(module, { kind: 'records', records: held.map(({ id, value }) => [id, { [name]: value }]) });
  };

  const write = (results: readonly (Field | ZohoError)[], success: number, message: string): Answer => {
    const fields = results.map((result) => {
      if (isError(result)) return toItem(result);
      return { code: 'SUCCESS', details: { id: result.id }, message, status: 'success' };
    });
    const failed = results.filter((result) => isError(result)).length;
    return { status: failed === 0 ? success : failed < results.length ? 207 : 400, body: { fields } };
  };

  const each = (
    asked: Asked,
    module: Module,
    one: (given: Part, path: string) => Field | ZohoError,
    success: number,
    message: string,
  ): Answer => {
    const read = fieldsBody.safeParse(asked.body);
    if (!read.success)
      return answerError(zohoError('INVALID_DATA', 'body', { expected_data_type: 'jsonobject' }));
    const { fields: given } = read.data;
    if (given.length > fieldsMax) {
      return answerError(
        limitExceeded(fieldsMax, { limit_due_to: [{ api_name: 'fields', json_path: '$.fields' }] }),
      );
    }
    const results = given.map((field, index) => {
      const result = one(field, `fields[${String(index)}]`);
      // At once, so that the next one sees its name taken; who is unique is known to the records from here on.
      if (!isError(result)) {
        state.putField(module, result);
        if (result.unique !== 'no') claimAnew(module, result.api_name);
      }
      return result;
    });
    return write(results, success, message);
  };

  return {
    'GET /settings/fields': withModule((_asked, { fields }) => ({
      status: 200,
      body: { fields: [...fields.values()].map(toApi) },
    })),
    'GET /settings/fields/{id}': withModule(({ ids: [id] }, { fields }) => {
      const field = [...fields.values()].find((one) => one.id === id);
      return field === undefined ? { status: 204 } : { status: 200, body: { fields: [toApi(field)] } };
    }),
    'POST /settings/fields': withModule((asked, module) =>
      each(asked, module, (given, path) => made(module, given, path), 201, 'field created'),
    ),
    'PATCH /settings/fields': withModule((asked, module) =>
      each(asked, module, (given, path) => patched(module, given, path), 200, 'field updated'),
    ),
    'PATCH /settings/fields/{id}': withModule((asked, module) =>
      each(
        asked,
        module,
        (given, path) => patched(module, { ...given, id: asked.ids[0] }, path),
        200,
        'field updated',
      ),
    ),
    'DELETE /settings/fields/{id}': withModule(({ ids: [id] }, module) => {
      const field = [...module.fields.values()].find((one) => one.id === id);
      if (field?.custom_field !== true)
        return answerError(invalidData({ api_name: 'id', json_path: '$.id' }));
      state.removeField(module, field.api_name);
      return write([field], 200, 'field deleted');
    }),
  };
}

/** From the label: spaces to `_`. docs/vendors/zoho.md §3.1 [M]. */
function apiNameOf(label: string, { fields }: Module): string {
  const base = label
    .trim()
    .replaceAll(/[^\w ]/g, '')
    .replaceAll(/ +/g, '_');
  let name = base;
  for (let again = 1; fields.has(name); again += 1) name = `${base}${String(again)}`;
  return name;
}

/** What makes a field unique must be so already. */
function holdsTwice({ records }: Module, field: Field): boolean {
  const held = [...records.all()]
    .filter(({ archivedAt }) => archivedAt === undefined)
    .flatMap(({ properties }) => properties[field.api_name] ?? [])
    .map((value) => uniqueKey(field, value));
  return new Set(held).size < held.length;
}
