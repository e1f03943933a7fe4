import { z } from 'zod';
import type { Answer } from '../http.ts';
import type { MustBeTarget } from '../targets.ts';
import type { Automation, Rule, Webhook } from './automation.ts';
import {
  answerError,
  invalidData,
  isError,
  noPermission,
  paramMissing,
  place,
  toItem,
  type ZohoError,
  zohoError,
} from './errors.ts';
import type { Asked, Context, Operations } from './operation.ts';
import { zohoTime } from './org.ts';
import type { Outbox } from './outbox.ts';
import { placeIn } from './read-operations.ts';

/** Webhooks of rules, the rules, and what failed of them. docs/vendors/zoho.md §7.2, §7.3. */

const parameters = z.array(z.looseObject({ name: z.string(), value: z.string() })).default([]);
const moduleName = z.looseObject({ api_name: z.string() });
const webhooksBody = z.looseObject({
  webhooks: z
    .array(
      z.looseObject({
        name: z.string(),
        module: moduleName,
        url: z.string(),
        http_method: z.literal('POST'),
        feature_type: z.string(),
        headers: z.looseObject({ custom_parameters: parameters, module_parameters: parameters }).optional(),
        body: z
          .discriminatedUnion('type', [
            z.looseObject({
              type: z.literal('raw'),
              raw_data_content: z.string().default(''),
              format: z.string().nullish(),
            }),
            z.looseObject({
              type: z.literal('form_data'),
              form_data_content: z
                .looseObject({ custom_parameters: parameters, module_parameters: parameters })
                .default({ custom_parameters: [], module_parameters: [] }),
            }),
          ])
          .optional(),
      }),
    )
    .length(1),
});

const criterion = z
  .looseObject({ field: moduleName, comparator: z.enum(['equal', 'not_equal']), value: z.string() })
  .transform(({ field, comparator, value }) => ({ field: field.api_name, comparator, value }));
const rulesBody = z.looseObject({
  workflow_rules: z
    .array(
      z.looseObject({
        name: z.string().max(100),
        module: moduleName,
        execute_when: z.looseObject({
          type: z.enum(['create', 'edit', 'create_or_edit', 'delete', 'field_update']),
          details: z.looseObject({ criteria: criterion.nullish() }).optional(),
        }),
        conditions: z
          .array(
            z.looseObject({
              criteria_details: z.looseObject({ criteria: criterion.nullish() }).nullish(),
              instant_actions: z.looseObject({
                actions: z.array(z.looseObject({ type: z.enum(['webhooks', 'functions']), id: z.string() })),
              }),
            }),
          )
          .max(10),
      }),
    )
    .length(1),
});

const formType = 'application/x-www-form-urlencoded';
const dayMs = 86_400_000;

/** Whole days, of UTC; the last thirty unless the query says otherwise, ninety at most. docs/vendors/zoho.md §7.3 */
function failureDays(
  query: URLSearchParams,
  now: number,
): { readonly from: number; readonly to: number } | ZohoError {
  const today = Math.floor(now / dayMs) * dayMs;
  for (const name of ['from', 'to']) {
    const given = query.get(name);
    if (given !== null && !(/^\d{4}-\d\d-\d\d$/.test(given) && !Number.isNaN(Date.parse(given))))
      return wrongDay(name);
  }
  const to = Date.parse(query.get('to') ?? new Date(today).toISOString()) + dayMs;
  const from = Date.parse(query.get('from') ?? new Date(to - 31 * dayMs).toISOString());
  return to - from > 91 * dayMs ? wrongDay('from') : { from, to };
}

function wrongDay(name: string): ZohoError {
  const details = { expected_data_type: 'date', param_name: name };
  return zohoError('INVALID_DATA', 'The value provided to the param is Invalid', details);
}

export function automationOperations(
  { state }: Context,
  automation: Automation,
  outbox: Outbox,
  mustBeTarget: MustBeTarget,
): Operations {
  const { webhooks, functions, rules } = automation;

  const madeWebhook = (body: unknown): Webhook | ZohoError => {
    const read = webhooksBody.safeParse(body);
    const [given] = read.data?.webhooks ?? [];
    if (given === undefined) return invalidData({ api_name: 'webhooks', json_path: '$.webhooks' });
    if (!state.modules.has(given.module.api_name)) return invalidData(place('webhooks[0]', 'module'));
    try {
      mustBeTarget(given.url);
    } catch {
      return invalidData(place('webhooks[0]', 'url'));
    }
    const { custom_parameters: fixed = [], module_parameters: ofRecord = [] } = given.headers ?? {};
    const headers = Object.fromEntries([...fixed, ...ofRecord].map(({ name, value }) => [name, value]));
    const facts = {
      id: state.takeMetadataId(),
      name: given.name,
      module: given.module.api_name,
      url: given.url,
      headers,
    };
    if (given.body?.type === 'raw') {
      const contentType = given.body.format === 'JSON' ? 'application/json' : 'text/plain';
      return { ...facts, body: given.body.raw_data_content, contentType };
    }
    const { custom_parameters: own = [], module_parameters: fields = [] } =
      given.body?.form_data_content ?? {};
    const form = [...own, ...fields]
      .map(({ name, value }) => `${encodeURIComponent(name)}=${value}`)
      .join('&');
    return { ...facts, body: form, contentType: formType };
  };

  const madeRule = (body: unknown): Rule | ZohoError => {
    const read = rulesBody.safeParse(body);
    const [given] = read.data?.workflow_rules ?? [];
    if (given === undefined)
      return invalidData({ api_name: 'workflow_rules', json_path: '$.workflow_rules' });
    const module = state.modules.get(given.module.api_name);
    if (module === undefined) return invalidData(place('workflow_rules[0]', 'module'));
    const conditions = given.conditions.map(
      ({ criteria_details: details, instant_actions: { actions } }) => ({
        ...(details?.criteria === undefined || details.criteria === null
          ? {}
          : { criterion: details.criteria }),
        actions: actions.map(({ type, id }) => ({ type, id })),
      }),
    );
    // What a rule does is made first. docs/vendors/zoho.md §7.2.
    const unknown = conditions.some(({ actions }) =>
      actions.some(({ type, id }) => (type === 'webhooks' ? !webhooks.has(id) : !functions.has(id))),
    );
    if (unknown) return invalidData(place('workflow_rules[0].conditions[0].instant_actions', 'actions'));
    const { type, details } = given.execute_when;
    const updated = details?.criteria ?? undefined;
    if (type === 'field_update' && (updated === undefined || !module.fields.has(updated.field))) {
      return invalidData(place('workflow_rules[0].execute_when.details', 'criteria'));
    }
    return {
      id: state.takeMetadataId(),
      name: given.name,
      module: module.api_name,
      type,
      ...(updated === undefined ? {} : { updated }),
      conditions,
    };
  };

  const allowed =
    (handle: (asked: Asked) => Answer) =>
    (asked: Asked): Answer =>
      state.rules().edition === 'free'
        ? answerError(noPermission('feature not available in your edition', ['feature']))
        : handle(asked);

  const refused = (key: string, error: ZohoError): Answer => ({
    status: error.httpStatus,
    body: { [key]: [toItem(error)] },
  });
  const success = (id: string, message: string): object => ({
    code: 'SUCCESS',
    details: { id },
    message,
    status: 'success',
  });

  const remove = (
    key: string,
    known: ReadonlyMap<string, unknown>,
    ids: readonly string[],
    message: string,
  ): Answer => {
    if (ids.length === 0) return answerError(paramMissing('ids'));
    const items = ids.map((id) => {
      if (!known.has(id)) return toItem(invalidData({ api_name: 'id', json_path: '$.ids' }));
      automation.remove(id);
      return success(id, message);
    });
    return { status: 200, body: { [key]: items } };
  };
  const idsIn = (query: URLSearchParams): string[] =>
    (query.get('ids') ?? '').split(',').filter((id) => id !== '');

  const listed = (key: string, all: readonly object[], query: URLSearchParams): Answer => {
    const { page, perPage } = placeIn(query);
    const shown = all.slice((page - 1) * perPage, page * perPage);
    if (shown.length === 0) return { status: 204 };
    const info = { per_page: perPage, page, count: shown.length, more_records: all.length > page * perPage };
    return { status: 200, body: { [key]: shown, info } };
  };
  const moduleOf = (name: string): object => ({ api_name: name, id: state.modules.get(name)?.id ?? '' });
  const toApiWebhook = ({ id, name, module, url, headers }: Webhook): object => ({
    id,
    name,
    module: moduleOf(module),
    url,
    http_method: 'POST',
    feature_type: 'workflow',
    headers: {
      custom_parameters: Object.entries(headers).map(([header, value]) => ({ name: header, value })),
      module_parameters: [],
    },
  });
  const toApiRule = ({ id, name, module, type, updated, conditions }: Rule): object => ({
    id,
    name,
    module: moduleOf(module),
    status: { active: true },
    execute_when: {
      type,
      details: {
        trigger_module: moduleOf(module),
        ...(updated === undefined ? {} : { criteria: { ...updated, field: { api_name: updated.field } } }),
      },
    },
    conditions: conditions.map(({ actions }, index) => ({
      sequence_number: index + 1,
      instant_actions: { actions },
    })),
  });

  return {
    'GET /settings/automation/webhooks': allowed(({ query }) =>
      listed('webhooks', [...webhooks.values()].map(toApiWebhook), query),
    ),
    'POST /settings/automation/webhooks': allowed(({ body }) => {
      const webhook = madeWebhook(body);
      if (isError(webhook)) return refused('webhooks', webhook);
      automation.put({ kind: 'webhook', webhook });
      return { status: 201, body: { webhooks: [success(webhook.id, 'webhook created')] } };
    }),
    'DELETE /settings/automation/webhooks': allowed(({ query }) =>
      remove('webhooks', webhooks, idsIn(query), 'webhook deleted'),
    ),
    'DELETE /settings/automation/webhooks/{id}': allowed(({ ids }) =>
      remove('webhooks', webhooks, ids, 'webhook deleted'),
    ),
    'GET /settings/automation/workflow_rules': allowed(({ query }) =>
      listed('workflow_rules', [...rules.values()].map(toApiRule), query),
    ),
    'POST /settings/automation/workflow_rules': allowed(({ body }) => {
      const rule = madeRule(body);
      if (isError(rule)) return refused('workflow_rules', rule);
      automation.put({ kind: 'rule', rule });
      return { status: 201, body: { workflow_rules: [success(rule.id, 'workflow created')] } };
    }),
    'DELETE /settings/automation/workflow_rules': allowed(({ query }) =>
      remove('workflow_rules', rules, idsIn(query), 'workflow deleted'),
    ),
    'DELETE /settings/automation/workflow_rules/{id}': allowed(({ ids }) =>
      remove('workflow_rules', rules, ids, 'workflow deleted'),
    ),
    'GET /settings/automation/webhook_failures': allowed(({ query }) => {
      const span = failureDays(query, state.clock.now());
      if (isError(span)) return answerError(span);
      const shown = outbox.failures
        .filter(({ at }) => at >= span.from && at < span.to)
        .map(({ webhook, rule, module, record, at, reason }, index) => ({
          id: `${webhook.id.slice(0, -6)}${String(600_001 + index)}`,
          webhook,
          workflow_rule: rule,
          entity_details: { module: moduleOf(module), id: record, name: state.nameOf(module, record).name },
          failure_time: zohoTime(at),
          failure_reason: reason,
        }));
      return listed('webhook_failures', shown, query);
    }),
  };
}
