import type { FlowAnswer, MessageContent, Referral, VendorError } from './event.ts';
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
  const { reaction, context, edit, revoke } = payload;
  const medium = payload.image ?? payload.video ?? payload.audio ?? payload.document ?? payload.sticker;
  const reactedTo = reaction?.message_id ?? reaction?.messsage_id;
  const buttonPayload =
    payload.button?.payload ?? payload.interactive?.button_reply?.id ?? payload.interactive?.list_reply?.id;
  const flowAnswer = flowAnswerOf(payload);
  return {
    type,
    ...(text === undefined ? {} : { text }),
    ...(buttonPayload === undefined ? {} : { buttonPayload }),
    ...(context?.id === undefined ? {} : { replyTo: context.id }),
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
          },
        }),
    ...(flowAnswer === undefined ? {} : { flowAnswer }),
    ...(payload.referral === undefined ? {} : { referral: referralOf(payload.referral) }),
    ...(edit?.original_message_id === undefined ? {} : { edits: edit.original_message_id }),
    ...(revoke?.original_message_id === undefined ? {} : { revokes: revoke.original_message_id }),
    ...(payload.errors === undefined ? {} : { errors: errorsOf(payload.errors) }),
  };
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
