import { createHash } from 'node:crypto';
import { SangamError } from '@sangam/core/errors';
import { z } from 'zod';
import { incomplete } from '../shared/outcomes.ts';
import { type ZohoAccount, phoneFieldsOf } from './account.ts';
import { usualNames } from './account-facts.ts';
import { refusalError } from './errors.ts';
import { listModules } from './module-api.ts';
import { mappedFields } from './our-fields.ts';
import { personModules } from './modules.ts';
import { success } from './outcomes.ts';
import { convertedField } from './read.ts';
import { readInstant, writtenTime } from './values.ts';
import { apiRoot, vendor, watchedFields, watchMs } from './vendor.ts';
import { watchTokenOf } from './watch-token.ts';

/** Asking Zoho to tell what happens. Shapes: docs/vendors/zoho.md §6.1. */
const path = `${apiRoot}/actions/watch`;
const priority = 'fields';

const subscribed = z.looseObject({
  watch: z.array(
    z.looseObject({
      code: z.string(),
      message: z.string().optional().catch(undefined),
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

/** Where to tell, the secret whose token each body carries, and the time there, milliseconds. */
interface Told {
  readonly url: string;
  readonly secret: string;
  readonly now: number;
}

/**
 * Asks to be told of people's records and of deals; again, it is renewed. Until when, milliseconds, as Zoho says: it may be less
 * than was asked for. Throws `webhooks_refused` (never) where Zoho does not take it.
 */
export async function subscribe(account: ZohoAccount, to: Told): Promise<{ until: number }> {
  const channels = await channelsOf(account, to);
  // What is renewed is replaced; what is not there yet is made.
  const replaced = await send(account, 'PUT', channels);
  const lacking = channels.filter((_, place) => replaced[place]?.code !== success);
  const made = lacking.length === 0 ? [] : await send(account, 'POST', lacking);
  // Who may not see deals is told of people all the same.
  const refused = made.find(({ code }, place) => code !== success && lacking[place]?.of !== 'Deals');
  if (refused !== undefined) throw notTaken(`${refused.code}, ${refused.message ?? ''}`);
  const ends = [...replaced, ...made]
    .filter(({ code }) => code === success)
    .flatMap(({ details }) => details?.events ?? [])
    .map(({ channel_expiry: at = '' }) => readInstant(at));
  const until = Math.min(...ends);
  if (!Number.isFinite(until)) throw incomplete(vendor);
  return { until };
}

/** What became of each channel; nothing where none of those to be replaced is there. */
async function send(
  { client }: ZohoAccount,
  method: 'PUT' | 'POST',
  channels: readonly Channel[],
): Promise<Subscribed['watch']> {
  const body = { watch: channels.map(({ form }) => form) };
  const answer = await client.call({ method, path, body, priority }, subscribed);
  if (answer.ok) return answer.body.watch;
  const { refusal } = answer;
  if (refusal.code !== 'batch_refused') throw refusalError(refusal);
  if (method === 'PUT') return [];
  throw notTaken(refusal.explanation);
}

function notTaken(why: string): SangamError {
  return new SangamError({
    code: 'webhooks_refused',
    origin: 'crm',
    retry: 'never',
    message: `Zoho CRM does not tell its changes to this address (${why}).`,
  });
}

interface Channel {
  /** The module it tells of. */
  readonly of: string;
  readonly form: object;
}

/** One channel a module, since each names fields of its own. */
async function channelsOf(account: ZohoAccount, { url, secret, now }: Told): Promise<Channel[]> {
  const modules = await listModules(account.client);
  const watched = [...personModules, 'Deals'].flatMap((name) => modules.filter((one) => one.name === name));
  const channels: Channel[] = [];
  for (const module of watched) {
    const { name } = module;
    if (name === 'Deals' && !(await seesFields(account, name))) continue;
    const condition = await conditionOf(account, module);
    const form = {
      channel_id: channelIdOf(`${url} ${name}`),
      events: (name === 'Deals' ? ['create', 'edit'] : ['create', 'edit', 'delete']).map(
        (one) => `${name}.${one}`,
      ),
      channel_expiry: writtenTime(now + watchMs),
      token: watchTokenOf(secret),
      notify_url: url,
      return_affected_field_values: true,
      notify_on_related_action: false,
      ...(condition === undefined ? {} : { notification_condition: [condition] }),
    };
    channels.push({ of: name, form });
  }
  return channels;
}

async function seesFields({ schema }: ZohoAccount, module: string): Promise<boolean> {
  try {
    await schema.of(module);
    return true;
  } catch (error) {
    if (error instanceof SangamError && error.code === 'missing_scope') return false;
    throw error;
  }
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
  const selection = selectionOf(group);
  if (selection === undefined) return undefined;
  return { type: 'field_selection', module: { api_name: name, id }, field_selection: selection };
}

/** Any of them. Two stand together at most, of which the second may be two again. docs/vendors/zoho.md §6.1 */
function selectionOf([first, ...others]: readonly object[]): object | undefined {
  if (others.length === 0) return first;
  return { group_operator: 'or', group: [first, selectionOf(others)] };
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
    convertedField,
  ];
}

/** Digits alone, fewer than a number loses: whether it is one or a text is told in both ways. docs/vendors/zoho.md §6.1. */
function channelIdOf(name: string): string {
  const digits = BigInt(`0x${createHash('sha256').update(name).digest('hex').slice(0, 12)}`);
  return String(1_000_000_000_000n + (digits % 8_000_000_000_000n));
}
