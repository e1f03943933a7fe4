import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { ChannelRow } from '../schema.ts';
import { insertChannelState, openChannel } from '../sends/channel-states.ts';
import { reconsiderChannel } from '../sends/sends.ts';
import { duePolls } from '../check/polls.ts';
import { dayMs } from '../work/retention.ts';
import type { Store, WorkspaceTransaction } from '../store.ts';

/** A workspace's WhatsApp numbers. Of the channels that ever had a number one is connected; the others were released. */

export interface ChannelNumber {
  readonly app: 'service' | 'own';
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly portfolio: string;
  readonly displayPhoneNumber: string;
  readonly region: string;
  /** Sealed, as the tokens below; null: the service's app has it. */
  readonly appSecret: Buffer | null;
  readonly verifyToken: Buffer | null;
  /** Meta showed the number to who holds it; null: nobody has proved that the number is theirs. */
  readonly accessToken: Buffer | null;
}

export interface ChannelState {
  readonly channelId: string;
  readonly workspaceId: string;
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly portfolio: string;
  readonly app: 'service' | 'own';
  readonly proven: boolean;
  readonly releasedAt: number | null;
  readonly optWordLanguages: readonly string[];
}

const stateColumns = sql.raw(
  `channel_id as "channelId", d.workspace_id as "workspaceId", phone_number_id as "phoneNumberId", waba_id as "wabaId",
   portfolio, app, proven, released_at as "releasedAt", opt_word_languages as "optWordLanguages"`,
);

/** Whoever connects, proves or releases this number waits for the others that do. */
export async function lockNumber(trx: WorkspaceTransaction, phoneNumberId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`number ${phoneNumberId}`}, 0))`.execute(trx);
}

/** The channel a number is connected as, in whichever workspace. */
export async function holderOfNumber(
  trx: WorkspaceTransaction,
  phoneNumberId: string,
): Promise<ChannelState | undefined> {
  const { rows } = await sql<ChannelState>`
    select ${stateColumns} from directory_channels d
    where phone_number_id = ${phoneNumberId} and released_at is null`.execute(trx);
  return rows[0];
}

/** Of the transaction's workspace. */
export async function channelOfId(
  trx: WorkspaceTransaction,
  channelId: string,
): Promise<ChannelState | undefined> {
  const { rows } = await sql<ChannelState>`
    select ${stateColumns} from directory_channels d
    where d.workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
  return rows[0];
}

/** Sealed; null: nobody has proved that the number is theirs. */
export async function accessTokenOf(trx: WorkspaceTransaction, channelId: string): Promise<Buffer | null> {
  const row = await trx
    .selectFrom('channels')
    .select('access_token')
    .where('workspace_id', '=', trx.workspaceId)
    .where('channel_id', '=', channelId)
    .executeTakeFirst();
  return row?.access_token ?? null;
}

/** Connected ones first, each with the number as people write it. */
export async function listChannels(
  trx: WorkspaceTransaction,
): Promise<(ChannelState & { readonly displayPhoneNumber: string })[]> {
  const { rows } = await sql<ChannelState & { displayPhoneNumber: string }>`
    select ${stateColumns}, (
      select display_phone_number from channels c
      where c.workspace_id = ${trx.workspaceId} and c.channel_id = d.channel_id) as "displayPhoneNumber"
    from directory_channels d where d.workspace_id = ${trx.workspaceId}
    order by released_at is not null, channel_id`.execute(trx);
  return rows;
}

/**
 * Connects a number nobody has, and returns its channel: the one this workspace released before, with its conversations, or a
 * new one. In a transaction that holds the number's lock.
 */
export async function connectChannel(
  trx: WorkspaceTransaction,
  number: ChannelNumber,
  now: number,
): Promise<string> {
  const { rows } = await sql<{ channelId: string }>`
    update directory_channels d
    set released_at = null, app = ${number.app}, region = ${number.region}, proven = ${number.accessToken !== null}
    where d.channel_id = (
      select channel_id from directory_channels b
      where b.workspace_id = ${trx.workspaceId} and phone_number_id = ${number.phoneNumberId}
        and waba_id = ${number.wabaId} and portfolio = ${number.portfolio}
      order by released_at desc limit 1)
    returning channel_id as "channelId"`.execute(trx);
  const known = rows[0]?.channelId;
  await duePolls(trx);
  // Meta has just shown it; from here on it is read daily.
  trx.due.add('numbers', trx.workspaceId, now + dayMs);
  if (known === undefined) return insertChannel(trx, number, now);
  await sql`
    update channels
    set display_phone_number = ${number.displayPhoneNumber}, app_secret = ${number.appSecret},
        previous_app_secret = null, previous_app_secret_until = null, verify_token = ${number.verifyToken},
        access_token = ${number.accessToken}
    where workspace_id = ${trx.workspaceId} and channel_id = ${known}`.execute(trx);
  await openChannel(trx, known, now);
  return known;
}

async function insertChannel(trx: WorkspaceTransaction, number: ChannelNumber, now: number): Promise<string> {
  const channelId = randomUUID();
  await trx
    .insertInto('channels')
    .values({
      workspace_id: trx.workspaceId,
      channel_id: channelId,
      provider: 'cloud-api',
      phone_number_id: number.phoneNumberId,
      waba_id: number.wabaId,
      display_phone_number: number.displayPhoneNumber,
      app_secret: number.appSecret,
      previous_app_secret: null,
      previous_app_secret_until: null,
      verify_token: number.verifyToken,
      access_token: number.accessToken,
      created_at: now,
    })
    .execute();
  await trx
    .insertInto('directory_channels')
    .values({
      phone_number_id: number.phoneNumberId,
      waba_id: number.wabaId,
      channel_id: channelId,
      workspace_id: trx.workspaceId,
      app: number.app,
      portfolio: number.portfolio,
      region: number.region,
      proven: number.accessToken !== null,
      created_at: now,
    })
    .execute();
  await insertChannelState(trx, channelId);
  return channelId;
}

/**
 * What Meta showed to who holds a token. In a transaction that holds the number's lock. False: the channel has released its
 * number.
 */
export async function proveChannel(
  trx: WorkspaceTransaction,
  channelId: string,
  proof: { readonly displayPhoneNumber: string; readonly region: string; readonly accessToken: Buffer },
): Promise<boolean> {
  const { rows } = await sql`
    update directory_channels d set proven = true, region = ${proof.region}
    where d.workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and released_at is null
    returning 1`.execute(trx);
  if (rows.length === 0) return false;
  await duePolls(trx);
  await sql`
    update channels set display_phone_number = ${proof.displayPhoneNumber}, access_token = ${proof.accessToken}
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
  return true;
}

/** A number as it is written now, and where that is. What was released meanwhile stays as it was. */
export async function renameNumber(
  trx: WorkspaceTransaction,
  channelId: string,
  { displayPhoneNumber, region }: { readonly displayPhoneNumber: string; readonly region: string },
): Promise<void> {
  const { rows } = await sql`
    update directory_channels d set region = ${region}
    where d.workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and released_at is null
    returning 1`.execute(trx);
  if (rows.length === 0) return;
  await duePolls(trx);
  await sql`
    update channels set display_phone_number = ${displayPhoneNumber}
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
}

/** Hands a connected number to the service's app, which has its own secrets. */
export async function giveToServiceApp(trx: WorkspaceTransaction, channelId: string): Promise<void> {
  await sql`
    update directory_channels d set app = 'service'
    where d.workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
  await sql`
    update channels
    set app_secret = null, previous_app_secret = null, previous_app_secret_until = null, verify_token = null
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
}

/**
 * Lets a number go, in a transaction that holds the number's lock. Its token goes as well: nobody sends with it. False: it was
 * released before, there is no such channel, or only an `unproven` one was to go and it is proven.
 */
export async function releaseChannel(
  trx: WorkspaceTransaction,
  channelId: string,
  now: number,
  which: 'any' | 'unproven' = 'any',
): Promise<boolean> {
  const { rows } = await sql`
    update directory_channels d set released_at = ${now}, proven = false
    where d.workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and released_at is null
      ${which === 'unproven' ? sql`and not proven` : sql``}
    returning 1`.execute(trx);
  if (rows.length === 0) return false;
  await sql`
    update channels set access_token = null
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
  await reconsiderChannel(trx, channelId, now);
  trx.due.add('sends', channelId, now);
  return true;
}

/** What a channel under an app of its own is signed with, sealed. */
export interface ChannelSecrets {
  readonly appSecret: Buffer | null;
  readonly previousAppSecret: Buffer | null;
  readonly previousAppSecretUntil: number | null;
  readonly verifyToken: Buffer | null;
}

export async function channelSecretsOf(
  trx: WorkspaceTransaction,
  channelId: string,
): Promise<ChannelSecrets | undefined> {
  const { rows } = await sql<ChannelSecrets>`
    select app_secret as "appSecret", previous_app_secret as "previousAppSecret",
           previous_app_secret_until as "previousAppSecretUntil", verify_token as "verifyToken"
    from channels where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
  return rows[0];
}

/** The secret before lives on until then. False: there is no such channel under an app of its own. */
export async function rotateAppSecret(
  trx: WorkspaceTransaction,
  channelId: string,
  { appSecret, previousUntil }: { readonly appSecret: Buffer; readonly previousUntil: number },
): Promise<boolean> {
  const { rows } = await sql`
    update channels
    set previous_app_secret = app_secret, previous_app_secret_until = ${previousUntil}, app_secret = ${appSecret}
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and app_secret is not null
    returning 1`.execute(trx);
  return rows.length > 0;
}

/** Whose opt-out words it listens to, beside those that are reviewed. False: there is no such channel. */
export async function setOptWordLanguages(
  trx: WorkspaceTransaction,
  channelId: string,
  languages: readonly string[],
): Promise<boolean> {
  const { rows } = await sql`
    update directory_channels d set opt_word_languages = ${[...languages]}::text[]
    where d.workspace_id = ${trx.workspaceId} and channel_id = ${channelId}
    returning 1`.execute(trx);
  return rows.length > 0;
}

/** What names a channel, as its column in the directory. */
export type ChannelName = 'phone_number_id' | 'waba_id' | 'channel_id';

/**
 * Channels of these names, whoever's they are. By its id one is found whatever became of its number: what was received on it
 * is applied there. By number and account only what is connected.
 */
export async function channelsNamed(
  { directory }: Pick<Store, 'directory'>,
  column: ChannelName,
  names: readonly string[],
): Promise<ChannelRow[]> {
  const type = sql.raw(column === 'channel_id' ? 'uuid' : 'text');
  const named = directory
    .selectFrom('directory_channels')
    .selectAll()
    .where(sql<boolean>`${sql.ref(column)} = any(${[...names]}::${type}[])`)
    .orderBy('channel_id');
  return (column === 'channel_id' ? named : named.where('released_at', 'is', null)).execute();
}

/** Released ones too. */
export async function channelsOfWorkspace(trx: WorkspaceTransaction): Promise<ChannelRow[]> {
  return trx
    .selectFrom('directory_channels')
    .selectAll()
    .where('directory_channels.workspace_id', '=', trx.workspaceId)
    .execute();
}

/** Connected numbers of a workspace that Meta showed to a token they gave. */
export async function provenChannels(
  { directory }: Pick<Store, 'directory'>,
  workspaceId: string,
): Promise<ChannelRow[]> {
  return directory
    .selectFrom('directory_channels')
    .selectAll()
    .where('directory_channels.workspace_id', '=', workspaceId)
    .where('proven', '=', true)
    .where('released_at', 'is', null)
    .execute();
}
