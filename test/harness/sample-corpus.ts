import { constructedPayloads } from './constructed-payloads.ts';
import { vendorData } from './vendor-data.ts';

/**
 * What is made up here, and the published payloads where they are, as events of one workspace: each body speaks of people
 * and messages of its own.
 */
export function sampleCorpus(channel: { phoneNumberId: string; wabaId: string }): unknown[] {
  return [
    ...constructedPayloads,
    ...(vendorData('whatsapp/webhooks') ?? []),
    ...(vendorData('whatsapp/constructed') ?? []),
  ]
    .filter(([name]) => name !== 'stop_keyword_corpus.json')
    .map(([, payload], index) => ownedBy(payload, index, channel));
}

const phoneKeys = new Set(['wa_id', 'from', 'to', 'recipient_id', 'new_wa_id', 'recipient_participant_id']);
const bsuidKeys = /user_id$/;
const messageKeys = new Set(['id', 'message_id', 'original_message_id']);

function ownedBy(
  value: unknown,
  index: number,
  channel: { phoneNumberId: string; wabaId: string },
  key = '',
): unknown {
  if (Array.isArray(value)) return value.map((item) => ownedBy(item, index, channel, key));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, item]) => [
        name,
        key === 'entry' && name === 'id' ? channel.wabaId : ownedBy(item, index, channel, name),
      ]),
    );
  }
  if (key === 'phone_number_id') return channel.phoneNumberId;
  const mark = String(index).padStart(3, '0');
  if (phoneKeys.has(key) && typeof value === 'string' && /^\d{9,15}$/.test(value))
    return `1${mark}${value.slice(-9)}`;
  if (bsuidKeys.test(key) && typeof value === 'string') return `${value}${mark}`;
  if (messageKeys.has(key) && typeof value === 'string') return `${value}.${mark}`;
  return value;
}
