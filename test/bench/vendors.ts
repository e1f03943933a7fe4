/** How a CRM's calls are told apart, and the fewest its API leaves us. */
export interface BenchVendor {
  /** Reads and writes of people's records and of their timelines. */
  readonly isCall: (operation: string) => boolean;
  /** People asked for before their record is made. */
  readonly isSearch: (operation: string) => boolean;
  /** Calls for a hundred people, with all that happened to each told at once. */
  readonly floor: { readonly new: number; readonly known: number };
  /** What of a budget those calls spend, and where the sandbox says how much was. */
  readonly credits?: {
    readonly path: string;
    readonly floor: { readonly new: number; readonly known: number };
  };
}

export const vendors: Readonly<Record<string, BenchVendor>> = {
  hubspot: {
    isCall: (operation) => operation.includes('/batch/') && operation.includes('objects'),
    isSearch: (operation) => operation.includes('/search') && operation.includes('objects'),
    // A record and an entry.
    floor: { new: 2, known: 2 },
  },
  zoho: {
    isCall: (operation) => /^(?:GET|POST|PUT) \/(?:Leads|Contacts|\w+_Conversations|Notes)\b/.test(operation),
    isSearch: (operation) => operation === 'POST /coql',
    // A record, which tells nothing of itself until it is read back once, and an entry.
    floor: { new: 3, known: 2 },
    // A record costs a tenth of a credit to write, a call one to read. docs/vendors/zoho.md §2.3
    credits: { path: '/zoho/credits', floor: { new: 21, known: 20 } },
  },
};
