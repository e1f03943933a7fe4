import { SangamError } from '@sangam/core/errors';
import {
  accessTokenOf,
  type ChannelState,
  giveToServiceApp,
  holderOfNumber,
  lockNumber,
  proveChannel,
  raiseAlert,
  releaseChannel,
  renameNumber,
  type Store,
} from '@sangam/core/store';
import type { LiveNumber } from '../config.ts';
import { connectNumber, takenOver } from './connect-number.ts';
import { type OwnNumberReader, regionOfNumber } from './own-number.ts';
import type { SecretBox } from '../secrets/secrets.ts';

/**
 * Connects the number the environment names to the workspace it makes, under the service's app. What another workspace holds
 * is told there as an alert, and returned as a line for who starts the service: no tenant's claim keeps the others from
 * starting. Throws an `Error` that names the variable where the number is not as the environment says.
 */
export async function ensureLiveNumber(
  store: Store,
  workspaceId: string,
  number: LiveNumber,
  by: { readonly box: SecretBox; readonly readOwnNumber: OwnNumberReader; readonly now: number },
): Promise<string | undefined> {
  const { box, readOwnNumber, now } = by;
  const { accessToken, phoneNumberId, wabaId } = number;
  const known = await knownNumber(store, workspaceId, number, now);
  if (known !== undefined) {
    // What we know people by is kept by portfolio, and webhooks are told apart by account.
    mustBeAsBefore('WHATSAPP_WABA_ID', wabaId, known.wabaId);
    mustBeAsBefore('WHATSAPP_PORTFOLIO_ID', number.portfolio, known.portfolio);
    // A token that was shown once is not shown again: a start does not hang on Meta.
    const shown = known.accessToken === null ? undefined : box.open(known.accessToken);
    if (shown !== undefined && (accessToken === undefined || shown === accessToken)) return undefined;
  }
  const displayPhoneNumber =
    accessToken === undefined
      ? number.displayPhoneNumber
      : await toldByMeta(readOwnNumber, { phoneNumberId, wabaId, accessToken });
  // Without its plus a number of one country reads as another's.
  const isWhole = accessToken !== undefined || number.displayPhoneNumber?.trim().startsWith('+') === true;
  const region = isWhole ? regionOfNumber(displayPhoneNumber ?? '') : undefined;
  if (displayPhoneNumber === undefined || region === undefined) {
    throw new Error(
      'WHATSAPP_DISPLAY_PHONE_NUMBER must be the number with its country code, such as +91 98123 45678.',
    );
  }
  const token = accessToken === undefined ? null : box.seal(accessToken);
  if (known !== undefined) {
    await store.transact(workspaceId, async (trx) => {
      await lockNumber(trx, phoneNumberId);
      const written = { displayPhoneNumber, region };
      if (token === null) await renameNumber(trx, known.channelId, written);
      else await proveChannel(trx, known.channelId, { ...written, accessToken: token });
    });
    return undefined;
  }
  const connected = await connectNumber(
    store,
    workspaceId,
    {
      app: 'service',
      phoneNumberId,
      wabaId,
      portfolio: number.portfolio,
      displayPhoneNumber,
      region,
      appSecret: null,
      verifyToken: null,
      accessToken: token,
    },
    now,
  );
  if (connected.outcome !== 'taken') return undefined;
  const message = takenMessage(connected.proven);
  await store.transact(workspaceId, (trx) =>
    raiseAlert(trx, { kind: takenOver, subject: phoneNumberId, message }, now),
  );
  return message;
}

function takenMessage(proven: boolean): string {
  const held =
    'Nothing arrives for WHATSAPP_PHONE_NUMBER_ID: it is connected to another workspace, which has ';
  return proven
    ? `${held}proved that the number is theirs. Have it released there and restart, or take the number out of the environment.`
    : `${held}not proved that the number is theirs. Set WHATSAPP_ACCESS_TOKEN, which does, and restart: it is yours.`;
}

/** The channel as which this workspace has the number connected, brought back to the service's app. */
async function knownNumber(
  store: Store,
  workspaceId: string,
  { phoneNumberId, wabaId, portfolio }: LiveNumber,
  now: number,
): Promise<(ChannelState & { readonly accessToken: Buffer | null }) | undefined> {
  return store.transact(workspaceId, async (trx) => {
    await lockNumber(trx, phoneNumberId);
    const holder = await holderOfNumber(trx, phoneNumberId);
    if (holder?.workspaceId !== workspaceId) return undefined;
    if (holder.app === 'own') {
      // An admin let the number go and connected it anew under another app, or even another account.
      if (holder.wabaId !== wabaId || holder.portfolio !== portfolio) {
        await releaseChannel(trx, holder.channelId, now);
        return undefined;
      }
      await giveToServiceApp(trx, holder.channelId);
    }
    return { ...holder, accessToken: await accessTokenOf(trx, holder.channelId) };
  });
}

function mustBeAsBefore(variable: string, given: string, stored: string): void {
  if (given === stored) return;
  throw new Error(
    `${variable} says ${given}, but this number was connected under ${stored}: put that back. A number that really ` +
      'moved to another account has another phone number id there, which is connected as a number of its own.',
  );
}

/** The number as Meta writes it. A start that is refused says which variable to look at. */
async function toldByMeta(
  readOwnNumber: OwnNumberReader,
  number: { phoneNumberId: string; wabaId: string; accessToken: string },
): Promise<string> {
  try {
    return (await readOwnNumber({ sandbox: false }, number)).displayPhoneNumber;
  } catch (error) {
    if (!(error instanceof SangamError)) throw error;
    throw new Error(
      `WHATSAPP_ACCESS_TOKEN does not prove that the number is yours: ${error.message} Without the variable the number ` +
        'only receives.',
      { cause: error },
    );
  }
}
