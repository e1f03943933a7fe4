import { z } from 'zod';

/**
 * Zoho's behaviour where docs/vendors/zoho.md is not certain, and what an admin of the org sets. The default of each is
 * what we believe.
 */
export const zohoRules = z.strictObject({
  /** What the org pays for: custom modules, credits and calls at once go by it. docs/vendors/zoho.md §2.3, §3.2. */
  edition: z.enum(['free', 'standard', 'professional', 'enterprise', 'ultimate']).default('enterprise'),
  /** The profile of the user the app acts as. docs/vendors/zoho.md §4.7. */
  profile: z.enum(['Administrator', 'Standard']).default('Administrator'),
  /** Credits of 24 hours instead of the edition's; 0 = no limit. docs/vendors/zoho.md §2.3 [V]. */
  creditsMax: z.int().min(0).optional(),
  /** Calls under way at once instead of the edition's; 0 = no limit. docs/vendors/zoho.md §2.3 [V]. */
  concurrencyMax: z.int().min(0).optional(),
  /** Calls in any ten seconds, which Zoho does not bound: for tests of a limit; 0 = no limit. */
  rateLimitMax: z.int().min(0).default(0),
  rateLimitIntervalMs: z.int().min(1).default(10_000),
  /** The status of a refusal because of too many access tokens. docs/vendors/zoho.md §1.2 [M]. */
  tokenLimitStatus: z.union([z.literal(400), z.literal(200)]).default(400),
  /** What a token that is no more good is called. docs/vendors/zoho.md §2.2 [V3]. */
  deadTokenCode: z
    .enum(['INVALID_TOKEN', 'INVALID_OAUTHTOKEN', 'AUTHENTICATION_FAILURE'])
    .default('INVALID_TOKEN'),
  /** Of an update that came too late. docs/vendors/zoho.md §2.2. */
  modifiedCode: z.enum(['ALREADY_MODIFIED', 'RECORD_MODIFIED']).default('ALREADY_MODIFIED'),
  /** Whether the answers of a write stand in the order of what was sent. docs/vendors/zoho.md §2.2 [M]. */
  resultOrder: z.enum(['sent', 'failures last']).default('sent'),
  /** The status of a write one of whose records has a duplicate. docs/vendors/zoho.md §4.2 [V3]. */
  duplicateStatus: z.enum(['by item', '2xx']).default('by item'),
  /** Where what is wrong with one record in several ways stands: in `details`, or beside it. docs/vendors/zoho.md §2.2 [M]. */
  multipleErrorsAt: z.enum(['details', 'item']).default('details'),
  /** Whether a time may have milliseconds. docs/vendors/zoho.md §2.1 [M]. */
  timesWithMilliseconds: z.enum(['refused', 'accepted']).default('refused'),
  /** What becomes of a value for a field that is not there. docs/vendors/zoho.md §3.1 [M]. */
  unknownFields: z.enum(['ignored', 'refused']).default('ignored'),
  /** Whether pick-list values that a PATCH leaves out stay. docs/vendors/zoho.md §3.1 [M]. */
  picklistPatch: z.enum(['adds', 'replaces']).default('adds'),
  /** Whether an insert heeds the system's fields for duplicates, though they are not unique. docs/vendors/zoho.md §4.2 [M]. */
  systemFieldsRefuseInserts: z.boolean().default(false),
  /** When what the layout requires is required. docs/vendors/zoho.md §4.1 [V]. */
  layoutMandatory: z.enum(['with a layout', 'always', 'never']).default('with a layout'),
  /** Ids one list takes. docs/vendors/zoho.md §4.3 [M]. */
  idsMax: z.int().min(1).default(100),
  /** Whether lists and COQL tell what a lead became, or only a search and a read of one. docs/vendors/zoho.md §4.3 [M]. */
  convertedContactTold: z.enum(['everywhere', 'search']).default('search'),
  /** What an update of a converted lead answers. docs/vendors/zoho.md §4.5. */
  convertedLeadCode: z
    .enum(['INVALID_DATA', 'ID_ALREADY_CONVERTED', 'CONVERTED_RECORD'])
    .default('INVALID_DATA'),
  /** Whether a converted lead still holds its unique values among leads. docs/vendors/zoho.md §4.5 [M]. */
  convertedKeepsUniqueValues: z.boolean().default(false),
  /** Which custom fields of a lead the admin has mapped to the contact's. docs/vendors/zoho.md §4.5 [M]. */
  leadMapping: z.union([z.literal('same names'), z.record(z.string(), z.string())]).default({}),
  /** Whether a record in the bin holds its unique values. docs/vendors/zoho.md §4.4 [M]. */
  binKeepsUniqueValues: z.boolean().default(false),
  /** How far search is behind what is written. docs/vendors/zoho.md §5.1 [V]; how far is not told. */
  searchLagMs: z.int().min(0).default(30_000),
  /** How far COQL is. docs/vendors/zoho.md §5.2 [V]. */
  coqlLagMs: z.int().min(0).default(0),
  /** Rows COQL gives a call. docs/vendors/zoho.md §5.2. */
  coqlRowsMax: z.union([z.literal(2_000), z.literal(200)]).default(2_000),
  /** Whether COQL leaves out converted leads that are not asked for. docs/vendors/zoho.md §5.2 [M]. */
  coqlConverted: z.enum(['left out', 'told']).default('told'),
  /** Words of callbacks. docs/vendors/zoho.md §6.2. */
  operationNames: z
    .enum(['insert, update, delete', 'create, edit, delete'])
    .default('insert, update, delete'),
  /** Whether a write that starts no automation is not told either. docs/vendors/zoho.md §6.2 [M]. */
  triggerMutesWatch: z.boolean().default(false),
  /** The status of a subscription all of whose channels failed: 202 in the description, 400 elsewhere. docs/vendors/zoho.md §6.1. */
  watchFailureStatus: z.union([z.literal(202), z.literal(400)]).default(202),
  /** Whether the Free edition has notifications. docs/vendors/zoho.md §6.1 [M]. */
  watchOnFree: z.enum(['allowed', 'refused']).default('allowed'),
});

export type ZohoRules = z.infer<typeof zohoRules>;
