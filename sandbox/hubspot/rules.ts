import { z } from 'zod';

/**
 * HubSpot's behaviour where docs/vendors/hubspot.md is not certain, and what an admin of the portal sets. The default
 * of each is what we believe.
 */
export const hubspotRules = z.strictObject({
  /**
   * Whether an upsert's `id` must stand in its `properties` too. `optional`: HubSpot fills it in. `required`: 400
   * without. docs/vendors/hubspot.md §4.2 [M].
   */
  upsertIdInProperties: z.enum(['optional', 'required']).default('optional'),
  /** Answer to creating a property or group that exists. docs/vendors/hubspot.md §4.4 [M]. */
  existingNameStatus: z.union([z.literal(409), z.literal(400)]).default(409),
  /**
   * Where `objectWriteTraceId` on every input makes a batch fail per item, 207, instead of whole: documented for
   * create, docs/vendors/hubspot.md §4.2 [V]; the other write batches take the id too and may do the same.
   */
  traceIdsAnswerPerItem: z.enum(['create', 'every write']).default('create'),
  /** Two inputs of one batch about the same record. docs/vendors/hubspot.md §9. */
  duplicateInputs: z.enum(['refused', 'merged']).default('refused'),
  /** Whether an archived record still holds its unique values against others. docs/vendors/hubspot.md §9. */
  archivedKeepsUniqueValues: z.boolean().default(false),
  /** Whether an enumeration may be created without options. docs/vendors/hubspot.md §9. */
  emptyEnumerations: z.enum(['accepted', 'refused']).default('accepted'),
  /** Properties the create form requires; enforced from version 2026-09 on. docs/vendors/hubspot.md §4.1 [V3]. */
  requiredOnCreate: z.array(z.string()).default([]),
  /** Calls per interval and account; 0 = no limit. docs/vendors/hubspot.md §4.8 [V3]. */
  rateLimitMax: z.int().min(0).default(110),
  rateLimitIntervalMs: z.int().min(1).default(10_000),
  /** Calls a day of the account, which ends at its midnight; 0 = no limit. docs/vendors/hubspot.md §4.8 [V3]. */
  dailyLimitMax: z.int().min(0).default(0),
  /** Searches per interval and account, counted apart; 0 = no limit. docs/vendors/hubspot.md §4.3. */
  searchLimitMax: z.int().min(0).default(5),
  searchLimitIntervalMs: z.int().min(1).default(1_000),
  /** How far search is behind what is written. "A few moments", docs/vendors/hubspot.md §4.3. */
  searchLagMs: z.int().min(0).default(0),
  /** Whether communications may have a unique property. docs/vendors/hubspot.md §4.5 [M]. */
  communicationsUniqueProperty: z.enum(['accepted', 'refused']).default('refused'),
  /**
   * Whether a batch update answers per item, 207, when some of it fails, or refuses the whole.
   * docs/vendors/hubspot.md §4.2.
   */
  updateFailsPerItem: z.boolean().default(true),
  /**
   * Whether a merge goes on under the primary's id, or under a new one that takes both in.
   * docs/vendors/hubspot.md §4.2.
   */
  mergeKeepsPrimaryId: z.boolean().default(false),
  /**
   * Whether webhooks tell the deletion of the ids a merge ends, and on which side of the merge.
   * docs/vendors/hubspot.md §3.2.
   */
  mergeTellsDeletion: z.enum(['before', 'after', 'no']).default('before'),
  /** What the API says to the id of a record merged into another. docs/vendors/hubspot.md §4.2. */
  mergedIdAnswers: z.enum(['survivor', 'missing']).default('survivor'),
  /** What becomes of a lifecycle stage set backwards through the API. docs/vendors/hubspot.md §9. */
  lifecycleBackwards: z.enum(['ignored', 'refused']).default('ignored'),
});

export type HubspotRules = z.infer<typeof hubspotRules>;
