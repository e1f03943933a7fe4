import type { CallLimit } from '@sangam/core/crm';

/** HubSpot's own numbers and names, each with its source. */

export const vendor = 'HubSpot';

/**
 * Dated API version of every path. 2026-03 leaves an admin's create-form rules to the form; 2026-09 refuses API
 * writes that break them, and an inbound lead must never be lost to a form rule. docs/vendors/hubspot.md §4.1.
 */
export const apiVersion = '2026-03';

/** Account details are told in this version. docs/vendors/hubspot.md §5. */
export const accountInfoVersion = '2026-09';

/** The only host of HubSpot's API. docs/vendors/hubspot.md §4.1. */
export const apiOrigin = 'https://api.hubapi.com';

/** Where people open a portal; HubSpot leads them on to their own data centre's name. docs/vendors/hubspot.md §5. */
export const uiOrigin = 'https://app.hubspot.com';

/** Records one batch call takes. docs/vendors/hubspot.md §4.2. */
export const batchSize = 100;

/** Records one page of a list holds. docs/vendors/hubspot.md §4.2. */
export const listPageSize = 100;

/** Records one page of a search holds. docs/vendors/hubspot.md §4.3. */
export const searchPageSize = 200;

/** Longest body of a search, characters. docs/vendors/hubspot.md §4.3. */
export const longestSearch = 3_000;

/**
 * Longest text property HubSpot stores, counted here in UTF-16 units, the strictest reading. From memory,
 * docs/vendors/hubspot.md §4.2.
 */
export const longestText = 65_536;

/** The body of a communication. docs/vendors/hubspot.md §4.5. */
export const bodyShape = { form: 'html', maxChars: longestText } as const;

/**
 * Calls of one account: of 110 in ten seconds and 5 searches a second some are left to a person's own tools.
 * docs/vendors/hubspot.md §4.8 and §4.3.
 */
export const limits = {
  api: { kind: 'rolling', calls: 100, perMs: 10_000 },
  search: { kind: 'rolling', calls: 4, perMs: 1_000 },
} as const satisfies Readonly<Record<string, CallLimit>>;

export type LimitName = keyof typeof limits;

/** The limit that ends with the day. docs/vendors/hubspot.md §4.8. */
export const dailyLimit = 'DAILY';

/** How long each limit asks us to stay away. docs/vendors/hubspot.md §4.8. */
export const rateLimitWaitMs: Readonly<Record<string, number>> = {
  SECONDLY: 1_000,
  TEN_SECONDLY_ROLLING: 10_000,
  // Ends at midnight in the portal's time zone, which a token need not be allowed to read: ask again hourly.
  [dailyLimit]: 3_600_000,
};

/** A record locked by a bulk write: wait at least this long. docs/vendors/hubspot.md §4.2. */
export const lockedWaitMs = 2_000;

/** How long a call without an answer may still take effect. HubSpot names no such time; longer than any call of ours. */
export const settleMs = 30_000;

/**
 * News older than this may hide a contact made since. Webhooks come within seconds and are gathered; HubSpot names no
 * longest time.
 */
export const freshMs = 60_000;

/** Ours: what is said is shown at once, and how far it got once a minute. */
export const entryRestMs = { message: 0, status: 60_000 };

/** While webhooks arrive a poll only fills their gaps; while none do a change is known after five minutes, for one call. */
export const pollEveryMs = { besideWebhooks: 30 * 60_000, silent: 5 * 60_000 };
