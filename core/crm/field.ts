/** What a CRM's fields are, and what goes into them. */

/** Values of the CRM's own fields, in the vendor's written form. Empty string = empty. */
export type CrmValues = Readonly<Record<string, string>>;

/** What a CRM's field can hold, in our words; the connector knows the vendor's own types. */
export const fieldKinds = [
  'text',
  'long text',
  'phone',
  /** A list of them. */
  'phones',
  'time',
  'date',
  'flag',
  'choice',
  'choices',
  'number',
  'user',
  'other',
] as const;
export type FieldKind = (typeof fieldKinds)[number];

export interface CrmField {
  /** The vendor's name of the field, as the API takes it. */
  readonly name: string;
  /** What people see. */
  readonly label: string;
  readonly kind: FieldKind;
  /** False: the vendor or an admin keeps it from being written by API. */
  readonly writable: boolean;
  /** Types of records that have it (`ConnectorTraits.recordTypes`); undefined: all. */
  readonly on?: readonly string[];
  /** Of `choice` and `choices`: the values it takes. */
  readonly options?: readonly { readonly value: string; readonly label: string }[];
}

/** One value of ours, before a CRM's spelling. `undefined` inside = known to be nothing. Times in milliseconds. */
export type FieldValue =
  | { readonly kind: 'text'; readonly text: string | undefined }
  | { readonly kind: 'time'; readonly at: number | undefined }
  | { readonly kind: 'flag'; readonly set: boolean }
  | { readonly kind: 'tags'; readonly tags: readonly string[] };

/** How a CRM spells values. Pure. */
export interface Spelling {
  /** '' = empty. Undefined: this field cannot hold that kind of value. */
  write(value: FieldValue, field: CrmField): string | undefined;
  /** Whether two written values say the same, such as one instant in two forms. */
  same(x: string, y: string, field: CrmField): boolean;
  /** What a written flag says; undefined: nothing. */
  readFlag(written: string, field: CrmField): boolean | undefined;
  /** Milliseconds of a written time; undefined: it says none. */
  readTime(written: string, field: CrmField): number | undefined;
  readTags(written: string, field: CrmField): readonly string[];
  /**
   * Brings tags to `wanted`, given what the record holds; undefined when it says so already. Where the CRM can add
   * without replacing, only additions are written, so that what a person checks at the same moment stays.
   */
  writeTags(wanted: readonly string[], current: string, field: CrmField): string | undefined;
  /** Where fields of kind `phones` are: how lists of phones are written. */
  readonly phoneList?: PhoneList;
}

/** A field that holds several phones, people's own beside ours. */
export interface PhoneList {
  /** The phones in what a field holds, each as it stands there; of a field that is no list, the one. */
  in(written: string): readonly string[];
  write(phones: readonly string[]): string;
  /** What to write so that these come and go, and what people add at the same moment stays. */
  change(phones: { readonly added: readonly string[]; readonly removed: readonly string[] }): string;
}
