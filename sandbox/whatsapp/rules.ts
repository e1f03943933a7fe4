import { z } from 'zod';

/** Meta's behaviour where docs/vendors/whatsapp.md is not certain. The first value of each is what we believe. */
export const whatsappRules = z.strictObject({
  /** Bodies carry `/` as `\/`. docs/vendors/whatsapp.md §1.2 [M]. */
  escapesSlash: z.boolean().default(true),
  /** A `failed` status repeats `biz_opaque_callback_data`. docs/vendors/whatsapp.md §10, expected yes. */
  echoesOpaqueOnFailed: z.boolean().default(true),
});

export type WhatsappRules = z.infer<typeof whatsappRules>;
