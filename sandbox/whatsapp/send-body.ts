import { z } from 'zod';
import { type Answer, parseJson } from '../http.ts';
import { badParameter } from './graph-errors.ts';
import { toWaId } from './ids.ts';
import type { Person } from './people.ts';

/** The body of a send, read. docs/vendors/whatsapp.md §3.1. */

/** docs/vendors/whatsapp.md §3.2. */
const sendTypes: ReadonlySet<string> = new Set([
  'text',
  'image',
  'video',
  'audio',
  'document',
  'sticker',
  'location',
  'contacts',
  'reaction',
  'interactive',
  'template',
]);

/** docs/vendors/whatsapp.md §2.2. */
const bsuid = /^[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}$/;

/** docs/vendors/whatsapp.md §3.3. */
const opaqueMaxBytes = 512;

const sendBody = z.looseObject({
  messaging_product: z.literal('whatsapp'),
  recipient_type: z.literal('individual').default('individual'),
  to: z.string().optional(),
  recipient: z.string().optional(),
  type: z.string().default('text'),
  context: z.looseObject({ message_id: z.string() }).optional(),
  biz_opaque_callback_data: z
    .string()
    .refine((opaque) => Buffer.byteLength(opaque) <= opaqueMaxBytes, 'at most 512 bytes')
    .optional(),
});

const receiptBody = z.looseObject({
  messaging_product: z.literal('whatsapp'),
  status: z.literal('read'),
  message_id: z.string(),
  typing_indicator: z.looseObject({ type: z.literal('text') }).optional(),
});

export interface SendBody {
  readonly kind: 'send';
  readonly type: string;
  readonly content: object;
  /** As it was written in the body: the input of the answer. */
  readonly input: string;
  readonly asked: Pick<Person, 'phone' | 'userId'>;
  readonly opaque: string | undefined;
  readonly replyTo: string | undefined;
}

export interface ReceiptBody {
  readonly kind: 'receipt';
  readonly messageId: string;
  readonly types: boolean;
}

/** What the log of requests tells of a body, whatever is wrong with it. */
export const bodyFacts = z.looseObject({
  to: z.string().optional().catch(undefined),
  recipient: z.string().optional().catch(undefined),
  type: z.string().optional().catch(undefined),
  status: z.string().optional().catch(undefined),
  biz_opaque_callback_data: z.string().optional().catch(undefined),
  template: z
    .looseObject({
      name: z.string().optional().catch(undefined),
      language: z.looseObject({ code: z.string().optional() }).optional().catch(undefined),
    })
    .optional()
    .catch(undefined),
});

export function readSendBody(
  text: string,
): SendBody | ReceiptBody | { readonly kind: 'refused'; readonly answer: Answer } {
  const refuse = (details: string) => ({ kind: 'refused', answer: badParameter(details) }) as const;
  const body = parseJson(text);
  const receipt = receiptBody.safeParse(body);
  if (receipt.success) {
    const { message_id: messageId, typing_indicator: typing } = receipt.data;
    return { kind: 'receipt', messageId, types: typing !== undefined };
  }
  const message = sendBody.safeParse(body);
  if (!message.success) return refuse(z.prettifyError(message.error));
  const { to, recipient, type, biz_opaque_callback_data: opaque, context } = message.data;
  if (!sendTypes.has(type)) return refuse(`type must be one of ${[...sendTypes].join(', ')}`);
  const content = message.data[type];
  if (typeof content !== 'object' || content === null) return refuse(`The parameter ${type} is required`);
  const common = { kind: 'send', type, content, opaque, replyTo: context?.message_id } as const;
  // Phone wins where both are given. docs/vendors/whatsapp.md §2.5.
  if (to !== undefined) {
    const phone = toWaId(to);
    return phone === undefined
      ? refuse('to is not a phone number')
      : { ...common, input: to, asked: { phone } };
  }
  if (recipient === undefined) return refuse('The parameter to is required, or recipient');
  return !bsuid.test(recipient)
    ? refuse('recipient is no business-scoped user id')
    : { ...common, input: recipient, asked: { userId: recipient } };
}
