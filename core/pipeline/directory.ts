import type { OptWords } from '../consent/index.ts';
import { optWords } from '../consent/index.ts';
import type { ChannelRow, Store } from '../store/index.ts';
import type { WebhookSlice } from '../whatsapp/index.ts';

/** Who signed a webhook: the service's own Meta app, or a tenant's app on the route of one of its channels. */
export type Signer =
  | { readonly kind: 'service' }
  | { readonly kind: 'channel'; readonly workspaceId: string; readonly channelId: string };

/** A channel as receive and apply need it. */
export interface ChannelEntry {
  readonly channelId: string;
  readonly workspaceId: string;
  readonly phoneNumberId: string;
  readonly wabaId: string;
  readonly app: 'service' | 'own';
  readonly portfolio: string;
  readonly region: string;
  readonly optWords: OptWords;
}

/** Where a webhook's names lead. Answers from memory; what is older than `freshMs` is read again. */
export interface Directory {
  /** The channel a slice names, whoever owns it; of several under one account rather the signer's. */
  channelOf(slice: WebhookSlice, signer: Signer): Promise<ChannelEntry | undefined>;
  channelById(channelId: string): Promise<ChannelEntry | undefined>;
  /** Forgets what it remembers, after a channel or a workspace's settings changed in this process. */
  refresh(): void;
}

export function owns(signer: Signer, channel: ChannelEntry): boolean {
  return signer.kind === 'service'
    ? channel.app === 'service'
    : channel.app === 'own' && channel.workspaceId === signer.workspaceId;
}

const freshMs = 5_000;

interface Channels {
  readonly byPhoneNumberId: ReadonlyMap<string, ChannelEntry>;
  /** An account may have numbers of several workspaces, and anybody may claim an account. */
  readonly byWabaId: ReadonlyMap<string, readonly ChannelEntry[]>;
  readonly byId: ReadonlyMap<string, ChannelEntry>;
}

export function createDirectory(store: Store): Directory {
  let loaded: { at: number; channels: Promise<Channels> } | undefined;
  const channels = (): Promise<Channels> => {
    if (loaded === undefined || performance.now() - loaded.at > freshMs) {
      const reading = { at: performance.now(), channels: readChannels(store) };
      loaded = reading;
      // A failed look-up is not remembered: the next request asks again.
      reading.channels.catch(() => {
        if (loaded === reading) loaded = undefined;
      });
    }
    return loaded.channels;
  };
  return {
    async channelOf({ phoneNumberId, wabaId }, signer) {
      const { byPhoneNumberId, byWabaId, byId } = await channels();
      if (phoneNumberId !== undefined) return byPhoneNumberId.get(phoneNumberId);
      if (wabaId !== undefined) {
        const named = byWabaId.get(wabaId) ?? [];
        return named.find((channel) => owns(signer, channel)) ?? named[0];
      }
      return signer.kind === 'channel' ? byId.get(signer.channelId) : undefined;
    },
    async channelById(channelId) {
      return (await channels()).byId.get(channelId);
    },
    refresh() {
      loaded = undefined;
    },
  };
}

async function readChannels({ directory }: Store): Promise<Channels> {
  const rows = await directory.selectFrom('directory_channels').selectAll().orderBy('channel_id').execute();
  const connected = rows.filter((row) => row.released_at === null).map(channelEntry);
  return {
    byPhoneNumberId: new Map(connected.map((entry) => [entry.phoneNumberId, entry])),
    byWabaId: Map.groupBy(connected, (entry) => entry.wabaId),
    // What was received on a channel is applied there, whatever became of its number.
    byId: new Map(rows.map((row) => [row.channel_id, channelEntry(row)])),
  };
}

export function channelEntry(row: ChannelRow): ChannelEntry {
  return {
    channelId: row.channel_id,
    workspaceId: row.workspace_id,
    phoneNumberId: row.phone_number_id,
    wabaId: row.waba_id,
    app: row.app,
    portfolio: row.portfolio,
    region: row.region,
    optWords: optWords(row.opt_word_languages),
  };
}
