import { expect, onTestFinished, test } from 'vitest';
import { openHubspotAccount } from './conformance/hubspot-account.ts';
import { hour, somebody } from './conformance/set-up.ts';
import { createCrmFixture } from './harness/crm-fixture.ts';
import { type Description, type Exchange, objectionsTo } from './harness/open-api.ts';
import { recordVendorCalls } from './harness/vendor-calls.ts';
import { vendorData } from './harness/vendor-data.ts';

/**
 * What the connector sends and what the sandbox answers, against HubSpot's published description of its API: the files
 * of contacts, communications, associations, properties, owners and account info of the versions in use.
 */

const data = vendorData('hubspot');

/**
 * Where HubSpot's own examples and answers are otherwise than described: the first two are required there, `sorts` a
 * list of texts, `subCategory` an object, `toObjectId` a text, `label` never null, and no error has the `status` that
 * all have. docs/vendors/hubspot.md §4.9.
 */
const known = new Set([
  'propertiesWithHistory',
  'after',
  'sorts',
  'subCategory',
  'toObjectId',
  'label',
  'status',
]);

test.skipIf(data === undefined)('requests and answers are as HubSpot describes them', async () => {
  const descriptions = [...(data?.values() ?? [])] as Description[];
  const calls = recordVendorCalls();
  const fixture = await createCrmFixture();
  onTestFinished(() => fixture.close());
  const crm = await fixture.addWorkspace(openHubspotAccount, { webhooks: true });
  const [asha, ravi, meera] = [somebody(1, 'Asha Rao'), somebody(2, 'Ravi'), somebody(3, 'Meera')];
  for (const person of [asha, ravi, meera]) await crm.writes(person);
  await fixture.ride(hour);
  await crm.check();
  await crm.tag(asha, ['VIP']);
  await crm.answers(asha);
  await crm.writes(asha, 'STOP');
  await fixture.ride(hour);
  // Part failures: an update of a record that is gone, an upsert of a choice nobody has.
  const [first, second, third] = (await crm.records()).map(({ recordId }) => recordId);
  await crm.account.user.remove(third ?? '');
  await crm.account.user.merge(first ?? '', second ?? '');
  const update = (recordId = ''): { recordId: string; values: { city: string } } => ({
    recordId,
    values: { city: 'Pune' },
  });
  await crm.connector.update([update(first), update(third)], 'fields');
  const values = { firstname: 'Asha', hs_lead_status: 'NONE_OF_THESE' };
  await crm.connector.create([{ contactId: crypto.randomUUID(), values }], 'new lead');
  await crm.connector.fields();
  await crm.connector.owners();
  await crm.connector.scan({ changedSince: 0 }, ['firstname'], 'import');
  await crm.connector.findByPhone([`+${asha.phone ?? ''}`], ['phone'], 'new lead');
  for (const person of [asha, ravi, meera]) await crm.writes(person, 'And again');
  await fixture.ride(hour);

  const exchanges = calls.flatMap(({ method, url, headers, sent, status, answered }): Exchange[] =>
    headers.has('authorization')
      ? [
          {
            method,
            path: url.pathname.replace('/sandbox/hubspot', ''),
            sent: sent === '' ? undefined : JSON.parse(sent),
            status,
            answered: answered === '' ? undefined : JSON.parse(answered),
          },
        ]
      : [],
  );
  expect(exchanges.some(({ status }) => status === 207)).toBe(true);
  const objections = exchanges.flatMap((exchange) => objectionsTo(exchange, descriptions, { known }));
  // Ids and places in lists told once.
  expect([...new Set(objections.map((one) => one.replace(/\[\d+\]/g, '[]')))]).toEqual([]);
});
