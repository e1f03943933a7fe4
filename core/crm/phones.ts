import { readPhones } from '../identity/index.ts';
import type { AccountTraits } from './account-facts.ts';
import type { CrmRecord } from './connector.ts';

/**
 * What a record's phone fields hold, each read in the region of the business: canonical E.164, or why not. `place`: the
 * field's among them, the one people look at first is 0. `part`: which of the numbers in the field.
 */
export function phonesOf(
  record: Pick<CrmRecord, 'values'>,
  { phoneFields, spelling }: Pick<AccountTraits, 'phoneFields' | 'spelling'>,
  region: string | undefined,
): ({ readonly field: string; readonly place: number; readonly typed: string } & (
  { readonly phone: string } | { readonly unreadable: string }
))[] {
  return phoneFields.flatMap((field, place) => {
    const typed = record.values[field] ?? '';
    if (typed === '') return [];
    const phones = spelling.phoneList?.in(typed) ?? [typed];
    const readings = phones.flatMap((phone) => readPhones(phone, region));
    return readings.map((reading, part) =>
      'e164' in reading
        ? { field, part, place, typed, phone: reading.e164 }
        : { field, part, place, typed, unreadable: reading.unreadable },
    );
  });
}
