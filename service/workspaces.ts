import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import { canonicalPhone, regionOf } from '@sangam/core/identity';
import type { Store, WorkspaceTransaction } from '@sangam/core/store';
import { insertChannel } from './channel-book.ts';
import type { LiveConfig } from './config.ts';
import type { SecretBox } from './secrets.ts';

/** The workspaces this installation starts with. Both are made once and found again at every start. */
export const sandboxWorkspaceId = '5a4d0000-0000-4000-8000-000000000001';
export const liveWorkspaceId = '5a4d0000-0000-4000-8000-000000000002';

/** What the sandbox's WhatsApp and HubSpot have to know to play their part. */
export interface SandboxParties {
  readonly workspaceId: string;
  readonly whatsapp: {
    readonly channelId: string;
    readonly phoneNumberId: string;
    readonly wabaId: string;
    readonly displayPhoneNumber: string;
    readonly appSecret: string;
    readonly verifyToken: string;
  };
  readonly hubspot: { readonly accessToken: string };
}

const sandboxNumber = {
  phoneNumberId: '100000000000001',
  wabaId: '200000000000001',
  display: '+91 80471 00000',
};

/** Makes the sandbox workspace on the first start: its secrets are drawn then, and never leave this installation. */
export async function ensureSandboxWorkspace(
  store: Store,
  box: SecretBox,
  clock: Clock,
): Promise<SandboxParties> {
  return store.transact(sandboxWorkspaceId, async (trx) => {
    const made = await makeWorkspace(trx, { name: 'Sandbox', sandbox: true, now: clock.now() });
    if (made) {
      await insertChannel(trx, {
        channelId: randomUUID(),
        app: 'own',
        phoneNumberId: sandboxNumber.phoneNumberId,
        wabaId: sandboxNumber.wabaId,
        portfolio: sandboxNumber.wabaId,
        displayPhoneNumber: sandboxNumber.display,
        region: 'IN',
        appSecret: box.seal(randomBytes(16).toString('hex')),
        verifyToken: box.seal(randomBytes(12).toString('hex')),
        now: clock.now(),
      });
      await connect(trx, 'hubspot', box.seal(randomBytes(24).toString('base64url')), clock.now());
    }
    const channel = await trx
      .selectFrom('channels')
      .select(['channel_id', 'app_secret', 'verify_token'])
      .where('workspace_id', '=', sandboxWorkspaceId)
      .where('phone_number_id', '=', sandboxNumber.phoneNumberId)
      .executeTakeFirstOrThrow();
    const connection = await trx
      .selectFrom('crm_connections')
      .select('access_token')
      .where('workspace_id', '=', sandboxWorkspaceId)
      .where('crm', '=', 'hubspot')
      .executeTakeFirstOrThrow();
    const open = (sealed: Buffer | null): string => (sealed === null ? '' : box.open(sealed));
    return {
      workspaceId: sandboxWorkspaceId,
      whatsapp: {
        channelId: channel.channel_id,
        phoneNumberId: sandboxNumber.phoneNumberId,
        wabaId: sandboxNumber.wabaId,
        displayPhoneNumber: sandboxNumber.display,
        appSecret: open(channel.app_secret),
        verifyToken: open(channel.verify_token),
      },
      hubspot: { accessToken: open(connection.access_token) },
    };
  });
}

/** Makes or updates the workspace of the number and portal the environment names. */
export async function ensureLiveWorkspace(
  store: Store,
  box: SecretBox,
  clock: Clock,
  live: LiveConfig,
): Promise<void> {
  const phone = canonicalPhone(live.displayPhoneNumber.replace(/\D/g, ''));
  const region = phone === undefined ? undefined : regionOf(phone);
  if (region === undefined) {
    throw new Error(
      'WHATSAPP_DISPLAY_PHONE_NUMBER must be the number with its country code, such as +91 98123 45678.',
    );
  }
  await store.transact(liveWorkspaceId, async (trx) => {
    await makeWorkspace(trx, { name: 'Live', sandbox: false, now: clock.now() });
    const known = await trx
      .selectFrom('channels')
      .select('channel_id')
      .where('workspace_id', '=', liveWorkspaceId)
      .where('phone_number_id', '=', live.phoneNumberId)
      .executeTakeFirst();
    if (known === undefined) {
      await insertChannel(trx, {
        channelId: randomUUID(),
        app: 'service',
        phoneNumberId: live.phoneNumberId,
        wabaId: live.wabaId,
        portfolio: live.portfolio,
        displayPhoneNumber: live.displayPhoneNumber,
        region,
        appSecret: null,
        verifyToken: null,
        now: clock.now(),
      });
    }
    if (live.hubspotAccessToken !== undefined) {
      await connect(trx, 'hubspot', box.seal(live.hubspotAccessToken), clock.now());
    }
  });
}

/** The admin an installation starts with. */
export async function ensureAdmin(
  store: Store,
  workspaceId: string,
  email: string,
  now: number,
): Promise<string> {
  return store.transact(workspaceId, async (trx) => {
    await trx
      .insertInto('members')
      .values({ workspace_id: workspaceId, member_id: randomUUID(), email, role: 'admin', created_at: now })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const member = await trx
      .selectFrom('members')
      .select('member_id')
      .where('workspace_id', '=', workspaceId)
      .where('email', '=', email)
      .executeTakeFirstOrThrow();
    return member.member_id;
  });
}

/** False: it was there. Two processes starting at once wait for each other here. */
async function makeWorkspace(
  trx: WorkspaceTransaction,
  workspace: { name: string; sandbox: boolean; now: number },
): Promise<boolean> {
  const made = await trx
    .insertInto('workspaces')
    .values({
      workspace_id: trx.workspaceId,
      name: workspace.name,
      sandbox: workspace.sandbox,
      created_at: workspace.now,
    })
    .onConflict((conflict) => conflict.doNothing())
    .returning('workspace_id')
    .executeTakeFirst();
  return made !== undefined;
}

/** Connects a CRM account, or gives the connection a new token and lets it try again. */
async function connect(
  trx: WorkspaceTransaction,
  crm: string,
  accessToken: Buffer,
  now: number,
): Promise<void> {
  const updated = await trx
    .updateTable('crm_connections')
    .set({ access_token: accessToken, blocked_reason: null, failed_attempts: 0, next_call_at: 0 })
    .where('workspace_id', '=', trx.workspaceId)
    .where('crm', '=', crm)
    .executeTakeFirst();
  if (updated.numUpdatedRows > 0n) return;
  await trx
    .insertInto('crm_connections')
    .values({
      workspace_id: trx.workspaceId,
      connection_id: randomUUID(),
      crm,
      access_token: accessToken,
      blocked_reason: null,
      created_at: now,
    })
    .execute();
}
