import { sql } from 'kysely';
import type { ConnectionMode, PauseScope } from '../schema.ts';
import type { WorkspaceTransaction } from '../transaction.ts';
import { reconsiderChannel } from './sends.ts';

/** How channels may be sent by: mode, pauses, blocks, breaker and limits. */

export interface ChannelSending {
  readonly channelId: string;
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly portfolio: string;
  readonly region: string;
  /** Sealed; null: nothing can be sent. */
  readonly accessToken: Buffer | null;
  readonly mode: ConnectionMode;
  readonly testPhones: readonly string[];
  readonly blockedReason: string | null;
  readonly marketingBlockedReason: string | null;
  readonly failedAttempts: number;
  readonly nextCallAt: number;
  readonly throughput: number;
  /** How often Meta asked for half of it, and when last. */
  readonly slowed: number;
  readonly slowedAt: number;
  readonly dailyLimit: number | null;
  readonly paused: boolean;
}

const isPaused = (workspaceId: string) => sql`
  exists (select 1 from pauses p
          where p.workspace_id = ${workspaceId}
            and (p.scope = 'workspace' or p.scope = 'channel' and p.subject = s.channel_id::text))`;

/** Undefined: there is no such channel, or its number was let go. */
export async function channelSending(
  trx: WorkspaceTransaction,
  channelId: string,
): Promise<ChannelSending | undefined> {
  const [channel] = await channelsSending(trx, [channelId]);
  return channel;
}

export async function channelsSending(
  trx: WorkspaceTransaction,
  channelIds: readonly string[],
): Promise<ChannelSending[]> {
  const { rows } = await sql<ChannelSending>`
    select d.channel_id as "channelId", d.phone_number_id as "phoneNumberId", d.waba_id as "wabaId", d.portfolio, d.region,
           c.access_token as "accessToken", s.mode, s.test_phones as "testPhones", s.blocked_reason as "blockedReason",
           s.marketing_blocked_reason as "marketingBlockedReason", s.failed_attempts as "failedAttempts",
           greatest(s.next_call_at, s.slowed_until) as "nextCallAt", s.throughput, s.slowed, s.slowed_at as "slowedAt",
           s.daily_limit as "dailyLimit",
           ${isPaused(trx.workspaceId)} as paused
    from directory_channels d
    join channels c on c.workspace_id = ${trx.workspaceId} and c.channel_id = d.channel_id
    join channel_states s on s.workspace_id = ${trx.workspaceId} and s.channel_id = d.channel_id
    where d.workspace_id = ${trx.workspaceId} and d.channel_id = any(${[...channelIds]}::uuid[])
      and d.released_at is null`.execute(trx);
  return rows;
}

/** A new channel sends nothing until somebody says so; in a sandbox workspace everything is to be played with. */
export async function insertChannelState(trx: WorkspaceTransaction, channelId: string): Promise<void> {
  await sql`
    insert into channel_states (workspace_id, channel_id, mode)
    select w.workspace_id, ${channelId}::uuid, case when w.sandbox then 'live' else 'shadow' end
    from workspaces w where w.workspace_id = ${trx.workspaceId}
    on conflict (workspace_id, channel_id) do nothing`.execute(trx);
}

export interface SendingChange {
  readonly mode: ConnectionMode;
  readonly testPhones: readonly string[];
  readonly throughput: number;
}

/** False: there is no such channel. */
export async function setChannelSending(
  trx: WorkspaceTransaction,
  channelId: string,
  { mode, testPhones, throughput }: SendingChange,
): Promise<boolean> {
  const { rows } = await sql`
    update channel_states set mode = ${mode}, test_phones = ${[...testPhones]}::text[], throughput = ${throughput},
                              slowed = 0
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId} returning 1`.execute(trx);
  return rows.length > 0;
}

/** Nothing leaves, or no marketing does, until an admin acts. */
export async function blockChannel(
  trx: WorkspaceTransaction,
  channelId: string,
  what: 'everything' | 'marketing',
  reason: string,
): Promise<void> {
  const column = sql.raw(what === 'everything' ? 'blocked_reason' : 'marketing_blocked_reason');
  await sql`
    update channel_states set ${column} = ${reason}
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
}

/** A person mended what blocked it: calls go again, what waited for that too, and what was alerted is over. */
export async function openChannel(trx: WorkspaceTransaction, channelId: string, now: number): Promise<void> {
  await sql`
    update channel_states
    set blocked_reason = null, marketing_blocked_reason = null, failed_attempts = 0, next_call_at = 0, slowed_until = 0
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
  await sql`
    update alerts a set closed_at = ${now}
    from channels c
    where a.workspace_id = ${trx.workspaceId} and c.workspace_id = ${trx.workspaceId} and c.channel_id = ${channelId}
      and a.subject = c.phone_number_id and a.kind in ('channel stopped', 'channel marketing stopped')
      and a.closed_at is null`.execute(trx);
  await reconsiderChannel(trx, channelId, now);
  trx.due.add('sends', channelId, now);
}

/** Calls failed: none is made before then. */
export async function restChannel(
  trx: WorkspaceTransaction,
  channelId: string,
  until: number,
): Promise<void> {
  await sql`
    update channel_states set failed_attempts = failed_attempts + 1, next_call_at = greatest(next_call_at, ${Math.ceil(until)})
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
  trx.due.add('sends', channelId, until);
}

/** So long after Meta asked for less half of that is given back, and so on. */
const regainMs = 10 * 60_000;
const mostHalvings = 10;

type Slowed = Pick<ChannelSending, 'slowed' | 'slowedAt'>;

function halvingsLeft({ slowed, slowedAt }: Slowed, now: number): number {
  return Math.max(0, slowed - Math.floor(Math.max(0, now - slowedAt) / regainMs));
}

/** Messages a second that may leave now. */
export function paceOf(channel: Slowed & Pick<ChannelSending, 'throughput'>, now: number): number {
  return Math.max(1, channel.throughput / 2 ** halvingsLeft(channel, now));
}

/**
 * Meta asks for less: nothing until then, and half the pace from then on. Calls that began before it was last said say nothing
 * new of the pace.
 */
export async function slowChannel(
  trx: WorkspaceTransaction,
  channelId: string,
  { beganAt, now, until }: { readonly beganAt: number; readonly now: number; readonly until: number },
): Promise<void> {
  await sql`
    update channel_states set slowed_until = greatest(slowed_until, ${Math.ceil(until)})
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
  trx.due.add('sends', channelId, until);
  const { rows } = await sql<Slowed>`
    select slowed, slowed_at as "slowedAt" from channel_states
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and slowed_at < ${beganAt}
    for update`.execute(trx);
  const [known] = rows;
  if (known === undefined) return;
  const slowed = Math.min(halvingsLeft(known, now) + 1, mostHalvings);
  await sql`
    update channel_states set slowed = ${slowed}, slowed_at = ${now}
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
}

/** It answers. How long it is to be left alone is another thing, which what came together with this may just have said. */
export async function channelAnswered(trx: WorkspaceTransaction, channelId: string): Promise<void> {
  await sql`
    update channel_states set failed_attempts = 0
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId} and failed_attempts > 0`.execute(
    trx,
  );
}

/** Of a limit a fifth at once, the rest evenly, so that no second holds more than it (docs/vendors/whatsapp.md §1.11). */
const burst = 0.2;

/** Takes up to so many messages out of a channel's throughput: how many, and when there are more. */
export async function takeThroughput(
  trx: WorkspaceTransaction,
  { channelId, throughput }: Pick<ChannelSending, 'channelId' | 'throughput'>,
  wanted: number,
  now: number,
): Promise<{ readonly taken: number; readonly moreAt: number }> {
  const { rows } = await sql<Slowed & { filledUntil: number }>`
    select filled_until as "filledUntil", slowed, slowed_at as "slowedAt" from channel_states
    where workspace_id = ${trx.workspaceId} and channel_id = ${channelId} for update`.execute(trx);
  const pace = paceOf({ throughput, slowed: 0, slowedAt: 0, ...rows[0] }, now);
  const eachMs = 1000 / Math.max(pace * (1 - burst), 1);
  const depthMs = Math.max(pace * burst, 1) * eachMs;
  // What stands further ahead was written by a clock that was set back since.
  const filled = Math.max(now, Math.min(rows[0]?.filledUntil ?? 0, now + depthMs));
  const taken = Math.min(wanted, Math.floor((now + depthMs - filled) / eachMs + 1e-9));
  if (taken > 0) {
    await sql`
      update channel_states set filled_until = ${filled + taken * eachMs}
      where workspace_id = ${trx.workspaceId} and channel_id = ${channelId}`.execute(trx);
  }
  return { taken, moreAt: now + Math.max(1, Math.ceil(filled + (taken + 1) * eachMs - depthMs - now)) };
}

/** Most people in 24 hours outside their windows, as Meta says it of the account; null: without limit. */
export async function learnDailyLimit(
  trx: WorkspaceTransaction,
  wabaId: string,
  limit: number | null,
): Promise<void> {
  await sql`
    update channel_states s set daily_limit = ${limit}
    from channels c
    where s.workspace_id = ${trx.workspaceId} and c.workspace_id = ${trx.workspaceId} and c.channel_id = s.channel_id
      and c.waba_id = ${wabaId}`.execute(trx);
}

export interface Pause {
  readonly scope: PauseScope;
  /** Empty: the workspace. */
  readonly subject: string;
  readonly pausedAt: number;
  readonly pausedBy: string;
}

export async function pause(trx: WorkspaceTransaction, one: Pause): Promise<void> {
  await sql`
    insert into pauses (workspace_id, scope, subject, paused_at, paused_by)
    values (${trx.workspaceId}, ${one.scope}, ${one.subject}, ${one.pausedAt}, ${one.pausedBy})
    on conflict (workspace_id, scope, subject) do nothing`.execute(trx);
}

/** Lets what was paused go on. */
export async function resume(
  trx: WorkspaceTransaction,
  { scope, subject }: Pick<Pause, 'scope' | 'subject'>,
  now: number,
): Promise<void> {
  await sql`
    delete from pauses
    where workspace_id = ${trx.workspaceId} and scope = ${scope} and subject = ${subject}`.execute(trx);
  await dueSends(trx, now);
}

/** All channels are looked at: what may leave has changed. */
export async function dueSends(trx: WorkspaceTransaction, now: number): Promise<void> {
  const { rows } = await sql<{ channelId: string }>`
    select channel_id as "channelId" from channel_states where workspace_id = ${trx.workspaceId}`.execute(
    trx,
  );
  for (const { channelId } of rows) trx.due.add('sends', channelId, now);
}

export async function listPauses(trx: WorkspaceTransaction): Promise<Pause[]> {
  const { rows } = await sql<Pause>`
    select scope, subject, paused_at as "pausedAt", paused_by as "pausedBy" from pauses
    where workspace_id = ${trx.workspaceId} order by paused_at, scope, subject`.execute(trx);
  return rows;
}

/** JSON of the workspace's settings for sending; null: nobody changed them. */
export async function readSendingSettings(trx: WorkspaceTransaction): Promise<Buffer | null> {
  const { rows } = await sql<{ settings: Buffer }>`
    select settings from sending_settings where workspace_id = ${trx.workspaceId}`.execute(trx);
  return rows[0]?.settings ?? null;
}

export async function saveSendingSettings(trx: WorkspaceTransaction, settings: Buffer): Promise<void> {
  await sql`
    insert into sending_settings (workspace_id, settings) values (${trx.workspaceId}, ${settings})
    on conflict (workspace_id) do update set settings = excluded.settings`.execute(trx);
}

/** Connected channels, those with a person's latest message first; undefined: there is no such contact. */
export async function channelsOfContact(
  trx: WorkspaceTransaction,
  contactId: string,
): Promise<readonly string[] | undefined> {
  const { rows } = await sql<{ channelIds: string[] }>`
    select array(
      select d.channel_id from directory_channels d
      left join conversations v on v.workspace_id = ${trx.workspaceId} and v.channel_id = d.channel_id
                               and v.contact_id = coalesce(c.merged_into, c.contact_id)
      where d.workspace_id = ${trx.workspaceId} and d.released_at is null
      order by v.last_inbound_at desc nulls last, d.channel_id) as "channelIds"
    from contacts c where c.workspace_id = ${trx.workspaceId} and c.contact_id = ${contactId}`.execute(trx);
  return rows[0]?.channelIds;
}

export async function standingChannels(trx: WorkspaceTransaction): Promise<readonly string[]> {
  const { rows } = await sql<{ channelId: string }>`
    select channel_id as "channelId" from directory_channels d
    where d.workspace_id = ${trx.workspaceId} and released_at is null order by channel_id`.execute(trx);
  return rows.map(({ channelId }) => channelId);
}
