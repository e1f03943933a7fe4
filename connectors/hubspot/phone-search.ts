import type { CrmRecord, Priority } from '@sangam/core/crm';
import { phoneCandidates } from '@sangam/core/identity';
import type { AbsentProperties } from './absent-properties.ts';
import type { HubspotClient } from './client.ts';
import { type Refusal, refusalError } from './errors.ts';
import { listProperties } from './property-api.ts';
import { readRecords } from './read.ts';
import { searchPage } from './record-api.ts';
import { batchSize, searchPageSize } from './vendor.ts';

/**
 * So many fit a search's 3,000 characters however their countries spell them (docs/vendors/hubspot.md §4.3; the test of
 * this file holds it to that).
 */
export const phonesPerSearch = 8;

/** HubSpot's own reading of what people typed, without the country code. docs/vendors/hubspot.md §4.3. */
const nationalProperties = [
  'hs_searchable_calculated_phone_number',
  'hs_searchable_calculated_mobile_number',
];
/** Holding E.164 as we, an import or HubSpot's WhatsApp wrote it. With those above as many as a search has groups. */
const writtenProperties = ['phone', 'mobilephone', 'hs_whatsapp_phone_number'];

/** Country codes of one and two digits; all others have three, and none begins another. Source: ITU-T E.164, list of codes. */
const countryCode = /^\+(?:1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]|\d{3})/;

/**
 * Records that may hold one of these phones, read afresh: the search's index lags, and two countries may share a
 * national number, so the caller compares. Our own `wa_phone_e164` is not searched: whoever holds it holds our key.
 */
export async function findByPhone(
  client: HubspotClient,
  absent: AbsentProperties,
  phones: readonly string[],
  fields: readonly string[],
  priority: Priority,
): Promise<CrmRecord[]> {
  const ids = await searchIds(client, absent, phones, priority);
  const records = new Map<string, CrmRecord>();
  for (let start = 0; start < ids.length; start += batchSize) {
    const some = ids.slice(start, start + batchSize);
    for (const record of await readRecords(client, absent, some, fields, priority)) {
      records.set(record.recordId, record);
    }
  }
  return [...records.values()];
}

async function searchIds(
  client: HubspotClient,
  absent: AbsentProperties,
  phones: readonly string[],
  priority: Priority,
): Promise<string[]> {
  const ids = new Set<string>();
  let ways = absent.without([...nationalProperties, ...writtenProperties]);
  let after: string | undefined;
  for (;;) {
    const filterGroups = filterGroupsOf(phones, ways);
    if (filterGroups.length === 0) return [];
    const paging = after === undefined ? {} : { after };
    const body = { filterGroups, properties: ['hs_object_id'], limit: searchPageSize, ...paging };
    const answer = await searchPage(client, body, priority);
    if (answer.ok) {
      for (const { id } of answer.body.results) ids.add(id);
      after = answer.body.paging?.next.after;
      if (after === undefined) return [...ids];
    } else {
      if (!absent.learn(answer)) absent.add(await notThere(client, ways, answer.refusal));
      ways = absent.without(ways);
      after = undefined;
    }
  }
}

/** Which of the searched properties the portal lacks. Throws the refusal where that cannot be its reason. */
async function notThere(
  client: HubspotClient,
  ways: readonly string[],
  refusal: Refusal,
): Promise<readonly string[]> {
  if (refusal.status !== 400) throw refusalError(refusal);
  const there = new Set((await listProperties(client)).map(({ name }) => name));
  const missing = ways.filter((name) => !there.has(name));
  if (missing.length === 0 || missing.length === ways.length) throw refusalError(refusal);
  return missing;
}

/** One group for each way: a record is found by any. Exported for the body's length alone. */
export function filterGroupsOf(phones: readonly string[], ways: readonly string[]): object[] {
  const written = [...new Set(phones.flatMap(phoneCandidates))];
  // What HubSpot reads without a country code may still begin with the trunk's zero, or with a code typed without its plus.
  const national = [
    ...new Set(
      written.flatMap((phone) => {
        const number = phone.replace(countryCode, '');
        return [number, `0${number}`, phone.slice(1)];
      }),
    ),
  ];
  return ways.flatMap((propertyName) => {
    const values = nationalProperties.includes(propertyName) ? national : written;
    return values.length === 0 ? [] : [{ filters: [{ propertyName, operator: 'IN', values }] }];
  });
}
