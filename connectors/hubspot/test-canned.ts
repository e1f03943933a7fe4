import type { Connector } from '@sangam/core/crm';
import { createHubspotConnector } from './connector.ts';
import { onlyToken, openDoor } from '../shared/test-access.ts';
import { bodyOf, serve } from '../shared/test-server.ts';

export interface Canned {
  readonly status: number;
  readonly body: object;
}

/** A connector whose HubSpot gives these answers, one a request, and the bodies it sent. */
export async function hubspotAnswering(
  ...answers: Canned[]
): Promise<{ connector: Connector; sent: unknown[] }> {
  const sent: unknown[] = [];
  const basePath = await serve(async (request, response) => {
    sent.push(JSON.parse((await bodyOf(request)) || 'null'));
    const { status, body } = answers.shift() ?? { status: 500, body: {} };
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(status === 204 ? '' : JSON.stringify(body));
  });
  const connector = createHubspotConnector({
    basePath,
    credentials: onlyToken('token'),
    permits: openDoor,
  });
  return { connector, sent };
}
