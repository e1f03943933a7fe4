import { createHash } from 'node:crypto';
import { z } from 'zod';
import { incomplete } from '../shared/outcomes.ts';
import { type ZohoAccount, phoneFieldsOf } from './account.ts';
import { usualNames } from './account-facts.ts';
import { refusalError } from './errors.ts';
import { listModules } from './module-api.ts';
import { mappedFields } from './our-fields.ts';
import { personModules } from './modules.ts';
import { success } from './outcomes.ts';
import { readInstant, writtenTime } from './values.ts';
import { apiRoot, vendor, watchedFields, watchMs } from './vendor.ts';

/** Asking Zoho to tell what happens. Shapes: docs/vendors/zoho.md §6.1. */
const path = `${apiRoot}/actions/watch`;
const priority = 'fields';

const subscribed = z.looseObject({
  watch: z.array(
    z.looseObject({
      code: z.string(),
      details: z
        .looseObject({
          events: z
            .array(z.looseObject({ channel_expiry: z.string().optional().catch(undefined) }))
            .catch([])
            .default([]),
        })
        .optional()
        .catch(undefined),
    }),
  ),
});
type Subscribed = z.infer<typeof subscribed>;

/**
 * Asks to be told of people's records and of deals at this address, with this token in each body; again, it is renewed. Until
 * when, milliseconds, as Zoho says: it may be less than was asked for.
 */
export async function subscribe(
  account: ZohoAccount,
  to: { readonly address: string; readonly token: string },
  now: number,
): Promise<{ until: number }> {
  const channels = await channelsOf(account, to, now);
  // What is renewed is replaced; what is not there yet is made.
  const replaced = await send(account, 'PUT', channels);
  const lacking = channels.filter((_, place) => replaced?.watch[place]?.code !== success);
  const made = lacking.length === 0 ? undefined : await send(account, 'POST', lacking);
  if (made === undefined ? lacking.length > 0 : made.watch.some(({ code }) => code !== success)) {
    throw incomplete(vendor);
  }
  const ends = [...(replaced?.watch ?? []), ...(made?.watch ?? [])]
    .filter(({ code }) => code === success)
    .flatMap(({ details }) => details?.events ?? [])
    .map(({ channel_expiry: at = '' }) => readInstant(at));
  const until = Math.min(...ends);
  if (ends.length === 0 || Number.isNaN(until)) throw incomplete(vendor);
  return { until };
}

/** Undefined: none of them is there. */
async function send(
  { client }: ZohoAccount,
  method: 'PUT' | 'POST',
  watch: readonly object[],
): Promise<Subscribed | undefined> {
  const answer = await client.call({ method, path, body: { watch }, priority }, subscribed);
  if (answer.ok) return answer.body;
  if (method === 'PUT' && answer.refusal.code === 'batch_refused') return undefined;
  throw refusalError(answer.refusal);
}

/** One channel a module, since each names fields of its own. */
async function channelsOf(
  account: ZohoAccount,
  { address, token }: { readonly address: string; readonly token: string },
  now: number,
): Promise<object[]> {
  const modules = await listModules(account.client);
  const watched = [...personModules, 'Deals'].flatMap((name) => modules.filter((one) => one.name === name));
  const channels: object[] = [];
  for (const module of watched) {
    const { name } = module;
    const condition = await conditionOf(account, module);
    channels.push({
      channel_id: channelIdOf(`${address} ${name}`),
      events: (name === 'Deals' ? ['create', 'edit'] : ['create', 'edit', 'delete']).map(
        (one) => `${name}.${one}`,
      ),
      channel_expiry: writtenTime(now + watchMs),
      token,
      notify_url: address,
      return_affected_field_values: true,
      notify_on_related_action: false,
      ...(condition === undefined ? {} : { notification_condition: [condition] }),
    });
  }
  return channels;
}

/** Changes of which fields are told: what people change and we take over, as many as may be named. */
async function conditionOf(
  account: ZohoAccount,
  { id, name }: { readonly id: string; readonly name: string },
): Promise<object | undefined> {
  const there = await account.schema.of(name);
  const wanted =
    name === 'Deals' ? [...usualNames.followedDealFields, 'Contact_Name'] : fieldsToTell(account);
  const group = wanted
    .flatMap((one) => there.get(one) ?? [])
    .slice(0, watchedFields)
    .map((field) => ({ field: { api_name: field.api_name, id: field.id } }));
  const [only, ...others] = group;
  if (only === undefined) return undefined;
  const selection = others.length === 0 ? only : { group_operator: 'or', group };
  return { type: 'field_selection', module: { api_name: name, id }, field_selection: selection };
}

function fieldsToTell(account: ZohoAccount): readonly string[] {
  const { defaultMapping: mapping = usualNames.defaultMapping } = account.facts.now();
  const shared = mappedFields.filter(({ policy }) => policy === 'both').map(({ source }) => source);
  return [
    ...mapping.filter(({ source }) => shared.some((one) => one === source)).map(({ field }) => field.name),
    ...phoneFieldsOf(account),
    ...usualNames.followedFields,
    'First_Name',
    'Last_Name',
  ];
}

/** Digits alone, fewer than a number loses: whether it is one or a text is told in both ways. docs/vendors/zoho.md §6.1. */
function channelIdOf(name: string): string {
  const digits = BigInt(`0x${createHash('sha256').update(name).digest('hex').slice(0, 12)}`);
  return String(1_000_000_000_000n + (digits % 8_000_000_000_000n));
}
