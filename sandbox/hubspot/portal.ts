/** Numbers and names of HubSpot and of the portal the sandbox plays. */

export const portal = {
  portalId: 24_111_972,
  accountType: 'STANDARD',
  timeZone: 'Asia/Kolkata',
  companyCurrency: 'INR',
  additionalCurrencies: [],
  utcOffset: '+05:30',
  utcOffsetMilliseconds: 19_800_000,
  uiDomain: 'app.hubspot.com',
  dataHostingLocation: 'na1',
} as const;

/** Inputs one batch takes. facts/hubspot.md §4.2. */
export const batchMax = 100;

/** Unique properties one object type may have. facts/hubspot.md §4.2. */
export const uniqueMax = 10;

/** A create needs one of these. facts/hubspot.md §4.2. */
export const namingProperties = ['email', 'firstname', 'lastname'] as const;

/** What a read gives when it asks for no properties. From memory. */
export const defaultProperties = [
  'createdate',
  'email',
  'firstname',
  'hs_object_id',
  'lastmodifieddate',
  'lastname',
] as const;

/** What every answer about a record carries. From memory. */
export const systemProperties = ['createdate', 'hs_object_id', 'lastmodifieddate'] as const;

/** fieldTypes each type takes. facts/hubspot.md §4.4. */
export const fieldTypes: Readonly<Record<string, readonly string[]>> = {
  string: ['text', 'textarea', 'phonenumber', 'html', 'file'],
  number: ['number'],
  date: ['date'],
  datetime: ['date'],
  bool: ['booleancheckbox'],
  enumeration: ['select', 'radio', 'checkbox', 'booleancheckbox'],
};

/** From here on API writes keep the admin's required properties. facts/hubspot.md §4.1. */
export const requiringVersion = '2026-09';
