import { z } from 'zod';

/**
 * HubSpot's behaviour where our facts are not certain, and what an admin of the portal sets. The default of each is
 * what we believe.
 */
export const hubspotRules = z.strictObject({
  /**
   * Whether an upsert's `id` must stand in its `properties` too. `optional`: HubSpot fills it in. `required`: 400
   * without. facts/hubspot.md §4.2 [M].
   */
  upsertIdInProperties: z.enum(['optional', 'required']).default('optional'),
  /** Answer to creating a property or group that exists. facts/hubspot.md §4.4 [M]. */
  existingNameStatus: z.union([z.literal(409), z.literal(400)]).default(409),
  /**
   * Where `objectWriteTraceId` on every input makes a batch fail per item, 207, instead of whole: documented for
   * create, §4.2 [V DOC]; the other write batches take the id too (SPEC) and may do the same.
   */
  traceIdsAnswerPerItem: z.enum(['create', 'every write']).default('create'),
  /** Two inputs of one batch about the same record. From memory, not in the facts [M]. */
  duplicateInputs: z.enum(['refused', 'merged']).default('refused'),
  /** Whether an archived record still holds its unique values against others. Not in the facts [M]. */
  archivedKeepsUniqueValues: z.boolean().default(false),
  /** Whether an enumeration may be created without options. Not in the facts [M]. */
  emptyEnumerations: z.enum(['accepted', 'refused']).default('accepted'),
  /** Properties the create form requires; enforced from version 2026-09 on. facts/hubspot.md §4.1 [V3]. */
  requiredOnCreate: z.array(z.string()).default([]),
  /** Calls per interval and account; 0 = no limit. facts/hubspot.md §4.8 [V3]. */
  rateLimitMax: z.int().min(0).default(110),
  rateLimitIntervalMs: z.int().min(1).default(10_000),
});

export type HubspotRules = z.infer<typeof hubspotRules>;
