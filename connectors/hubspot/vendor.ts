/** HubSpot's own numbers and names, each with its source. */

/**
 * Dated API version of every path. 2026-03 leaves an admin's create-form rules to the form; 2026-09 refuses API
 * writes that break them, and an inbound lead must never be lost to a form rule. facts/hubspot.md §4.1.
 */
export const apiVersion = '2026-03';

/** The only host of HubSpot's API. facts/hubspot.md §4.1. */
export const apiOrigin = 'https://api.hubapi.com';

/** Records one batch call takes. facts/hubspot.md §4.2. */
export const batchSize = 100;

/** Longest text property HubSpot stores, counted here in UTF-16 units, the strictest reading. From memory, not in the facts. */
export const longestText = 65_536;

/** How long each limit asks us to stay away. facts/hubspot.md §4.8. */
export const rateLimitWaitMs: Readonly<Record<string, number>> = {
  SECONDLY: 1_000,
  TEN_SECONDLY_ROLLING: 10_000,
  // Ends at midnight in the portal's time zone, which a token need not be allowed to read: ask again hourly.
  DAILY: 3_600_000,
};

/** A record locked by a bulk write: wait at least this long. facts/hubspot.md §4.2. */
export const lockedWaitMs = 2_000;
