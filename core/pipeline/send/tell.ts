import { hash } from 'node:crypto';
import { bsuidOf } from '../../identity/index.ts';
import {
  type ChannelSending,
  emailsOf,
  fromJson,
  type SendRow,
  takeIntoInbox,
  type WorkspaceTransaction,
} from '../../store/index.ts';
import { lanes, type OutboundContent, type WebhookSlice } from '../../whatsapp/index.ts';

/** A message that left: by WhatsApp's answer, or by a status where none came. */
export interface Sent {
  readonly send: SendRow;
  readonly wamid: string;
  /** When its call was let go, in milliseconds. */
  readonly beganAt: number;
}

/**
 * What left stands in its conversation as what happened: it is applied like everything else that does. Answer and status may
 * both tell it, in the same words.
 */
export async function tellMessages(
  trx: WorkspaceTransaction,
  channel: Pick<ChannelSending, 'channelId' | 'phoneNumberId'>,
  sent: readonly Sent[],
  now: number,
): Promise<void> {
  const names = await emailsOf(
    trx,
    sent.map(({ send }) => send.sender),
  );
  await tell(
    trx,
    channel,
    sent.map(({ send, wamid, beganAt }) => ({
      key: `sent:${wamid}`,
      slice: {
        field: 'sangam',
        part: 'sent',
        phoneNumberId: channel.phoneNumberId,
        item: {
          id: wamid,
          timestamp: String(Math.floor(beganAt / 1000)),
          to: send.phone?.slice(1),
          to_user_id: send.bsuidKey === null ? undefined : bsuidOf(send.bsuidKey),
          ...itemOf(send),
          sender: names.get(send.sender),
        },
      },
    })),
    now,
  );
}

/** As an echo shows a message: what the person reads of it. */
function itemOf({ leaves, shown }: SendRow): object {
  const content = leaves === null ? undefined : (fromJson(leaves) as OutboundContent);
  if (content === undefined) return {};
  if (content.type === 'reaction')
    return { type: 'reaction', reaction: { message_id: content.to, emoji: content.emoji } };
  const replyTo = 'replyTo' in content ? content.replyTo : undefined;
  return {
    type: content.type,
    text: { body: shown ?? '' },
    ...(replyTo === undefined ? {} : { context: { id: replyTo } }),
  };
}

/** Puts into the inbox what happened by us. */
export async function tell(
  trx: WorkspaceTransaction,
  { channelId }: Pick<ChannelSending, 'channelId'>,
  events: readonly { readonly key: string; readonly slice: WebhookSlice }[],
  now: number,
): Promise<void> {
  await takeIntoInbox(
    trx,
    events.map(({ key, slice }) => {
      const payload = Buffer.from(JSON.stringify(slice), 'utf8');
      return {
        eventKey: eventKeyOf(channelId, key),
        contentHash: hash('sha256', payload, 'buffer').subarray(0, 8),
        lane: lanes.inbound,
        channelId,
        receivedAt: now,
        payload,
        traceparent: null,
      };
    }),
  );
}

export function eventKeyOf(channelId: string, key: string): Buffer {
  return hash('sha256', `${channelId} ${key}`, 'buffer').subarray(0, 16);
}
