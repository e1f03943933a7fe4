import { z } from 'zod';

const told = z.enum(['by status', 'at once']);

/** Meta's behaviour where docs/vendors/whatsapp.md is not certain. The first value of each is what we believe. */
export const whatsappRules = z.strictObject({
  /** Bodies carry `/` as `\/`. docs/vendors/whatsapp.md §1.2 [M]. */
  escapesSlash: z.boolean().default(true),
  /** A `failed` status repeats `biz_opaque_callback_data`. docs/vendors/whatsapp.md §10, expected yes. */
  echoesOpaqueOnFailed: z.boolean().default(true),

  /** How far the statuses of what is sent go by themselves: a person may read, or have no phone at hand. */
  autoStatuses: z.enum(['delivered', 'none', 'sent', 'read']).default('delivered'),
  /** What is refused for this reason is accepted first and fails afterwards, or not. docs/vendors/whatsapp.md §3.6. */
  windowClosedTold: told.default('by status'),
  undeliverableTold: told.default('by status'),
  stoppedTold: told.default('by status'),
  badMediumTold: told.default('by status'),

  /** When a submitted template is approved: after so many milliseconds, or never by itself. */
  templateReview: z.union([z.enum(['at once', 'pending']), z.int().min(0)]).default('at once'),
  /** A template submitted as utility is made marketing at once. docs/vendors/whatsapp.md §3.2. */
  submittedUtility: z.enum(['kept', 'made marketing']).default('kept'),
  /** For so many days nobody takes a deleted template's name. docs/vendors/whatsapp.md §3.2 [M]; 0 = at once. */
  deletedNameDays: z.int().min(0).default(30),
  /** Most spaces in a row within a value. docs/vendors/whatsapp.md §3.2: "4 and more", or more than 4. */
  spaceRunMax: z.int().min(1).default(4),
  /** Most characters of a template's body with its values in it. docs/vendors/whatsapp.md §3.2 [M]. */
  hydratedBodyMax: z.int().min(1).default(1_024),
  /** What becomes of a paced message that is dropped. docs/vendors/whatsapp.md §3.4 [M]. */
  heldDropTold: z.enum(['failed', 'never']).default('failed'),

  /** Most characters of a text. docs/vendors/whatsapp.md §3.2 [M]. */
  textMax: z.int().min(1).default(4_096),
  /** Most characters of a reply button's title. docs/vendors/whatsapp.md §3.2 [M]. */
  replyTitleMax: z.int().min(1).default(20),
  /** A reply to a message nobody knows is refused, or goes out as no reply. */
  unknownContext: z.enum(['refused', 'ignored']).default('refused'),
  /** Free-form goes through in a free entry point's 72 hours although 24 have passed. docs/vendors/whatsapp.md §3.7 [M]. */
  freeEntryTakesFreeForm: z.boolean().default(false),

  /** How long media can be read and sent. docs/vendors/whatsapp.md §3.2 [M]. */
  uploadDays: z.int().min(1).default(30),
  inboundMediaDays: z.int().min(1).default(7),
  /** Largest media by kind, or 100 MB of all. docs/vendors/whatsapp.md §3.2 [M]. */
  mediaSizes: z.enum(['by kind', 'any']).default('by kind'),
  /** A medium's `file_size` is a text, as OpenAPI v23 has it, or a number. */
  fileSizeAs: z.enum(['text', 'number']).default('text'),
  /** A customer's medium comes with its `url`. docs/vendors/whatsapp.md §1.6. */
  inboundMediaUrl: z.boolean().default(true),
  /** How a webhook writes `sha256`; the public payloads have both. docs/vendors/whatsapp.md §1.6. */
  inboundHashAs: z.enum(['base64', 'hex']).default('base64'),

  /** Messages a second; 0 = no limit. docs/vendors/whatsapp.md §1.11. */
  throughputPerSecond: z.int().min(0).default(80),
  throughputCounts: z.enum(['both directions', 'sends']).default('both directions'),
  /** One person takes so many at once, and another each so often; a burst of 0 = no limit. docs/vendors/whatsapp.md §3.4 [M]. */
  pairBurst: z.int().min(0).default(45),
  pairIntervalMs: z.int().min(1).default(6_000),
  /** People reached outside a window in 24 hours; 0 = no limit. docs/vendors/whatsapp.md §3.4. */
  portfolioLimit: z.int().min(0).default(0),
  portfolioLimitCode: z.int().default(131_048),
  portfolioLimitTold: told.default('by status'),
  /** Graph's own limit of calls in an hour; 0 = none. docs/vendors/whatsapp.md §3.4 [M]. */
  graphCallsPerHour: z.int().min(0).default(0),
  graphLimitCode: z.union([z.literal(80_007), z.literal(4)]).default(80_007),

  /** Free-form messages a month before they cost something. docs/vendors/whatsapp.md §3.7. */
  freeServiceMessages: z.int().min(0).default(1_000),
  /** Without one, free-form beyond the free ones is accepted and never delivered. docs/vendors/whatsapp.md §3.6, 131042. */
  paymentMethod: z.boolean().default(true),
});

export type WhatsappRules = z.infer<typeof whatsappRules>;
