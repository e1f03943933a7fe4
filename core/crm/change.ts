/** Something that happened in a CRM, as its webhooks or a poll tell it. `at` is the vendor's time, milliseconds. */
export type CrmChange = { readonly recordId: string; readonly at: number } & (
  | { readonly kind: 'created' | 'deleted' | 'restored' }
  /** Something of it changed, and the vendor does not say to what: it is read. */
  | { readonly kind: 'touched'; readonly of?: undefined }
  /** The same of a deal, whose id `recordId` is, of whichever person: the next poll, made soon, finds it. */
  | { readonly kind: 'touched'; readonly of: 'deal' }
  /** The vendor erased the person for privacy's sake: our copy goes too. */
  | { readonly kind: 'erased' }
  /** The record lives on as `into`. */
  | { readonly kind: 'merged'; readonly into: string }
  | {
      readonly kind: 'field';
      /** The field is the record's own. */
      readonly of?: undefined;
      readonly field: string;
      /** In the vendor's form; '' = emptied. */
      readonly value: string;
      /** Who changed it as the vendor names them, such as `user 2000001`; undefined: not told. */
      readonly by?: string;
    }
  /** A field of a deal changed, whose id `recordId` is: told as of its person. */
  | {
      readonly kind: 'field';
      readonly of: 'deal';
      readonly personRecordId: string;
      readonly field: string;
      readonly value: string;
      readonly by?: string;
    }
);

/** Changes of one CRM account. */
export interface AccountChanges {
  /** The vendor's id of the account; undefined: the vendor names none, and it is that of the connection who was told. */
  readonly account: string | undefined;
  readonly changes: readonly CrmChange[];
}
