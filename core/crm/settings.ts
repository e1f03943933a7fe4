import { isSupportedCountry } from 'libphonenumber-js/max';
import { z } from 'zod';

/** Who decides what becomes of unknown people, who owns them and what the timeline shows: an admin's choices. */

const ownerId = z.string().min(1).max(100);
const ownerIds = z.array(ownerId).min(1).max(1_000);
const ownerOf = z.record(z.string().max(100), z.string().max(100));

/** Who owns a record Sangam creates. A record that has an owner keeps it. */
const ownerRule = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('nobody') }).describe('the CRM decides'),
  z.object({ kind: z.literal('fixed'), ownerId }).describe('always this one'),
  z.object({ kind: z.literal('round robin'), ownerIds }).describe('each in turn'),
  z
    .object({ kind: z.literal('by channel'), owners: ownerOf, otherwise: z.string().max(100).optional() })
    .describe('by the number first written to: channel id → owner'),
  z
    .object({ kind: z.literal('by ad'), owners: ownerOf, otherwise: z.string().max(100).optional() })
    .describe("by the ad of the first message: Meta's id of the ad or post → owner"),
]);
export type OwnerRule = z.infer<typeof ownerRule>;

/** What each means is told to admins by each CRM's guide, in these words. */
export const connectionSettings = z.object({
  creation: z
    .object({
      policy: z
        .enum(['anyone', 'from ad, Flow or keyword', 'never'])
        .default('anyone')
        .describe('who becomes a new record'),
      as: z
        .string()
        .max(100)
        .optional()
        .describe('which type of record a new person becomes, where the CRM has several; else the usual one'),
      keywords: z
        .array(z.string().trim().min(1).max(1_000))
        .max(1_000)
        .default([])
        .describe('a first message that is one of these, whatever its case, is a keyword'),
      blockedPhones: z
        .array(z.string().max(40))
        .max(10_000)
        .default([])
        .describe(
          "phones with country code that never become a record, beside your members' and channels' own",
        ),
      rush: z
        .object({
          factor: z
            .number()
            .min(1)
            .default(5)
            .describe('so many times the usual hour of new people is a rush'),
          least: z
            .int()
            .min(1)
            .default(500)
            .describe('so many new people in an hour, or fewer, are never one'),
          hold: z
            .boolean()
            .default(false)
            .describe(
              'whether new people wait in a rush until an admin lets them in; else an alert is raised',
            ),
        })
        .prefault({}),
    })
    .prefault({}),
  owner: ownerRule
    .default({ kind: 'nobody' })
    .describe('who owns a record Sangam creates; one that has an owner keeps it'),
  automations: z
    .object({
      onCreate: z
        .boolean()
        .default(true)
        .describe(
          "whether the account's own rules and workflows run for a record Sangam creates, where the CRM lets a write say so",
        ),
      onUpdate: z.boolean().default(false).describe('the same for what Sangam changes of a record'),
    })
    .prefault({}),
  timeline: z
    .object({
      entries: z
        .enum(['per conversation-day', 'per message', 'none'])
        .default('per conversation-day')
        .describe('what becomes an entry on the timeline'),
      text: z
        .enum(['full', 'masked', 'not at all'])
        .default('full')
        .describe('what entries show; `masked` hides card numbers, PAN, Aadhaar and one-time passwords'),
    })
    .prefault({}),
  phoneRegion: z
    .string()
    .refine((code) => isSupportedCountry(code), 'must be a country code of two letters such as IN')
    .nullable()
    .default(null)
    .describe(
      'country (ISO 3166, two letters) of phones without a country code; null: that of your first number',
    ),
  timeZone: z
    .string()
    .max(100)
    .refine((zone) => isTimeZone(zone), 'must be an IANA time zone such as Asia/Kolkata')
    .default('Asia/Kolkata')
    .describe(
      'IANA time zone by which days are cut, also of a time that goes to a date field; an account connected here starts with its own',
    ),
});
export type ConnectionSettings = z.infer<typeof connectionSettings>;

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
