import type {
  AccountChanges,
  CallLimit,
  Connector,
  ConnectorTraits,
  ContactSource,
  CrmField,
  CrmValues,
  FieldMapping,
  KnownFacts,
  Permits,
} from '@sangam/core/crm';
import type { SandboxClock } from '@sangam/sandbox';

/**
 * A CRM account of a test's own, as the suite needs it: the connector under test on one side, and on the other a person
 * who works in the CRM, and the outage, the limit and the admin that befall it. One implementation a CRM.
 */
export interface ConformanceAccount {
  /** The vendor's id of the account, as its webhooks name it. */
  readonly account: string;
  /** What is so of its CRM. */
  readonly traits: ConnectorTraits;
  /** A connector of the account, as each process has its own. */
  connect(permits: Permits, facts?: KnownFacts): Connector;
  readonly user: AccountUser;
  /** What goes wrong with calls from now on; `{}`: nothing. */
  fault(fault: AccountFault): Promise<void>;
  /** The token in use is refused as expired; the next one is there to be had. Where the CRM has tokens that end. */
  expireToken(): Promise<void>;
  /** The vendor keeps to this limit from now on, called as the connector calls it. */
  limit(name: string, limit: CallLimit): Promise<void>;
  /** Calls of the API so far, whatever came of them. */
  calls(): Promise<number>;
  /** An admin removes the field this goes to by the default mapping; its name. */
  removeField(source: ContactSource): Promise<string>;
  /** How far its search is behind what is written, milliseconds; undefined: it finds at once. */
  readonly searchLagMs?: number;
  /** What this CRM has not, each with the reason that is printed where a sentence is left out for it. */
  readonly lacks: Readonly<Partial<Record<Capability, string>>>;
  /** A field that does not take everything, and an admin who lets one more value in. */
  pickyField(): Promise<PickyField>;
  /** A field of whose values only one record may hold each, besides our own; where the CRM has any. */
  readonly uniqueField?: CrmField;
  /** The vendor's code for a record that is locked for a moment; where it says that of one of several. */
  readonly lockedCode?: string;
  /** Where a lead stands: a field people change and triggers will follow. */
  readonly stage: { readonly field: string; readonly values: readonly [string, string] };
  /**
   * Sends the account's webhooks from here on, as the connector reads them. Rejecting = they come again. Where the CRM lacks
   * webhooks nothing is asked of it, and news comes by polls.
   */
  webhooksTo(receive: (changes: readonly AccountChanges[], raw: Buffer) => Promise<void>): Promise<void>;
  /** Where webhooks say values otherwise than calls do: as they say these. */
  toldAs?(values: CrmValues): CrmValues;
  /** Whether every webhook so far has arrived. */
  webhooksArrived(): Promise<boolean>;
  /** Everything ever delivered, once more. */
  redeliver(): Promise<void>;
  close(): Promise<void>;
}

export type Capability =
  | 'webhooks'
  | 'merging'
  | 'restoring'
  | 'converting'
  | 'unique fields'
  | 'several phone fields'
  | 'lists of phones'
  | 'deals'
  | 'owners'
  | 'locked records'
  | 'authors of changes'
  | 'tokens that end';

/** `rate`: share of calls that are hit, 1 unless said. `times`: so many, then it is over. */
export interface AccountFault {
  /** Only calls that create records, or that update them. */
  readonly on?: 'creates' | 'updates';
  /** Or only calls of this operation, as the vendor's calls are counted. */
  readonly operation?: string;
  readonly status?: number;
  /** The vendor's own code. */
  readonly code?: string;
  /** The nth record that calls write from now on is refused with this code of the vendor's. */
  readonly item?: { readonly code: string; readonly nth: number };
  readonly rate?: number;
  readonly times?: number;
  /** The caller gets no answer, though the change is made (`after`) or not. */
  readonly dropConnection?: 'before' | 'after';
  /** The caller gets no answer, and the change is made so much later on the clock. */
  readonly commitAfterMs?: number;
  /** Not the vendor's word, with 200 or `status`: a page (nothing is done), half an answer, one without end (it is done). */
  readonly garbage?: 'html' | 'truncated' | 'endless';
  /** The call is sent on to this address. */
  readonly redirectTo?: string;
}

/** A mapping of a Flow's answer to such a field; `refused` is an answer the account does not take until it is mended. */
export interface PickyField {
  readonly mapping: FieldMapping;
  readonly accepted: string;
  readonly refused: string;
  mend(): Promise<void>;
}

export interface UserRecord {
  readonly recordId: string;
  /** Without empty ones. */
  readonly values: CrmValues;
}

/** What somebody does in the CRM's own pages. Values in the CRM's own fields and form. */
export interface AccountUser {
  /** The new record's id. `type`: where there are several, the vendor's name of one; people's own unless said. */
  create(values: CrmValues, type?: string): Promise<string>;
  update(recordId: string, values: CrmValues): Promise<void>;
  remove(recordId: string): Promise<void>;
  restore(recordId: string): Promise<void>;
  /** `merged` goes into `primary`; the id both have afterwards. */
  merge(primary: string, merged: string): Promise<string>;
  /** A lead becomes a contact: its id. */
  convert(recordId: string): Promise<string>;
  /** Oldest first. */
  list(): Promise<UserRecord[]>;
  /** Undefined: there is no such record any more. */
  get(recordId: string): Promise<UserRecord | undefined>;
  /** Deals of people's records, where the connector tells of them. */
  readonly deals?: {
    /** The type of people's records that have them; undefined: people's own. */
    readonly of?: string;
    /** Where a deal stands, as a lead does by `stage`; undefined: by a field of the same name. */
    readonly stage?: ConformanceAccount['stage'];
    /** The new deal's id. */
    create(personRecordId: string, values: CrmValues): Promise<string>;
    update(dealId: string, values: CrmValues): Promise<void>;
  };
  /** What the record shows of conversations, oldest first. */
  timeline(recordId: string): Promise<readonly { readonly id: string; readonly text: string }[]>;
}

export type OpenAccount = (clock: SandboxClock) => Promise<ConformanceAccount>;
