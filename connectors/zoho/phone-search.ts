import type { CrmRecord, Priority } from '@sangam/core/crm';
import { callingCodeOf } from '@sangam/core/identity';
import type { ZohoAccount } from './account.ts';
import { anyOf, quoted } from './coql.ts';
import { personModules } from './modules.ts';
import { queryRecords } from './read.ts';
import { coqlMost } from './vendor.ts';

/** Where people type a phone. Whoever holds our own field of it holds our key. */
const typedFields = ['Phone', 'Mobile'];

/** Digits at a phone's end that a query looks for: few enough to stand together however the others are parted. */
const tailDigits = 4;

/** Countries where people write the last four of a number together. From experience: of others more is looked for. */
const together = new Set([
  '1',
  '27',
  '44',
  '52',
  '54',
  '55',
  '60',
  '62',
  '63',
  '65',
  '91',
  '92',
  '94',
  '234',
  '254',
  '880',
]);

/**
 * How the last digits may stand there: together, or parted where people write pairs or threes. A sign for any text between two
 * parts is from memory, docs/vendors/zoho.md §5.2: without it those alone are not found.
 */
function tailsOf(phone: string): string[] {
  const tail = phone.slice(-tailDigits);
  if (together.has(callingCodeOf(phone) ?? '')) return [tail];
  return [0, 1, 2].map((cut) => (cut === 0 ? tail : `${tail.slice(0, cut)}%${tail.slice(cut)}`));
}

/** One condition is where the next page goes on. */
const conditionsPerQuery = coqlMost.criteria - 1;

/** So many fit one query of each module where each is looked for by one pattern in two fields; of more patterns it is several. */
export const phonesPerSearch = conditionsPerQuery / typedFields.length;

/**
 * Records that may hold one of these phones. A query sees what was just written, where a search lags (docs/vendors/zoho.md
 * §5.1, §5.2), and people type blanks and signs where they like: so it goes by the last digits, and the caller compares.
 */
export async function findByPhone(
  account: ZohoAccount,
  phones: readonly string[],
  fields: readonly string[],
  priority: Priority,
): Promise<CrmRecord[]> {
  const found: CrmRecord[] = [];
  for (const module of personModules) {
    const there = await account.schema.of(module);
    const conditions = typedFields
      .filter((name) => there.has(name))
      .flatMap((name) =>
        [...new Set(phones.flatMap(tailsOf))].map((tail) => `${name} like ${quoted(`%${tail}`)}`),
      );
    for (let start = 0; start < conditions.length; start += conditionsPerQuery) {
      const where = anyOf(conditions.slice(start, start + conditionsPerQuery));
      found.push(...(await all(account, { module, where }, fields, priority)));
    }
  }
  return found;
}

async function all(
  account: ZohoAccount,
  query: { readonly module: (typeof personModules)[number]; readonly where: string },
  fields: readonly string[],
  priority: Priority,
): Promise<CrmRecord[]> {
  const found: CrmRecord[] = [];
  let after = '';
  for (;;) {
    const where = after === '' ? query.where : `(${query.where} and id > ${quoted(after)})`;
    const page = { ...query, where, orderBy: 'id' };
    const { records, rows } = await queryRecords(account, page, fields, priority);
    found.push(...records);
    const last = rows.records.at(-1);
    if (!rows.more || last === undefined) return found;
    after = last.id;
  }
}
