import {
  type MediaSource,
  mediumOf,
  type Outbound,
  type OutboundContent,
  type OutboundTemplate,
} from '@sangam/core/whatsapp';

/** A message in Meta's form. docs/vendors/whatsapp.md §2.5, §3.1, §3.2, §3.9. */

export type Body = Readonly<Record<string, unknown>>;
type Medium = { readonly id: string } | { readonly link: string };

/** Undefined: the medium it names is not at WhatsApp. */
export function messageBody({ waId, bsuid, content, opaque, mediaIds }: Outbound): Body | undefined {
  const source = mediumOf(content)?.source;
  const medium = source === undefined ? undefined : mediumAt(source, mediaIds);
  if (source !== undefined && medium === undefined) return undefined;
  return {
    messaging_product: 'whatsapp',
    recipient_type: 'individual',
    // The phone keeps the phone in the webhooks.
    ...(waId === undefined ? { recipient: bsuid } : { to: waId }),
    type: content.type,
    [content.type]: contentBody(content, medium),
    ...('replyTo' in content && content.replyTo !== undefined
      ? { context: { message_id: content.replyTo } }
      : {}),
    biz_opaque_callback_data: opaque,
  };
}

function mediumAt(source: MediaSource, ids: ReadonlyMap<string, string>): Medium | undefined {
  if ('link' in source) return { link: source.link };
  const id = ids.get(source.mediaId);
  return id === undefined ? undefined : { id };
}

function contentBody(content: OutboundContent, medium: Medium | undefined): Body {
  switch (content.type) {
    case 'text':
      return given({ body: content.text, preview_url: content.previewUrl });
    case 'template':
      return templateBody(content.template, medium);
    case 'image':
    case 'video':
      return given({ ...medium, caption: content.caption });
    case 'document':
      return given({ ...medium, filename: content.filename, caption: content.caption });
    case 'audio':
      return given({ ...medium, voice: content.voice });
    case 'sticker':
      return { ...medium };
    case 'location':
      return place(content);
    case 'interactive':
      return content.interactive;
    case 'reaction':
      return { message_id: content.to, emoji: content.emoji };
  }
}

function templateBody(
  { name, language, header, body = [], buttons = [] }: OutboundTemplate,
  medium: Medium | undefined,
): Body {
  const words = Array.isArray(body)
    ? body.map((text) => ({ type: 'text', text }))
    : Object.entries(body).map(([key, text]) => ({ type: 'text', parameter_name: key, text }));
  const components = [
    ...(header === undefined ? [] : [{ type: 'header', parameters: [headerParameter(header, medium)] }]),
    ...(words.length === 0 ? [] : [{ type: 'body', parameters: words }]),
    ...buttons.map(buttonComponent),
  ];
  return {
    name,
    language: { policy: 'deterministic', code: language },
    ...(components.length === 0 ? {} : { components }),
  };
}

function headerParameter(header: NonNullable<OutboundTemplate['header']>, medium: Medium | undefined): Body {
  if ('text' in header) return given({ type: 'text', parameter_name: header.name, text: header.text });
  if ('location' in header) return { type: 'location', location: place(header.location) };
  if ('document' in header) {
    return { type: 'document', document: given({ ...medium, filename: header.filename }) };
  }
  return 'image' in header ? { type: 'image', image: medium } : { type: 'video', video: medium };
}

function buttonComponent(button: NonNullable<OutboundTemplate['buttons']>[number]): Body {
  const component = (subType: string, parameter: Body): Body => ({
    type: 'button',
    sub_type: subType,
    index: String(button.index),
    parameters: [parameter],
  });
  if ('url' in button) return component('url', { type: 'text', text: button.url });
  if ('quickReply' in button) {
    return component('quick_reply', { type: 'payload', payload: button.quickReply });
  }
  if ('code' in button) return component('copy_code', { type: 'coupon_code', coupon_code: button.code });
  const action = given({ flow_token: button.flow, flow_action_data: button.data });
  return component('flow', { type: 'action', action });
}

interface Place {
  readonly latitude: number;
  readonly longitude: number;
  readonly name?: string | undefined;
  readonly address?: string | undefined;
}

/** Meta describes degrees as texts. */
function place({ latitude, longitude, name, address }: Place): Body {
  return given({ latitude: String(latitude), longitude: String(longitude), name, address });
}

/** Without what is not given. */
function given(body: Body): Body {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}
