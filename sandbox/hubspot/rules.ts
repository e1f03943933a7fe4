import { z } from 'zod';

/**
 * Where a fact rests on memory or on one unofficial source, the sandbox can be told to behave the other way; the
 * connector's tests run both.
 */
export const hubspotRules = z
  .object({
    /** An upsert's key must stand in its properties too. [M] facts/hubspot.md §4.2. */
    keyInPropertiesRequired: z.boolean(),
    /** Creating a property that exists: 409 [M] or 400. facts/hubspot.md §4.4. */
    existingPropertyStatus: z.union([z.literal(409), z.literal(400)]),
    /** A trace id on every input makes failures per item, 207; documented for batch create only. facts/hubspot.md §4.2. */
    traceIdsAnswerPerItem: z.boolean(),
    /** An enumeration may be created without options. [M] facts/hubspot.md §4.4. */
    emptyEnumerationAllowed: z.boolean(),
    /** Calls per ten seconds of a marketplace app, facts/hubspot.md §4.8; 0 switches the limit off. */
    callsPerTenSeconds: z.number().int().min(0),
  })
  .strict();
export type HubspotRules = z.infer<typeof hubspotRules>;

export const defaultHubspotRules: HubspotRules = {
  keyInPropertiesRequired: true,
  existingPropertyStatus: 409,
  traceIdsAnswerPerItem: false,
  emptyEnumerationAllowed: true,
  callsPerTenSeconds: 110,
};
