import { randomBytes, randomUUID } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import {
  connectChannel,
  dueConnection,
  proveChannel,
  type Store,
  type WorkspaceTransaction,
} from '@sangam/core/store';
import { simulators } from '@sangam/sandbox';
import { claimAccount } from './account-book.ts';
import type { LiveConfig } from './config.ts';
import { ensureLiveNumber } from './live-number.ts';
import type { OwnNumberReader } from './own-number.ts';
import type { SecretBox } from './secrets.ts';

/** The workspaces this installation starts with. Both are made once and found again at every start. */
export const sandboxWorkspaceId = '5a4d0000-0000-4000-8000-000000000001';
export const liveWorkspaceId = '5a4d0000-0000-4000-8000-000000000002';

/** What the sandbox's WhatsApp and CRMs have to know to play their part. */
export interface SandboxParties {
  readonly workspaceId: string;
  readonly whatsapp: {
    readonly channelId: string;
    readonly phoneNumberId: string;
    readonly wabaId: string;
    readonly displayPhoneNumber: string;
    readonly appSecret: string;
    readonly verifyToken: string;
    /** Opens the sandbox's Graph. */
    readonly accessToken: string;
  };
  /** By their names. */
  readonly crms: Readonly<Record<string, SandboxCrm>>;
}

export interface SandboxCrm {
  readonly connectionId: string;
  /** Of the account itself, whatever it is connected through. */
  readonly accessToken: string;
  /** Of the app through which the account may be connected, and which signs its webhooks. */
  readonly clientId: string;
  readonly clientSecret: string;
}

const sandboxNumber = {
  phoneNumberId: '100000000000001',
  wabaId: '200000000000001',
  display: '+91 80471 00000',
  region: 'IN',
};

/** Makes the sandbox workspace on the first start: its secrets are drawn then, and never leave this installation. */
export async function ensureSandboxWorkspace(
  store: Store,
  box: SecretBox,
  clock: Clock,
): Promise<SandboxParties> {
  return store.transact(sandboxWorkspaceId, async (trx) => {
    const made = await makeWorkspace(trx, { name: 'Sandbox', sandbox: true, now: clock.now() });
    if (made) await connectSandboxNumber(trx, box, clock.now());
    const channel = await sandboxChannel(trx, box, clock.now());
    const crms: Record<string, SandboxCrm> = {};
    for (const [crm, { account, clientId }] of Object.entries(simulators)) {
      crms[crm] = { ...(await sandboxCrm(trx, { crm, account }, box, clock.now())), clientId };
    }
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
        accessToken: open(channel.access_token),
      },
      crms,
    };
  });
}

/** The sandbox's account of a CRM: connected, and live, from the first start that has one to play with. */
async function sandboxCrm(
  trx: WorkspaceTransaction,
  { crm, account }: { readonly crm: string; readonly account: string },
  box: SecretBox,
  now: number,
): Promise<Omit<SandboxCrm, 'clientId'>> {
  const read = () =>
    trx
      .selectFrom('crm_connections')
      .select(['connection_id', 'auth_kind', 'access_token', 'webhook_secret', 'disconnected_at'])
      .where('workspace_id', '=', trx.workspaceId)
      .where('crm', '=', crm)
      .orderBy('created_at')
      .orderBy('connection_id');
  const drawn = (): string => randomBytes(24).toString('base64url');
  if ((await read().executeTakeFirst()) === undefined) {
    await trx
      .insertInto('crm_connections')
      .values({
        workspace_id: trx.workspaceId,
        connection_id: randomUUID(),
        crm,
        mode: 'live',
        access_token: box.seal(drawn()),
        created_at: now,
      })
      .execute();
  }
  // One that an earlier version made knew none.
  await trx
    .updateTable('crm_connections')
    .set({ webhook_secret: box.seal(drawn()) })
    .where('workspace_id', '=', trx.workspaceId)
    .where('crm', '=', crm)
    .where('webhook_secret', 'is', null)
    .execute();
  const connection = await read().executeTakeFirstOrThrow();
  const { connection_id: connectionId, access_token: accessToken, webhook_secret: secret } = connection;
  dueConnection(trx, connectionId);
  if (connection.disconnected_at === null) await claimAccount(trx, { crm, account, connectionId });
  return {
    connectionId,
    // Once it was connected by OAuth nobody holds the account's own token any more.
    accessToken: connection.auth_kind === 'keys' && accessToken !== null ? box.open(accessToken) : drawn(),
    clientSecret: secret === null ? '' : box.open(secret),
  };
}

/** With an app secret, verify token and access token of its own, which are drawn now. */
function connectSandboxNumber(trx: WorkspaceTransaction, box: SecretBox, now: number): Promise<string> {
  return connectChannel(
    trx,
    {
      app: 'own',
      phoneNumberId: sandboxNumber.phoneNumberId,
      wabaId: sandboxNumber.wabaId,
      portfolio: sandboxNumber.wabaId,
      displayPhoneNumber: sandboxNumber.display,
      region: sandboxNumber.region,
      appSecret: box.seal(randomBytes(16).toString('hex')),
      verifyToken: box.seal(randomBytes(12).toString('hex')),
      accessToken: box.seal(randomBytes(24).toString('base64url')),
    },
    now,
  );
}

/** The sandbox's number. One that was let go is connected again; one that an earlier version made gets an access token. */
async function sandboxChannel(trx: WorkspaceTransaction, box: SecretBox, now: number) {
  const read = () =>
    trx
      .selectFrom('channels')
      .select(['channel_id', 'app_secret', 'verify_token', 'access_token'])
      .where('workspace_id', '=', sandboxWorkspaceId)
      .where('phone_number_id', '=', sandboxNumber.phoneNumberId)
      .executeTakeFirstOrThrow();
  const channel = await read();
  if (channel.access_token !== null) return channel;
  const { display: displayPhoneNumber, region } = sandboxNumber;
  const accessToken = box.seal(randomBytes(24).toString('base64url'));
  const proof = { displayPhoneNumber, region, accessToken };
  if (!(await proveChannel(trx, channel.channel_id, proof))) await connectSandboxNumber(trx, box, now);
  return read();
}

/**
 * Makes or updates the workspace of the number and the account the environment names. Returns a line for who starts the
 * service where another workspace holds the number. Throws an `Error` that names the variable where the number is not as
 * the environment says.
 */
export async function ensureLiveWorkspace(
  store: Store,
  box: SecretBox,
  clock: Clock,
  live: LiveConfig,
  readOwnNumber: OwnNumberReader,
): Promise<string | undefined> {
  await store.transact(liveWorkspaceId, (trx) =>
    makeWorkspace(trx, { name: 'Live', sandbox: false, now: clock.now() }),
  );
  const taken =
    live.number === undefined
      ? undefined
      : await ensureLiveNumber(store, liveWorkspaceId, live.number, { box, readOwnNumber, now: clock.now() });
  for (const [crm, { accessToken }] of Object.entries(live.crms)) {
    if (accessToken === undefined) continue;
    await store.transact(liveWorkspaceId, (trx) =>
      connectByEnvironment(trx, box, { crm, accessToken }, clock.now()),
    );
  }
  return taken;
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
  trx.due.add('retention', trx.workspaceId);
  return made !== undefined;
}

/**
 * Connects the account the environment's token opens, in shadow, or gives the connection it already made the new token.
 * Which account that is shows at the first call; one of another account is refused there.
 */
async function connectByEnvironment(
  trx: WorkspaceTransaction,
  box: SecretBox,
  { crm, accessToken }: { readonly crm: string; readonly accessToken: string },
  now: number,
): Promise<void> {
  const known = await trx
    .selectFrom('crm_connections')
    .select(['connection_id', 'auth_kind', 'access_token', 'disconnected_at'])
    .where('workspace_id', '=', trx.workspaceId)
    .where('crm', '=', crm)
    .orderBy('created_at')
    .orderBy('connection_id')
    .execute();
  const holds = known.some(({ access_token: sealed }) => sealed !== null && box.open(sealed) === accessToken);
  // What an admin has let go stays so until an admin connects it again.
  if (holds || known.some((row) => row.disconnected_at !== null)) return;
  const first = known.find((row) => row.auth_kind === 'keys');
  if (first === undefined) {
    await trx
      .insertInto('crm_connections')
      .values({
        workspace_id: trx.workspaceId,
        connection_id: randomUUID(),
        crm,
        access_token: box.seal(accessToken),
        created_at: now,
      })
      .execute();
    return;
  }
  await trx
    .updateTable('crm_connections')
    .set({
      access_token: box.seal(accessToken),
      account: null,
      blocked_reason: null,
      timeline_blocked_reason: null,
      failed_attempts: 0,
      next_call_at: 0,
    })
    .where('workspace_id', '=', trx.workspaceId)
    .where('connection_id', '=', first.connection_id)
    .execute();
  dueConnection(trx, first.connection_id);
}
