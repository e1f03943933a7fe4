import { z } from 'zod';

const clockTime = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day such as 21:00');

const timeZone = z.string().refine((zone) => {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }) instanceof Intl.DateTimeFormat;
  } catch {
    return false;
  }
}, 'must be a time zone such as Asia/Kolkata');

/** What a workspace decides about all it sends. */
export const sendingSettings = z.strictObject({
  /** While it is so late where a person lives, no marketing reaches them. */
  quietHours: z
    .strictObject({ from: clockTime, until: clockTime })
    .refine(({ from, until }) => from !== until, 'must begin and end at different times')
    .nullable()
    .default(null),
  /** Most marketing messages one person gets in so many days. */
  marketingCap: z
    .strictObject({ messages: z.int().min(1).max(100), days: z.int().min(1).max(90) })
    .nullable()
    .default(null),
  /** Of people whose country nobody knows; null: that of the number they are sent from. */
  timeZone: timeZone.nullable().default(null),
});
export type SendingSettings = z.infer<typeof sendingSettings>;

export const defaultSendingSettings: SendingSettings = sendingSettings.parse({});
