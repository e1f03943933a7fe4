/** Answers that something between gives in HubSpot's place: an outage of the moment, never a word about us or a record. */
import { describe, expect, test } from 'vitest';
import { createHubspotConnector } from './connector.ts';
import { onlyToken, openDoor } from '../shared/test-access.ts';
import { serve } from '../shared/test-server.ts';

const statuses = [200, 201, 207, 400, 401, 403, 404, 409];
const bodies: [string, string][] = [
  ['a page', '<html><body>Access denied</body></html>'],
  ['nothing', ''],
  ['other JSON', '{"message":"Forbidden"}'],
  ['an empty object', '{}'],
  ['a list', '[]'],
  ['half an answer', '{"results":[{"id":"1"'],
];

describe.each(statuses)('status %i', (status) => {
  test.each(bodies)('with %s blocks nobody and makes no dead letter', async (_, body) => {
    const basePath = await serve((_request, response) => response.writeHead(status).end(body));
    const connector = createHubspotConnector({
      basePath,
      credentials: onlyToken('token'),
      permits: openDoor,
    });
    const passes = { retry: 'later', origin: 'crm' };
    const create = { contactId: 'a', values: { firstname: 'Asha' } };
    const update = { recordId: '1', values: { firstname: 'Asha' } };
    const entry = { entryKey: 'k', recordId: '1', at: 0, title: '', lines: [] };
    await expect(connector.create([create], 'new lead')).rejects.toMatchObject(passes);
    await expect(connector.update([update], 'fields')).rejects.toMatchObject(passes);
    await expect(connector.read(['1'], [], 'fields')).rejects.toMatchObject(passes);
    await expect(connector.timeline.find(['1'], 'timeline')).rejects.toMatchObject(passes);
    await expect(connector.timeline.write([{ entry }], 'timeline')).rejects.toMatchObject(passes);
    await expect(connector.scan({}, [], 'import')).rejects.toMatchObject(passes);
  });
});
