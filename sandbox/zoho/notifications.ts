import { z } from 'zod';
import type { Append, JournalPart } from '../journal.ts';
import type { Module } from './module.ts';
import type { Change, OrgState } from './org-state.ts';
import type { Outbox } from './outbox.ts';
import { toApiValue } from './values.ts';

/** Who is told of which changes, as one subscribed. docs/vendors/zoho.md §6. */
const channel = z.object({
  id: z.string(),
  /** `Leads.edit`, `Contacts.all` … */
  events: z.array(z.string()),
  /** Milliseconds since the Unix epoch. */
  expiresAt: z.number(),
  token: z.string().nullable(),
  notifyUrl: z.string(),
  returnsValues: z.boolean(),
  onRelatedAction: z.boolean(),
  /** By module: only changes of these fields. */
  fields: z.record(z.string(), z.array(z.string())),
  /** As they were sent. */
  conditions: z.unknown(),
  /** Where the API was asked. */
  base: z.string(),
});
export type Channel = z.infer<typeof channel>;

const entrySchema = z.union([
  z.object({ kind: z.literal('channel'), channel }),
  z.object({ kind: z.literal('channel gone'), id: z.string() }),
]);
type Entry = z.infer<typeof entrySchema>;

export interface Notifications {
  readonly journal: JournalPart;
  /** Those that have not expired. */
  channels(): Channel[];
  put(channel: Channel): void;
  remove(id: string): void;
  tell(change: Change): void;
}

/** As one subscribes to each. */
const eventNames = { insert: 'create', update: 'edit', delete: 'delete' } as const;

export function createNotifications(
  state: OrgState,
  outbox: Pick<Outbox, 'send'>,
  append: Append,
): Notifications {
  const { clock, rules } = state;
  const all = new Map<string, Channel>();

  const apply = (entry: Entry): void => {
    if (entry.kind === 'channel') all.set(entry.channel.id, entry.channel);
    else all.delete(entry.id);
  };
  const happen = (entry: Entry): void => {
    apply(entry);
    append(entry);
  };
  const live = (): Channel[] => [...all.values()].filter(({ expiresAt }) => expiresAt > clock.now());

  const told = (of: Channel, { module, operation, records }: Change): Change['records'] => {
    const name = module.api_name;
    const events = [`${name}.all`, `${name}.${eventNames[operation]}`];
    if (!of.events.some((event) => events.includes(event))) return [];
    const only = of.fields[name];
    if (operation === 'delete') return records;
    const changed = records.filter(({ fields }) => fields.length > 0);
    return only === undefined
      ? changed
      : changed.filter(({ fields }) => fields.some((field) => only.includes(field)));
  };

  const bodyOf = (of: Channel, { module, operation, at }: Change, records: Change['records']): object => {
    const words = rules().operationNames.split(', ');
    const fields = operation === 'delete' ? [] : records.map(({ id, fields: names }) => ({ [id]: names }));
    const values =
      operation === 'delete'
        ? []
        : records.map(({ id, fields: names }) => valuesOf(state, module, id, names));
    return {
      server_time: at,
      ...(of.returnsValues ? { affected_values: values } : {}),
      query_params: {},
      module: module.api_name,
      resource_uri: `${of.base}/crm/v8/${module.api_name}`,
      ids: records.map(({ id }) => id),
      affected_fields: fields,
      operation: words[['insert', 'update', 'delete'].indexOf(operation)],
      channel_id: of.id,
      token: of.token,
    };
  };

  return {
    journal: {
      name: 'zoho watch',
      replay: (line) => apply(entrySchema.parse(line)),
      *snapshot() {
        for (const one of live()) yield { kind: 'channel', channel: one };
      },
    },
    channels: live,
    put: (one) => happen({ kind: 'channel', channel: one }),
    remove: (id) => happen({ kind: 'channel gone', id }),
    tell(change) {
      // docs/vendors/zoho.md §6.2 [M].
      if (rules().triggerMutesWatch && !change.starts.has('workflow')) return;
      for (const of of live()) {
        const records = told(of, change);
        if (records.length > 0)
          outbox.send({ url: of.notifyUrl, body: JSON.stringify(bodyOf(of, change, records)) });
      }
    },
  };
}

function valuesOf({ nameOf }: OrgState, module: Module, id: string, names: readonly string[]): object {
  const { properties = {} } = module.records.exact(id) ?? {};
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const field = module.fields.get(name);
    if (field !== undefined) values[name] = toApiValue(field, properties, nameOf);
  }
  return { record_id: id, values };
}
