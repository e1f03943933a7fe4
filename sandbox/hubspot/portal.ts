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

/** Inputs one batch takes. docs/vendors/hubspot.md §4.2. */
export const batchMax = 100;

/** Unique properties one object type may have. docs/vendors/hubspot.md §4.2. */
export const uniqueMax = 10;

/** Characters one text value holds. From memory, docs/vendors/hubspot.md §4.2 and §4.5. */
export const textMax = 65_536;

/** How long an archived record can be restored. docs/vendors/hubspot.md §4.2. */
export const restorableMs = 90 * 86_400_000;

/** fieldTypes each type takes. docs/vendors/hubspot.md §4.4. */
export const fieldTypes: Readonly<Record<string, readonly string[]>> = {
  string: ['text', 'textarea', 'phonenumber', 'html', 'file'],
  number: ['number'],
  date: ['date'],
  datetime: ['date'],
  bool: ['booleancheckbox'],
  enumeration: ['select', 'radio', 'checkbox', 'booleancheckbox'],
};

/** From here on API writes keep the admin's required properties. docs/vendors/hubspot.md §4.1. */
export const requiringVersion = '2026-09';
