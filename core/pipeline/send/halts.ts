import { haltOf } from '../../sending/index.ts';
import {
  type ChannelSending,
  channelsSending,
  type SendRow,
  type WorkspaceTransaction,
} from '../../store/index.ts';

/**
 * A send as it is shown: what waits only because nothing at all leaves its number says so. It is not stored, for nothing about
 * the message has been decided.
 */
export function withHalt(send: SendRow, channel: ChannelSending | undefined): SendRow {
  if (send.state !== 'queued' || send.reason !== null || channel === undefined) return send;
  return { ...send, ...haltOf(channel) };
}

export async function withHalts(trx: WorkspaceTransaction, sends: readonly SendRow[]): Promise<SendRow[]> {
  const channels = await channelsSending(trx, [...new Set(sends.map(({ channelId }) => channelId))]);
  const byId = new Map(channels.map((channel) => [channel.channelId, channel]));
  return sends.map((send) => withHalt(send, byId.get(send.channelId)));
}
