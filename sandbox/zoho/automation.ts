import { createHmac } from 'node:crypto';
import { z } from 'zod';
import type { Append, JournalPart } from '../journal.ts';
import type { Values } from '../shared/record.ts';
import type { Module } from './module.ts';
import type { Change, OrgState } from './org-state.ts';
import type { Outbox } from './outbox.ts';

/** What a write can start of the customer's: seen by tests, and rules that send something. docs/vendors/zoho.md §7. */

const named = z.object({ id: z.string(), name: z.string() });

const webhookSchema = named.extend({
  module: z.string(),
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  /** Its text, with `${Module.Field}` for a record's values. */
  body: z.string(),
  contentType: z.string(),
});
export type Webhook = z.infer<typeof webhookSchema>;

/** A function that signs, as one writes it in Deluge. docs/vendors/zoho.md §8. */
const functionSchema = named.extend({
  url: z.string(),
  secret: z.string(),
  body: z.string(),
  signatureHeader: z.string(),
  timestampHeader: z.string(),
});
type SigningFunction = z.infer<typeof functionSchema>;

const criterion = z.object({ field: z.string(), comparator: z.string(), value: z.string() });

const ruleSchema = named.extend({
  module: z.string(),
  type: z.enum(['create', 'edit', 'create_or_edit', 'delete', 'field_update']),
  /** Of a field that is updated: which, and to what. */
  updated: criterion.optional(),
  conditions: z.array(
    z.object({
      criterion: criterion.optional(),
      actions: z.array(z.object({ type: z.enum(['webhooks', 'functions']), id: z.string() })),
    }),
  ),
});
export type Rule = z.infer<typeof ruleSchema>;

const entrySchema = z.union([
  z.object({ kind: z.literal('webhook'), webhook: webhookSchema }),
  z.object({ kind: z.literal('function'), made: functionSchema }),
  z.object({ kind: z.literal('rule'), rule: ruleSchema }),
  z.object({ kind: z.literal('gone'), id: z.string() }),
]);
type Entry = z.infer<typeof entrySchema>;

/** One write of one record, and what it started. */
interface Run {
  readonly module: string;
  readonly id: string;
  readonly operation: Change['operation'];
  readonly started: readonly string[];
}

const mostRuns = 10_000;

export interface Automation {
  readonly journal: JournalPart;
  readonly webhooks: ReadonlyMap<string, Webhook>;
  readonly functions: ReadonlyMap<string, SigningFunction>;
  readonly rules: ReadonlyMap<string, Rule>;
  /** The latest ones, oldest first. */
  readonly runs: Run[];
  put(entry: Exclude<Entry, { kind: 'gone' }>): void;
  remove(id: string): void;
  tell(change: Change): void;
}

export function createAutomation(state: OrgState, outbox: Pick<Outbox, 'send'>, append: Append): Automation {
  const webhooks = new Map<string, Webhook>();
  const functions = new Map<string, SigningFunction>();
  const rules = new Map<string, Rule>();
  const runs: Run[] = [];

  const apply = (entry: Entry): void => {
    switch (entry.kind) {
      case 'webhook':
        webhooks.set(entry.webhook.id, entry.webhook);
        break;
      case 'function':
        functions.set(entry.made.id, entry.made);
        break;
      case 'rule':
        rules.set(entry.rule.id, entry.rule);
        break;
      case 'gone':
        webhooks.delete(entry.id);
        rules.delete(entry.id);
        break;
    }
  };
  const happen = (entry: Entry): void => {
    apply(entry);
    append(entry);
  };

  const act = (
    rule: Rule,
    action: Rule['conditions'][number]['actions'][number],
    module: Module,
    id: string,
  ): void => {
    const { properties = {} } = module.records.exact(id) ?? {};
    const filled = (text: string): string => merged(text, module.api_name, { ...properties, id });
    const source = (of: { id: string; name: string }) => ({
      webhook: { id: of.id, name: of.name },
      rule: { id: rule.id, name: rule.name },
      module: module.api_name,
      record: id,
    });
    const webhook = action.type === 'webhooks' ? webhooks.get(action.id) : undefined;
    if (webhook !== undefined) {
      const headers = Object.fromEntries(
        Object.entries(webhook.headers).map(([name, value]) => [name, filled(value)]),
      );
      outbox.send({
        url: webhook.url,
        body: filled(webhook.body),
        headers: { ...headers, 'Content-Type': webhook.contentType },
        source: source(webhook),
      });
    }
    const made = action.type === 'functions' ? functions.get(action.id) : undefined;
    if (made !== undefined) {
      const [body, at] = [filled(made.body), String(state.clock.now())];
      const signature = createHmac('sha256', made.secret).update(`${at}.${body}`, 'utf8').digest('hex');
      const headers = { [made.timestampHeader]: at, [made.signatureHeader]: signature };
      outbox.send({ url: made.url, body, headers });
    }
  };

  const fire = (change: Change): void => {
    const { module, operation, records } = change;
    for (const rule of rules.values()) {
      if (rule.module !== module.api_name) continue;
      for (const { id, fields } of records) {
        const { properties = {} } = module.records.exact(id) ?? {};
        if (!starts(rule, operation, fields, properties)) continue;
        const condition = rule.conditions.find(
          (one) => one.criterion === undefined || holds(one.criterion, properties),
        );
        for (const action of condition?.actions ?? []) act(rule, action, module, id);
      }
    }
  };

  return {
    journal: {
      name: 'zoho automation',
      replay: (line) => apply(entrySchema.parse(line)),
      *snapshot() {
        for (const webhook of webhooks.values()) yield { kind: 'webhook', webhook };
        for (const made of functions.values()) yield { kind: 'function', made };
        for (const rule of rules.values()) yield { kind: 'rule', rule };
      },
    },
    webhooks,
    functions,
    rules,
    runs,
    put: happen,
    remove: (id) => happen({ kind: 'gone', id }),
    tell(change) {
      const started = [...change.starts].toSorted();
      for (const { id } of change.records) {
        runs.push({ module: change.module.api_name, id, operation: change.operation, started });
      }
      if (runs.length > mostRuns) runs.splice(0, runs.length - mostRuns);
      if (change.starts.has('workflow')) fire(change);
    },
  };
}

function starts(
  { type, updated }: Rule,
  operation: Change['operation'],
  fields: readonly string[],
  values: Values,
): boolean {
  switch (operation) {
    case 'insert':
      return type === 'create' || type === 'create_or_edit';
    case 'update':
      if (type === 'edit' || type === 'create_or_edit') return true;
      return (
        type === 'field_update' &&
        updated !== undefined &&
        fields.includes(updated.field) &&
        holds(updated, values)
      );
    case 'delete':
      return type === 'delete';
  }
}

function holds({ field, comparator, value }: z.infer<typeof criterion>, values: Values): boolean {
  const own = values[field] ?? '';
  if (value === '${ANYVALUE}') return true;
  const equal = value === '${EMPTY}' ? own === '' : own.toLowerCase() === value.toLowerCase();
  return comparator === 'not_equal' ? !equal : equal;
}

/** `${Leads.Lead_Status}` in a text is the record's value. docs/vendors/zoho.md §7.2 [M]. */
function merged(text: string, module: string, values: Values): string {
  return text.replaceAll(/\$\{!?(?<of>\w+)\.(?<name>\w+)\}/g, (whole, of: string, name: string) =>
    of === module ? (values[name] ?? '') : whole,
  );
}
