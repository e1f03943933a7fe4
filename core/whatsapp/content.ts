import type {
  CallPermission,
  ContactCard,
  FlowAnswer,
  Location,
  MessageContent,
  OrderItem,
  Referral,
  VendorError,
} from './event.ts';
import { timeOf } from './identities.ts';
import { hexHash } from './media-kinds.ts';
import { type ContentPayload, contentSchema, type VendorErrorPayload } from './schemas.ts';

/** Body keys by which a message without `type` tells what it is. */
const typedBodies = [
  'text',
  'image',
  'video',
  'audio',
  'document',
  'sticker',
  'location',
  'contacts',
  'reaction',
  'button',
  'interactive',
  'order',
  'system',
  'edit',
  'revoke',
  'template',
  'errors',
] as const;

/** What a message says. Text is kept whole. */
export function readContent(payload: ContentPayload): MessageContent {
  const type = payload.type ?? typedBodies.find((key) => payload[key] !== undefined) ?? 'unknown';
  const text = textOf(payload);
  const { reaction, context, edit, revoke, template } = payload;
  const product = context?.referred_product?.product_retailer_id;
  const medium = payload.image ?? payload.video ?? payload.audio ?? payload.document ?? payload.sticker;
  const sha256 = hexHash(medium?.sha256);
  const reactedTo = reaction?.message_id ?? reaction?.messsage_id;
  const buttonPayload =
    payload.button?.payload ?? payload.interactive?.button_reply?.id ?? payload.interactive?.list_reply?.id;
  const flowAnswer = flowAnswerOf(payload);
  const orderItems = payload.order?.product_items?.map(orderItemOf);
  const callPermission = payload.interactive?.call_permission_reply;
  const payment = payload.interactive?.payment_method;
  return {
    type,
    ...(text === undefined ? {} : { text }),
    ...(buttonPayload === undefined ? {} : { buttonPayload }),
    ...(context?.id === undefined ? {} : { replyTo: context.id }),
    ...(product === undefined ? {} : { aboutProduct: product }),
    ...(template?.name === undefined ? {} : { template: template.name }),
    ...(reactedTo === undefined
      ? {}
      : { reaction: { to: reactedTo, ...(reaction?.emoji ? { emoji: reaction.emoji } : {}) } }),
    ...(medium === undefined
      ? {}
      : {
          media: {
            ...(medium.id === undefined ? {} : { id: medium.id }),
            ...(medium.mime_type === undefined ? {} : { mimeType: medium.mime_type }),
            ...(medium.filename === undefined ? {} : { filename: medium.filename }),
            ...(sha256 === undefined ? {} : { sha256 }),
          },
        }),
    ...(flowAnswer === undefined ? {} : { flowAnswer }),
    ...(orderItems === undefined ? {} : { orderItems }),
    ...(payload.location === undefined ? {} : { location: locationOf(payload.location) }),
    ...(payload.contacts === undefined ? {} : { cards: payload.contacts.map(cardOf) }),
    ...(callPermission === undefined ? {} : { callPermission: callPermissionOf(callPermission) }),
    ...(payment === undefined
      ? {}
      : {
          payment: {
            ...(payment.payment_method === undefined ? {} : { method: payment.payment_method }),
            ...(payment.reference_id === undefined ? {} : { reference: payment.reference_id }),
          },
        }),
    ...(payload.referral === undefined ? {} : { referral: referralOf(payload.referral) }),
    ...(edit?.original_message_id === undefined ? {} : { edits: edit.original_message_id }),
    ...(revoke?.original_message_id === undefined ? {} : { revokes: revoke.original_message_id }),
    ...(payload.errors === undefined ? {} : { errors: errorsOf(payload.errors) }),
  };
}

/** Types that hold the place of what WhatsApp did not hand over. */
const hollowTypes: ReadonlySet<string> = new Set(['media_placeholder', 'unsupported', 'unknown', 'errors']);

/**
 * How little a content says, 0 to 11: real content before one with errors before a placeholder, then one that came from
 * an ad, then one with words. Of two under one id, or of one second, the lesser stands.
 */
export function poorness(content: MessageContent): number {
  const hollow = hollowTypes.has(content.type) ? 2 : content.errors === undefined ? 0 : 1;
  return hollow * 4 + Number(content.referral === undefined) * 2 + Number((content.text ?? '').trim() === '');
}

function orderItemOf(item: {
  product_retailer_id?: string | undefined;
  quantity?: string | undefined;
  item_price?: string | undefined;
  currency?: string | undefined;
}): OrderItem {
  return {
    ...(item.product_retailer_id === undefined ? {} : { product: item.product_retailer_id }),
    ...(item.quantity === undefined ? {} : { quantity: item.quantity }),
    ...(item.item_price === undefined ? {} : { price: item.item_price }),
    ...(item.currency === undefined ? {} : { currency: item.currency }),
  };
}

function locationOf(location: NonNullable<ContentPayload['location']>): Location {
  return {
    ...(location.name === undefined ? {} : { name: location.name }),
    ...(location.address === undefined ? {} : { address: location.address }),
    ...(location.latitude === undefined ? {} : { latitude: location.latitude }),
    ...(location.longitude === undefined ? {} : { longitude: location.longitude }),
  };
}

function cardOf({
  origin,
  name,
  phones,
  vcard = '',
}: NonNullable<ContentPayload['contacts']>[number]): ContactCard {
  const parts = [name?.first_name, name?.last_name].filter((part) => part !== undefined && part !== '');
  const [named] = ofVcard(vcard, 'FN');
  const written = name?.formatted_name ?? (parts.length === 0 ? named : parts.join(' '));
  const listed = (phones ?? [])
    .map(({ phone, wa_id: waId }) => phone ?? (waId === undefined ? undefined : `+${waId}`))
    .filter((phone) => phone !== undefined);
  return {
    ...(written === undefined ? {} : { name: written }),
    phones: listed.length > 0 ? listed : ofVcard(vcard, 'TEL').map((phone) => phone.replace(/^tel:/i, '')),
    own: origin === 'contact_request',
  };
}

/** Values of a property of a vCard (RFC 6350): lines folded, grouped and with parameters, some signs escaped. */
function ofVcard(vcard: string, property: 'FN' | 'TEL'): string[] {
  const lines = vcard.replace(/\r?\n[ \t]/g, '').split(/\r?\n/);
  return lines.flatMap((line) => {
    const { name, value = '' } =
      /^(?:[\w-]+\.)?(?<name>\w+)(?:;[^:]*)?:(?<value>.*)$/.exec(line)?.groups ?? {};
    const plain = value.replace(/\\n/gi, ' ').replace(/\\(.)/g, '$1').trim();
    return name?.toUpperCase() === property && plain !== '' ? [plain] : [];
  });
}

function callPermissionOf(reply: {
  response?: string | undefined;
  is_permanent?: boolean | undefined;
  expiration_timestamp?: string | undefined;
}): CallPermission {
  const until = reply.is_permanent === true ? undefined : timeOf(reply.expiration_timestamp);
  return { given: reply.response === 'accept', ...(until === undefined ? {} : { until }) };
}

/** What of a message a person reads; of an edit, what it says now. */
function textOf(payload: ContentPayload): string | undefined {
  const edited = payload.edit === undefined ? undefined : contentSchema.safeParse(payload.edit.message).data;
  return ownTextOf(payload) ?? (edited === undefined ? undefined : ownTextOf(edited));
}

function ownTextOf({
  text,
  button,
  interactive,
  image,
  video,
  document,
  order,
}: ContentPayload): string | undefined {
  if (typeof text === 'string') return text;
  return (
    text?.body ??
    button?.text ??
    interactive?.button_reply?.title ??
    interactive?.list_reply?.title ??
    interactive?.body?.text ??
    image?.caption ??
    video?.caption ??
    document?.caption ??
    (order?.text === '' ? undefined : order?.text)
  );
}

/** Answers of a Flow are the customer's own JSON: capped, and never trusted to be an object. */
const longestAnswers = 64 * 1024;

function flowAnswerOf(payload: ContentPayload): FlowAnswer | undefined {
  const reply = payload.interactive?.nfm_reply;
  if (reply === undefined) return undefined;
  const raw = reply.response_json;
  const answers = typeof raw === 'string' ? parsedAnswers(raw) : raw;
  const token =
    typeof answers === 'object' && answers !== null && 'flow_token' in answers
      ? answers.flow_token
      : undefined;
  return {
    answers,
    ...(reply.name === undefined ? {} : { name: reply.name }),
    ...(typeof token === 'string' ? { flowToken: token } : {}),
  };
}

function parsedAnswers(raw: string): unknown {
  if (raw.length > longestAnswers) return raw.slice(0, longestAnswers);
  try {
    return JSON.parse(raw);
  } catch {
    return raw;
  }
}

function referralOf(referral: NonNullable<ContentPayload['referral']>): Referral {
  return {
    ...(referral.source_type === undefined ? {} : { sourceType: referral.source_type }),
    ...(referral.source_id === undefined ? {} : { sourceId: referral.source_id }),
    ...(referral.source_url === undefined ? {} : { sourceUrl: referral.source_url }),
    ...(referral.headline === undefined ? {} : { headline: referral.headline }),
    ...(referral.ctwa_clid === undefined ? {} : { ctwaClid: referral.ctwa_clid }),
  };
}

export function errorsOf(errors: readonly VendorErrorPayload[] | undefined): VendorError[] {
  return (errors ?? []).map((error) => {
    const details = error.error_data?.details ?? error.details ?? error.message;
    return {
      code: error.code,
      ...(error.title === undefined ? {} : { title: error.title }),
      ...(details === undefined ? {} : { details }),
    };
  });
}
