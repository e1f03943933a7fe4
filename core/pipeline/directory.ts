import { LRUCache } from 'lru-cache';
import { validate as isUuid } from 'uuid';
import { type OptWords, optWords } from '../consent/index.ts';
import { type ChannelName, type ChannelRow, channelsNamed, type Store } from '../store/index.ts';
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

/** Where a webhook's names lead, asked for by name, in one question for all. Answers from memory; what is older than `freshMs` is read again. */
export interface Directory {
  /** The channel each slice names, whoever owns it; of several under one account rather the signer's. */
  channelsOf(slices: readonly WebhookSlice[], signer: Signer): Promise<(ChannelEntry | undefined)[]>;
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

/** What WhatsApp names numbers and accounts by. A name of another form is nobody's, and is neither asked for nor kept. */
const isName = (value: string): boolean => /^\d{1,32}$/.test(value);

export function createDirectory(store: Store): Directory {
  const known = new LRUCache<string, readonly ChannelEntry[]>({ max: mostNames, ttl: freshMs });
  /** What was asked before a refresh is not remembered after it. */
  let refreshes = 0;

  /** By name, in one question for all that are not known. */
  const lookUp = async (
    column: ChannelName,
    names: readonly string[],
  ): Promise<ReadonlyMap<string, readonly ChannelEntry[]>> => {
    const found = new Map<string, readonly ChannelEntry[]>();
    const asked: string[] = [];
    for (const name of new Set(names)) {
      const entries = known.get(`${column} ${name}`);
      if (entries === undefined) asked.push(name);
      else found.set(name, entries);
    }
    if (asked.length === 0) return found;
    const before = refreshes;
    const read = Map.groupBy((await channelsNamed(store, column, asked)).map(channelEntry), (entry) =>
      nameIn(entry, column),
    );
    for (const name of asked) {
      const entries = read.get(name) ?? [];
      found.set(name, entries);
      if (before === refreshes) known.set(`${column} ${name}`, entries);
    }
    return found;
  };
  const channelById = async (channelId: string): Promise<ChannelEntry | undefined> =>
    isUuid(channelId) ? (await lookUp('channel_id', [channelId])).get(channelId)?.[0] : undefined;

  return {
    async channelsOf(slices, signer) {
      const numbers = slices.flatMap(({ phoneNumberId = '' }) =>
        isName(phoneNumberId) ? [phoneNumberId] : [],
      );
      const accounts = slices.flatMap(({ phoneNumberId, wabaId = '' }) =>
        phoneNumberId === undefined && isName(wabaId) ? [wabaId] : [],
      );
      const byNumber = await lookUp('phone_number_id', numbers);
      const byAccount = await lookUp('waba_id', accounts);
      const unnamed = slices.some((slice) => slice.phoneNumberId === undefined && slice.wabaId === undefined);
      const own = unnamed && signer.kind === 'channel' ? await channelById(signer.channelId) : undefined;
      return slices.map(({ phoneNumberId, wabaId }) => {
        if (phoneNumberId !== undefined) return byNumber.get(phoneNumberId)?.[0];
        if (wabaId === undefined) return own;
        // An account may have numbers of several workspaces, and anybody may claim an account.
        const named = byAccount.get(wabaId) ?? [];
        return named.find((channel) => owns(signer, channel)) ?? named[0];
      });
    },
    channelById,
    refresh() {
      refreshes += 1;
      known.clear();
    },
  };
}

function nameIn(entry: ChannelEntry, column: ChannelName): string {
  if (column === 'phone_number_id') return entry.phoneNumberId;
  return column === 'waba_id' ? entry.wabaId : entry.channelId;
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
