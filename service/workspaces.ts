import { randomBytes } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import {
  accessTokenOf,
  channelSecretsOf,
  closeConnection,
  connectChannel,
  connectionsAt,
  ensureMember,
  insertConnection,
  insertWorkspace,
  listChannels,
  proveChannel,
  replaceTypedToken,
  signWebhooksWith,
  type Store,
  type WorkspaceTransaction,
} from '@sangam/core/store';
import { simulators } from '@sangam/sandbox';
import { claimAccount } from './accounts/claim-account.ts';
import type { LiveConfig } from './config.ts';
import { ensureLiveNumber } from './channels/live-number.ts';
import type { OwnNumberReader } from './channels/own-number.ts';
import type { SecretBox } from './secrets/secrets.ts';

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

/**
 * Makes the sandbox workspace on the first start: its secrets are drawn then, and never leave this installation. It is
 * connected to the CRMs that are named; one it was connected to and that is not, is let go.
 */
export async function ensureSandboxWorkspace(
  store: Store,
  box: SecretBox,
  clock: Clock,
  names: readonly string[],
): Promise<SandboxParties> {
  return store.transact(sandboxWorkspaceId, async (trx) => {
    const made = await insertWorkspace(trx, { name: 'Sandbox', sandbox: true, now: clock.now() });
    if (made) await connectSandboxNumber(trx, box, clock.now());
    const channel = await sandboxChannel(trx, box, clock.now());
    const crms: Record<string, SandboxCrm> = {};
    for (const [crm, { account, clientId }] of Object.entries(simulators)) {
      if (!names.includes(crm)) {
        await letGoOf(trx, crm, clock.now());
        continue;
      }
      crms[crm] = { ...(await sandboxCrm(trx, { crm, account }, box, clock.now())), clientId };
    }
    const open = (sealed: Buffer | null = null): string => (sealed === null ? '' : box.open(sealed));
    return {
      workspaceId: sandboxWorkspaceId,
      whatsapp: {
        channelId: channel.channelId,
        phoneNumberId: sandboxNumber.phoneNumberId,
        wabaId: sandboxNumber.wabaId,
        displayPhoneNumber: sandboxNumber.display,
        appSecret: open(channel.appSecret),
        verifyToken: open(channel.verifyToken),
        accessToken: open(channel.accessToken),
      },
      crms,
    };
  });
}

async function letGoOf(trx: WorkspaceTransaction, crm: string, now: number): Promise<void> {
  for (const { connectionId, disconnectedAt } of await connectionsAt(trx, crm)) {
    if (disconnectedAt !== null) continue;
    await closeConnection(trx, connectionId, { keepWebhookSecret: true, now });
  }
}

/** The sandbox's account of a CRM: connected, and live, from the first start that has one to play with. */
async function sandboxCrm(
  trx: WorkspaceTransaction,
  { crm, account }: { readonly crm: string; readonly account: string },
  box: SecretBox,
  now: number,
): Promise<Omit<SandboxCrm, 'clientId'>> {
  const drawn = (): string => randomBytes(24).toString('base64url');
  const [known] = await connectionsAt(trx, crm);
  const connectionId =
    known?.connectionId ??
    (await insertConnection(trx, { crm, mode: 'live', accessToken: box.seal(drawn()) }, now));
  await signWebhooksWith(trx, connectionId, box.seal(drawn()));
  const connection = (await connectionsAt(trx, crm)).find((one) => one.connectionId === connectionId);
  if (connection === undefined) throw new Error(`The sandbox has no connection to ${crm}.`);
  const { authKind, accessToken, webhookSecret, disconnectedAt } = connection;
  if (disconnectedAt === null) await claimAccount(trx, { crm, account, connectionId });
  return {
    connectionId,
    // Once it was connected by OAuth nobody holds the account's own token any more.
    accessToken: authKind === 'keys' && accessToken !== null ? box.open(accessToken) : drawn(),
    clientSecret: webhookSecret === null ? '' : box.open(webhookSecret),
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
  const read = async () => {
    const channel = (await listChannels(trx)).find(
      ({ phoneNumberId }) => phoneNumberId === sandboxNumber.phoneNumberId,
    );
    if (channel === undefined) throw new Error("The sandbox's number has no channel.");
    const { channelId } = channel;
    const secrets = await channelSecretsOf(trx, channelId);
    return { channelId, ...secrets, accessToken: await accessTokenOf(trx, channelId) };
  };
  const channel = await read();
  if (channel.accessToken !== null) return channel;
  const { display: displayPhoneNumber, region } = sandboxNumber;
  const accessToken = box.seal(randomBytes(24).toString('base64url'));
  const proof = { displayPhoneNumber, region, accessToken };
  if (!(await proveChannel(trx, channel.channelId, proof))) await connectSandboxNumber(trx, box, now);
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
    insertWorkspace(trx, { name: 'Live', sandbox: false, now: clock.now() }),
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
  return store.transact(workspaceId, (trx) => ensureMember(trx, { email, role: 'admin', now }));
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
  const known = await connectionsAt(trx, crm);
  const holds = known.some((one) => one.accessToken !== null && box.open(one.accessToken) === accessToken);
  // What an admin has let go stays so until an admin connects it again.
  if (holds || known.some((one) => one.disconnectedAt !== null)) return;
  const typed = known.find((one) => one.authKind === 'keys');
  const sealed = box.seal(accessToken);
  if (typed === undefined) await insertConnection(trx, { crm, accessToken: sealed }, now);
  else await replaceTypedToken(trx, typed.connectionId, sealed);
}
