import { z } from 'zod';

/** Meta's shapes, as leniently as they arrive: unknown keys survive, a wrong kind of value reads as absent. */

const text = z.string().optional().catch(undefined);
/** Ids and times come as strings, now and then as numbers. */
const scalar = z.union([z.string(), z.number()]).transform(String).optional().catch(undefined);
const flag = z.boolean().optional().catch(undefined);

function maybe<Schema extends z.ZodType>(schema: Schema): z.ZodCatch<z.ZodOptional<Schema>> {
  return schema.optional().catch(undefined);
}

const vendorError = z.looseObject({
  // One error without a readable code must not hide its neighbours.
  code: z.coerce.number().int().catch(0),
  title: text,
  message: text,
  details: text,
  error_data: maybe(z.looseObject({ details: text })),
});

const media = maybe(
  z.looseObject({ id: scalar, mime_type: text, sha256: text, filename: text, caption: text }),
);
const reply = maybe(z.looseObject({ id: scalar, title: text, description: text }));

export const contactSchema = z.looseObject({
  profile: maybe(z.looseObject({ name: text, username: text })),
  wa_id: scalar,
  user_id: scalar,
  parent_user_id: scalar,
});

/** A message's body, whoever wrote it; also the inner message of an edit and of a standby echo. */
export const contentSchema = z.looseObject({
  type: text,
  text: maybe(z.union([z.string(), z.looseObject({ body: text })])),
  image: media,
  video: media,
  audio: media,
  document: media,
  sticker: media,
  location: maybe(z.looseObject({ name: text, address: text, latitude: scalar, longitude: scalar })),
  contacts: maybe(
    z.array(
      z.looseObject({
        origin: text,
        name: maybe(z.looseObject({ formatted_name: text, first_name: text, last_name: text })),
        phones: maybe(z.array(z.looseObject({ phone: scalar, wa_id: scalar }))),
        vcard: text,
      }),
    ),
  ),
  reaction: maybe(z.looseObject({ message_id: scalar, messsage_id: scalar, emoji: text })),
  button: maybe(z.looseObject({ text, payload: scalar })),
  interactive: maybe(
    z.looseObject({
      type: text,
      body: maybe(z.looseObject({ text })),
      button_reply: reply,
      list_reply: reply,
      call_permission_reply: maybe(
        z.looseObject({ response: text, is_permanent: flag, expiration_timestamp: scalar }),
      ),
      payment_method: maybe(z.looseObject({ payment_method: text, reference_id: scalar })),
      nfm_reply: maybe(z.looseObject({ name: text, body: text, response_json: z.unknown().optional() })),
    }),
  ),
  order: maybe(
    z.looseObject({
      text,
      product_items: maybe(
        z.array(
          z.looseObject({
            product_retailer_id: scalar,
            quantity: scalar,
            item_price: scalar,
            currency: text,
          }),
        ),
      ),
    }),
  ),
  template: maybe(z.looseObject({ name: text })),
  context: maybe(
    z.looseObject({
      id: scalar,
      from: scalar,
      forwarded: flag,
      referred_product: maybe(z.looseObject({ product_retailer_id: scalar })),
    }),
  ),
  referral: maybe(
    z.looseObject({
      source_type: text,
      source_id: scalar,
      source_url: text,
      headline: text,
      ctwa_clid: text,
    }),
  ),
  errors: maybe(z.array(vendorError)),
  edit: maybe(z.looseObject({ original_message_id: scalar, message: z.unknown().optional() })),
  revoke: maybe(z.looseObject({ original_message_id: scalar })),
});

export const messageSchema = contentSchema.extend({
  id: scalar,
  from: scalar,
  from_user_id: scalar,
  from_parent_user_id: scalar,
  to: scalar,
  to_user_id: scalar,
  to_parent_user_id: scalar,
  timestamp: scalar,
  group_id: scalar,
  system: maybe(
    z.looseObject({
      type: text,
      body: text,
      wa_id: scalar,
      new_wa_id: scalar,
      customer: scalar,
      user_id: scalar,
      previous_user_id: scalar,
      parent_user_id: scalar,
      previous_parent_user_id: scalar,
    }),
  ),
  history_context: maybe(z.looseObject({ status: text, from_me: flag })),
  message: z.unknown().optional(),
});

export const statusSchema = z.looseObject({
  id: scalar,
  status: text,
  type: text,
  timestamp: scalar,
  recipient_id: scalar,
  recipient_user_id: scalar,
  recipient_parent_user_id: scalar,
  recipient_type: text,
  biz_opaque_callback_data: text,
  pricing: maybe(z.looseObject({ category: text, type: text, pricing_model: text })),
  conversation: maybe(
    z.looseObject({ expiration_timestamp: scalar, origin: maybe(z.looseObject({ type: text })) }),
  ),
  errors: maybe(z.array(vendorError)),
});

export const preferenceSchema = z.looseObject({
  wa_id: scalar,
  user_id: scalar,
  parent_user_id: scalar,
  value: text,
  category: text,
  signup_id: scalar,
  timestamp: scalar,
});

const changedId = maybe(z.looseObject({ previous: scalar, current: scalar }));

export const userIdUpdateSchema = z.looseObject({
  wa_id: scalar,
  user_id: changedId,
  parent_user_id: changedId,
  timestamp: scalar,
});

export const historySchema = z.looseObject({ threadId: scalar });

export type ContactPayload = z.infer<typeof contactSchema>;
export type ContentPayload = z.infer<typeof contentSchema>;
export type MessagePayload = z.infer<typeof messageSchema>;
export type VendorErrorPayload = z.infer<typeof vendorError>;
