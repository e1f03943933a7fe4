/** Values by name, as read back. */
export type Values = Readonly<Record<string, string>>;

/** A record as a reader sees it, now or earlier. */
export interface Seen {
  readonly id: string;
  /** Without empty ones. */
  readonly properties: Values;
}

/** A record of any state. */
export interface StoredRecord extends Seen {
  /** Since when it is archived, merged away or erased, milliseconds since the Unix epoch; undefined = it lives. */
  readonly archivedAt: number | undefined;
  readonly mergedInto: string | undefined;
  readonly erased: boolean;
}

/** id, then the values that changed; '' = emptied. */
export type RecordChange = readonly [id: string, changes: Values];

/** One act on records of a type, as it is journalled: made whole or not at all. Times in milliseconds since the Unix epoch. */
export type RecordsChange =
  | {
      readonly kind: 'records';
      readonly records: readonly RecordChange[];
      /** They were archived then, before this was written. */
      readonly archivedAt?: number | undefined;
    }
  | { readonly kind: 'archived'; readonly ids: readonly string[]; readonly at: number }
  | { readonly kind: 'restored'; readonly id: string }
  | {
      readonly kind: 'merged';
      readonly survivor: RecordChange;
      readonly ids: readonly string[];
      readonly at: number;
    }
  | { readonly kind: 'erased'; readonly ids: readonly string[]; readonly at: number };

export interface Page {
  readonly limit?: number | undefined;
  readonly after?: string | undefined;
}

/** Undefined, where there is no such record, is not. */
export function isLive(record: StoredRecord | undefined): boolean {
  return record !== undefined && record.archivedAt === undefined;
}
