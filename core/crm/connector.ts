import type { AccountFacts, AccountTraits } from './account-facts.ts';
import type { CrmField, CrmValues, Spelling } from './field.ts';
import type { Priority } from './limits.ts';
import type { Timeline, TimelineRest } from './timeline.ts';

/** The port every CRM implements. Core knows no CRM by name. docs/connectors.md tells how one is added. */

/**
 * `keyed`: the vendor enforces our key, so a write may be repeated after an unknown outcome. `findable`: a marker can be
 * read back; after an unknown outcome wait `settleMs`, look, then repeat. docs/design.md §4.
 */
type WriteClass = 'keyed' | 'findable';

/** A record as it was read: `values` holds every field asked for, '' where the CRM holds none. */
export interface CrmRecord {
  /** As it was asked for; differs from `recordId` when the record was merged into another. */
  readonly askedAs: string;
  readonly recordId: string;
  /** What stands in our unique field; undefined: nothing. */
  readonly contactId?: string;
  readonly values: CrmValues;
  /** Ids of all records that were merged into it, at once or by way of others, where the read tells. */
  readonly mergedFrom?: readonly string[];
  /** Among records of one person the lowest is primary: 0 a contact, 1 a lead. Undefined: 0. */
  readonly rank?: number;
  /** Milliseconds. */
  readonly createdAt?: number;
  readonly changedAt?: number;
}

export interface RecordCreate {
  /** One of `recordTypes.made`; undefined where the CRM has one type. */
  readonly type?: string;
  /** Our opaque contact id, to stand in the CRM's unique field. */
  readonly contactId: string;
  readonly values: CrmValues;
}

export interface RecordUpdate {
  readonly recordId: string;
  readonly values: CrmValues;
}

/** What became of one item of a write; `item` is the contact id of a create, the record id of an update. */
export type WriteOutcome = { readonly item: string } & (
  | {
      readonly outcome: 'written';
      readonly recordId: string;
      readonly created: boolean;
      /** What the vendor says now stands there, as far as its answer tells. */
      readonly values: CrmValues;
    }
  | {
      readonly outcome: 'refused';
      readonly code: string;
      /** The field whose value was refused, where the vendor tells. */
      readonly field?: string;
      readonly explanation: string;
    }
  /** There is no such record any more. */
  | { readonly outcome: 'gone' }
  /** Of a create: the vendor made none, for this record stands for the same person by its own rule. */
  | {
      readonly outcome: 'exists';
      readonly recordId: string;
      readonly by: 'our id' | 'phone' | 'e-mail' | 'rule';
      readonly explanation: string;
    }
  /** This item alone cannot be written now, such as a record somebody holds locked. */
  | {
      readonly outcome: 'later';
      readonly code: string;
      readonly retry: 'later' | { readonly afterMs: number };
      readonly explanation: string;
    }
  /** Nobody knows whether this item was written: its call, one of several, got no answer. */
  | { readonly outcome: 'unknown'; readonly code: string; readonly explanation: string }
  /** Another record holds a value that only one may hold: it is the same person's, or a conflict for a person. */
  | {
      readonly outcome: 'taken';
      readonly recordId: string;
      /** The field whose value is taken, where the vendor tells. */
      readonly field?: string;
      readonly explanation: string;
    }
);

/** A deal of a person's, as a scan found it. */
export interface CrmDeal {
  readonly dealId: string;
  readonly personRecordId: string;
  /** Of `followedDealFields`. */
  readonly values: CrmValues;
  /** Milliseconds. */
  readonly changedAt?: number;
}

/** One page of a scan of the account's records. */
export interface ScanPage {
  readonly records: readonly CrmRecord[];
  /** Records found to be deleted, with the vendor's time of it. */
  readonly gone: readonly { readonly recordId: string; readonly at: number }[];
  /** Records found to live on as another, merged into it or converted to it, with the vendor's time of it. */
  readonly merged: readonly { readonly recordId: string; readonly into: string; readonly at: number }[];
  /** Deals of people, changed as the records are; left out where none are followed. */
  readonly deals?: readonly CrmDeal[];
  /** More happened than the CRM lets a look at changes see: a look at everything finds it. */
  readonly incomplete?: true;
  /** Where to go on; undefined: this was the last page. */
  readonly next?: string;
}

/** One thing provisioning would do, in words an admin reads, such as `Create the contact property wa_tags`. */
export interface ProvisioningStep {
  readonly action: string;
  /** False: it stands in the way and a person has to act, as `action` says. */
  readonly possible: boolean;
}

/** Most items one call takes; 1 where the CRM has no batches for it. */
interface CallSizes {
  readonly read: number;
  /** Contact ids. */
  readonly findByContactId: number;
  /** Phones. */
  readonly findByPhone: number;
  readonly create: number;
  readonly update: number;
  /** Timeline entries written or taken away. */
  readonly entries: number;
  /** Records whose timeline entries are looked for. */
  readonly findEntries: number;
}

/** What is so of a CRM whoever's account it is. */
export interface ConnectorTraits {
  readonly crm: string;
  /** What people call it. */
  readonly label: string;
  readonly sizes: CallSizes;
  /** How many marks one process takes at a time: what the largest call takes, or so many as many calls are made for soon. */
  readonly leaseSize: number;
  readonly writeClass: WriteClass;
  /** How long after a call that got no answer the vendor may still act, milliseconds. */
  readonly settleMs: number;
  /** How old the newest news of an account may be before a person is looked for there ahead of creating, milliseconds. */
  readonly freshMs: number;
  readonly timeline: {
    readonly writeClass: WriteClass;
    /** Whether entries of a merged or converted record are the survivor's without our doing. */
    readonly movesWithMerge: boolean;
    readonly restMs: TimelineRest;
  };
  /** Where a person may be a record of several types, such as a lead or a contact; undefined: of one. */
  readonly recordTypes?: {
    /** Those that may be made of a person, the usual one first. */
    readonly made: readonly string[];
    of(recordId: string): string;
  };
  /** Webhooks tell that a record was made and not its fields one by one: what we made one with comes back as nobody's change. */
  readonly makingIsToldAsOne?: true;
  readonly spelling: Spelling;
  /** What is taken for so of an account as long as nothing else is known of it. */
  readonly usualFacts: AccountFacts;
  /**
   * Where webhooks say values otherwise than calls do, such as options by their ids: what calls say. Undefined: that cannot be
   * told, and the record is read.
   */
  readTold?(field: string, written: string, facts: AccountFacts): string | undefined;
  /** Where a person opens a record, or undefined where that cannot be told. */
  recordUrl(
    account: { readonly account: string } & Pick<AccountFacts, 'seenAt'>,
    recordId: string,
  ): string | undefined;
}

/** One delivery that failed. */
export interface Undelivered {
  /** What people call that which sent it. */
  readonly by: string;
  /** Milliseconds. */
  readonly at: number;
  /** In the vendor's words. */
  readonly reason: string;
}

/**
 * One installed CRM account. Calls throw `SangamError` with origin `crm` when the call as a whole failed: `later` and
 * `{afterMs}` mean that the same call may succeed in time; `never` with code `batch_refused` that something in this
 * batch is the matter, so that halving it finds the culprit; any other `never` that a person must act first. A field
 * that is no longer there is a `FieldsMissing`. No call is asked for more than `sizes` says, and each takes its permit first
 * (`Permits`).
 */
export interface Connector {
  /** As they are now: facts of its account may come to be known, or change. */
  readonly traits: AccountTraits;
  /**
   * Learns what is so of this account alone, and saves it (`KnownFacts`); so do `fields` and `provision` where they find it
   * out. Undefined: all accounts of this CRM are alike.
   */
  learnFacts?(): Promise<void>;
  readonly timeline: Timeline;
  /**
   * Asks the CRM to tell its changes to this address, with this secret, as `webhooks` reads and verifies them; answers until
   * when it does, milliseconds. Repeatable: made, or renewed. Undefined: nobody has to ask, they are set up once. What
   * is refused of webhooks alone is a `never` with the code `missing_scope` or `webhooks_refused`: polls find changes meanwhile.
   */
  subscribe?(to: {
    readonly url: string;
    readonly secret: string;
    readonly now: number;
  }): Promise<{ readonly until: number }>;
  /**
   * What the account's own automation meant for us since then, milliseconds, and could not deliver. Undefined: whoever connected may
   * not see it. Where the CRM keeps no list of that it has no such call.
   */
  undelivered?(since: number): Promise<readonly Undelivered[] | undefined>;
  /** The fields of its records as they are now. */
  fields(): Promise<CrmField[]>;
  /** Who may own a record: id and what people call them. */
  owners(): Promise<{ readonly ownerId: string; readonly name: string }[]>;
  /** What `provision` would do, without doing it. Empty: everything is there. */
  planProvisioning(): Promise<ProvisioningStep[]>;
  /** Creates our fields where they are missing. Repeatable. */
  provision(): Promise<void>;
  /** Ids without a record are left out. */
  read(recordIds: readonly string[], fields: readonly string[], priority: Priority): Promise<CrmRecord[]>;
  /** Records that hold these contact ids in our unique field. */
  findByContactId(
    contactIds: readonly string[],
    fields: readonly string[],
    priority: Priority,
  ): Promise<CrmRecord[]>;
  /** Records that may hold one of these phones; more than asked for may come back. */
  findByPhone(phones: readonly string[], fields: readonly string[], priority: Priority): Promise<CrmRecord[]>;
  /**
   * Creates records under our contact ids, or updates those that stand there. `automations`: whether the account's own rules
   * and workflows run for it, where the vendor lets a write say so; undefined: as it does by itself.
   */
  create(
    creates: readonly RecordCreate[],
    priority: Priority,
    automations?: boolean,
  ): Promise<WriteOutcome[]>;
  /** Each record once. */
  update(
    updates: readonly RecordUpdate[],
    priority: Priority,
    automations?: boolean,
  ): Promise<WriteOutcome[]>;
  /** All records, or those changed since then (milliseconds), a page at a time. Reads only. */
  scan(
    from: { readonly cursor?: string; readonly changedSince?: number },
    fields: readonly string[],
    priority: Priority,
  ): Promise<ScanPage>;
}

/** What opens an account. */
export interface Credentials {
  /** Asked before every call. Throws `SangamError` `reconnect` (never) where a person has to connect again. */
  accessToken(): Promise<string>;
  /**
   * The vendor refused this token as expired: resolves when another may be asked for; throws `reconnect` where there
   * is none to be had.
   */
  expired(token: string): Promise<void>;
}
