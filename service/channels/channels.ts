import type { OwnNumber } from '@sangam/connectors/whatsapp';
import type { Clock } from '@sangam/core/clock';
import { reviewedLanguages } from '@sangam/core/consent';
import { noSuch, Refusal } from '@sangam/core/errors';
import type { Directory } from '@sangam/core/pipeline';
import {
  type AuditAction,
  channelOfId,
  type ChannelState,
  isSandbox,
  listChannels,
  lockNumber,
  openChannel,
  proveChannel,
  releaseChannel,
  rotateAppSecret,
  setOptWordLanguages,
  type Store,
  type WorkspaceTransaction,
  writeAudit,
} from '@sangam/core/store';
import type { ChannelSecrets } from './channel-secrets.ts';
import { connectNumber } from './connect-number.ts';
import { iso } from '../http/times.ts';
import { type OwnNumberReader, regionOfNumber } from './own-number.ts';
import type { SecretBox } from '../secrets/secrets.ts';
import type { Member } from '../members/sessions.ts';

/** A number as an admin sees it. */
interface ChannelView {
  readonly channelId: string;
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly displayPhoneNumber: string;
  readonly app: 'service' | 'own';
  /** An access token showed that the number is theirs. One that is not proven receives, and goes to whoever proves it. */
  readonly proven: boolean;
  /** When the number was let go or taken over; null: it is connected. */
  readonly releasedAt: string | null;
  /** What to enter as callback URL in the Meta app. */
  readonly webhookUrl: string;
  /** Whose opt-out words it listens to. */
  readonly optWordLanguages: readonly string[];
}

interface NewChannel {
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly portfolioId?: string | undefined;
  /** Without an access token; with one Meta tells it. */
  readonly displayPhoneNumber?: string | undefined;
  readonly appSecret: string;
  readonly verifyToken: string;
  readonly accessToken?: string | undefined;
}

/** Throws a `Refusal`, or WhatsApp's own errors where it is asked for a number. */
export interface Channels {
  list(workspaceId: string): Promise<ChannelView[]>;
  add(member: Member, channel: NewChannel): Promise<ChannelView>;
  /** Proves that the number is theirs, or replaces the token that did. */
  prove(member: Member, channelId: string, accessToken: string): Promise<ChannelView>;
  /** Lets the number go; what was received on it stays. */
  release(member: Member, channelId: string): Promise<void>;
  /** The secret before lives on for a day, so that webhooks signed with either pass during the change. */
  rotateAppSecret(member: Member, channelId: string, appSecret: string): Promise<void>;
  /** Beside those that are reviewed, to which every channel listens. */
  setOptWordLanguages(member: Member, channelId: string, languages: readonly string[]): Promise<void>;
}

const overlapMs = 24 * 60 * 60 * 1000;

export function createChannels(dependencies: {
  store: Store;
  directory: Directory;
  channelSecrets: ChannelSecrets;
  readOwnNumber: OwnNumberReader;
  box: SecretBox;
  clock: Clock;
  publicUrl: () => string;
}): Channels {
  const { store, directory, channelSecrets, readOwnNumber, box, clock, publicUrl } = dependencies;

  const list = async (workspaceId: string): Promise<ChannelView[]> => {
    const channels = await store.transact(workspaceId, listChannels);
    return channels.map((channel) => ({
      channelId: channel.channelId,
      phoneNumberId: channel.phoneNumberId,
      wabaId: channel.wabaId,
      displayPhoneNumber: channel.displayPhoneNumber,
      app: channel.app,
      proven: channel.proven,
      releasedAt: iso(channel.releasedAt),
      webhookUrl: `${publicUrl()}/webhooks/whatsapp${channel.app === 'own' ? `/${channel.channelId}` : ''}`,
      optWordLanguages: [...new Set([...reviewedLanguages, ...channel.optWordLanguages])],
    }));
  };

  const view = async (workspaceId: string, channelId: string): Promise<ChannelView> => {
    const channel = (await list(workspaceId)).find((known) => known.channelId === channelId);
    if (channel === undefined) throw noSuch('channel');
    return channel;
  };

  const connectedChannel = async (workspaceId: string, channelId: string): Promise<ChannelState> => {
    const channel = await store.transact(workspaceId, (trx) => channelOfId(trx, channelId));
    if (channel === undefined) throw noSuch('channel');
    if (channel.releasedAt !== null) throw released();
    return channel;
  };

  const changed = (): void => {
    directory.refresh();
    channelSecrets.refresh();
  };

  const ownNumber = async (
    workspaceId: string,
    number: { phoneNumberId: string; wabaId: string; accessToken: string },
  ): Promise<OwnNumber> => {
    const sandbox = await store.transact(workspaceId, isSandbox);
    return readOwnNumber({ sandbox }, number);
  };

  const audit = (trx: WorkspaceTransaction, member: Member, action: AuditAction, channelId: string) =>
    writeAudit(trx, { memberId: member.memberId, action, subject: channelId, at: clock.now() });

  return {
    list,
    async add(member, channel) {
      const { workspaceId } = member;
      const { accessToken, phoneNumberId } = channel;
      const told =
        accessToken === undefined ? channel : await ownNumber(workspaceId, { ...channel, accessToken });
      const { displayPhoneNumber = '' } = told;
      // Without its plus a number of one country reads as another's.
      const isWhole = accessToken !== undefined || displayPhoneNumber.trim().startsWith('+');
      const region = isWhole ? regionOfNumber(displayPhoneNumber) : undefined;
      if (region === undefined) {
        const message =
          'must be the number with its country code, such as +91 98123 45678; with an accessToken it may be left out';
        throw new Refusal('invalid', 'unreadable_number', `displayPhoneNumber ${message}.`, [
          { path: 'displayPhoneNumber', message },
        ]);
      }
      const number = {
        app: 'own',
        phoneNumberId,
        wabaId: told.wabaId,
        portfolio: channel.portfolioId ?? told.wabaId,
        displayPhoneNumber,
        region,
        appSecret: box.seal(channel.appSecret),
        verifyToken: box.seal(channel.verifyToken),
        accessToken: accessToken === undefined ? null : box.seal(accessToken),
      } as const;
      const connected = await connectNumber(store, workspaceId, number, clock.now(), (trx, channelId) =>
        audit(trx, member, 'add channel', channelId),
      );
      if (connected.outcome !== 'connected') throw numberTaken(connected, accessToken !== undefined);
      changed();
      return view(workspaceId, connected.channelId);
    },
    async prove(member, channelId, accessToken) {
      const { workspaceId } = member;
      const { phoneNumberId, wabaId } = await connectedChannel(workspaceId, channelId);
      const { displayPhoneNumber } = await ownNumber(workspaceId, { phoneNumberId, wabaId, accessToken });
      const region = regionOfNumber(displayPhoneNumber);
      if (region === undefined) {
        throw new Refusal(
          'conflict',
          'unreadable_number',
          'Meta tells this number in a form that cannot be read.',
        );
      }
      await store.transact(workspaceId, async (trx) => {
        await lockNumber(trx, phoneNumberId);
        const proof = { displayPhoneNumber, region, accessToken: box.seal(accessToken) };
        if (!(await proveChannel(trx, channelId, proof))) throw released();
        await openChannel(trx, channelId, clock.now());
        await audit(trx, member, 'set access token', channelId);
      });
      changed();
      return view(workspaceId, channelId);
    },
    async release(member, channelId) {
      const { workspaceId } = member;
      const { phoneNumberId } = await connectedChannel(workspaceId, channelId);
      await store.transact(workspaceId, async (trx) => {
        await lockNumber(trx, phoneNumberId);
        if (!(await releaseChannel(trx, channelId, clock.now()))) throw released();
        await audit(trx, member, 'release channel', channelId);
      });
      changed();
    },
    async rotateAppSecret(member, channelId, appSecret) {
      await store.transact(member.workspaceId, async (trx) => {
        const change = { appSecret: box.seal(appSecret), previousUntil: clock.now() + overlapMs };
        if (!(await rotateAppSecret(trx, channelId, change))) {
          if ((await channelOfId(trx, channelId)) === undefined) throw noSuch('channel');
          throw new Refusal(
            'conflict',
            'not_own_app',
            'This number runs under the app of this installation: its secret is META_APP_SECRET in the environment.',
          );
        }
        await audit(trx, member, 'rotate app secret', channelId);
      });
      changed();
    },
    async setOptWordLanguages(member, channelId, languages) {
      const { workspaceId } = member;
      await store.transact(workspaceId, async (trx) => {
        if (!(await setOptWordLanguages(trx, channelId, languages))) throw noSuch('channel');
        await writeAudit(trx, {
          memberId: member.memberId,
          action: 'set opt-out word languages',
          subject: `${channelId} ${languages.join(',')}`,
          at: clock.now(),
        });
      });
      changed();
    },
  };
}

function released(): Refusal {
  return new Refusal(
    'conflict',
    'channel_released',
    'This channel has no number any more: it was let go, or another workspace proved that it is theirs. Connect the number anew.',
  );
}

function numberTaken(
  connected: { readonly outcome: 'known' } | { readonly outcome: 'taken'; readonly proven: boolean },
  proves: boolean,
): Refusal {
  const refused = (message: string): Refusal => new Refusal('conflict', 'number_taken', message);
  if (connected.outcome === 'known') {
    return refused(
      'This number is connected here already. To prove that it is yours, or to replace its token, PUT its access-token.',
    );
  }
  if (!connected.proven) {
    return refused(
      'This number is connected to another workspace, which has not proved that it is theirs: send an accessToken that ' +
        'shows it, and it is yours.',
    );
  }
  return refused(
    proves
      ? 'Another workspace has proved that this number is theirs and has it connected. It can be connected here once they ' +
          'let it go.'
      : 'This number is connected to another workspace, which has proved that it is theirs.',
  );
}
