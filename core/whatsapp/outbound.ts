import { z } from 'zod';
import type { MediaKind } from './media-kinds.ts';

/**
 * What a business may send, in our words: as it is asked for by the API, and kept. Forms and limits:
 * docs/vendors/whatsapp.md §3.2. Template values may name a field of the person; `Outbound` has them resolved.
 */

/** A text, or a field of the person with what stands in its place where the person has none. */
const templateValue = z.union([
  z.string(),
  z.strictObject({ field: z.string().min(1), fallback: z.string() }),
]);
export type TemplateValue = z.infer<typeof templateValue>;

/** A medium: one that was given to us, by its id, or an address WhatsApp fetches it from. */
const mediaSource = z.union([
  z.strictObject({ mediaId: z.uuid() }),
  z.strictObject({ link: z.url({ protocol: /^https$/ }) }),
]);
export type MediaSource = z.infer<typeof mediaSource>;

const headerOf = <Value extends z.ZodType>(value: Value) =>
  z.union([
    /** `name`: its variable's, where the template has named ones. */
    z.strictObject({ text: value, name: z.string().optional() }),
    z.strictObject({ image: mediaSource }),
    z.strictObject({ video: mediaSource }),
    z.strictObject({ document: mediaSource, filename: z.string().optional() }),
    z.strictObject({
      location: z.strictObject({
        latitude: z.number(),
        longitude: z.number(),
        name: z.string().optional(),
        address: z.string().optional(),
      }),
    }),
  ]);

/** Of a template's buttons those that take a value, by their place among all, from 0. */
const buttonOf = <Value extends z.ZodType>(value: Value) => {
  const index = z.int().min(0).max(9);
  return z.union([
    /** The end of its address. */
    z.strictObject({ index, url: value }),
    /** What comes back when it is tapped. */
    z.strictObject({ index, quickReply: value }),
    /** What is copied. */
    z.strictObject({ index, code: value }),
    /** The Flow's token, and what its first screen is given. */
    z.strictObject({ index, flow: value, data: z.record(z.string(), z.unknown()).optional() }),
  ]);
};

const templateOf = <Value extends z.ZodType>(value: Value) =>
  z.strictObject({
    name: z.string().min(1).max(512),
    language: z.string().min(2).max(15),
    header: headerOf(value).optional(),
    /** In their order, or by their names where the template has named ones. */
    body: z.union([z.array(value).max(100), z.record(z.string(), value)]).optional(),
    buttons: z.array(buttonOf(value)).max(10).optional(),
  });

const captioned = { caption: z.string().max(1024).optional(), replyTo: z.string().optional() };

const contentOf = <Value extends z.ZodType>(value: Value) =>
  z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('text'),
      text: z.string().min(1).max(4096),
      previewUrl: z.boolean().optional(),
      replyTo: z.string().optional(),
    }),
    z.strictObject({ type: z.literal('template'), template: templateOf(value) }),
    z.strictObject({ type: z.literal('image'), media: mediaSource, ...captioned }),
    z.strictObject({ type: z.literal('video'), media: mediaSource, ...captioned }),
    z.strictObject({
      type: z.literal('document'),
      media: mediaSource,
      filename: z.string().max(240).optional(),
      ...captioned,
    }),
    z.strictObject({
      type: z.literal('audio'),
      media: mediaSource,
      voice: z.boolean().optional(),
      replyTo: z.string().optional(),
    }),
    z.strictObject({ type: z.literal('sticker'), media: mediaSource, replyTo: z.string().optional() }),
    z.strictObject({
      type: z.literal('location'),
      latitude: z.number().min(-90).max(90),
      longitude: z.number().min(-180).max(180),
      name: z.string().max(1000).optional(),
      address: z.string().max(1000).optional(),
    }),
    /** Buttons, lists, Flows and the like, in Meta's own form. */
    z.strictObject({
      type: z.literal('interactive'),
      interactive: z.looseObject({ type: z.string().min(1) }),
      replyTo: z.string().optional(),
    }),
    /** An empty emoji takes a reaction back. */
    z.strictObject({ type: z.literal('reaction'), to: z.string().min(1), emoji: z.string().max(32) }),
  ]);

/** As it is asked for. */
export const requestedContent = contentOf(templateValue);
export type RequestedContent = z.infer<typeof requestedContent>;
export type RequestedTemplate = Extract<RequestedContent, { type: 'template' }>['template'];

/** As it leaves: every value resolved. */
const outboundContent = contentOf(z.string());
export type OutboundContent = z.infer<typeof outboundContent>;
export type OutboundTemplate = Extract<OutboundContent, { type: 'template' }>['template'];

/** The medium a message names, and what it is used as; undefined: none. */
export function mediumOf(
  content: RequestedContent | OutboundContent,
): { readonly kind: MediaKind; readonly source: MediaSource } | undefined {
  if ('media' in content) return { kind: content.type, source: content.media };
  const header = content.type === 'template' ? content.template.header : undefined;
  if (header === undefined) return undefined;
  if ('image' in header) return { kind: 'image', source: header.image };
  if ('video' in header) return { kind: 'video', source: header.video };
  return 'document' in header ? { kind: 'document', source: header.document } : undefined;
}

/** Of it where it is one that was given to us. */
export function ownMediumOf(
  content: RequestedContent | OutboundContent,
): { readonly kind: MediaKind; readonly mediaId: string } | undefined {
  const medium = mediumOf(content);
  return medium === undefined || !('mediaId' in medium.source)
    ? undefined
    : { kind: medium.kind, mediaId: medium.source.mediaId };
}
