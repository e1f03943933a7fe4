import { randomUUID } from 'node:crypto';
import type { Clock } from '@sangam/core/clock';
import { reviewedLanguages } from '@sangam/core/consent';
import { noSuch, Refusal } from '@sangam/core/errors';
import { canonicalPhone, regionOf } from '@sangam/core/identity';
import type { Directory } from '@sangam/core/pipeline';
import { type Store, type WorkspaceTransaction, writeAudit } from '@sangam/core/store';
import type { ChannelSecrets } from './channel-secrets.ts';
import type { SecretBox } from './secrets.ts';
import type { Member } from './sessions.ts';

/** A number as an admin sees it. */
interface ChannelView {
  readonly channelId: string;
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly displayPhoneNumber: string;
  readonly app: 'service' | 'own';
  /** What to enter as callback URL in the Meta app. */
  readonly webhookUrl: string;
  /** Whose opt-out words it listens to. */
  readonly optWordLanguages: readonly string[];
}

interface NewChannel {
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly portfolioId?: string | undefined;
  readonly displayPhoneNumber: string;
  readonly appSecret: string;
  readonly verifyToken: string;
}

/** The workspace's numbers on WhatsApp. Throws a `Refusal`. */
export interface ChannelBook {
  list(workspaceId: string): Promise<ChannelView[]>;
  add(member: Member, channel: NewChannel): Promise<ChannelView>;
  /** The secret before lives on for a day, so that webhooks signed with either pass during the change. */
  rotateAppSecret(member: Member, channelId: string, appSecret: string): Promise<void>;
  /** Beside those that are reviewed, to which every channel listens. */
  setOptWordLanguages(member: Member, channelId: string, languages: readonly string[]): Promise<void>;
}

const overlapMs = 24 * 60 * 60 * 1000;

export function createChannelBook(dependencies: {
  store: Store;
  directory: Directory;
  channelSecrets: ChannelSecrets;
  box: SecretBox;
  clock: Clock;
  publicUrl: () => string;
}): ChannelBook {
  const { store, directory, channelSecrets, box, clock, publicUrl } = dependencies;

  const list = async (workspaceId: string): Promise<ChannelView[]> => {
    const entries = await store.directory
      .selectFrom('directory_channels')
      .selectAll()
      .where('directory_channels.workspace_id', '=', workspaceId)
      .orderBy('channel_id')
      .execute();
    const rows = await store.transact(workspaceId, (trx) =>
      trx
        .selectFrom('channels')
        .select(['channel_id', 'display_phone_number'])
        .where('workspace_id', '=', workspaceId)
        .execute(),
    );
    const numbers = new Map(rows.map((row) => [row.channel_id, row.display_phone_number]));
    return entries.map((entry) => ({
      channelId: entry.channel_id,
      phoneNumberId: entry.phone_number_id,
      wabaId: entry.waba_id,
      displayPhoneNumber: numbers.get(entry.channel_id) ?? '',
      app: entry.app,
      webhookUrl: `${publicUrl()}/webhooks/whatsapp${entry.app === 'own' ? `/${entry.channel_id}` : ''}`,
      optWordLanguages: [...new Set([...reviewedLanguages, ...entry.opt_word_languages])],
    }));
  };

  const changed = (): void => {
    directory.refresh();
    channelSecrets.refresh();
  };

  return {
    list,
    async add(member, channel) {
      const { workspaceId } = member;
      const phone = canonicalPhone(channel.displayPhoneNumber.replace(/\D/g, ''));
      const region = phone === undefined ? undefined : regionOf(phone);
      if (region === undefined) {
        const message = 'must be the number with its country code, such as +91 98123 45678';
        throw new Refusal('invalid', 'unreadable_number', `displayPhoneNumber ${message}.`, [
          { path: 'displayPhoneNumber', message },
        ]);
      }
      const taken = await store.directory
        .selectFrom('directory_channels')
        .select('channel_id')
        .where('phone_number_id', '=', channel.phoneNumberId)
        .executeTakeFirst();
      if (taken !== undefined) {
        throw new Refusal(
          'conflict',
          'number_taken',
          'This phone number id is connected already: GET /api/v1/channels shows it, unless another workspace here has it.',
        );
      }
      const channelId = randomUUID();
      await store.transact(workspaceId, async (trx) => {
        await insertChannel(trx, {
          channelId,
          app: 'own',
          phoneNumberId: channel.phoneNumberId,
          wabaId: channel.wabaId,
          portfolio: channel.portfolioId ?? channel.wabaId,
          displayPhoneNumber: channel.displayPhoneNumber,
          region,
          appSecret: box.seal(channel.appSecret),
          verifyToken: box.seal(channel.verifyToken),
          now: clock.now(),
        });
        await writeAudit(trx, {
          memberId: member.memberId,
          action: 'add channel',
          subject: channelId,
          at: clock.now(),
        });
      });
      changed();
      const view = (await list(workspaceId)).find((known) => known.channelId === channelId);
      if (view === undefined) throw new Error('The channel just added cannot be read back.');
      return view;
    },
    async rotateAppSecret(member, channelId, appSecret) {
      const { workspaceId } = member;
      const now = clock.now();
      await store.transact(workspaceId, async (trx) => {
        const result = await trx
          .updateTable('channels')
          .set((row) => ({
            previous_app_secret: row.ref('app_secret'),
            previous_app_secret_until: now + overlapMs,
            app_secret: box.seal(appSecret),
          }))
          .where('workspace_id', '=', workspaceId)
          .where('channel_id', '=', channelId)
          .where('app_secret', 'is not', null)
          .executeTakeFirst();
        if (result.numUpdatedRows === 0n) {
          const known = await trx
            .selectFrom('channels')
            .select('channel_id')
            .where('workspace_id', '=', workspaceId)
            .where('channel_id', '=', channelId)
            .executeTakeFirst();
          if (known === undefined) throw noSuch('channel');
          throw new Refusal(
            'conflict',
            'not_own_app',
            'This number runs under the app of this installation: its secret is META_APP_SECRET in the environment.',
          );
        }
        await writeAudit(trx, {
          memberId: member.memberId,
          action: 'rotate app secret',
          subject: channelId,
          at: now,
        });
      });
      changed();
    },
    async setOptWordLanguages(member, channelId, languages) {
      const { workspaceId } = member;
      await store.transact(workspaceId, async (trx) => {
        const result = await trx
          .updateTable('directory_channels')
          .set({ opt_word_languages: [...languages] })
          .where('directory_channels.workspace_id', '=', workspaceId)
          .where('channel_id', '=', channelId)
          .executeTakeFirst();
        if (result.numUpdatedRows === 0n) throw noSuch('channel');
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

export async function insertChannel(
  trx: WorkspaceTransaction,
  channel: {
    channelId: string;
    app: 'service' | 'own';
    phoneNumberId: string;
    wabaId: string;
    portfolio: string;
    displayPhoneNumber: string;
    region: string;
    appSecret: Buffer | null;
    verifyToken: Buffer | null;
    now: number;
  },
): Promise<void> {
  await trx
    .insertInto('channels')
    .values({
      workspace_id: trx.workspaceId,
      channel_id: channel.channelId,
      provider: 'cloud-api',
      phone_number_id: channel.phoneNumberId,
      waba_id: channel.wabaId,
      display_phone_number: channel.displayPhoneNumber,
      app_secret: channel.appSecret,
      previous_app_secret: null,
      previous_app_secret_until: null,
      verify_token: channel.verifyToken,
      access_token: null,
      created_at: channel.now,
    })
    .execute();
  await trx
    .insertInto('directory_channels')
    .values({
      phone_number_id: channel.phoneNumberId,
      waba_id: channel.wabaId,
      channel_id: channel.channelId,
      workspace_id: trx.workspaceId,
      app: channel.app,
      portfolio: channel.portfolio,
      region: channel.region,
      created_at: channel.now,
    })
    .execute();
}
