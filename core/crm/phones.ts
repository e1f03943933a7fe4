import { readPhone } from '../identity/index.ts';
import type { CrmRecord } from './connector.ts';

/** What a record's phone fields hold, each read in the region of the business: canonical E.164, or why not. */
export function phonesOf(
  record: Pick<CrmRecord, 'values'>,
  phoneFields: readonly string[],
  region: string | undefined,
): ({ readonly field: string; readonly typed: string } & (
  { readonly phone: string } | { readonly unreadable: string }
))[] {
  return phoneFields.flatMap((field) => {
    const typed = record.values[field] ?? '';
    if (typed === '') return [];
    const reading = readPhone(typed, region);
    return [
      'e164' in reading
        ? { field, typed, phone: reading.e164 }
        : { field, typed, unreadable: reading.unreadable },
    ];
  });
}
