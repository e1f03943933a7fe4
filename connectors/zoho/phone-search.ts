import type { CrmRecord, Priority } from '@sangam/core/crm';
import type { ZohoAccount } from './account.ts';
import { anyOf, quoted } from './coql.ts';
import { personModules } from './modules.ts';
import { queryRecords } from './read.ts';

/** Where people type a phone. Whoever holds our own field of it holds our key. */
const typedFields = ['Phone', 'Mobile'];

/** Digits at a phone's end that a query looks for: few enough to stand together however the others are parted. */
const tailDigits = 4;

/**
 * How the last digits may stand there: together, or parted as countries do that write pairs or threes. A sign for any text
 * between two parts is from memory, docs/vendors/zoho.md §5.2: without it those alone are not found.
 */
function tailsOf(phone: string): string[] {
  const tail = phone.slice(-tailDigits);
  return [0, 1, 2].map((cut) => (cut === 0 ? tail : `${tail.slice(0, cut)}%${tail.slice(cut)}`));
}

/**
 * Phones one query takes: each is looked for by three patterns in two fields. docs/vendors/zoho.md §5.2
 */
export const phonesPerQuery = 4;

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
    if (conditions.length === 0) continue;
    found.push(...(await all(account, { module, where: anyOf(conditions) }, fields, priority)));
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
