import { LRUCache } from 'lru-cache';
import { validate as isUuid } from 'uuid';
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

/** Where a webhook's names lead, looked up one by one. Answers from memory; what is older than `freshMs` is read again. */
export interface Directory {
  /** The channel a slice names, whoever owns it. */
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
/** So many names are remembered, made-up ones among them; of more, those nobody asked for lately are read again. */
const mostNames = 50_000;

/** One name of a channel, as its column in the directory. */
type Name = readonly [column: 'phone_number_id' | 'waba_id' | 'channel_id', value: string];

export function createDirectory(store: Store): Directory {
  // A failed look-up is not remembered: the next request asks again.
  const known = new LRUCache<string, { readonly entry: ChannelEntry | undefined }, Name>({
    max: mostNames,
    ttl: freshMs,
    fetchMethod: async (_key, _stale, { context }) => ({ entry: await readChannel(store, context) }),
  });
  const lookUp = async (name: Name): Promise<ChannelEntry | undefined> =>
    (await known.forceFetch(name.join(' '), { context: name })).entry;
  const channelById = async (channelId: string): Promise<ChannelEntry | undefined> =>
    isUuid(channelId) ? lookUp(['channel_id', channelId]) : undefined;
  return {
    async channelOf({ phoneNumberId, wabaId }, signer) {
      if (phoneNumberId !== undefined) return lookUp(['phone_number_id', phoneNumberId]);
      if (wabaId !== undefined) return lookUp(['waba_id', wabaId]);
      return signer.kind === 'channel' ? channelById(signer.channelId) : undefined;
    },
    channelById,
    refresh() {
      known.clear();
    },
  };
}

async function readChannel({ directory }: Store, [column, value]: Name): Promise<ChannelEntry | undefined> {
  const row = await directory
    .selectFrom('directory_channels')
    .selectAll()
    .where(column, '=', value)
    .orderBy('channel_id')
    .limit(1)
    .executeTakeFirst();
  return row === undefined ? undefined : channelEntry(row);
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
