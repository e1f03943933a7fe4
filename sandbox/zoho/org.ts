/** The org the sandbox plays, and numbers of Zoho's. */

export const org = {
  id: '4876876000000020005',
  zgid: '60012345678',
  company_name: 'Sandbox Traders',
  country_code: 'IN',
  currency: 'Indian Rupee',
  iso_code: 'INR',
  time_zone: 'Asia/Kolkata',
  domain_name: 'org60012345678',
} as const;

/** Times are read back in the org's zone. docs/vendors/zoho.md §2.1. */
const zone = { offsetMs: 19_800_000, text: '+05:30' } as const;

/** Nine digits all ids of the org begin with: the rest makes them nineteen. */
const idPrefix = '487687600';

export function metadataId(n: number): string {
  return `${idPrefix}${String(n).padStart(10, '0')}`;
}

/** Ids of records: two digits for the module, eight for the record. */
export function recordIds(module: number) {
  const prefix = `${idPrefix}${String(module).padStart(2, '0')}`;
  return {
    make: (n: number): string => `${prefix}${String(n).padStart(8, '0')}`,
    numberOf: (id: string): number => Number(id.slice(prefix.length)),
  };
}

export interface User {
  readonly id: string;
  readonly name: string;
  readonly email: string;
}

/** The app acts as the first; whoever works in the CRM is the second. */
export const users = [
  { id: metadataId(900_001), name: 'Meera Nair', email: 'meera@org.example' },
  { id: metadataId(900_002), name: 'Arjun Mehta', email: 'arjun@org.example' },
  { id: metadataId(900_003), name: 'Sara Khan', email: 'sara@org.example' },
] as const satisfies readonly User[];

export const [appUser, deskUser] = users;

export function userOf(id: string): User | undefined {
  return users.find((user) => user.id === id);
}

/** What each edition has. docs/vendors/zoho.md §2.3, §3.2. */
export const editions = {
  free: { credits: 5_000, aUser: 0, atMost: 5_000, atOnce: 5, modules: false },
  standard: { credits: 50_000, aUser: 250, atMost: 100_000, atOnce: 10, modules: false },
  professional: { credits: 50_000, aUser: 500, atMost: 3_000_000, atOnce: 15, modules: false },
  enterprise: { credits: 50_000, aUser: 1_000, atMost: 5_000_000, atOnce: 20, modules: true },
  ultimate: { credits: 50_000, aUser: 2_000, atMost: Infinity, atOnce: 25, modules: true },
} as const;

/** Records one write takes. docs/vendors/zoho.md §4.1. */
export const batchMax = 100;

/** docs/vendors/zoho.md §4.4. */
export const binMs = 60 * 86_400_000;
export const deletedKnownMs = 120 * 86_400_000;

/** `YYYY-MM-DDTHH:mm:ss±hh:mm`. docs/vendors/zoho.md §2.1. */
export function zohoTime(at: number): string {
  return `${new Date(at + zone.offsetMs).toISOString().slice(0, 19)}${zone.text}`;
}
