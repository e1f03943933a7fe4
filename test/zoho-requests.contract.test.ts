import { SandboxClock } from '@sangam/sandbox';
import { expect, onTestFinished, test } from 'vitest';
import { openZohoAccount } from './conformance/zoho-account.ts';
import { freely } from './harness/permits.ts';
import { vendorData } from './harness/vendor-data.ts';
import { zohoExchanges, zohoObjections } from './harness/zoho-open-api.ts';

/** What the connector asks of Zoho, against Zoho's published description of its API. */

const data = vendorData('zoho');

/** What the description leaves out, and Zoho's pages tell: docs/vendors/zoho.md §2.2, §4.7, §7.1. Notes are records as well. */
const ofRecords = ['POST /crm/v8/Leads', 'PUT /crm/v8/Leads'].map(
  (call) => `${call} sent has skip_feature_execution`,
);
const ofRows = ['POST /crm/v8/WhatsApp_Conversations/upsert sent has skip_feature_execution'];
const ofNotes = [
  'POST /crm/v8/settings/modules answered 403.details has permissions',
  ...['POST', 'PUT'].flatMap((method) =>
    ['trigger', 'skip_feature_execution'].map((name) => `${method} /crm/v8/Notes sent has ${name}`),
  ),
  'DELETE /crm/v8/Notes asks by wf_trigger',
  'GET /crm/v8/Leads/{id}/Notes is described nowhere',
];

test.skipIf(data === undefined).each([
  { edition: 'enterprise', leftOut: [...ofRecords, ...ofRows] },
  { edition: 'standard', leftOut: [...ofRecords, ...ofNotes] },
])('requests are as Zoho describes them: $edition', async ({ edition, leftOut }) => {
  const clock = new SandboxClock();
  const account = await openZohoAccount(clock, { edition });
  onTestFinished(() => account.close());
  const connector = account.connect(freely());
  const exchangesSoFar = zohoExchanges();

  await connector.learnFacts?.();
  await connector.planProvisioning();
  await connector.provision();
  await connector.fields();
  await connector.owners();
  const [kept = '', converted = '', removed = ''] = (
    await connector.create(
      ['a', 'b', 'c'].map((contactId) => ({
        contactId,
        values: { Last_Name: contactId, Phone: '+919876543210', WhatsApp_Opted_Out: 'true', Owner: '' },
      })),
      'new lead',
    )
  ).map((one) => (one.outcome === 'written' ? one.recordId : ''));
  await connector.create([{ contactId: 'a', values: { Last_Name: 'a' } }], 'new lead', false);
  await connector.create([{ type: 'Contacts', contactId: 'd', values: { Last_Name: 'd' } }], 'new lead');
  await connector.update(
    [
      { recordId: kept, values: { First_Name: 'Asha', WhatsApp_Last_Activity: '2026-11-27T07:00:00+00:00' } },
      { recordId: 'Leads/4876876000199999999', values: { First_Name: 'Nobody' } },
    ],
    'fields',
    false,
  );
  const contact = await account.user.convert(converted);
  await account.user.remove(removed);
  await account.user.deals?.create(contact, { Stage: 'Qualification' });
  await connector.read([kept, converted, removed, contact], ['Phone'], 'fields');
  await connector.findByContactId(['a', 'd'], ['Phone'], 'new lead');
  await connector.findByPhone(['+919876543210', '+4930123456'], ['Phone'], 'new lead');
  for (const from of [{}, { changedSince: clock.now() - 60_000 }]) {
    let cursor: string | undefined;
    do {
      const page = await connector.scan(
        { ...from, ...(cursor === undefined ? {} : { cursor }) },
        [],
        'import',
      );
      cursor = page.next;
    } while (cursor !== undefined);
  }
  const entry = {
    entryKey: 'k-1',
    recordId: kept,
    at: clock.now(),
    title: 'WhatsApp with Asha',
    lines: [],
  };
  const write = async (entryId?: string) =>
    connector.timeline.write([{ entry, ...(entryId === undefined ? {} : { entryId }) }], 'timeline');
  const [first] = await write();
  const entryId = first?.outcome === 'written' ? first.entryId : '';
  await write(entryId);
  expect(await connector.timeline.find([kept], 'timeline')).toMatchObject([{ entryId }]);
  await connector.timeline.remove([entryId], 'timeline');
  await connector.undelivered?.(clock.now());
  // Again, it is renewed.
  await account.webhooksTo(async () => {});
  await account.webhooksTo(async () => {});

  expect(zohoObjections(exchangesSoFar(), data ?? new Map()).toSorted()).toEqual(leftOut.toSorted());
});
