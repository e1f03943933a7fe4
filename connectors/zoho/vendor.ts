import type { CallLimit } from '@sangam/core/crm';

/** Zoho CRM's own numbers and names, each with its source. */

export const vendor = 'Zoho CRM';

/** Of every path of the API. docs/vendors/zoho.md §2.1. */
export const apiRoot = '/crm/v8';

/** Records one write takes, and ids a list. docs/vendors/zoho.md §4.1, §4.3. */
export const batchSize = 100;

/** Records one page of a list holds. docs/vendors/zoho.md §4.3. */
export const listPageSize = 200;

/** Fields one read names. docs/vendors/zoho.md §4.3. */
export const fieldsPerRead = 50;

/** What a COQL query may hold, and what its rows cost. docs/vendors/zoho.md §2.3, §5.2. */
export const coqlMost = { values: 50, columns: 50, criteria: 25 } as const;
export const coqlPages = { small: { rows: 200, credits: 1 }, large: { rows: 2_000, credits: 3 } } as const;

/** Records a credit writes. docs/vendors/zoho.md §2.3. */
const recordsPerCredit = 10;

export function creditsOf(written: number): number {
  return Math.ceil(written / recordsPerCredit);
}

/** What a new module costs. docs/vendors/zoho.md §2.3. */
export const moduleCredits = 500;

/** Fields one call makes. docs/vendors/zoho.md §3.1. */
export const fieldsPerCreate = 5;

/** The title and the text of a note. docs/vendors/zoho.md §4.7. */
export const noteTitleLength = 120;
export const noteShape = { form: 'text', maxChars: 65_535 } as const;

/** What a large multi-line field holds. docs/vendors/zoho.md §3.1, from memory. */
export const conversationShape = { form: 'text', maxChars: 32_000 } as const;

/** What text fields hold where nothing else is known of them. docs/vendors/zoho.md §3.1. */
export const textLengths = { text: 255, 'long text': 2_000, phone: 30 } as const;

/** What an edition has: credits in 24 hours, and calls of one app under way. docs/vendors/zoho.md §2.3. */
const editions: Readonly<
  Record<
    string,
    { readonly base: number; readonly aUser: number; readonly most: number; readonly atOnce: number }
  >
> = {
  free: { base: 5_000, aUser: 0, most: 5_000, atOnce: 5 },
  standard: { base: 50_000, aUser: 250, most: 100_000, atOnce: 10 },
  professional: { base: 50_000, aUser: 500, most: 3_000_000, atOnce: 15 },
  enterprise: { base: 50_000, aUser: 1_000, most: 5_000_000, atOnce: 20 },
  zohoone: { base: 50_000, aUser: 1_000, most: 5_000_000, atOnce: 20 },
  ultimate: { base: 50_000, aUser: 2_000, most: Infinity, atOnce: 25 },
};

export type LimitName = 'at once' | 'credits';

/** What an edition nobody knows has is what the smallest has. */
export function limitsOf(edition: string, users: number): Readonly<Record<LimitName, CallLimit>> {
  const { base, aUser, most, atOnce } = editions[edition] ?? {
    base: 5_000,
    aUser: 0,
    most: 5_000,
    atOnce: 5,
  };
  return {
    'at once': { kind: 'concurrent', most: atOnce },
    credits: {
      kind: 'budget',
      tokens: Math.min(most, base + aUser * users),
      renewed: 'a day later',
      reserves: { pressing: 0.25, consent: 0.1 },
    },
  };
}

/** Zoho names no time; longer than any call of ours. */
export const settleMs = 30_000;

/** News older than this may hide a record made since: callbacks come within seconds, and nobody names a longest time. */
export const freshMs = 60_000;

/** Ours: what is said is shown at once, and how far it got once a minute. */
export const entryRestMs = { message: 0, status: 60_000 };

/** While callbacks arrive a poll only fills their gaps; while none do a change is known after five minutes, for six credits. */
export const pollEveryMs = { besideWebhooks: 30 * 60_000, silent: 5 * 60_000 };

/** Token calls: at most ten in ten minutes. docs/vendors/zoho.md §1.2. */
export const tokenWaitMs = { unexplained: 60_000, tooMany: 10 * 60_000 };

/** Ours, after calls that were too many: Zoho names no time. docs/vendors/zoho.md §2.3. */
export const tooManyWaitMs = 10_000;

/** The budget is of any 24 hours: what is spent is asked for again as some of it comes back. docs/vendors/zoho.md §2.3. */
export const spentWaitMs = 15 * 60_000;

/** An expiry above seven days becomes one hour. docs/vendors/zoho.md §6.1. */
export const watchMs = 6 * 24 * 60 * 60_000;

/** Fields a watch names. docs/vendors/zoho.md §6.1. */
export const watchedFields = 10;
