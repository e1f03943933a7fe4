import type { CrmValues, TimelineRest } from '@sangam/core/crm';

/** How a CRM of a test's own differs from HubSpot. What is left out is as written here. */
export interface MemoryCrmRules {
  /** `findable`: our key is no unique field, so a create made twice makes two records. Default keyed. */
  readonly writeClass?: 'keyed' | 'findable';
  /** Default 100. */
  readonly batchSize?: number;
  /** Tokens its calls may spend a day: a search 20, anything else 1. Its answers say how many are left. Default: no end. */
  readonly tokensADay?: number;
  /** Default 30 000. */
  readonly settleMs?: number;
  /** Default 60 000. */
  readonly freshMs?: number;
  /** How far its search is behind what is written. Default 0. */
  readonly searchLagMs?: number;
  /** Texts are cut after so many characters, and its answers say so. Default: none is. */
  readonly longestText?: number;
  /** What a rule of the account's own sets on a record while it is made, by labels; the answer says so. Default: nothing. */
  readonly setWhenMade?: CrmValues;
  /** What the CRM does with a new record whose phone another one holds. Default `make`. */
  readonly twins?: 'make' | 'refuse and name the holder' | 'refuse naming the field';
  /** Default findable. */
  readonly entries?: 'keyed' | 'findable';
  /** Whether entries follow a merge or conversion by themselves. Default true. */
  readonly movesWithMerge?: boolean;
  /** Least time between two writes of one entry. Default: a message at once, ticks once a minute. */
  readonly restMs?: TimelineRest;
  /** What `create` makes: contacts alone, or leads that may be converted. Default contact. */
  readonly creates?: 'contact' | 'lead';
  /**
   * What its API calls fields and options: as people see them, or those an account made for itself by hashes and numbers of
   * its own. Default labels.
   */
  readonly ids?: 'labels' | 'of each account';
  /** Whether its phone field holds a list of phones, line by line. Default false. */
  readonly phoneList?: boolean;
  /** Whether entries show of each line who wrote it too, and that it was answered. Default: what was said and how far it got. */
  readonly wholeLines?: boolean;
  /** Whether it answers a write it cannot make now with 200, and says so of each record. Default false. */
  readonly failsItemByItem?: boolean;
}
