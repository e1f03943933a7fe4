import { isSupportedCountry } from 'libphonenumber-js/max';
import { z } from 'zod';

/** Who decides what becomes of unknown people, who owns them and what the timeline shows: an admin's choices. */

const ownerIds = z.array(z.string().min(1)).min(1);

/** Who owns a record Sangam creates. A record that has an owner keeps it. */
export const ownerRule = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('nobody') }),
  z.object({ kind: z.literal('fixed'), ownerId: z.string().min(1) }),
  z.object({ kind: z.literal('round robin'), ownerIds }),
  /** By the channel of the first message: channel id → owner. */
  z.object({
    kind: z.literal('by channel'),
    owners: z.record(z.string(), z.string()),
    otherwise: z.string().optional(),
  }),
  /** By the ad of the first message: Meta's id of the ad or post → owner. */
  z.object({
    kind: z.literal('by ad'),
    owners: z.record(z.string(), z.string()),
    otherwise: z.string().optional(),
  }),
]);
export type OwnerRule = z.infer<typeof ownerRule>;

export const connectionSettings = z.object({
  creation: z
    .object({
      policy: z.enum(['anyone', 'from ad, Flow or keyword', 'never']).default('anyone'),
      /** A first message that is one of these lets a person in, whatever its case. */
      keywords: z.array(z.string().trim().min(1)).default([]),
      /** E.164; never created, with our members' and channels' own numbers. */
      blockedPhones: z.array(z.string()).default([]),
      rush: z
        .object({
          /** So many times the usual hour is a rush. */
          factor: z.number().min(1).default(5),
          /** What is never a rush. */
          least: z.int().min(1).default(500),
          /** Whether creation waits for an admin then; else only an alert is raised. */
          hold: z.boolean().default(false),
        })
        .prefault({}),
    })
    .prefault({}),
  owner: ownerRule.default({ kind: 'nobody' }),
  timeline: z
    .object({
      entries: z.enum(['per conversation-day', 'per message', 'none']).default('per conversation-day'),
      /** `masked` hides card numbers, PAN, Aadhaar and one-time passwords. */
      text: z.enum(['full', 'masked', 'not at all']).default('full'),
    })
    .prefault({}),
  /** ISO 3166 alpha-2 by which phones without a country code are read. Null: that of the business's first number. */
  phoneRegion: z
    .string()
    .refine((code) => isSupportedCountry(code), 'must be a country code of two letters such as IN')
    .nullable()
    .default(null),
  /** IANA name; by which days are cut. */
  timeZone: z
    .string()
    .refine((zone) => isTimeZone(zone), 'must be an IANA time zone such as Asia/Kolkata')
    .default('Asia/Kolkata'),
});
export type ConnectionSettings = z.infer<typeof connectionSettings>;

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
