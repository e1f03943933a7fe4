/** Answers that something between gives in Zoho's place: an outage of the moment, never a word about us or a record. */
import { expect, test } from 'vitest';
import { serve } from '../shared/test-server.ts';
import { openOrg } from './test-org.ts';

/** All but 204 and 304, which are Zoho's own way to say that there is nothing. */
const statuses = [200, 201, 207, 400, 401, 403, 404, 409];
const bodies: [string, string][] = [
  ['a page', '<html><body>Access denied</body></html>'],
  ['nothing', ''],
  ['other JSON', '{"message":"Forbidden"}'],
  ['an empty object', '{}'],
  ['a list', '[]'],
  ['half an answer', '{"data":[{"id":"1"'],
];

test.each(bodies)('%s blocks nobody, makes no dead letter and takes no record away', async (_, body) => {
  const org = await openOrg();
  await org.connect().provision();
  let status = 200;
  const between = await serve(async (request, response) => {
    const url = request.url ?? '';
    if (!url.startsWith('/crm/v8/settings/')) {
      response.writeHead(status).end(body);
      return;
    }
    const authorization = request.headers.authorization ?? '';
    const passed = await fetch(`${org.root}${url}`, { headers: { authorization } });
    response.writeHead(passed.status).end(await passed.text());
  });
  const connector = org.connect({ apiBase: between });
  const passes = { retry: 'later', origin: 'crm' };
  const create = { contactId: 'a', values: { Last_Name: 'Rao' } };
  const update = { recordId: 'Leads/1', values: { Last_Name: 'Rao' } };
  const entry = { entryKey: 'k', recordId: 'Leads/1', at: 0, title: '', lines: [] };
  for (status of statuses) {
    const said = `status ${String(status)}`;
    await expect(connector.create([create], 'new lead'), said).rejects.toMatchObject(passes);
    await expect(connector.update([update], 'fields'), said).rejects.toMatchObject(passes);
    await expect(connector.read(['Leads/1'], [], 'fields'), said).rejects.toMatchObject(passes);
    await expect(connector.findByContactId(['a'], [], 'fields'), said).rejects.toMatchObject(passes);
    await expect(connector.findByPhone(['+919812345678'], [], 'fields'), said).rejects.toMatchObject(passes);
    await expect(connector.timeline.find(['Leads/1'], 'timeline'), said).rejects.toMatchObject(passes);
    await expect(connector.timeline.write([{ entry }], 'timeline'), said).rejects.toMatchObject(passes);
    await expect(connector.scan({}, [], 'import'), said).rejects.toMatchObject(passes);
  }
});
