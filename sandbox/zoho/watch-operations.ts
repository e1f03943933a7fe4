import { z } from 'zod';
import type { Answer } from '../http.ts';
import type { MustBeTarget } from '../targets.ts';
import {
  answerError,
  invalidData,
  isError,
  mandatoryMissing,
  noPermission,
  paramMissing,
  place,
  toItem,
  zohoError,
  type ZohoError,
} from './errors.ts';
import type { Channel, Notifications } from './notifications.ts';
import type { Asked, Context, Operations } from './operation.ts';
import { zohoTime } from './org.ts';
import { placeIn } from './read-operations.ts';

const hourMs = 60 * 60 * 1_000;
/** docs/vendors/zoho.md §6.1. */
const longestMs = 7 * 24 * hourMs;
const tokenMax = 50;
const fieldsMax = 10;

const fieldOf = z.looseObject({
  field: z.looseObject({ api_name: z.string().optional(), id: z.string().optional() }),
});
/** A field, or two of such, each of which may be two again: how many fields there are in all. */
const selection: z.ZodType<z.infer<typeof fieldOf>[]> = z.lazy(() =>
  z.union([
    z
      .looseObject({ group_operator: z.enum(['or', 'and']), group: z.array(selection).min(1).max(2) })
      .transform(({ group }) => group.flat()),
    fieldOf.transform((one) => [one]),
  ]),
);
const condition = z.looseObject({
  type: z.literal('field_selection'),
  module: z.looseObject({ api_name: z.string(), id: z.string() }),
  field_selection: selection,
});
const watched = z.looseObject({
  channel_id: z.union([z.string(), z.number()]).transform(String).optional(),
  events: z.array(z.string()).optional(),
  channel_expiry: z.string().nullish(),
  token: z.string().nullish(),
  notify_url: z.string().optional(),
  return_affected_field_values: z.boolean().nullish(),
  notify_on_related_action: z.boolean().nullish(),
  notification_condition: z.unknown().optional(),
  _delete_events: z.boolean().optional(),
});
type Watched = z.infer<typeof watched>;
const watchBody = z.looseObject({ watch: z.array(watched).min(1).max(50) });

/** Subscribing to changes. docs/vendors/zoho.md §6.1. */
export function watchOperations(
  { state }: Context,
  notifications: Notifications,
  mustBeTarget: MustBeTarget,
): Operations {
  const { clock, rules, modules } = state;

  /** Above seven days, or none: one hour. */
  const expiryOf = (asked: string | null | undefined): number => {
    const [at, now] = [Date.parse(asked ?? ''), clock.now()];
    return Number.isNaN(at) || at > now + longestMs || at <= now ? now + hourMs : at;
  };

  const objectionToEvents = (events: readonly string[], path: string): ZohoError | undefined => {
    const wrong = events.findIndex((event) => {
      const [name = '', what = ''] = event.split('.');
      return !modules.has(name) || !['create', 'edit', 'delete', 'all'].includes(what);
    });
    if (wrong === -1) return undefined;
    return invalidData({ api_name: 'events', json_path: `$.${path}.events[${String(wrong)}]` });
  };

  const fieldsOf = (conditions: unknown, path: string): Pick<Channel, 'fields'> | ZohoError => {
    const wrong = invalidData(place(path, 'notification_condition'));
    if (conditions === undefined || conditions === null) return { fields: {} };
    const read = z.array(condition).safeParse(conditions);
    if (!read.success) return wrong;
    const fields: Record<string, string[]> = {};
    for (const { module: named, field_selection: chosen } of read.data) {
      const module = modules.get(named.api_name);
      if (module === undefined || module.id !== named.id || chosen.length > fieldsMax) return wrong;
      const names = chosen.map(({ field }) =>
        module.fields.get(field.api_name ?? '')?.id === field.id ? field.api_name : undefined,
      );
      if (names.includes(undefined)) return wrong;
      fields[named.api_name] = names.flatMap((name) => name ?? []);
    }
    return { fields };
  };

  const reaches = (url: string): boolean => {
    try {
      mustBeTarget(url);
      return true;
    } catch {
      return false;
    }
  };

  /** `before`: what the channel was, where only a part is told anew. */
  const channelOf = (given: Watched, path: string, base: string, before?: Channel): Channel | ZohoError => {
    const {
      channel_id: id,
      events = before?.events,
      notify_url: url = before?.notifyUrl,
      token = before?.token,
    } = given;
    if (id === undefined) return mandatoryMissing(place(path, 'channel_id'));
    if (events === undefined) return mandatoryMissing(place(path, 'events'));
    if (url === undefined) return mandatoryMissing(place(path, 'notify_url'));
    if (!reaches(url)) return invalidData(place(path, 'notify_url'));
    if ((token ?? '').length > tokenMax)
      return invalidData(place(path, 'token'), { maximum_length: tokenMax });
    const objection = objectionToEvents(events, path);
    if (objection !== undefined) return objection;
    const keepsConditions = given.notification_condition === undefined && before !== undefined;
    const chosen = keepsConditions ? before : fieldsOf(given.notification_condition, path);
    if (isError(chosen)) return chosen;
    const keepsExpiry = given.channel_expiry === undefined && before !== undefined;
    return {
      id,
      events,
      expiresAt: keepsExpiry ? before.expiresAt : expiryOf(given.channel_expiry),
      token: token ?? null,
      notifyUrl: url,
      returnsValues: given.return_affected_field_values ?? before?.returnsValues ?? false,
      onRelatedAction: given.notify_on_related_action ?? before?.onRelatedAction ?? true,
      fields: chosen.fields,
      conditions: keepsConditions ? before.conditions : (given.notification_condition ?? null),
      base,
    };
  };

  const rowsOf = (of: Channel): { name: string; row: object }[] =>
    [...new Set(of.events.map((event) => event.split('.')[0] ?? ''))].map((name) => ({
      name,
      row: {
        channel_id: of.id,
        channel_expiry: zohoTime(of.expiresAt),
        resource_uri: `${of.base}/crm/v8/${name}`,
        resource_id: modules.get(name)?.id ?? '',
        resource_name: name,
      },
    }));

  const done = (of: Channel, message: string): object => ({
    code: 'SUCCESS',
    status: 'success',
    message,
    details: { events: rowsOf(of).map(({ row }) => row) },
  });

  const unsubscribed = (path: string): ZohoError =>
    zohoError('NOT_SUBSCRIBED', 'given channel id is not subscribed', { ...place(path, 'channel_id') });

  const each = (
    { body, headers }: Asked,
    success: number,
    one: (given: Watched, path: string, base: string) => object,
  ): Answer => {
    const { edition, watchOnFree } = rules();
    if (edition === 'free' && watchOnFree === 'refused') {
      return answerError(noPermission('feature not available in your edition', ['feature']));
    }
    const read = watchBody.safeParse(body);
    if (!read.success) return answerError(invalidData({ api_name: 'watch', json_path: '$.watch' }));
    const base = `http://${headers.host ?? ''}/sandbox/zoho`;
    const watch = read.data.watch.map((given, index) => one(given, `watch[${String(index)}]`, base));
    const failed = watch.filter((item) => 'status' in item && item.status === 'error').length;
    return {
      status: failed === 0 ? success : failed < watch.length ? 207 : rules().watchFailureStatus,
      body: { watch },
    };
  };
  const put = (made: Channel | ZohoError, message: string): object => {
    if (isError(made)) return toItem(made);
    notifications.put(made);
    return done(made, message);
  };
  const known = (id: string | undefined): Channel | undefined =>
    notifications.channels().find((one) => one.id === id);

  return {
    'POST /actions/watch': (asked) =>
      each(asked, 201, (given, path, base) =>
        put(channelOf(given, path, base), 'Successfully subscribed for actions-watch of the given module'),
      ),
    'PUT /actions/watch': (asked) =>
      each(asked, 200, (given, path, base) =>
        known(given.channel_id) === undefined
          ? toItem(unsubscribed(path))
          : put(channelOf(given, path, base), 'Successfully updated the subscribe details'),
      ),
    'PATCH /actions/watch': (asked) =>
      each(asked, 200, (given, path, base) => {
        const before = known(given.channel_id);
        if (before === undefined) return toItem(unsubscribed(path));
        const { _delete_events: removes, events = [] } = given;
        const left = before.events.filter((event) => !events.includes(event));
        const made = channelOf(removes === true ? { ...given, events: left } : given, path, base, before);
        if (isError(made) || made.events.length > 0)
          return put(made, 'Successfully updated the subscribe details');
        notifications.remove(made.id);
        return done(before, 'Successfully removed the subscribe details');
      }),
    'DELETE /actions/watch': ({ query }) => {
      const ids = (query.get('channel_ids') ?? '').split(',').filter((id) => id !== '');
      if (ids.length === 0) return answerError(paramMissing('channel_ids'));
      const watch = ids.map((id) => {
        const of = known(id);
        if (of === undefined) return toItem(unsubscribed('watch[0]'));
        notifications.remove(id);
        const name = of.events[0]?.split('.')[0] ?? '';
        const resource = {
          resource_uri: `${of.base}/crm/v8/${name}`,
          resource_id: modules.get(name)?.id ?? '',
        };
        const details = { ...resource, channel_id: id };
        return {
          code: 'SUCCESS',
          status: 'success',
          message: 'Successfully un-subscribed from actions-watch',
          details,
        };
      });
      const failed = watch.every((item) => 'status' in item && item.status === 'error');
      return { status: failed ? rules().watchFailureStatus : 200, body: { watch } };
    },
    'GET /actions/watch': ({ query }) => {
      const [id, module] = [query.get('channel_id'), query.get('module')];
      const rows = notifications
        .channels()
        .filter((of) => id === null || of.id === id)
        .flatMap((of) =>
          rowsOf(of)
            .filter(({ name }) => module === null || name === module)
            .map(({ name, row }) => ({
              ...row,
              notify_url: of.notifyUrl,
              token: of.token,
              events: of.events.filter((event) => event.startsWith(`${name}.`)),
              fields: null,
              notify_on_related_action: of.onRelatedAction,
              return_affected_field_values: of.returnsValues,
              notification_condition: of.conditions,
            })),
        );
      const { page, perPage } = placeIn(query);
      const watch = rows.slice((page - 1) * perPage, page * perPage);
      if (watch.length === 0) return { status: 204 };
      const info = {
        per_page: perPage,
        page,
        count: watch.length,
        more_records: rows.length > page * perPage,
      };
      return { status: 200, body: { watch, info } };
    },
  };
}
