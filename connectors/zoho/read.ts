import { type CrmRecord, FieldsMissing, type Priority } from '@sangam/core/crm';
import { incomplete } from '../shared/outcomes.ts';
import { contactIdFieldOf, type ZohoAccount } from './account.ts';
import type { FieldsByName } from './account-schema.ts';
import { among, queryPage, type Rows, type ZohoRecord } from './coql.ts';
import { notProvisioned, type Refusal, refusalError } from './errors.ts';
import { byModule, type PersonModule, personModules, rankOf, recordIdOf } from './modules.ts';
import { readByIds, readOne } from './record-api.ts';
import { fromJson, readInstant, valuesIn } from './values.ts';
import { coqlMost, fieldsPerRead, vendor } from './vendor.ts';

const times = ['Created_Time', 'Modified_Time'];
/** Of a lead: it has become a contact. docs/vendors/zoho.md §4.3 */
export const convertedField = 'Converted__s';
const becameFields = [convertedField, 'Converted_Contact'];

/** Records by their ids; a lead that was converted is the contact it became. */
export async function readRecords(
  account: ZohoAccount,
  recordIds: readonly string[],
  fields: readonly string[],
  priority: Priority,
): Promise<CrmRecord[]> {
  const found: CrmRecord[] = [];
  const became = new Map<string, string[]>();
  for (const [module, ids] of byModule(recordIds)) {
    for (const record of await readModule(account, module, ids, fields, priority)) {
      const recordId = recordIdOf(module, record.id);
      if (module === 'Leads' && isConverted(record)) {
        const contact = await contactOf(account, record, priority);
        if (contact !== undefined) became.set(contact, [...(became.get(contact) ?? []), recordId]);
      } else found.push(toCrmRecord(account, module, record, fields, recordId));
    }
  }
  if (became.size === 0) return found;
  for (const record of await readModule(account, 'Contacts', [...became.keys()], fields, priority)) {
    for (const askedAs of became.get(record.id) ?? []) {
      found.push(toCrmRecord(account, 'Contacts', record, fields, askedAs));
    }
  }
  return found;
}

/**
 * As many fields a call as it takes. An answer leaves out what is not there: a field that was taken away since the fields were
 * looked at shows itself so. Throws `FieldsMissing`.
 */
export async function readModule(
  account: ZohoAccount,
  module: PersonModule,
  ids: readonly string[],
  fields: readonly string[],
  priority: Priority,
): Promise<ZohoRecord[]> {
  const always = [contactIdFieldOf(account), ...times, ...(module === 'Leads' ? becameFields : [])];
  const names = [...new Set([...always, ...fields])];
  const records = new Map<string, ZohoRecord>();
  for (let start = 0; start < names.length; start += fieldsPerRead) {
    const some = names.slice(start, start + fieldsPerRead);
    for (const record of await readByIds(account.client, module, ids, some, priority)) {
      records.set(record.id, { ...records.get(record.id), ...record });
    }
  }
  const [first] = records.values();
  const absent =
    first === undefined
      ? []
      : [contactIdFieldOf(account), ...fields].filter((name) => first[name] === undefined);
  if (absent.length > 0) {
    const before = await account.schema.of(module);
    const gone = absent.filter((name) => before.has(name));
    if (gone.length > 0) account.schema.forget();
    const missing = missingAmong(account, module, gone, await account.schema.of(module));
    if (missing !== undefined) throw missing;
  }
  return [...records.values()];
}

/** Records of either module that hold these contact ids in our unique field. */
export async function readByContactId(
  account: ZohoAccount,
  contactIds: readonly string[],
  fields: readonly string[],
  priority: Priority,
): Promise<CrmRecord[]> {
  const found: CrmRecord[] = [];
  for (const module of personModules) {
    const where = among(contactIdFieldOf(account), contactIds);
    found.push(...(await queryRecords(account, { module, where }, fields, priority)).records);
  }
  return found;
}

/**
 * Records a query finds, a page of them; of more fields than a query has columns the records are read by their ids. Leads that
 * were converted are no records of their own: whether a query leaves them out is not known.
 */
export async function queryRecords(
  account: ZohoAccount,
  query: {
    readonly module: PersonModule;
    readonly where: string;
    readonly orderBy?: string;
    readonly page?: 'large';
  },
  fields: readonly string[],
  priority: Priority,
): Promise<{ readonly records: CrmRecord[]; readonly rows: Rows }> {
  const { module } = query;
  const there = await account.schema.of(module);
  const wanted = fields.filter((name) => there.has(name));
  const always = ['id', ...times, ...(there.has(convertedField) ? [convertedField] : [])];
  const columns = [...new Set([...always, contactIdFieldOf(account), ...wanted])];
  const roomy = columns.length <= coqlMost.columns;
  const answer = await queryPage(account.client, { ...query, columns: roomy ? columns : always }, priority);
  if (!answer.ok) throw await queryError(account, module, columns, answer.refusal);
  const rows = answer.body;
  const standing = rows.records.filter((record) => !isConverted(record));
  const records: CrmRecord[] = [];
  if (roomy) {
    records.push(...standing.map((record) => toCrmRecord(account, module, record, fields)));
  } else {
    const ids = standing.map(({ id }) => id);
    for (let start = 0; start < ids.length; start += 100) {
      const some = await readModule(account, module, ids.slice(start, start + 100), fields, priority);
      records.push(...some.map((record) => toCrmRecord(account, module, record, fields)));
    }
  }
  return { records, rows };
}

/** What a query was refused for may be a field that was taken away since the fields were looked at. */
async function queryError(
  account: ZohoAccount,
  module: PersonModule,
  columns: readonly string[],
  refusal: Refusal,
): Promise<Error> {
  if (refusal.code !== 'query_refused') return refusalError(refusal);
  account.schema.forget();
  const there = await account.schema.of(module);
  return missingAmong(account, module, columns, there) ?? refusalError(refusal);
}

/** The error that names the fields a module lacks; undefined: they are there. */
export function missingAmong(
  account: ZohoAccount,
  module: PersonModule,
  names: readonly string[],
  there: FieldsByName,
): Error | undefined {
  const key = contactIdFieldOf(account);
  const fields = names.filter((name) => name !== 'id' && !there.has(name));
  if (fields.length === 0) return undefined;
  return fields.includes(key)
    ? notProvisioned(
        `The field ${key} is missing among Zoho CRM's ${module}. Let Sangam set up its fields again, or restore it.`,
      )
    : new FieldsMissing({
        fields,
        message: `These fields are missing among Zoho CRM's ${module}: ${fields.join(', ')}. Restore them, or map others.`,
      });
}

/** Whether a lead has become a contact. docs/vendors/zoho.md §4.5. */
function isConverted(record: ZohoRecord): boolean {
  return record[convertedField] === true || record['$converted'] === true;
}

/**
 * The id of the contact a lead became: lists may not tell, a read of the one does. Undefined: it is not there any more. Throws
 * where nothing tells, for who has become somebody else is not gone.
 */
export async function contactOf(
  { client }: ZohoAccount,
  lead: ZohoRecord,
  priority: Priority,
): Promise<string | undefined> {
  const told = contactIn(lead);
  if (told !== undefined) return told;
  const whole = await readOne(client, 'Leads', lead.id, priority);
  if (whole === undefined) return undefined;
  const contact = contactIn(whole);
  if (contact === undefined) throw incomplete(vendor);
  return contact;
}

function contactIn(lead: ZohoRecord): string | undefined {
  const detail = lead['$converted_detail'];
  const inDetail = typeof detail === 'object' && detail !== null ? Reflect.get(detail, 'contact') : undefined;
  const id = fromJson(lead['Converted_Contact'] ?? inDetail);
  return /^\d+$/.test(id) ? id : undefined;
}

/** `fields`: each is among the values, '' where nothing stands or the module has no such field. */
function toCrmRecord(
  account: ZohoAccount,
  module: PersonModule,
  record: ZohoRecord,
  fields: readonly string[],
  askedAs = recordIdOf(module, record.id),
): CrmRecord {
  const contactId = fromJson(record[contactIdFieldOf(account)]);
  const createdAt = readInstant(fromJson(record['Created_Time']));
  const changedAt = readInstant(fromJson(record['Modified_Time']));
  return {
    askedAs,
    recordId: recordIdOf(module, record.id),
    rank: rankOf[module],
    ...(contactId === '' ? {} : { contactId }),
    values: valuesIn(record, fields),
    ...(Number.isNaN(createdAt) ? {} : { createdAt }),
    ...(Number.isNaN(changedAt) ? {} : { changedAt }),
  };
}
