import { SangamError } from '@sangam/core/errors';

/** What a batch's answer said, joined to the items it was about. */

/** Where an answer names its items: by one or several keys each. */
export function byKey<Said>(
  said: readonly Said[],
  keysOf: (one: Said) => readonly (string | undefined)[],
): ReadonlyMap<string, Said> {
  return new Map(
    said.flatMap((one) => keysOf(one).flatMap((key) => (key === undefined ? [] : [[key, one] as const]))),
  );
}

/** Where the nth answer is the nth item's. Throws `SangamError` `incomplete_answer` where there are more or fewer. */
export function byPlace<Said>(
  vendor: string,
  items: readonly string[],
  said: readonly Said[],
): ReadonlyMap<string, Said> {
  if (items.length !== said.length) throw incomplete(vendor);
  return new Map(
    items.flatMap((item, place) => {
      const one = said[place];
      return one === undefined ? [] : [[item, one] as const];
    }),
  );
}

/** The answer left something out that it must say: the call may be repeated. */
export function incomplete(vendor: string): SangamError {
  return new SangamError({
    code: 'incomplete_answer',
    origin: 'crm',
    retry: 'later',
    message: `${vendor} did not say what became of every record of the batch.`,
  });
}
