/** The port every CRM implements. Core knows no CRM by name. */

/** Values of the CRM's own fields, in the vendor's written form. Empty string = empty. */
export type CrmValues = Readonly<Record<string, string>>;

/** A record found under our contact id. */
export interface CrmRecord {
  readonly recordId: string;
  readonly contactId: string;
  readonly values: CrmValues;
}

export interface CrmUpsert {
  /** Our opaque contact id, the value of the CRM's unique field. */
  readonly contactId: string;
  readonly values: CrmValues;
}

/** What became of one item of a batch. A refusal is that item's own; the others went through. */
export type UpsertOutcome =
  | {
      readonly contactId: string;
      readonly outcome: 'written';
      readonly recordId: string;
      readonly created: boolean;
    }
  | {
      readonly contactId: string;
      readonly outcome: 'refused';
      readonly code: string;
      readonly explanation: string;
    };

/** The nine fields of a contact (and what goes with them), before a CRM's own spelling. Times in milliseconds. */
export interface ContactFields {
  readonly contactId: string;
  /** E.164, or undefined for a person known only by username or BSUID. */
  readonly phone?: string;
  readonly bsuid?: string;
  readonly username?: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly leadSource: LeadSource;
  readonly optInAt?: number;
  readonly firstMessage?: string;
  readonly lastActivityAt?: number;
  readonly windowState: 'open' | 'closed';
  readonly windowClosesAt?: number;
  readonly optOut: boolean;
  readonly optOutAt?: number;
  readonly tags: readonly string[];
}

export type LeadSource = 'WhatsApp CTWA' | 'WhatsApp Inbound' | 'WhatsApp';

/** Who decides a field's value once both sides may have touched it. design.md §1, mapping. */
export type FieldOwner = 'once' | 'if-empty' | 'ours' | 'both' | 'theirs';

interface MappedField {
  /** The CRM's field name. */
  readonly crmField: string;
  /** The vendor's written form; undefined leaves the field alone, '' empties it. */
  readonly value: (contact: ContactFields) => string | undefined;
  /** Whether what the CRM reads back says the same as what we write; without it only equal text does. */
  readonly same?: (ours: string, theirs: string) => boolean;
  /**
   * What may hold the place of a missing value, best first: a new record gets the first one, and any of them
   * counts as empty once the value is known.
   */
  readonly standIns?: (contact: ContactFields) => readonly string[];
}

/** A field one side decides alone. */
export interface OwnedField extends MappedField {
  readonly owner: Exclude<FieldOwner, 'both'>;
}

/** A field both sides may change. */
export interface SharedField extends MappedField {
  readonly owner: 'both';
  /**
   * What to write so that both sides' parts stand; undefined when the CRM's value already does. '' = empty.
   * `base` is what we last wrote there, undefined when we never did.
   */
  readonly merge: (ours: string, theirs: string, base: string | undefined) => string | undefined;
}

export type FieldMapping = OwnedField | SharedField;

/**
 * One installed CRM account. Calls throw `SangamError` with origin `crm` when the call as a whole failed:
 * `later` and `{afterMs}` mean that the same call may succeed in time; `never` with code `batch_refused` that something
 * in this batch is the matter, so that halving it finds the culprit; any other `never` that a person must act first.
 */
export interface Connector {
  /** Most contacts one call takes. */
  readonly batchSize: number;
  readonly mapping: readonly FieldMapping[];
  /** Creates our fields where they are missing. Repeatable. */
  provision(): Promise<void>;
  /** Records standing under these contact ids; ids without a record are left out. At most `batchSize`. */
  read(contactIds: readonly string[]): Promise<CrmRecord[]>;
  /** Creates or updates, keyed by our contact id: repeating it after an unknown outcome is safe. At most `batchSize`. */
  upsert(upserts: readonly CrmUpsert[]): Promise<UpsertOutcome[]>;
}
